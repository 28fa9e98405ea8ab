"""Requests that wait for an instance: so many are let in at a time, the others for so long, and then refused."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.kernel.clock import Clock

WAITING_MAX: Final = 1_000


class NoRoomError(Exception):
    """It waited as long as it may, or too many wait already."""


class WaitingRoom:
    """Counts who is in, by function."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._inside: dict[int, int] = {}
        self._waiting: dict[int, deque[asyncio.Future[bool]]] = {}

    async def enter(self, function: int, places: int, wait_seconds: float) -> None:
        """Go in, as one of at most `places`; raises `NoRoomError`. Whoever went in has to `leave`."""
        inside = self._inside.get(function, 0)
        if inside < places:
            self._inside[function] = inside + 1
            return
        queue = self._waiting.setdefault(function, deque())
        if len(queue) >= WAITING_MAX:
            raise NoRoomError
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        alarm = self._clock.call_at(self._clock.now() + int(wait_seconds * SECOND_US), _teller(turn))
        try:
            let_in = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave(function)
            raise
        finally:
            alarm.cancel()
            if turn in queue:
                queue.remove(turn)
        if not let_in:
            raise NoRoomError

    def leave(self, function: int) -> None:
        """Make room for the next."""
        queue = self._waiting.get(function)
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self._waiting.pop(function, None)
        self._inside[function] -= 1
        if not self._inside[function]:
            del self._inside[function]


def _teller(turn: asyncio.Future[bool]) -> Callable[[], None]:
    def tell() -> None:
        if not turn.done():
            turn.set_result(False)

    return tell
