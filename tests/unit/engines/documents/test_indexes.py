"""Secondary indexes, expiry, versions and the change feed of collections, on every store."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fogbank.engines.documents import collections, documents, latest, ranges
from fogbank.engines.documents.keys import BEYOND, NO_SORT_KEY, encode_partition, encode_scalar
from fogbank.engines.documents.model import Change, Collection, CollectionConfig, Document, Index, Key, KeyField, Traits
from fogbank.engines.documents.ranges import Range, whole
from fogbank.engines.documents.traits import Shape
from fogbank.engines.documents.values import decode_fields
from fogbank.storage import change_feed, discarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

NAME = ("aws/1/here", "things")
COLOURS = Index("colours", 70, KeyField("colour", "text"), KeyField("price", "number"))
FEED = "documents/things"


class Bench:
    """A collection of things by their ids."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self.store, self.ids = store, ids

    async def make(self, **config: Any) -> None:
        await self.store.run(
            collections.create, NAME, self.ids.sequence(), CollectionConfig(KeyField("id", "text"), **config)
        )

    async def put(self, key: str, **fields: Any) -> None:
        document = Document(len(fields), {"id": key, **fields})
        await self.store.run(documents.put, NAME, self.ids.sequence(), at(key), document)

    async def change(self, key: str, change: Callable[[Document | None], Document | None]) -> documents.Written:
        return await self.store.run(documents.write, NAME, self.ids.sequence(), at(key), change)

    async def query(self, colour: str, limit: int | None = None, *, backward: bool = False) -> list[str]:
        """Return ids, page by page."""
        found: list[str] = []
        wanted = Range(encode_partition(colour), b"", BEYOND, COLOURS.number)
        while True:
            select = partial(_always, wanted)
            page = await self.store.read(ranges.query, NAME, select, limit, 10**6, backward=backward)
            found += [str(document.fields["id"]) for document in page.documents]
            if page.ended:
                return found
            last = page.documents[-1].fields
            sort, beside = encode_scalar(last["price"]), at(last["id"])(page.collection)  # type: ignore[arg-type]
            wanted = wanted._replace(beside=beside, **{"high" if backward else "low": sort})

    async def entries(self) -> int:
        async def count(tx: Tx, _now_us: int) -> int:
            row = await tx.one("SELECT COUNT(*) FROM index_entry")
            assert row is not None
            return int(row[0])

        return await self.store.run(count)


def at(key: str) -> Callable[[Collection], Key]:
    return lambda _collection: Key(encode_partition(key), NO_SORT_KEY)


def _always(wanted: Any, _collection: Collection) -> Any:
    return wanted


@pytest.fixture
def bench(store: Store, ids: Ids) -> Bench:
    return Bench(store, ids)


async def test_documents_are_found_by_the_index_as_they_are_now(bench: Bench) -> None:
    await bench.make(indexes=(COLOURS,))
    await bench.put("a", colour="red", price=3)
    await bench.put("b", colour="red", price=-1)
    await bench.put("c", colour="blue", price=2)
    await bench.put("d", colour="red")
    await bench.put("e", colour="red", price="dear")
    await bench.put("f", colour=7, price=1)
    assert await bench.query("red") == ["b", "a"]
    assert await bench.query("red", backward=True) == ["a", "b"]
    await bench.put("c", colour="red", price=2)
    await bench.put("a", colour="red", price=0)
    await bench.change("b", lambda _: None)
    assert await bench.query("red") == ["a", "c"]
    assert await bench.query("blue") == []
    assert await bench.entries() == 2


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize("backward", [False, True])
async def test_pages_of_an_index_miss_nothing_where_its_keys_are_equal(
    bench: Bench, limit: int, backward: bool
) -> None:
    await bench.make(indexes=(COLOURS,))
    for number in range(12):
        await bench.put(f"{number:02}", colour="red", price=number // 5)
    found = await bench.query("red", limit, backward=backward)
    prices = [int(key) // 5 for key in found]
    assert sorted(found) == [f"{number:02}" for number in range(12)]
    assert prices == sorted(prices, reverse=backward)


async def test_an_index_can_be_scanned_in_segments(bench: Bench) -> None:
    await bench.make(indexes=(COLOURS,))
    for number in range(30):
        await bench.put(f"{number}", colour=f"colour {number % 7}", price=number, **({} if number % 3 else {"x": 1}))
    found = []
    for segment in range(4):
        wanted = whole(segment, 4, COLOURS.number)
        while True:
            page = await bench.store.read(ranges.scan, NAME, partial(_always, wanted), 3, 10**6)
            found += [int(document.fields["id"]) for document in page.documents]  # type: ignore[arg-type]
            if page.ended:
                break
            last = page.documents[-1].fields
            key = Key(encode_partition(last["colour"]), encode_scalar(last["price"]))  # type: ignore[arg-type]
            wanted = wanted._replace(after=key, beside=at(str(last["id"]))(page.collection))
    assert sorted(found) == list(range(30))


async def test_an_index_that_comes_later_takes_in_what_is_there(bench: Bench) -> None:
    await bench.make()
    for number in range(10):
        await bench.put(f"{number}", colour="red", price=number)
    building = msgspec.structs.replace(COLOURS, building=True)
    await bench.store.run(collections.update, NAME, lambda config: msgspec.structs.replace(config, indexes=(building,)))
    await bench.put("3", colour="blue", price=3)
    await bench.change("4", lambda _: None)
    after: int | None = 0
    while after is not None:
        after = await bench.store.run(documents.enter_some, NAME, COLOURS.number, after, 3)
    assert await bench.query("red") == ["0", "1", "2", "5", "6", "7", "8", "9"]
    assert await bench.query("blue") == ["3"]


async def test_a_deleted_collection_leaves_no_entries(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "DROPPED_PER_OPERATION_MAX", 3)
    await bench.make(indexes=(COLOURS,))
    for number in range(8):
        await bench.put(f"{number}", colour="red", price=number)
    await bench.store.run(collections.delete, NAME)
    while not await bench.store.run(discarded.empty, (documents.drop,)):
        pass
    assert await bench.entries() == 0


async def test_versions_grow_though_the_clock_stands(bench: Bench) -> None:
    await bench.make(versioned=True)
    await bench.put("a", n=1)
    first = await bench.store.read(documents.get, NAME, at("a"))
    written = await bench.change("a", lambda _: Document(1, {"n": 2}))
    assert first is not None
    assert written.after is not None
    assert written.after.version > first.version == first.created == written.after.created > 0
    assert await bench.store.read(documents.get, NAME, at("a")) == written.after


async def test_what_has_changed_since_a_version(bench: Bench) -> None:
    await bench.make(versioned=True)
    for key in "abc":
        await bench.put(key, n=1)
    both = [documents.Write(NAME, bench.ids.sequence(), at(key), lambda _: Document(1, {"id": "?"})) for key in "ad"]
    await bench.store.run(documents.write_each, both)
    await bench.change("c", lambda _: None)
    first = await bench.store.read(latest.changed, NAME, 0, 1, 10**6)
    assert ([each.fields["id"] for each in first.documents], first.ended) == (["b"], False)
    # Both are of one write.
    rest = await bench.store.read(latest.changed, NAME, first.documents[-1].version, 1, 10**6)
    assert [each.fields["id"] for each in rest.documents] == ["?", "?"]
    last = rest.documents[-1].version
    assert await bench.store.read(latest.changed, NAME, last, 10, 10**6) == (rest.collection, [], True)
    # The deletion was a write, too.
    assert await bench.store.read(latest.last_version, rest.collection) > last
    assert len((await bench.store.read(latest.changed, NAME, 0, 10, 2)).documents) == 3


async def test_when_documents_go_away_may_depend_on_their_version_and_change(bench: Bench, clock: Clock) -> None:
    def describe(config: CollectionConfig, document: Document) -> Traits:
        return Traits(frozenset(), document.version + int(config.labels["lives"]))

    lasting = Shape(describe)
    await bench.make(versioned=True, expiry="-", labels={"lives": "1000"})
    await bench.store.run(documents.put, NAME, 1, at("a"), Document(1, {"n": 1}), lasting)
    written = await bench.store.read(documents.get, NAME, at("a"))
    assert written is not None
    assert await bench.store.read(documents.next_expiry, clock.now() - 1) == written.version + 1_000

    def prolong(config: CollectionConfig) -> CollectionConfig:
        return msgspec.structs.replace(config, labels={"lives": "5000"})

    await bench.store.run(collections.update, NAME, prolong)
    await bench.store.run(documents.enter_some, NAME, COLOURS.number, 0, 10, lasting)
    assert await bench.store.read(documents.next_expiry, clock.now() - 1) == written.version + 5_000


async def test_the_feed_tells_of_each_write_once_and_in_order(bench: Bench) -> None:
    await bench.make(feed=FEED)
    await bench.put("a", n=1)
    await bench.put("a", n=2)
    await bench.change("a", lambda before: before)
    await bench.change("a", lambda _: None)

    def refuse(_before: Document | None) -> Document:
        raise collections.CollectionNotFoundError("x")

    with pytest.raises(collections.CollectionNotFoundError):
        await bench.change("b", refuse)
    entries = await bench.store.read(change_feed.read, FEED, 0, 100)
    changes = [msgspec.msgpack.decode(entry.payload, type=Change) for entry in entries]
    told = [
        tuple(None if body is None else decode_fields(body).get("n") for body in (c.before, c.after)) for c in changes
    ]
    assert told == [(None, 1), (1, 2), (2, None)]
    assert [(change.before_size, change.after_size) for change in changes] == [(0, 1), (1, 1), (1, 0)]


async def test_what_expires_is_found_when_it_is_due(bench: Bench, clock: Clock) -> None:
    await bench.make(expiry="until", indexes=(COLOURS,))
    now = clock.now() // 1_000_000
    await bench.put("late", until=now + 100, colour="red", price=1)
    await bench.put("soon", until=now + 10, colour="red", price=2)
    await bench.put("never", until=str(now + 10))
    await bench.put("kept", until=now + 10)
    await bench.put("kept", until=now + 1_000)
    assert await bench.store.read(documents.next_expiry, 0) == (now + 10) * 1_000_000
    assert await bench.store.run(documents.expire, clock.now(), 0, 100, {}) == 0
    assert await bench.store.run(documents.expire, (now + 10) * 1_000_000, 0, 100, {}) == 1
    assert await bench.store.read(documents.get, NAME, at("soon")) is None
    assert await bench.query("red") == ["late"]
    assert await bench.store.read(documents.next_expiry, 0) == (now + 100) * 1_000_000
