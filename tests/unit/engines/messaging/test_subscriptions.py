"""Subscriptions under ids of their own, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.engines.messaging import messages, publishing, queues, topics
from fogbank.engines.messaging.delivery_model import HTTP, QUEUE, endpoint_of
from fogbank.engines.messaging.model import Message, QueueConfig
from fogbank.engines.messaging.publishing import Publication
from fogbank.engines.messaging.topic_model import Rendered, Subscription, SubscriptionConfig, TopicConfig
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

TOPIC = ("realm/1/x", "topic")
NAME = ("realm/1/x", "queue")


async def test_one_endpoint_has_several_subscriptions_and_one_id_has_one(store: Store, ids: Ids) -> None:
    await store.run(topics.create, TOPIC, ids.sequence(), TopicConfig())
    for number in ("a", "b"):
        config = SubscriptionConfig(labels={"of": number})
        await store.run(topics.subscribe_as, TOPIC, number, HTTP, "http://here", config)
    put = await store.run(topics.subscribe_as, TOPIC, "a", QUEUE, endpoint_of(*NAME), SubscriptionConfig())
    found = await store.read(topics.subscriptions_of, TOPIC)
    assert [(each.id, each.kind, each.endpoint) for each in found] == [
        ("a", QUEUE, endpoint_of(*NAME)),
        ("b", HTTP, "http://here"),
    ]
    assert put == found[0] == await store.read(topics.find_subscription, TOPIC[0], "a")
    assert found[1].config.labels == {"of": "b"}


async def test_what_is_rendered_has_a_life_of_its_own(store: Store, clock: Clock, ids: Ids) -> None:
    def render(subscription: Subscription, message: Message) -> Rendered | None:
        if subscription.id == "none":
            return None
        return Rendered(message, lives_seconds=5 if subscription.id == "short" else 0)

    await store.run(topics.create, TOPIC, ids.sequence(), TopicConfig())
    for number in ("long", "none", "short"):
        name = (NAME[0], number)
        await store.run(queues.create, name, ids.sequence(), QueueConfig())
        await store.run(topics.subscribe_as, TOPIC, number, QUEUE, endpoint_of(*name), SubscriptionConfig())
    items = [Publication(Message("m", b"m"), ids.sequence(), render)]
    await store.run(publishing.publish, TOPIC, items, ids.sequence)

    async def waiting() -> list[int]:
        return [len(await store.read(messages.peek, (NAME[0], name), 5)) for name in ("long", "none", "short")]

    assert await waiting() == [1, 0, 1]
    await clock.advance(6 * SECOND_US, store.drain)
    assert await waiting() == [1, 0, 0]
