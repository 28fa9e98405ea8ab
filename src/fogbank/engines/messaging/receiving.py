"""Waiting for messages: a receiver is woken by the commit that brings one, nothing polls."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from fogbank.engines.messaging import messages
from fogbank.engines.messaging.errors import LeaseNotHeldError, MessageGoneError
from fogbank.kernel.clock import SECOND_US
from fogbank.storage.leasing import leased_queue

if TYPE_CHECKING:
    from fogbank.engines.messaging.messages import Receipt
    from fogbank.engines.messaging.model import Name, Queue, Received
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


class Disturbance(Protocol):
    """What is done on purpose to messages on their way out of queues without order."""

    @property
    def active(self) -> bool:
        """Whether there is anything to be done at all."""

    def choose(self, queue: Queue) -> str:
        """Say what becomes of the next message: `duplicate`, `reorder`, or nothing."""


class Receiver:
    """Receives from queues of one store."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, disturbance: Disturbance | None = None) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._disturbance = disturbance

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
        receipt = await self._store.run(messages.receive, name, count, lease_seconds, self._ids.sequence())
        disturbance = self._disturbance
        if disturbance is not None and disturbance.active and receipt.messages:
            config = receipt.queue.config
            if not (config.ordered or config.exactly_once):
                return await self._disturb(disturbance, name, receipt, lease_seconds)
        return receipt

    async def _disturb(
        self, disturbance: Disturbance, name: Name, receipt: Receipt, lease_seconds: int | None
    ) -> Receipt:
        """Have messages handed out again at once, or behind those that came later."""
        late: list[Received] = []
        others: list[Received] = []
        for received in receipt.messages:
            what = disturbance.choose(receipt.queue)
            (late if what == "reorder" else others).append(received)
            if what == "duplicate":
                await self._give_back(name, received)
        if late and not others:
            # They are overtaken by messages that nobody asked for yet, if there are such.
            others = (
                await self._store.run(messages.receive, name, len(late), lease_seconds, self._ids.sequence())
            ).messages
            if others:
                for received in late:
                    await self._give_back(name, received)
                late = []
        return receipt._replace(messages=[*others, *reversed(late)])

    async def _give_back(self, name: Name, received: Received) -> None:
        with suppress(MessageGoneError, LeaseNotHeldError):
            await self._store.run(messages.give_up, name, received.handle)
