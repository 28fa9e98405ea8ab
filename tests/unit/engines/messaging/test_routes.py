"""Routes stand beside a topic's subscriptions, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.engines.messaging import publishing, topics
from fogbank.engines.messaging.delivery_model import DELIVERIES, QUEUE
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.engines.messaging.model import Message
from fogbank.engines.messaging.publishing import Publication
from fogbank.engines.messaging.topic_model import Rendered, SubscriptionConfig, TopicConfig

if TYPE_CHECKING:
    from fogbank.engines.messaging.topic_model import Subscription
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

SOURCE = ("aws/1/us-east-1", "news")
ENDPOINT = "aws/1/us-east-1/inbox"
ROUTE = SubscriptionConfig(route=True, courier="route", filter='{"kind": ["order"]}')


async def test_a_route_is_no_subscription_of_its_topic_s(store: Store, ids: Ids) -> None:
    with pytest.raises(TopicNotFoundError):
        await store.run(topics.add_route, SOURCE, "1", QUEUE, ENDPOINT, ROUTE)
    await store.run(topics.create, SOURCE, ids.sequence(), TopicConfig())
    route, new = await store.run(topics.add_route, SOURCE, "1", QUEUE, ENDPOINT, ROUTE)
    assert new
    assert await store.run(topics.add_route, SOURCE, "2", QUEUE, ENDPOINT, ROUTE) == (route, False)
    # The same endpoint can be subscribed, too.
    subscription, new = await store.run(topics.subscribe, SOURCE, "3", QUEUE, ENDPOINT, SubscriptionConfig())
    assert new
    assert await store.read(topics.subscriptions_of, SOURCE) == [subscription]
    assert await store.read(topics.list_subscriptions, SOURCE[0], "", 10) == [subscription]
    assert await store.read(topics.list_routes, "", 10) == [route]
    assert await store.read(topics.list_routes, "1", 10) == []
    await store.run(topics.delete, SOURCE)
    assert await store.read(topics.list_routes, "", 10) == []
    assert not await store.run(topics.remove_route, "1")


async def test_a_route_gets_the_events_that_its_filter_wants(store: Store, ids: Ids) -> None:
    await store.run(topics.create, SOURCE, ids.sequence(), TopicConfig())
    await store.run(topics.add_route, SOURCE, "1", QUEUE, ENDPOINT, ROUTE)

    def render(_subscription: Subscription, _message: Message) -> Rendered | None:
        raise AssertionError

    events = [b'{"kind":"order"}', b'{"kind":"return"}']
    items = [
        Publication(Message(str(number), b"m"), ids.sequence(), render, lambda *_, event=event: event)
        for number, event in enumerate(events)
    ]
    # What can't be told as an event reaches no route.
    items.append(Publication(Message("2", b"m"), ids.sequence(), render))
    await store.run(publishing.publish, SOURCE, items, ids.sequence)
    dues, _ = await store.run(DELIVERIES.take, 10, 1_000, 1)
    assert [(due.item.kind, due.item.endpoint, due.item.content, due.item.hops) for due in dues] == [
        (QUEUE, ENDPOINT, events[0], 1)
    ]
