"""Runs queued invocations: woken by the commit that queues one, tried again when they fail, given up in the end.

AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation": a function error
is tried again after one and after two more minutes; while the function is throttled its events wait up to six
hours, with pauses of one second to five minutes. A function may have fewer tries and less time; one that may not run
at all has none ("Configuring reserved concurrency for a function").
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.connectors import destinations
from fogbank.connectors.destinations import Finished, Verdict
from fogbank.connectors.invoker import LoopError
from fogbank.connectors.taking import After, Again, Taker
from fogbank.engines.functions import invocations
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.engines.functions.handling import look_up
from fogbank.kernel.clock import SECOND_US
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError

if TYPE_CHECKING:
    from fogbank.connectors.destinations import Tellers
    from fogbank.connectors.invoker import Invoker
    from fogbank.engines.functions.model import QueuedInvocation
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.storage.leasing.work_queue import Due

AT_ONCE_MAX: Final = 200
RETRY_SECONDS: Final = (60, 120)
AGE_SECONDS_MAX: Final = 6 * 3_600
THROTTLED_SECONDS_MAX: Final = 300
_log = logging.getLogger(__name__)


class AsyncInvocations:
    """Runs queued invocations."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, invoker: Invoker, tellers: Tellers) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._invoker = invoker
        self._tellers = tellers
        self._taker = Taker(
            "invocations", (store, clock, ids), invocations.QUEUE, self._run, _describe, at_once_max=AT_ONCE_MAX
        )

    def start(self) -> None:
        """Begin."""
        self._taker.start()

    async def close(self) -> None:
        """Stop; what runs is taken up again by the next start, or by another server when its lease ends."""
        await self._taker.close()

    async def _run(self, due: Due[QueuedInvocation]) -> After | Again[QueuedInvocation]:
        queued = due.item
        try:
            function, handling = await self._store.read(look_up, queued, self._ids.jitter(0, 1))
        except FunctionNotFoundError:
            _log.warning("%s: the function %s is gone", queued.id, queued.function)
            return After.DONE
        oldest_s = AGE_SECONDS_MAX if handling.age_seconds_max is None else handling.age_seconds_max
        left_s = oldest_s - (self._clock.now() - queued.queued_us) / SECOND_US
        before = queued.attempt - 1
        if left_s <= 0:
            return await self._end(due, Finished(queued, function, handling, Verdict.TOO_OLD, before, None))
        try:
            invocation = Invocation(queued.id, queued.event, queued.context)
            outcome = await self._invoker.run(function, invocation, source="queue")
        except LoopError:
            return await self._end(due, Finished(queued, function, handling, Verdict.LOOP, before, None))
        except BusyError:
            if function.config.concurrency_max == 0:
                return await self._end(due, Finished(queued, function, handling, Verdict.STOPPED, before, None))
            return Again(queued, min(THROTTLED_SECONDS_MAX, max(1.0, oldest_s - left_s), left_s))
        retries = len(RETRY_SECONDS) if handling.retries_max is None else handling.retries_max
        if outcome.ended is not Ended.OK and queued.attempt <= retries:
            again = msgspec.structs.replace(queued, attempt=queued.attempt + 1)
            return Again(again, min(RETRY_SECONDS[queued.attempt - 1], left_s))
        verdict = Verdict.SUCCESS if outcome.ended is Ended.OK else Verdict.EXHAUSTED
        return await self._end(due, Finished(queued, function, handling, verdict, queued.attempt, outcome))

    async def _end(self, due: Due[QueuedInvocation], finished: Finished) -> After:
        """Take note that an invocation is over, and tell whoever wants to know."""
        queued = finished.invocation
        if finished.verdict is not Verdict.SUCCESS:
            _log.warning("%s: %s was given up: %s", queued.id, queued.function, finished.verdict.value)
        tell = self._tellers.get(finished.function.config.contract)
        parcels = [] if tell is None else tell(finished)
        for problem in await self._store.run(destinations.settle, due, parcels):
            _log.warning("%s: the outcome of %s was not told: %s", queued.id, queued.function, problem)
        return After.SETTLED


def _describe(queued: QueuedInvocation) -> str:
    return f"invoke {queued.function}"
