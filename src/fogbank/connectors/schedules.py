"""Runs what clocks set off: each lane's invocations one after another, as timers of Azure Functions run.

Nothing is tried again: a schedule comes round by itself. What a crash interrupts is run again.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from fogbank.engines.functions import scheduled
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor
from fogbank.runtimes.model import Invocation
from fogbank.runtimes.runner import BusyError
from fogbank.storage import leased_queue

if TYPE_CHECKING:
    from fogbank.connectors.invoker import Invoker
    from fogbank.engines.functions.scheduled import ScheduledDue
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

WAITING_MAX: Final = 1_000
TAKEN_AT_ONCE: Final = 50
# Short, and renewed while invocations run or wait, so that what a crash interrupts is soon taken up again.
LEASE_US: Final = 30 * SECOND_US
RENEW_US: Final = 10 * SECOND_US
BUSY_SECONDS: Final = 1.0
IDLE_US: Final = 3_600 * SECOND_US
_log = logging.getLogger(__name__)


class Schedules:
    """Takes scheduled invocations and runs them."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, invoker: Invoker) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._invoker = invoker
        self._tasks = Supervisor("schedules")
        self._recovered = False
        self._lanes: dict[str, deque[ScheduledDue]] = {}
        self._held: dict[int, ScheduledDue] = {}

    def start(self) -> None:
        """Begin."""
        self._tasks.keep("take", self._take)
        self._tasks.keep("renew", self._renew)

    async def close(self) -> None:
        """Stop; what runs is taken up again by the next start, or by another server when its lease ends."""
        await self._tasks.close()

    async def _take(self) -> None:
        if not self._recovered and self._store.exclusive:
            await self._store.run(leased_queue.release_all, scheduled.QUEUE)
        self._recovered = True
        with self._store.signals.listen(leased_queue.topic(scheduled.QUEUE)) as listener:
            while True:
                if len(self._held) >= WAITING_MAX:
                    await self._clock.sleep(BUSY_SECONDS)
                    continue
                due, next_us = await self._store.run(scheduled.take, TAKEN_AT_ONCE, LEASE_US, self._ids.sequence())
                for each in sorted(due, key=lambda one: (one.invocation.due_us, one.message)):
                    self._enter(each)
                if not due:
                    await listener.wait(self._clock.now() + IDLE_US if next_us is None else next_us)

    def _enter(self, due: ScheduledDue) -> None:
        lane = due.invocation.lane
        self._held[due.message] = due
        waiting = self._lanes.get(lane)
        if waiting is None:
            self._lanes[lane] = deque([due])
            self._tasks.spawn(lane, self._run_lane(lane))
        else:
            waiting.append(due)

    async def _run_lane(self, lane: str) -> None:
        waiting = self._lanes[lane]
        busy_until_us = 0
        try:
            while waiting:
                due = waiting.popleft()
                try:
                    if due.invocation.always or due.invocation.due_us >= busy_until_us:
                        busy_until_us = await self._run(due)
                    await self._store.run(scheduled.finish, due)
                finally:
                    self._held.pop(due.message, None)
        finally:
            del self._lanes[lane]
            # Those that a failure has kept waiting are taken again when their leases end.
            for due in waiting:
                self._held.pop(due.message, None)

    async def _run(self, due: ScheduledDue) -> int:
        """Run one invocation; returns until when it was under way, as if it had begun when it was due."""
        queued = due.invocation
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

    async def _renew(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + RENEW_US)
            for due in list(self._held.values()):
                await self._store.run(scheduled.extend, due, LEASE_US)
