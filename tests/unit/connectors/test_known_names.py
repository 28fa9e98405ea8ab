"""The names of all that there is, and messages that are disturbed on their way out, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.connectors.watching.message_faults import MessageFaults
from fogbank.connectors.watching.names import Known, find_known
from fogbank.engines.documents import collections
from fogbank.engines.documents.model import CollectionConfig, KeyField
from fogbank.engines.messaging import messages, queues, topics
from fogbank.engines.messaging.messages import Send
from fogbank.engines.messaging.model import Message, QueueConfig
from fogbank.engines.messaging.receiving import Receiver
from fogbank.engines.messaging.topic_model import TopicConfig
from fogbank.wire.watching.faults import Faults, Rule

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

NAME = ("aws/1/r", "q")


async def test_what_there_is_is_known(store: Store, ids: Ids) -> None:
    await store.run(queues.create, NAME, ids.sequence(), QueueConfig())
    await store.run(topics.create, ("gcp/p/", "topics/t"), ids.sequence(), TopicConfig())
    config = CollectionConfig(KeyField("key", "bytes"))
    await store.run(collections.create, ("azure/cosmos/a", "d/c"), ids.sequence(), config)
    assert await store.scan(find_known) == [
        Known("queue", "aws/1/r", "q"),
        Known("topic", "gcp/p/", "topics/t"),
        Known("collection", "azure/cosmos/a", "d/c"),
    ]


async def test_messages_come_twice_or_late(store: Store, clock: Clock, ids: Ids) -> None:
    faults = Faults()
    receiver = Receiver(store, clock, ids, MessageFaults(faults))
    await store.run(queues.create, NAME, ids.sequence(), QueueConfig())
    sent = [Send(Message(str(number), b""), ids.sequence()) for number in range(4)]
    await store.run(messages.send, NAME, sent)

    async def receive(count: int) -> list[str]:
        receipt = await receiver.receive(NAME, count, wait_seconds=0)
        return [received.message.id for received in receipt.messages]

    faults.add(Rule("reorder", service="sqs", resource="q", count=1))
    # It is alone in its batch, and overtaken by the one behind it.
    first = await receive(1)
    assert first == ["1"]
    faults.add(Rule("duplicate", cloud="aws", count=1))
    again = await receive(1)
    assert again == ["0"]
    assert sorted(await receive(10)) == ["0", "2", "3"]
    assert await receive(10) == []


async def test_order_is_kept_where_it_is_promised(store: Store, clock: Clock, ids: Ids) -> None:
    faults = Faults()
    faults.add(Rule("reorder"))
    faults.add(Rule("duplicate"))
    receiver = Receiver(store, clock, ids, MessageFaults(faults))
    await store.run(queues.create, NAME, ids.sequence(), QueueConfig(ordered=True, dedup_window_seconds=0))
    sent = [Send(Message(str(number), b"", ordering_key="k"), ids.sequence()) for number in range(3)]
    await store.run(messages.send, NAME, sent)
    receipt = await receiver.receive(NAME, 10, wait_seconds=0)
    assert [received.message.id for received in receipt.messages] == ["0", "1", "2"]
    assert (await receiver.receive(NAME, 10, wait_seconds=0)).messages == []
