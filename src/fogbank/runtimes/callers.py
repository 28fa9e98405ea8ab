"""Who is at the other end of a connection from this machine: one of the functions, or somebody else.

proc(5), /proc/net/tcp: each socket's addresses, its user and its inode. A function that has a user of its own is
known by that; any other by whether a process of an instance holds the socket.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.runtimes.process import tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOCAL, _REMOTE, _STATE, _USER, _INODE = 1, 2, 3, 7, 9
_LISTEN: Final = "0A"
_SOCKET: Final = "socket:["


class Socket(NamedTuple):
    """A socket as the kernel lists it."""

    user: int
    inode: int


def find_socket(address: str, port: int, here: int) -> Socket | None:
    """Return the socket at the other end of a connection to port `here`; None if it is another machine's.

    The kernel gives one port to several outgoing connections that go to different places, so that theirs alone doesn't
    tell.
    """
    wanted = set(_written(address, port))
    # What others open and close while the table is read may hide a line of it.
    for _ in range(2):
        for fields in _sockets():
            if fields[_LOCAL] in wanted and fields[_INODE] != "0" and _port(fields[_REMOTE]) == here:
                return Socket(int(fields[_USER]), int(fields[_INODE]))
    return None


def listens(address: str, port: int) -> bool:
    """Whether somebody on this machine takes connections at this address and port."""
    wanted = {*_written(address, port), *_written("0.0.0.0", port), *_written("::", port)}  # noqa: S104 - looked for
    return any(fields[_LOCAL] in wanted and fields[_STATE] == _LISTEN for fields in _sockets())


def is_held(inode: int, keepers: Iterable[int]) -> bool:
    """Whether one of these processes, or one that they started, holds a socket."""
    return any(inode in _inodes(pid) for keeper in keepers for pid in tree(keeper))


def _inodes(pid: int) -> set[int]:
    """Return the sockets that a process holds."""
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            targets = [_target(entry.path) for entry in entries]
    except OSError:
        return set()
    return {int(target[len(_SOCKET) : -1]) for target in targets if target.startswith(_SOCKET)}


def _sockets() -> Iterator[list[str]]:
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            yield line.split()


def has_socket(keeper: int, address: str, port: int, here: int) -> bool:
    """Whether a process, or one that it started, is at the other end of a connection, as `find_socket` finds it."""
    found = find_socket(address, port, here)
    return found is not None and is_held(found.inode, [keeper])


def _target(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 - one of very many
    except OSError:
        return ""


def _port(written: str) -> int:
    return int(written.rpartition(":")[2], 16)


def _written(address: str, port: int) -> Iterator[str]:
    """Yield how an address is written in the tables: words of four bytes in the machine's own order."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = [socket.inet_pton(family, address)]
    if family == socket.AF_INET:
        packed.append(bytes(10) + b"\xff\xff" + packed[0])
    for each in packed:
        words = struct.unpack(f"={len(each) // 4}I", each)
        yield f"{''.join(f'{word:08X}' for word in words)}:{port:04X}"
