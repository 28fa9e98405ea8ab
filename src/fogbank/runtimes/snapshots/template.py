"""Templates: instances that have been initialised and run nothing, from which others are forked.

A fork shares its template's sandbox: its root and its temporary folder. It has a keeper, a channel, an output and
control groups of its own, so that it ends, prints and is limited by itself.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Final

from fogbank.kernel.clock import wake
from fogbank.runtimes.nursery import Stem, StemError
from fogbank.runtimes.process import Process

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.runtimes.control_groups import Group
    from fogbank.runtimes.instance import Instance
    from fogbank.runtimes.model import Launch

FORK_SECONDS_MAX: Final = 10.0
# unix(7), SCM_CREDENTIALS: process, user, group, as the receiver's namespaces number them.
_CREDENTIALS: Final = struct.Struct("iII")
_LINE_BYTES_MAX: Final = 4_096


class Template:
    """An instance that forks itself on orders (see `inside/snapshot.py`); `make_group` makes control groups."""

    def __init__(self, instance: Instance, make_group: Callable[[], Group | None]) -> None:
        self.instance = instance
        self._make_group = make_group
        self._one_at_a_time = asyncio.Lock()

    async def fork(self, output: int) -> Stem:
        """Return a fork, whose output goes to a descriptor; it waits for its environment. Raises `StemError`."""
        async with self._one_at_a_time:
            try:
                return await asyncio.wait_for(self._fork(output), FORK_SECONDS_MAX)
            except (OSError, TimeoutError) as error:
                msg = f"no instance could be forked: {str(error) or type(error).__name__}"
                raise StemError(msg) from error

    async def _fork(self, output: int) -> Stem:
        group = self._make_group()
        channel, their_channel = socket.socketpair()
        line, their_line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        channel.setblocking(False)
        line.setblocking(False)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            with their_channel, their_line:
                self.instance.order("fork", [their_channel.fileno(), output, their_line.fileno()])
            keeper = await _hear_of(line)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
            if group is not None:
                group.take(keeper)
            line.send(b"go")
        except BaseException:
            channel.close()
            line.close()
            if group is not None:
                group.remove()
            raise
        return Stem(Process(keeper, line, group, enclosed=False), channel)


class Templates:
    """The templates of functions that have one; `start` starts an instance that is to become one."""

    def __init__(self, start: Callable[[Launch], Awaitable[Instance]], make_group: Callable[[], Group | None]) -> None:
        self._start = start
        self._make_group = make_group
        self._templates: dict[tuple[int, int], Template] = {}
        self._locks: dict[tuple[int, int], asyncio.Lock] = {}

    async def find(self, launch: Launch) -> Template | Instance:
        """Return a function's template, or the instance that was to become it and couldn't be initialised."""
        async with self._locks.setdefault(launch.key, asyncio.Lock()):
            template = self._templates.get(launch.key)
            if template is not None and template.instance.usable:
                return template
            if template is not None:
                del self._templates[launch.key]
                await template.instance.stop()
            instance = await self._start(launch)
            if not await instance.become_template():
                return instance
            template = self._templates[launch.key] = Template(instance, self._make_group)
            return template

    def take(self, key: tuple[int, int]) -> Template | None:
        """Return a function's template, if it has one, and know of it no more."""
        lock = self._locks.get(key)
        if lock is not None and not lock.locked():
            del self._locks[key]
        return self._templates.pop(key, None)

    async def close(self) -> None:
        """End every template."""
        for key in list(self._templates):
            template = self.take(key)
            assert template is not None
            await template.instance.stop()


async def _hear_of(line: socket.socket) -> int:
    """Return the number of a keeper that is ready, as this process numbers it; raises `OSError`."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(line.fileno(), wake, readable)
    try:
        await readable
    finally:
        loop.remove_reader(line.fileno())
    said, ancillary, _, _ = line.recvmsg(_LINE_BYTES_MAX, socket.CMSG_SPACE(_CREDENTIALS.size))
    for level, kind, data in ancillary:
        if said and level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            return int(_CREDENTIALS.unpack(data)[0])
    msg = "its keeper ended at once"
    raise StemError(msg)
