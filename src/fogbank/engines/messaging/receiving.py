"""Waiting for messages: a receiver is woken by the commit that brings one, nothing polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.engines.messaging import messages
from fogbank.kernel.clock import SECOND_US
from fogbank.storage.leasing import leased_queue

if TYPE_CHECKING:
    from fogbank.engines.messaging.messages import Receipt
    from fogbank.engines.messaging.model import Name
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


class Receiver:
    """Receives from queues of one store."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def receive(
        self, name: Name, count: int, lease_seconds: int | None = None, wait_seconds: float | None = None
    ) -> Receipt:
        """Lease up to `count` messages, waiting for the first up to `wait_seconds` (None: as the queue says)."""
        started_us = self._clock.now()
        receipt = await self._take(name, count, lease_seconds)
        wait = receipt.queue.config.wait_seconds if wait_seconds is None else wait_seconds
        until_us = started_us + int(wait * SECOND_US)
        while not receipt.messages and self._clock.now() < until_us:
            receipt = await self._wait(receipt.queue.store, until_us, name, count, lease_seconds)
        return receipt

    async def _wait(self, store: int, until_us: int, name: Name, count: int, lease_seconds: int | None) -> Receipt:
        """Wait for messages in one store of the queue; returns early, empty-handed, when it has another one."""
        with self._store.signals.listen(leased_queue.topic(store)) as listener:
            while True:
                # Looked at again now that news is listened for: what came before would be missed otherwise.
                receipt = await self._take(name, count, lease_seconds)
                if receipt.messages or receipt.queue.store != store or self._clock.now() >= until_us:
                    return receipt
                await listener.wait(until_us if receipt.next_us is None else min(until_us, receipt.next_us))

    async def _take(self, name: Name, count: int, lease_seconds: int | None) -> Receipt:
        return await self._store.run(messages.receive, name, count, lease_seconds, self._ids.sequence())
