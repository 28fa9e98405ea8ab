"""An instance's process as the server sees it: its keeper (see `inside/zygote.py`), watched and ended.

Ending it ends all that it started. In a namespace of its own the kernel does that when the keeper ends; elsewhere
descendants are killed one by one until none is left, and since orphans come to the keeper, none gets away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.runtimes.control_groups import PROCESSES_MAX

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from fogbank.runtimes.control_groups import Group

_KILLED: Final = -int(signal.SIGKILL)
_LINE_BYTES_MAX: Final = 4_096
_AGAIN_SECONDS: Final = 0.01
# A keeper that has been stopped can't end its own; then it is done from here.
_KEEPER_SECONDS_MAX: Final = 2.0


class Process:
    """A keeper and what it keeps. `exited` is the status of the function's process, negative for a signal."""

    def __init__(self, keeper: int, line: socket.socket, group: Group | None, *, enclosed: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self.keeper = keeper
        self.exited: asyncio.Future[int] = self._loop.create_future()
        # Done when nothing is left of it.
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self.group = group
        self._line = line
        self._enclosed = enclosed
        self._loop.add_reader(line.fileno(), self._on_line)
        self._handle = os.pidfd_open(keeper)
        self._loop.add_reader(self._handle, self._on_end)

    @property
    def running(self) -> bool:
        """Whether the function's process hasn't ended."""
        return not self.exited.done()

    def resident_bytes(self) -> int:
        """Memory that all of it holds now, counted page by page in each process; and a limit on processes."""
        pids = list(tree(self.keeper))[1:]
        if len(pids) > PROCESSES_MAX:
            return 1 << 62
        return sum(_status_bytes(pid, "VmRSS:") for pid in pids)

    def peak_bytes(self) -> int:
        """The most memory that was held."""
        if self.group is not None and (peak := self.group.peak_bytes()):
            return peak
        return max((_status_bytes(pid, "VmHWM:") for pid in _children(self.keeper)), default=0)

    def companions(self) -> int:
        """How many programs run beside the function's own process: those that the keeper took over."""
        return max(0, len(_children(self.keeper)) - int(self.running))

    def kill(self) -> None:
        """Begin to end it and all that it started; `gone` is done when that is so."""
        if self.gone.done():
            return
        if self._enclosed:
            self._signal(self.keeper)
            return
        for pid in list(tree(self.keeper))[1:]:
            self._signal(pid)
        with contextlib.suppress(OSError):
            # The keeper sees that its line is cut, and ends what is left.
            self._line.send(b"end")
        self._loop.call_later(_KEEPER_SECONDS_MAX, self._insist)

    async def terminate(self, seconds: float) -> None:
        """Ask the function's own process to end, and give it so long."""
        if not self.running:
            return
        for pid in _children(self.keeper)[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        await asyncio.wait({self.exited}, timeout=seconds)

    async def end(self) -> None:
        """End it and all that it started, and wait until nothing is left."""
        self.kill()
        await asyncio.shield(self.gone)

    def _insist(self) -> None:
        if not self.gone.done():
            for pid in list(tree(self.keeper)):
                self._signal(pid)

    def _signal(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _on_line(self) -> None:
        try:
            data = self._line.recv(_LINE_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up()
        elif (status := msgspec.json.decode(data).get("status")) is not None and not self.exited.done():
            self.exited.set_result(status)

    def _hang_up(self) -> None:
        if self._line.fileno() >= 0:
            self._loop.remove_reader(self._line.fileno())
            self._line.close()
        if not self.exited.done():
            self.exited.set_result(_KILLED)

    def _on_end(self) -> None:
        self._loop.remove_reader(self._handle)
        os.close(self._handle)
        if self._line.fileno() >= 0:
            # What the keeper said last.
            self._on_line()
        self._hang_up()
        self._let_go()

    def _let_go(self) -> None:
        """Remove the control groups, once they are empty."""
        if self.group is not None and not self.group.remove():
            self._loop.call_later(_AGAIN_SECONDS, self._let_go)
        elif not self.gone.done():
            self.gone.set_result(None)


def _children(pid: int) -> list[int]:
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    except OSError:
        pass
    return found


def tree(pid: int) -> Iterator[int]:
    """Yield a process and its descendants, parents first."""
    todo = [pid]
    while todo:
        pid = todo.pop()
        yield pid
        todo += _children(pid)


def _status_bytes(pid: int, name: str) -> int:
    try:
        with Path(f"/proc/{pid}/status").open() as file:
            for line in file:
                if line.startswith(name):
                    return int(line.split()[1]) * 1_024
    except OSError:
        pass
    return 0
