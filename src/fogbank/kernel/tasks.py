"""Background work that is named, restarted when it fails, visible, and stopped in order."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

RESTART_SECONDS_MIN: Final = 0.05
RESTART_SECONDS_MAX: Final = 5.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class TaskState:
    """What is known of one supervised task."""

    name: str
    restarts: int = 0
    last_error: str = ""


class Supervisor:
    """Owns the background tasks of one part of the server.

    The parts are closed in the reverse of the order in which they were started (the composition root keeps
    that order), so nobody outlives what it stands on.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._tasks: dict[asyncio.Task[None], TaskState] = {}
        self._closing = False

    @property
    def states(self) -> list[TaskState]:
        """The tasks that run now, with what went wrong in them so far."""
        return list(self._tasks.values())

    @property
    def idle(self) -> bool:
        """Whether no task is left."""
        return not self._tasks

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run `work` until it returns; when it raises, log it and run it again after a growing pause."""
        state = TaskState(f"{self.name}/{name}")
        return self._start(state, self._keep(state, work))

    def spawn(self, name: str, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run one coroutine to its end; an error is logged and remembered, not raised."""
        state = TaskState(f"{self.name}/{name}")
        if self._closing:
            work.close()
        return self._start(state, self._once(state, work))

    async def close(self) -> None:
        """Cancel every task and wait until all have ended."""
        self._closing = True
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, state: TaskState, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        if self._closing:
            work.close()
            msg = f"{self.name} is closing; {state.name} can't start"
            raise RuntimeError(msg)
        task = asyncio.get_running_loop().create_task(work, name=state.name)
        self._tasks[task] = state
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]

    async def _keep(self, state: TaskState, work: Callable[[], Awaitable[None]]) -> None:
        pause_s = RESTART_SECONDS_MIN
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - whatever it is, the task goes on
                state.restarts += 1
                state.last_error = repr(error)
                _log.exception("%s failed (%d times); it starts again", state.name, state.restarts)
                await asyncio.sleep(pause_s)
                pause_s = min(RESTART_SECONDS_MAX, pause_s * 2)
            else:
                return

    async def _once(self, state: TaskState, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - nobody awaits the task
            state.last_error = repr(error)
            _log.exception("%s failed", state.name)
