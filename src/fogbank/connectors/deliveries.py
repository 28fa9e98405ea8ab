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

from fogbank.engines.functions import invocations
from fogbank.engines.functions.model import QueuedInvocation
from fogbank.engines.messaging import publishing
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor
from fogbank.storage import leased_queue

if TYPE_CHECKING:
    from fogbank.engines.messaging.publishing import Due
    from fogbank.engines.messaging.topic_model import Delivery
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

FUNCTION: Final = "function"
HTTP: Final = "http"
AT_ONCE_MAX: Final = 64
TAKEN_AT_ONCE: Final = 10
HTTP_SECONDS_MAX: Final = 15.0
HTTP_ANSWER_BYTES_MAX: Final = 65_536
# Longer than a delivery may take, so that nobody else takes it meanwhile.
LEASE_US: Final = 60 * SECOND_US
IDLE_US: Final = 3_600 * SECOND_US
# Amazon SNS Developer Guide, "Message delivery retries": the default delivery policy of HTTP endpoints.
RETRIES: Final = 3
RETRY_SECONDS: Final = 20
_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What an HTTP endpoint answered; status 0 when it didn't."""

    status: int
    reason: str


class Deliveries:
    """Takes queued deliveries and carries them out."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._tasks = Supervisor("deliveries")
        self._recovered = False
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)
        self._threads = ThreadPoolExecutor(AT_ONCE_MAX, "fogbank-http")

    def start(self) -> None:
        """Begin."""
        self._tasks.keep("take", self._take)

    async def close(self) -> None:
        """Stop; what is under way is taken up again by the next start, or by another server when its lease ends."""
        await self._tasks.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _take(self) -> None:
        if not self._recovered and self._store.exclusive:
            await self._store.run(leased_queue.release_all, publishing.DELIVERIES)
        self._recovered = True
        with self._store.signals.listen(leased_queue.topic(publishing.DELIVERIES)) as listener:
            while True:
                await self._slots.acquire()
                self._slots.release()
                due, next_us = await self._store.run(publishing.take, TAKEN_AT_ONCE, LEASE_US, self._ids.sequence())
                for each in due:
                    await self._slots.acquire()
                    self._tasks.spawn(f"{each.delivery.kind} {each.delivery.endpoint}", self._carry(each))
                if not due:
                    await listener.wait(self._clock.now() + IDLE_US if next_us is None else next_us)

    async def _carry(self, due: Due) -> None:
        try:
            if due.delivery.kind == FUNCTION:
                await self._store.run(_to_function, due, self._ids.uuid(), self._ids.sequence(), self._clock.now())
            else:
                await self._to_http(due)
        finally:
            self._slots.release()

    async def _to_http(self, due: Due) -> None:
        delivery = due.delivery
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._threads, post, delivery)
        if 200 <= answer.status < 300:
            await self._store.run(publishing.finish, due)
        elif delivery.attempt <= RETRIES and _may_pass(answer.status):
            await self._store.run(publishing.retry, due, self._ids.sequence(), RETRY_SECONDS * SECOND_US)
        else:
            _log.warning("%s: given up after %d attempts: %s", delivery.endpoint, delivery.attempt, answer.reason)
            await self._store.run(publishing.finish, due)


def _may_pass(status: int) -> bool:
    """Whether a failure may pass: no answer, throttling and server errors may, other answers are final."""
    return status in (0, 429) or status >= 500


async def _to_function(tx: Tx, now_us: int, due: Due, invocation: str, sequence: int, queued_us: int) -> None:
    """Turn a delivery into an invocation, in one transaction: neither is lost or done twice."""
    if await publishing.finish(tx, now_us, due):
        scope, _, function = due.delivery.endpoint.rpartition("/")
        name, _, qualifier = function.partition(":")
        queued = QueuedInvocation(
            invocation,
            scope,
            name,
            due.delivery.content,
            queued_us,
            context=due.delivery.headers,
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
