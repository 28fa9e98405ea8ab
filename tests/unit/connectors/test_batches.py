"""Batches of messages: when one is complete."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fogbank.connectors.piping.batches import Plan, Poller, acknowledge
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.messages import Send
from fogbank.engines.messaging.model import Message, QueueConfig
from fogbank.engines.messaging.receiving import Receiver
from fogbank.kernel.tasks import Supervisor
from fogbank.storage import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fogbank.engines.messaging.model import Queue, Received
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

NAME = ("test/0/here", "q")


class Desk:
    """Works off a queue and notes the bodies of each batch."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, plan: Plan) -> None:
        self.store = store
        self.ids = ids
        self.batches: asyncio.Queue[list[bytes]] = asyncio.Queue()
        self.tasks = Supervisor("test")
        parts = (store, clock, Receiver(store, clock, ids), self.tasks)
        self.poller = Poller(parts, plan, lambda _, batch: batch, self._work)

    async def _work(self, queue: Queue, batch: list[Received]) -> None:
        await acknowledge(self.store, queue, batch)
        self.batches.put_nowait([received.message.body for received in batch])

    async def send(self, *bodies: bytes) -> None:
        items = [Send(Message(self.ids.uuid(), body), self.ids.sequence()) for body in bodies]
        await self.store.run(messages.send, NAME, items)

    async def next(self) -> list[bytes]:
        async with asyncio.timeout(10):
            return await self.batches.get()


@pytest.fixture
async def desk(clock: Clock, ids: Ids) -> AsyncIterator[Desk]:
    store = await open_store(clock)
    await store.run(queues.create, NAME, ids.sequence(), QueueConfig())
    made = Desk(store, clock, ids, Plan("test", NAME, batch_size=1_000, window_seconds=60, at_once_max=1))
    yield made
    await made.tasks.close()
    await store.close()


async def test_a_batch_of_large_messages_is_complete_before(desk: Desk) -> None:
    for number in range(25):
        await desk.send(b"%02d" % number + bytes(700_000))
    desk.tasks.keep("poll", desk.poller.run)
    assert [body[:2] for body in await desk.next()] == [b"%02d" % number for number in range(10)]
    assert len(await desk.next()) == 10
