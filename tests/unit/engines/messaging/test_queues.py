"""Queues that are purged and deleted, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.connectors.housekeeping import Housekeeping
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.messages import Send
from fogbank.engines.messaging.model import Message, QueueConfig
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import discarded
from fogbank.storage.leasing import leased_queue

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

NAME = ("aws/1/us-east-1", "q")


async def test_a_purged_queue_can_be_deleted_at_once_and_made_anew(store: Store, ids: Ids) -> None:
    for _ in range(2):
        await store.run(queues.create, NAME, ids.sequence(), QueueConfig())
        await store.run(messages.send, NAME, [Send(Message("m", b"m"), ids.sequence())])
        await store.run(queues.purge, NAME, ids.sequence())
        await store.run(queues.delete, NAME)
    while not await store.run(discarded.empty, (leased_queue.drop,)):
        pass
    assert await store.read(queues.all_queues) == []


async def test_a_purge_does_not_make_duplicates_new(store: Store, clock: Clock, ids: Ids) -> None:
    config = QueueConfig(ordered=True)

    async def send(message_id: str) -> str:
        message = Message(message_id, b"m", ordering_key="g", dedup_id="d")
        (sent,) = await store.run(messages.send, NAME, [Send(message, ids.sequence())])
        return sent.id

    await store.run(queues.create, NAME, ids.sequence(), config)
    assert await send("first") == "first"
    await store.run(queues.purge, NAME, ids.sequence())
    # What the purge left behind is swept away meanwhile.
    await Housekeeping(store, clock).sweep()
    assert await send("second") == "first"
    await clock.advance(config.dedup_window_seconds * SECOND_US, store.drain)
    assert await send("third") == "third"
