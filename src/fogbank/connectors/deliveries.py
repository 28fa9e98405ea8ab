"""Deliveries of topics' messages to endpoints that are no queues: functions and HTTP addresses.

What is delivered rides on the leased queue, so a crash delays it and loses nothing. A slow endpoint holds up
nobody else: each delivery is a task of its own.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request as HttpRequest
from urllib.request import build_opener

import msgspec

from fogbank.connectors.taking import After, Again, Taker
from fogbank.engines.functions import invocations
from fogbank.engines.functions.model import QueuedInvocation
from fogbank.engines.messaging import publishing

if TYPE_CHECKING:
    from fogbank.engines.messaging.topic_model import Delivery
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx
    from fogbank.storage.leasing.work_queue import Due

FUNCTION: Final = "function"
HTTP: Final = "http"
AT_ONCE_MAX: Final = 64
HTTP_SECONDS_MAX: Final = 15.0
HTTP_ANSWER_BYTES_MAX: Final = 65_536
# Amazon SNS Developer Guide, "Message delivery retries": the default delivery policy of HTTP endpoints.
RETRIES: Final = 3
RETRY_SECONDS: Final = 20
_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What an HTTP endpoint answered; status 0 when it didn't."""

    status: int
    reason: str


class Deliveries:
    """Carries out queued deliveries."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._threads = ThreadPoolExecutor(AT_ONCE_MAX, "fogbank-http")
        self._taker = Taker(
            "deliveries", (store, clock, ids), publishing.DELIVERIES, self._carry, _describe, at_once_max=AT_ONCE_MAX
        )

    def start(self) -> None:
        """Begin."""
        self._taker.start()

    async def close(self) -> None:
        """Stop; what is under way is taken up again by the next start, or by another server when its lease ends."""
        await self._taker.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _carry(self, due: Due[Delivery]) -> After | Again[Delivery]:
        if due.item.kind == FUNCTION:
            await self._store.run(_to_function, due, self._ids.uuid(), self._ids.sequence(), self._clock.now())
            return After.SETTLED
        return await self._to_http(due.item)

    async def _to_http(self, delivery: Delivery) -> After | Again[Delivery]:
        answer = await asyncio.get_running_loop().run_in_executor(self._threads, post, delivery)
        if not 200 <= answer.status < 300:
            if delivery.attempt <= RETRIES and _may_pass(answer.status):
                return Again(msgspec.structs.replace(delivery, attempt=delivery.attempt + 1), RETRY_SECONDS)
            _log.warning("%s: given up after %d attempts: %s", delivery.endpoint, delivery.attempt, answer.reason)
        return After.DONE


def _describe(delivery: Delivery) -> str:
    return f"{delivery.kind} {delivery.endpoint}"


def _may_pass(status: int) -> bool:
    """Whether a failure may pass: no answer, throttling and server errors may, other answers are final."""
    return status in (0, 429) or status >= 500


async def _to_function(tx: Tx, now_us: int, due: Due[Delivery], invocation: str, sequence: int, queued_us: int) -> None:
    """Turn a delivery into an invocation, in one transaction: neither is lost or done twice."""
    if await publishing.DELIVERIES.finish(tx, now_us, due):
        scope, _, function = due.item.endpoint.rpartition("/")
        name, _, qualifier = function.partition(":")
        queued = QueuedInvocation(
            invocation,
            scope,
            name,
            due.item.content,
            queued_us,
            context=due.item.headers,
            qualifier=qualifier,
        )
        await invocations.enqueue(tx, now_us, sequence, queued)


def post(delivery: Delivery) -> Answer:
    """Post a delivery to its address, on a thread; redirects are not followed beyond the library's limit."""
    request = HttpRequest(delivery.endpoint, delivery.content, delivery.headers, method="POST")  # noqa: S310
    try:
        with build_opener().open(request, timeout=HTTP_SECONDS_MAX) as answer:
            answer.read(HTTP_ANSWER_BYTES_MAX)
            return Answer(answer.status, "")
    except HTTPError as error:
        with error:
            return Answer(error.code, f"HTTP {error.code}")
    except (URLError, OSError, ValueError) as error:
        return Answer(0, str(error))
