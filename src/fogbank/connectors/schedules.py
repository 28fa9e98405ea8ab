"""Runs what clocks set off: each lane's invocations one after another, as timers of Azure Functions run.

Nothing is tried again: a schedule comes round by itself. What a crash interrupts is run again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from fogbank.connectors.taking import After, Taker
from fogbank.engines.functions import scheduled
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.runtimes.model import Invocation
from fogbank.runtimes.runner import BusyError

if TYPE_CHECKING:
    from fogbank.connectors.invoker import Invoker
    from fogbank.engines.functions.scheduled import ScheduledInvocation
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.storage.leasing.work_queue import Due

# Those that run, and those that wait for others of their lane.
HELD_MAX: Final = 1_000
TAKEN_TOGETHER_MAX: Final = 50
BUSY_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


class _Lane:
    """Invocations that run one after another: how many there are, and until when the last was under way."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.held = 0
        self.busy_until_us = 0
        self.failed = False


class Schedules:
    """Runs scheduled invocations."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, invoker: Invoker) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._invoker = invoker
        self._lanes: dict[str, _Lane] = {}
        self._taker = Taker(
            "schedules",
            (store, clock, ids),
            scheduled.QUEUE,
            self._do,
            lambda queued: queued.lane,
            at_once_max=HELD_MAX,
            together_max=TAKEN_TOGETHER_MAX,
            order=lambda queued: queued.due_us,
        )

    def start(self) -> None:
        """Begin."""
        self._taker.start()

    async def close(self) -> None:
        """Stop; what runs is taken up again by the next start, or by another server when its lease ends."""
        await self._taker.close()

    async def _do(self, due: Due[ScheduledInvocation]) -> After:
        queued = due.item
        lane = self._lanes.setdefault(queued.lane, _Lane())
        lane.held += 1
        try:
            # All that were taken together enter before the first runs.
            await asyncio.sleep(0)
            async with lane.turn:
                return await self._take_turn(lane, due)
        finally:
            lane.held -= 1
            if not lane.held:
                del self._lanes[queued.lane]

    async def _take_turn(self, lane: _Lane, due: Due[ScheduledInvocation]) -> After:
        if lane.failed:
            # One that couldn't be run comes first; they are taken again together.
            return After.LEFT
        # Until it is known that it has not.
        lane.failed = True
        if due.item.always or due.item.due_us >= lane.busy_until_us:
            lane.busy_until_us = await self._run(due.item)
        await self._store.run(scheduled.QUEUE.finish, due)
        lane.failed = False
        return After.SETTLED

    async def _run(self, queued: ScheduledInvocation) -> int:
        """Run one invocation; returns until when it was under way, as if it had begun when it was due."""
        started = self._clock.monotonic()
        while True:
            try:
                name = (queued.scope, queued.function)
                invocation = Invocation(self._ids.uuid(), queued.event, queued.context)
                await self._invoker.invoke(name, invocation, source="schedule")
            except FunctionNotFoundError:
                _log.warning("%s: the function is gone", queued.lane)
            except BusyError:
                await self._clock.sleep(BUSY_SECONDS)
                continue
            return queued.due_us + int((self._clock.monotonic() - started) * SECOND_US)
