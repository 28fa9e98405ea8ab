"""The one clock that everything in Fogbank reads and waits on.

Times are whole microseconds since the Unix epoch (`int`, names end in `_us`). The clock runs with the wall
clock until it is frozen; `advance` moves it and fires, in order, everything that falls due on the way, so a
test can live through a retention period in milliseconds.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SECOND_US: Final = 1_000_000
MILLISECOND_US: Final = 1_000


def _wall_us() -> int:
    return time_ns() // 1_000


def wake(waiter: asyncio.Future[None]) -> None:
    """Let whoever awaits the future go on, if it still waits."""
    if not waiter.done():
        waiter.set_result(None)


class Alarm:
    """A callback that waits for its time; `cancel` takes it back."""

    __slots__ = ("_callback", "due_us")

    def __init__(self, due_us: int, callback: Callable[[], None]) -> None:
        self.due_us = due_us
        self._callback: Callable[[], None] | None = callback

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled or has fired already."""
        return self._callback is None

    def cancel(self) -> None:
        """Take the alarm back; one that has fired already is left alone."""
        self._callback = None

    def fire(self) -> None:
        """Run the callback, once."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class Setting(NamedTuple):
    """How a clock is set: how far it is ahead of the machine's, and at what instant it stands, if it does."""

    offset_us: int
    frozen_us: int | None


class Clock:
    """Wall time plus an offset, or a frozen instant; alarms follow whichever it is.

    `frozen_at_us` starts it frozen (simulations); otherwise it runs. An alarm never fires early: if the wall
    clock was set back meanwhile, the alarm is armed again.
    """

    def __init__(self, *, frozen_at_us: int | None = None) -> None:
        self._offset_us = 0
        self._frozen_us = frozen_at_us
        self._alarms: list[tuple[int, int, Alarm]] = []
        self._upkeep: list[tuple[int, int, Alarm]] = []
        self._count = itertools.count()
        self._handle: asyncio.TimerHandle | None = None
        self._handle_due_us = 0

    def now(self) -> int:
        """Now, in microseconds since the epoch."""
        if self._frozen_us is not None:
            return self._frozen_us
        # As `_wall_us` has it, without the call: every request asks.
        return time_ns() // 1_000 + self._offset_us

    @staticmethod
    def wall() -> int:
        """The machine's own time, in microseconds since the epoch: for what processes compare with theirs."""
        return _wall_us()

    @staticmethod
    def monotonic() -> float:
        """Seconds of real time from an arbitrary start: for measuring what code costs, never for what is due."""
        return time.monotonic()

    @property
    def frozen(self) -> bool:
        """Whether time stands still until `advance` or `resume`."""
        return self._frozen_us is not None

    @property
    def next_due_us(self) -> int | None:
        """When the earliest waiting alarm is due that isn't for upkeep, if one waits."""
        return _earliest(self._alarms)

    @property
    def setting(self) -> Setting:
        """How the clock is set."""
        return Setting(self._offset_us, self._frozen_us)

    def set(self, setting: Setting) -> None:
        """Set the clock, before anything waits for it."""
        assert not self._alarms, "alarms were armed by another time"
        self._offset_us, self._frozen_us = setting

    def freeze(self) -> None:
        """Stop time where it is."""
        if self._frozen_us is None:
            self._frozen_us = self.now()
            self._disarm()

    def resume(self) -> None:
        """Let time run on from where it stands."""
        if self._frozen_us is not None:
            self._offset_us = self._frozen_us - _wall_us()
            self._frozen_us = None
            self._arm()

    def call_at(self, due_us: int, callback: Callable[[], None], *, upkeep: bool = False) -> Alarm:
        """Call back on the running event loop once the clock has reached `due_us`.

        What is done for `upkeep`, again and again and whenever there is time, is no instant at which an advance stops.
        """
        alarm = Alarm(due_us, callback)
        heapq.heappush(self._upkeep if upkeep else self._alarms, (due_us, next(self._count), alarm))
        if self._frozen_us is None and (self._handle is None or due_us < self._handle_due_us):
            self._arm()
        elif self._frozen_us is not None and due_us <= self._frozen_us:
            asyncio.get_running_loop().call_soon(self._fire_due)
        return alarm

    async def sleep_until(self, due_us: int, *, upkeep: bool = False) -> None:
        """Wait until the clock has reached `due_us`; returns at once if it has. `upkeep` is that of `call_at`."""
        if due_us <= self.now():
            return
        woken = asyncio.get_running_loop().create_future()
        alarm = self.call_at(due_us, partial(wake, woken), upkeep=upkeep)
        try:
            await woken
        finally:
            alarm.cancel()

    async def sleep(self, seconds: float, *, upkeep: bool = False) -> None:
        """Wait for that many seconds of this clock. `upkeep` is that of `call_at`."""
        await self.sleep_until(self.now() + int(seconds * SECOND_US), upkeep=upkeep)

    async def advance(self, by_us: int, settle: Callable[[], Awaitable[None]]) -> None:
        """Move the clock forward by `by_us`, stopping at each instant at which something is due.

        `settle` is awaited after each stop and must return only when nothing that the stop set off is still
        under way; what it arms within the span fires too. Afterwards the clock runs or stands as before. Upkeep that
        falls due between stops is done at the next one, once.
        """
        if by_us < 0:
            msg = f"The clock moves forward only; asked for {by_us} µs."
            raise ValueError(msg)
        was_running = self._frozen_us is None
        self.freeze()
        # What has begun at this time isn't to find another one.
        await settle()
        target_us = self.now() + by_us
        while (due_us := self.next_due_us) is not None and due_us <= target_us:
            self._frozen_us = max(due_us, self.now())
            self._fire_due()
            await settle()
        self._frozen_us = target_us
        self._fire_due()
        await settle()
        if was_running:
            self.resume()

    def _fire_due(self) -> None:
        now_us = self.now()
        for alarms in (self._alarms, self._upkeep):
            while (due_us := _earliest(alarms)) is not None and due_us <= now_us:
                heapq.heappop(alarms)[2].fire()

    def _disarm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        self._disarm()
        due_us = min((each for each in (self.next_due_us, _earliest(self._upkeep)) if each is not None), default=None)
        if due_us is not None and self._frozen_us is None:
            # Rounded up to the next millisecond: waking early would only mean waking twice.
            delay_s = max(0, due_us - self.now() + 999) / SECOND_US
            self._handle_due_us = due_us
            self._handle = asyncio.get_running_loop().call_later(delay_s, self._on_timer)

    def _on_timer(self) -> None:
        self._handle = None
        self._fire_due()
        if self._handle is None:
            self._arm()


def _earliest(alarms: list[tuple[int, int, Alarm]]) -> int | None:
    """Return when the first of some alarms is due that is still waited for."""
    while alarms and alarms[0][2].cancelled:
        heapq.heappop(alarms)
    return alarms[0][0] if alarms else None
