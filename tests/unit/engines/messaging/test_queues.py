"""Queues that are purged and deleted, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.connectors.upkeep.housekeeping import Housekeeping
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.errors import LeaseNotHeldError, MessageGoneError
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


async def test_a_lease_is_renewed_under_another_token(store: Store, clock: Clock, ids: Ids) -> None:
    await store.run(queues.create, NAME, ids.sequence(), QueueConfig())
    await store.run(messages.send, NAME, [Send(Message("m", b"old"), ids.sequence())])
    (received,) = (await store.run(messages.receive, NAME, 1, 10, ids.sequence())).messages
    large = Message("m", b"x" * 20_000)
    renewed = await store.run(messages.renew, NAME, received.handle, 20, ids.sequence(), large)
    with pytest.raises(LeaseNotHeldError):
        await store.run(messages.renew, NAME, received.handle, 20, ids.sequence())
    assert not await store.run(messages.acknowledge, NAME, received.handle)
    assert await store.read(messages.find, NAME, renewed) == large
    await clock.advance(19 * SECOND_US, store.drain)
    assert (await store.run(messages.receive, NAME, 1, 10, ids.sequence())).messages == []
    await clock.advance(2 * SECOND_US, store.drain)
    # It has run out, and nobody else has taken the message.
    again = await store.run(messages.renew, NAME, renewed, 0, ids.sequence(), Message("m", b"new"))
    (taken,) = (await store.run(messages.receive, NAME, 1, 10, ids.sequence())).messages
    assert (taken.message.body, taken.receives) == (b"new", 2)
    assert not await store.run(messages.acknowledge, NAME, again)
    assert await store.run(messages.acknowledge, NAME, taken.handle)
    for operation in (messages.find, messages.refuse):
        with pytest.raises(MessageGoneError):
            await store.read(operation, NAME, taken.handle)


async def test_nobody_sees_what_has_outlived_itself(store: Store, clock: Clock, ids: Ids) -> None:
    await store.run(queues.create, NAME, ids.sequence(), QueueConfig())
    items = [Send(Message("short", b"m"), ids.sequence(), lives_seconds=5), Send(Message("long", b"m"), ids.sequence())]
    await store.run(messages.send, NAME, items)
    assert [each.message.id for each in await store.read(messages.peek, NAME, 5)] == ["short", "long"]
    await clock.advance(6 * SECOND_US, store.drain)
    assert [each.message.id for each in await store.read(messages.peek, NAME, 5)] == ["long"]
