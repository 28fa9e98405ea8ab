"""Moves the server's clock, on request: one move at a time, and written down so that a restart doesn't turn it back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from fogbank.storage.server import clock_setting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from collections.abc import Set as AbstractSet

    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store


# How long the clock stands, in seconds of real time, for functions to end that an instant has set off.
FUNCTION_SECONDS: Final = 10.0


class SharedTimeError(Exception):
    """Other servers use the same database, and have clocks of their own."""


class TimeControl:
    """Advances, freezes and resumes a clock; `settle` returns once nothing is under way that doesn't wait for it.

    Functions (`under_way`) run in real time, whatever the clock says: an advance waits for those that it sets off, so
    that an hour that passes in an instant isn't taken for one that they needed.

    Only a store that is this server's alone has a time of its own: otherwise all raise `SharedTimeError`.
    """

    def __init__(self, store: Store, clock: Clock, settle: Callable[[], Awaitable[None]]) -> None:
        self.clock = clock
        self.under_way: AbstractSet[asyncio.Future[None]] = set()
        self._store = store
        self._settle = settle
        self._turn = asyncio.Lock()

    async def restore(self) -> None:
        """Go on with the time that was kept, if one was; before anything waits for the clock."""
        if self._store.exclusive:
            setting = await self._store.read(clock_setting.find)
            if setting is not None:
                self.clock.set(setting)

    async def keep(self) -> None:
        """Write down how the clock is set, if it was moved."""
        setting = self.clock.setting
        if self._store.exclusive and (setting.offset_us or setting.frozen_us is not None):
            await self._store.run(clock_setting.keep, setting)

    async def advance(self, by_us: int) -> None:
        """Move the clock on; everything that falls due meanwhile has fired when this returns, in order."""
        async with self._turn:
            self._check()
            await self._move(by_us)

    async def advance_to_next(self) -> bool:
        """Move the clock to the next instant at which something is due, and have it fire; False if nothing is."""
        async with self._turn:
            self._check()
            due_us = self.clock.next_due_us
            if due_us is None:
                return False
            await self._move(max(0, due_us - self.clock.now()))
            return True

    async def freeze(self) -> None:
        """Let time stand still."""
        async with self._turn:
            self._check()
            self.clock.freeze()
            await self._note()

    async def resume(self) -> None:
        """Let time run on from where it stands."""
        async with self._turn:
            self._check()
            self.clock.resume()
            await self._note()

    async def _move(self, by_us: int) -> None:
        before = frozenset(self.under_way)

        async def settle() -> None:
            await self._settle()
            while begun := self.under_way - before:
                _done, late = await asyncio.wait(begun, timeout=FUNCTION_SECONDS)
                if late:
                    return
                await self._settle()

        try:
            await self.clock.advance(by_us, settle)
        finally:
            await self._note()

    def _check(self) -> None:
        if not self._store.exclusive:
            raise SharedTimeError

    async def _note(self) -> None:
        await self._store.run(clock_setting.keep, self.clock.setting)
