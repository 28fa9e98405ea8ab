"""Which functions are debugged, on which ports their instances wait for a debugger, and when one does.

Kept in memory only: debugging ends with the server. A debugged function has one instance at a time, which nothing ends
for the time that it takes.
"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from fogbank.runtimes.callers import listens

if TYPE_CHECKING:
    from fogbank.runtimes.model import Launch

HOST: Final = "127.0.0.1"
# What a debugger takes beside the function's own memory, and as much time as anybody debugs at a stretch.
MEMORY_MIB: Final = 512
SECONDS: Final = 24 * 3_600
# There is nothing that tells when a program begins to listen.
LOOK_SECONDS: Final = 0.02


class DebuggingError(Exception):
    """A function can't be debugged; the message says why, and what would help."""


class Debugged:
    """A function that is debugged; `waits` counts the instances that have begun to wait for a debugger."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.waits = 0
        self._changed = asyncio.Event()

    async def follow(self, after: int, seconds: float) -> int:
        """Return `waits` once it is more than `after`, or after so many seconds of real time."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while self.waits <= after and loop.time() < ends:
            self._changed.clear()
            timer = loop.call_at(ends, self._changed.set)
            try:
                await self._changed.wait()
            finally:
                timer.cancel()
        return self.waits

    async def watch(self, exited: asyncio.Future[int]) -> None:
        """Notice when a new instance listens, unless it ends before."""
        while not exited.done():
            if listens(HOST, self.port):
                self.waits += 1
                self._changed.set()
                return
            await asyncio.sleep(LOOK_SECONDS)


class Debugging:
    """The functions that are debugged, by their ids."""

    def __init__(self) -> None:
        self._functions: dict[int, Debugged] = {}

    def begin(self, function: int, runtime: str, port: int) -> None:
        """Debug a function from now on; raises `DebuggingError`."""
        if runtime.startswith("python"):
            if find_spec("debugpy") is None:
                msg = "Python functions are debugged by debugpy, which isn't there: pip install 'fogbank[debug]'."
                raise DebuggingError(msg)
        elif not runtime.startswith("node"):
            msg = f"Functions in Python and Node.js can be debugged, not those of the runtime {runtime}."
            raise DebuggingError(msg)
        owner = next((owner for owner, each in self._functions.items() if each.port == port), None)
        if owner != function and (owner is not None or listens(HOST, port)):
            msg = f"Something listens on {HOST}:{port} already; choose another port."
            raise DebuggingError(msg)
        self._functions[function] = Debugged(port)

    def find(self, function: int) -> Debugged | None:
        """Return a function that is debugged, None if it isn't."""
        return self._functions.get(function)

    def end(self, function: int) -> bool:
        """Debug a function no more; False if it wasn't."""
        return self._functions.pop(function, None) is not None

    def forget(self) -> None:
        """Debug nothing more."""
        self._functions.clear()

    def adapt(self, launch: Launch) -> Launch:
        """Return how a function is launched that may be debugged."""
        debugged = self._functions.get(launch.key[0])
        if debugged is None:
            return launch
        # Nothing is forked from it, either: what waits for a debugger is one process, from its start.
        one = launch._replace(instances_max=1, instances_min=0, queued=True, snapshot=False)
        return one._replace(debug_port=debugged.port)
