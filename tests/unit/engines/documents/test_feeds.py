"""Change feeds of collections, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fogbank.engines.documents import collections, documents, feeds
from fogbank.engines.documents.errors import FeedNotFoundError
from fogbank.engines.documents.keys import NO_SORT_KEY, encode_partition
from fogbank.engines.documents.model import Collection, CollectionConfig, Document, Key, KeyField
from fogbank.engines.documents.values import same
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

NAME = ("aws/1/here", "things")


def at(collection: Collection) -> Key:
    assert collection.name == NAME[1]
    return Key(encode_partition("k"), NO_SORT_KEY)


async def make(store: Store, ids: Ids, **more: Any) -> None:
    config = CollectionConfig(KeyField("id", "text"), **more)
    await store.run(collections.create, NAME, ids.sequence(), config)


async def put(store: Store, ids: Ids, **fields: Any) -> None:
    document = Document(1, fields)
    await store.run(documents.write, NAME, ids.sequence(), at, lambda _before: document)


async def told(store: Store, feed: str) -> int:
    return await store.read(change_feed.last, feed)


async def test_each_feed_of_a_collection_has_a_time_of_its_own(store: Store, ids: Ids) -> None:
    await make(store, ids)
    first = (await store.run(feeds.open_feed, NAME, {"a": "1"})).config.feed
    await put(store, ids, n=1)
    assert (await store.run(feeds.close_feed, NAME)).config.feed == ""
    second = (await store.run(feeds.open_feed, NAME, {})).config.feed
    await put(store, ids, n=2)
    assert first != second
    assert (await told(store, first), await told(store, second)) == (1, 1)
    found = await store.read(feeds.list_feeds, NAME[0], ("", 0), 10)
    assert [each.name for each in found] == [first, second]
    assert found[1].opened_ms > found[0].opened_ms
    assert (found[0].config.labels, found[0].config.key_names) == ({"a": "1"}, ("id",))
    assert found[0].closed_us
    assert not found[1].closed_us
    rest = await store.read(feeds.list_feeds, NAME[0], (NAME[1], found[0].opened_ms), 10)
    assert [each.name for each in rest] == [second]
    await store.run(collections.delete, NAME)
    assert (await store.read(feeds.find, second)).closed_us


async def test_a_write_that_changes_nothing_is_told_only_where_it_has_a_version(store: Store, ids: Ids) -> None:
    await make(store, ids)
    feed = (await store.run(feeds.open_feed, NAME, {})).config.feed
    for fields in ({"a": 1, "b": [1]}, {"b": [1], "a": 1}, {"a": 1, "b": [True]}, {"a": True, "b": [True]}):
        await put(store, ids, **fields)
    assert await told(store, feed) == 3
    await store.run(collections.delete, NAME)
    await make(store, ids, versioned=True)
    feed = (await store.run(feeds.open_feed, NAME, {})).config.feed
    await put(store, ids, a=1)
    await put(store, ids, a=1)
    assert await told(store, feed) == 2


async def test_a_closed_feed_goes_after_a_day(store: Store, ids: Ids, clock: Clock) -> None:
    await make(store, ids)
    name = (await store.run(feeds.open_feed, NAME, {})).config.feed
    await put(store, ids, n=1)
    await store.run(collections.delete, NAME)
    await clock.advance(feeds.KEPT_US, store.drain)
    assert await store.run(feeds.trim, await store.read(feeds.find, name))
    assert await store.read(change_feed.first, name) == 1
    await clock.advance(SECOND_US, store.drain)
    assert await store.run(feeds.trim, await store.read(feeds.find, name))
    with pytest.raises(FeedNotFoundError):
        await store.read(feeds.find, name)


async def test_entries_are_kept_as_long_as_is_said(store: Store, ids: Ids, clock: Clock) -> None:
    await make(store, ids)
    name = (await store.run(feeds.open_feed, NAME, {}, kept_seconds=60)).config.feed
    await put(store, ids, n=1)
    await clock.advance(61 * SECOND_US, store.drain)
    await store.run(feeds.keep, name, 120)
    assert await store.run(feeds.trim, await store.read(feeds.find, name))
    assert await store.read(change_feed.first, name) == 1
    await clock.advance(60 * SECOND_US, store.drain)
    assert await store.run(feeds.trim, await store.read(feeds.find, name))
    assert await store.read(change_feed.first, name) == 2


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (1, 1, True),
        (1, True, False),
        (0, None, False),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ({"a": [0]}, {"a": [False]}, False),
        ([1, 2], [1], False),
        (frozenset("ab"), frozenset("ba"), True),
        (b"a", "a", False),
    ],
)
def test_values_that_are_the_same(one: Any, other: Any, alike: bool) -> None:
    assert same(one, other) is alike
