"""Topics of several services in one scope, subscriptions with ids of their service's own, what isn't delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fogbank.engines.messaging import publishing, records, topics
from fogbank.engines.messaging.delivery_model import DELIVERIES, QUEUE, Retry
from fogbank.engines.messaging.errors import RecordExistsError, RecordNotFoundError
from fogbank.engines.messaging.model import Message
from fogbank.engines.messaging.publishing import Publication
from fogbank.engines.messaging.topic_model import Rendered, Subscription, SubscriptionConfig, TopicConfig

if TYPE_CHECKING:
    from fogbank.engines.messaging.topic_model import Topic
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

SCOPE = "test/account/here"


async def make(store: Store, ids: Ids, *names: str) -> list[Topic]:
    return [
        (await store.run(topics.create, (SCOPE, name), ids.sequence(), TopicConfig(dedup_window_seconds=0)))[0]
        for name in names
    ]


def subscription(topic: Topic, number: str, **config: str) -> Subscription:
    return Subscription(
        topic.id, number, SCOPE, topic.name, QUEUE, f"{SCOPE}/gone", SubscriptionConfig(filter="", labels=config)
    )


async def test_each_service_lists_its_own(store: Store, ids: Ids) -> None:
    made = await make(store, ids, "a", "bus/a", "bus/b_c", "busy", "z/a")
    for topic in made:
        await store.run(topics.put_subscription, subscription(topic, f"to {topic.name}"))
    for folder, names in ((None, [each.name for each in made]), ("", ["a", "busy"]), ("bus", ["bus/a", "bus/b_c"])):
        found = await store.read(topics.list_topics, SCOPE, "", 10, folder=folder)
        assert [each.name for each in found] == names
        subscribed = await store.read(topics.list_subscriptions, SCOPE, "", 10, folder=folder)
        assert [each.topic_name for each in subscribed] == names
    assert [each.name for each in await store.read(topics.list_topics, SCOPE, "bus/a", 1, folder="bus")] == ["bus/b_c"]


async def test_a_subscription_is_put_anew(store: Store, ids: Ids) -> None:
    (topic,) = await make(store, ids, "a")
    assert await store.run(topics.put_subscription, subscription(topic, "one", rule="x"))
    assert await store.run(topics.put_subscription, subscription(topic, "two", rule="x"))
    assert not await store.run(topics.put_subscription, subscription(topic, "one", rule="y"))
    found = await store.read(topics.subscriptions_of, (SCOPE, "a"))
    assert [(each.id, each.config.labels["rule"]) for each in found] == [("one", "y"), ("two", "x")]


async def test_what_a_queue_did_not_take_is_queued_with_its_facts(store: Store, ids: Ids) -> None:
    (topic,) = await make(store, ids, "a")
    await store.run(topics.put_subscription, subscription(topic, "one"))
    item = Publication(Message("1", b"x"), 1, lambda _, message: Rendered(message, facts={"rule": "r"}), hops=3)
    await store.run(publishing.publish, (SCOPE, "a"), [item], ids.sequence)
    dues, _ = await store.run(DELIVERIES.take, 10, 1_000_000, ids.sequence())
    assert [(due.item.facts, due.item.hops) for due in dues] == [({"rule": "r"}, 4)]


async def test_records(store: Store, ids: Ids) -> None:
    for name in ("a", "b", "ba"):
        await store.run(records.add, SCOPE, "k", name, ids.sequence(), b"1")
    with pytest.raises(RecordExistsError):
        await store.run(records.add, SCOPE, "k", "a", ids.sequence(), b"1")
    await store.run(records.update, SCOPE, "k", "a", lambda record: record.body + b"2")
    assert (await store.read(records.find, SCOPE, "k", "a")).body == b"12"
    with pytest.raises(RecordNotFoundError):
        await store.run(records.update, SCOPE, "other", "a", lambda record: record.body)
    assert [each.name for each in await store.read(records.list_records, SCOPE, "k", "b")] == ["b", "ba"]
    assert [each.name for each in await store.read(records.list_records, SCOPE, "k", "", "a", 1)] == ["b"]
    assert await store.read(records.count, SCOPE, "k") == 3
    assert await store.run(records.delete, SCOPE, "k", "a")
    assert not await store.run(records.delete, SCOPE, "k", "a")
    await store.run(records.delete_all, SCOPE, "k")
    assert await store.read(records.count, SCOPE, "k") == 0


def test_retries_end_with_one_limit_or_with_both() -> None:
    either = Retry((1, 2), attempts_max=3, age_seconds_max=10)
    assert [either.after(1, 0), either.after(2, 0), either.after(3, 0), either.after(1, 10)] == [1, 2, None, None]
    both = msgspec.structs.replace(either, both_limits=True)
    assert [both.after(3, 0), both.after(1, 20), both.after(3, 9)] == [2, 1, None]
    assert msgspec.structs.replace(both, age_seconds_max=0).after(3, 0) is None
    assert msgspec.structs.replace(both, attempts_max=0).after(9, 9) is None
