"""Queues worked off in batches, for functions that they trigger and for pipes.

A waiting poller is woken by the commit that brings a message. What a batch's work doesn't acknowledge stays leased
until the lease is over and then comes back, which is how a crash loses nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.engines.messaging import messages
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.engines.messaging.messages import Receipt
    from fogbank.engines.messaging.model import Name, Queue, Received
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.tasks import Supervisor
    from fogbank.storage import Store

RECEIVED_AT_ONCE: Final = 10
# A batch whose bodies are that large is complete, so that one of many large messages stays within bounds.
BATCH_BYTES_MAX: Final = 6_291_456
WAIT_SECONDS: Final = 20
# How long to wait before trying again with a queue that isn't there.
PAUSE_SECONDS: Final = 5.0


class Plan(NamedTuple):
    """How a queue is worked off.

    A batch is up to `batch_size` messages, or what has come when `window_seconds` after the first are over; up to
    `at_once_max` batches are worked on at a time. With `lease_seconds` messages are leased that long, instead of as
    their queue says. `name` is for the server's log.
    """

    name: str
    queue: Name
    batch_size: int
    window_seconds: int
    at_once_max: int
    lease_seconds: int = 0


class Poller:
    """Works off one queue: collects a batch, sets the work on it going, while fewer than may are being worked on.

    `wanted` picks the messages that are worked on; the others are done with. `work` acknowledges those it dealt with.
    """

    def __init__(
        self,
        parts: tuple[Store, Clock, Receiver, Supervisor],
        plan: Plan,
        wanted: Callable[[Queue, list[Received]], list[Received]],
        work: Callable[[Queue, list[Received]], Awaitable[None]],
    ) -> None:
        self._store, self._clock, self._receiver, self._tasks = parts
        self._plan = plan
        self._wanted = wanted
        self._work = work
        self._slots = asyncio.Semaphore(plan.at_once_max)

    async def run(self) -> None:
        """Poll for ever."""
        while True:
            await self._slots.acquire()
            try:
                queue, batch = await self._collect()
            except QueueNotFoundError:
                self._slots.release()
                await self._clock.sleep(PAUSE_SECONDS)
                continue
            except BaseException:
                self._slots.release()
                raise
            if batch:
                self._tasks.spawn(f"batch for {self._plan.name}", self._work_on(queue, batch))
            else:
                self._slots.release()

    async def _work_on(self, queue: Queue, batch: list[Received]) -> None:
        try:
            await self._work(queue, batch)
        finally:
            self._slots.release()

    async def _collect(self) -> tuple[Queue, list[Received]]:
        """Receive a batch: up to its size, or what has come when the window after the first message closes."""
        size = self._plan.batch_size
        receipt = await self._receive(size, WAIT_SECONDS)
        queue, batch = receipt.queue, await self._sift(receipt)
        if not batch:
            return queue, batch
        closes_us = self._clock.now() + self._plan.window_seconds * SECOND_US
        taken_bytes = _bytes_of(batch)
        while len(batch) < size and taken_bytes < BATCH_BYTES_MAX:
            wait_seconds = max(0.0, (closes_us - self._clock.now()) / SECOND_US)
            receipt = await self._receive(size - len(batch), wait_seconds)
            if not receipt.messages:
                break
            queue = receipt.queue
            more = await self._sift(receipt)
            taken_bytes += _bytes_of(more)
            batch += more
        return queue, batch

    async def _receive(self, count: int, wait_seconds: float) -> Receipt:
        lease_seconds = self._plan.lease_seconds or None
        return await self._receiver.receive(self._plan.queue, min(count, RECEIVED_AT_ONCE), lease_seconds, wait_seconds)

    async def _sift(self, receipt: Receipt) -> list[Received]:
        """Return the messages that are wanted, and acknowledge the others."""
        if not receipt.messages:
            return []
        wanted = self._wanted(receipt.queue, receipt.messages)
        kept = {received.handle for received in wanted}
        others = [received for received in receipt.messages if received.handle not in kept]
        await acknowledge(self._store, receipt.queue, others)
        return wanted


def _bytes_of(batch: list[Received]) -> int:
    return sum(len(received.message.body) for received in batch)


async def acknowledge(store: Store, queue: Queue, done: list[Received]) -> None:
    """Remove messages that are done with."""
    if done:
        await store.run(messages.acknowledge_all, (queue.scope, queue.name), [received.handle for received in done])
