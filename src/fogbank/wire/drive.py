"""Running a coroutine without a task: at half a task's cost, for handlers that mostly wait for one commit.

A driven coroutine may await futures, tasks and what is made of them. What needs a task of its own around it
(`asyncio.timeout`, task groups, and `asyncio.wait_for` from Python 3.12 on) raises a RuntimeError in it; such
work belongs into a task that the coroutine awaits.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class Drive(Generic[T]):
    """A started coroutine on its way to its end; `done(result, error)` is called once, there."""

    __slots__ = ("_done", "_raise", "_waits_for", "_work")

    def __init__(
        self,
        work: Coroutine[Any, Any, T],
        waits_for: asyncio.Future[Any] | None,
        done: Callable[[T | None, BaseException | None], None],
    ) -> None:
        self._work = work
        self._done = done
        self._raise: BaseException | None = None
        self._waits_for: asyncio.Future[Any] | None = None
        self._wait(waits_for)

    def cancel(self) -> None:
        """Raise `CancelledError` in the coroutine where it waits; it may still end as it likes."""
        if self._waits_for is None or not self._waits_for.cancel():
            # What it waited for has come, and has not been taken yet: it is cancelled at its next step.
            self._raise = asyncio.CancelledError()

    def _wait(self, waits_for: asyncio.Future[Any] | None) -> None:
        self._waits_for = waits_for
        if waits_for is None:
            # What `asyncio.sleep(0)` yields: a turn for the others.
            asyncio.get_running_loop().call_soon(self._step)
        elif getattr(waits_for, "_asyncio_future_blocking", False):
            # The flag by which a task recognises that it was awaited, not merely yielded.
            waits_for._asyncio_future_blocking = False  # noqa: SLF001 - the protocol between futures and tasks
            waits_for.add_done_callback(self._step)
            if self._raise is not None and waits_for.cancel():
                self._raise = None
        else:
            self._waits_for = None
            self._raise = RuntimeError(f"{waits_for!r} can't be awaited here")
            asyncio.get_running_loop().call_soon(self._step)

    def _step(self, _future: object = None) -> None:
        error, self._raise = self._raise, None
        try:
            waits_for = self._work.send(None) if error is None else self._work.throw(error)
        except StopIteration as stop:
            self._done(stop.value, None)
        except (Exception, asyncio.CancelledError) as failure:  # noqa: BLE001 - it goes to whoever asked for the work
            self._done(None, failure)
        else:
            self._wait(waits_for)
