"""Runs queued invocations: woken by the commit that queues one, tried again when they fail, given up in the end.

AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation": a function error
is tried again after one and after two more minutes; while the function is throttled its events wait up to six
hours, with pauses of one second to five minutes. A function may have fewer tries and less time; one that may not run
at all has none ("Configuring reserved concurrency for a function").
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from fogbank.connectors import destinations
from fogbank.connectors.destinations import Finished, Verdict
from fogbank.connectors.invoker import LoopError
from fogbank.engines.functions import invocations
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.engines.functions.handling import look_up
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError
from fogbank.storage import leased_queue

if TYPE_CHECKING:
    from fogbank.connectors.destinations import Tellers
    from fogbank.connectors.invoker import Invoker
    from fogbank.engines.functions.invocations import Due
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

AT_ONCE_MAX: Final = 200
TAKEN_AT_ONCE: Final = 10
# Short, and renewed while the invocation runs, so that what a crash interrupts is soon taken up again.
LEASE_US: Final = 30 * SECOND_US
RENEW_US: Final = 10 * SECOND_US
RETRY_SECONDS: Final = (60, 120)
AGE_SECONDS_MAX: Final = 6 * 3_600
THROTTLED_SECONDS_MAX: Final = 300
IDLE_US: Final = 3_600 * SECOND_US
_log = logging.getLogger(__name__)


class AsyncInvocations:
    """Takes queued invocations and runs them."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, invoker: Invoker, tellers: Tellers) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._invoker = invoker
        self._tellers = tellers
        self._tasks = Supervisor("invocations")
        self._recovered = False
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)
        self._running: dict[int, Due] = {}

    def start(self) -> None:
        """Begin."""
        self._tasks.keep("take", self._take)
        self._tasks.keep("renew", self._renew)

    async def close(self) -> None:
        """Stop; what runs is taken up again by the next start, or by another server when its lease ends."""
        await self._tasks.close()

    async def _take(self) -> None:
        if not self._recovered and self._store.exclusive:
            await self._store.run(leased_queue.release_all, invocations.QUEUE)
        self._recovered = True
        with self._store.signals.listen(leased_queue.topic(invocations.QUEUE)) as listener:
            while True:
                await self._slots.acquire()
                self._slots.release()
                due, next_us = await self._store.run(invocations.take, TAKEN_AT_ONCE, LEASE_US, self._ids.sequence())
                for each in due:
                    await self._slots.acquire()
                    self._tasks.spawn(f"invoke {each.invocation.function}", self._run(each))
                if not due:
                    await listener.wait(self._clock.now() + IDLE_US if next_us is None else next_us)

    async def _run(self, due: Due) -> None:
        self._running[due.message] = due
        try:
            await self._invoke(due)
        finally:
            del self._running[due.message]
            self._slots.release()

    async def _invoke(self, due: Due) -> None:
        queued = due.invocation
        try:
            function, handling = await self._store.read(look_up, queued, self._ids.jitter(0, 1))
        except FunctionNotFoundError:
            _log.warning("%s: the function %s is gone", queued.id, queued.function)
            await self._store.run(invocations.finish, due)
            return
        oldest_s = AGE_SECONDS_MAX if handling.age_seconds_max is None else handling.age_seconds_max
        left_s = oldest_s - (self._clock.now() - queued.queued_us) / SECOND_US
        if left_s <= 0:
            await self._end(due, Finished(queued, function, handling, Verdict.TOO_OLD, queued.attempt - 1, None))
            return
        try:
            invocation = Invocation(queued.id, queued.event, queued.context)
            outcome = await self._invoker.run(function, invocation, source="queue")
        except LoopError:
            await self._end(due, Finished(queued, function, handling, Verdict.LOOP, queued.attempt - 1, None))
            return
        except BusyError:
            if function.config.concurrency_max == 0:
                await self._end(due, Finished(queued, function, handling, Verdict.STOPPED, queued.attempt - 1, None))
            else:
                delay_s = min(THROTTLED_SECONDS_MAX, max(1.0, oldest_s - left_s), left_s)
                await self._again(due, delay_s, counts=False)
            return
        retries = len(RETRY_SECONDS) if handling.retries_max is None else handling.retries_max
        if outcome.ended is not Ended.OK and queued.attempt <= retries:
            await self._again(due, min(RETRY_SECONDS[queued.attempt - 1], left_s), counts=True)
            return
        verdict = Verdict.SUCCESS if outcome.ended is Ended.OK else Verdict.EXHAUSTED
        await self._end(due, Finished(queued, function, handling, verdict, queued.attempt, outcome))

    async def _end(self, due: Due, finished: Finished) -> None:
        """Take note that an invocation is over, and tell whoever wants to know."""
        queued = finished.invocation
        if finished.verdict is not Verdict.SUCCESS:
            _log.warning("%s: %s was given up: %s", queued.id, queued.function, finished.verdict.value)
        tell = self._tellers.get(finished.function.config.contract)
        parcels = [] if tell is None else tell(finished)
        for problem in await self._store.run(destinations.settle, due, parcels):
            _log.warning("%s: the outcome of %s was not told: %s", queued.id, queued.function, problem)

    async def _again(self, due: Due, delay_seconds: float, *, counts: bool) -> None:
        delay_us = int(delay_seconds * SECOND_US)
        await self._store.run(invocations.retry, due, self._ids.sequence(), delay_us, counts=counts)

    async def _renew(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + RENEW_US)
            for due in list(self._running.values()):
                await self._store.run(invocations.extend, due, LEASE_US)
