"""Earlier states of a collection, from its change feed, on every store."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest

from fogbank.engines.documents import collections, documents, history, ranges
from fogbank.engines.documents.errors import HistoryGoneError
from fogbank.engines.documents.model import Collection, CollectionConfig, Document, Key, KeyField
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

NAME = ("somewhere", "things")
FEED = "things"


async def _make(store: Store, ids: Ids) -> Collection:
    config = CollectionConfig(KeyField("id", "text"), versioned=True, feed=FEED, feed_seconds=60)
    return await store.run(collections.create, NAME, ids.sequence(), config)


async def _put(store: Store, ids: Ids, key: Key, value: int | None) -> int:
    document = None if value is None else Document(1, {"value": value})
    written = await store.run(
        documents.write, NAME, ids.sequence(), partial(_at, key), lambda _before: document
    )  # fmt: skip
    return (written.after or written.before or Document(0, {})).version


def _at(key: Key, _collection: Collection) -> Key:
    return key


def _value(document: Document | None) -> object:
    return None if document is None else document.fields["value"]


async def test_what_was_there(store: Store, ids: Ids, clock: Clock) -> None:
    collection = await _make(store, ids)
    one, two, three = (Key(b"p", bytes((number,))) for number in (1, 2, 3))
    first = await _put(store, ids, one, 1)
    await _put(store, ids, two, 2)
    then = await store.read(collections.latest, collection)
    await _put(store, ids, one, 10)
    await _put(store, ids, one, 11)
    await _put(store, ids, two, None)
    await _put(store, ids, three, 3)
    earlier = await store.read(history.since, collection, then)
    assert {key: _value(each) for key, each in earlier.items()} == {one: 1, two: 2, three: None}
    before = earlier[one]
    assert before is not None
    assert (before.version, before.created) == (first, first)
    assert await store.read(history.since, collection, await store.read(collections.latest, collection)) == {}
    await clock.advance(61 * SECOND_US, store.drain)
    with pytest.raises(HistoryGoneError):
        await store.read(history.since, collection, then)
    assert await store.run(history.trim, collection)
    # The last of the old ones stays.
    assert await store.read(change_feed.first, FEED) == 6
    later = await store.read(collections.latest, collection)
    await _put(store, ids, three, 4)
    assert {key: _value(each) for key, each in (await store.read(history.since, collection, later)).items()} == {
        three: 3
    }
    # Nothing has happened in between, however long that is.
    assert await store.read(history.since, collection, await store.read(collections.latest, collection)) == {}


async def test_what_was_there_before_everything_went_away(store: Store, ids: Ids) -> None:
    collection = await _make(store, ids)
    version = await _put(store, ids, Key(b"p", b"1"), 1)
    await store.run(history.tell_cleared, FEED, version + 1)
    await _put(store, ids, Key(b"p", b"2"), 1)
    with pytest.raises(HistoryGoneError):
        await store.read(history.since, collection, version)


async def test_no_more_changes_than_so_many(store: Store, ids: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "TRIMMED_AT_ONCE", 2)
    collection = await _make(store, ids)
    versions = [await _put(store, ids, Key(b"p", b"1"), number) for number in range(6)]
    config = msgspec.structs.replace(collection.config, feed_entries=2)
    collection = collection._replace(config=config)
    assert [await store.run(history.trim, collection) for _ in range(2)] == [False, True]
    assert [each.seq for each in await store.read(change_feed.read, FEED, 0, 10)] == [5, 6]
    assert _value((await store.read(history.since, collection, versions[4]))[Key(b"p", b"1")]) == 4
    with pytest.raises(HistoryGoneError):
        await store.read(history.since, collection, versions[3])


async def test_one_partition_after_another(store: Store, ids: Ids) -> None:
    collection = await _make(store, ids)
    for partition in (b"a", b"b", b"b", b"d"):
        await _put(store, ids, Key(partition, b"1"), 1)
    found = []
    low = b""
    while (partition := await store.read(ranges.next_partition, collection.id, low, b"d")) is not None:
        found.append(partition)
        low = partition + b"\x00"
    assert found == [b"a", b"b"]
