"""Single documents, on every store: also when many write at once."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.engines.documents import collections, documents
from fogbank.engines.documents.documents import Write, Written
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.keys import NO_SORT_KEY, encode_partition
from fogbank.engines.documents.model import Collection, CollectionConfig, Document, Key, KeyField
from fogbank.kernel.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

    Change = Callable[[Document | None], Document | None]

NAME = ("aws/1/here", "things")
WRITERS = 24


class RefusedError(EngineError):
    """A condition isn't fulfilled."""


def at(key: str) -> Callable[[Collection], Key]:
    return lambda _collection: Key(encode_partition(key), NO_SORT_KEY)


def document(**fields: Any) -> Document:
    return Document(len(fields), fields)


class Bench:
    """The operations on one collection, with the boring arguments filled in."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self.store, self.ids = store, ids

    async def get(self, key: str) -> Document | None:
        return await self.store.read(documents.get, NAME, at(key))

    async def put(self, key: str, **fields: Any) -> None:
        await self.store.run(documents.put, NAME, self.ids.sequence(), at(key), document(**fields))

    async def write(self, key: str, change: Change) -> Written:
        return await self.store.run(documents.write, NAME, self.ids.sequence(), at(key), change)


@pytest.fixture
async def bench(store: Store, ids: Ids) -> Bench:
    await store.run(collections.create, NAME, ids.sequence(), CollectionConfig(KeyField("id", "text")))
    return Bench(store, ids)


def create(new: Document, before: Document | None) -> Document:
    if before is not None:
        raise RefusedError
    return new


def count(before: Document | None) -> Document:
    return document(n=1 if before is None else before.fields["n"] + 1)


async def test_a_document_is_put_got_and_replaced(bench: Bench) -> None:
    assert await bench.get("a") is None
    await bench.put("a", x=1)
    await bench.put("b", x=2)
    await bench.put("a", x=3, y=4)
    assert await bench.get("a") == document(x=3, y=4)
    assert await bench.get("b") == document(x=2)


async def test_a_change_sees_what_there_is_and_says_what_shall_be(bench: Bench) -> None:
    assert await bench.write("a", lambda _: document(x=1)) == Written(None, document(x=1))
    assert await bench.write("a", lambda _: document(x=2)) == Written(document(x=1), document(x=2))
    assert await bench.get("a") == document(x=2)
    assert await bench.write("a", lambda _: None) == Written(document(x=2), None)
    assert await bench.get("a") is None
    assert await bench.write("a", lambda _: None) == Written(None, None)
    assert await bench.write("b", lambda before: before) == Written(None, None)


async def test_a_change_that_refuses_changes_nothing(bench: Bench) -> None:
    await bench.put("a", x=1)
    with pytest.raises(RefusedError):
        await bench.write("a", partial(create, document(x=2)))
    assert await bench.get("a") == document(x=1)


async def test_without_a_collection_nothing_is_stored(store: Store, ids: Ids) -> None:
    bench = Bench(store, ids)
    for work in (bench.get("a"), bench.put("a", x=1), bench.write("a", count)):
        with pytest.raises(CollectionNotFoundError):
            await work


async def test_of_many_who_create_one_document_only_one_succeeds(bench: Bench) -> None:
    outcomes = await asyncio.gather(
        *(bench.write("new", partial(create, document(by=number))) for number in range(WRITERS)),
        return_exceptions=True,
    )
    made = [outcome for outcome in outcomes if isinstance(outcome, Written)]
    assert len(made) == 1
    assert sum(isinstance(outcome, RefusedError) for outcome in outcomes) == WRITERS - 1
    assert await bench.get("new") == made[0].after


async def test_many_who_count_one_document_up_lose_nothing(bench: Bench) -> None:
    await asyncio.gather(*(bench.write("n", count) for _ in range(WRITERS)))
    assert await bench.get("n") == document(n=WRITERS)


async def test_creating_and_deleting_take_turns(bench: Bench) -> None:
    def toggle(before: Document | None) -> Document | None:
        return document(x=1) if before is None else None

    outcomes = await asyncio.gather(*(bench.write("t", toggle) for _ in range(WRITERS)))
    assert sum(outcome.before is None for outcome in outcomes) == WRITERS // 2
    assert await bench.get("t") is None


async def test_putting_blindly_and_counting_take_turns(bench: Bench) -> None:
    await asyncio.gather(
        *(bench.write("n", count) if number % 2 else bench.put("n", n=100) for number in range(WRITERS))
    )
    found = await bench.get("n")
    assert found is not None
    assert 100 <= found.fields["n"] <= 100 + WRITERS


async def test_several_writes_are_made_together_or_not_at_all(bench: Bench) -> None:
    await bench.put("old", x=1)

    def writes(last: Change) -> list[Write]:
        changes: list[tuple[str, Change]] = [("new", lambda _: document(x=2)), ("old", lambda _: None), ("last", last)]
        return [Write(NAME, bench.ids.sequence(), at(key), change) for key, change in changes]

    def refuse(_before: Document | None) -> Document | None:
        raise RefusedError

    with pytest.raises(RefusedError):
        await bench.store.run(documents.write_each, writes(refuse))
    assert await bench.get("new") is None
    assert await bench.get("old") == document(x=1)
    outcome = await bench.store.run(documents.write_each, writes(count))
    assert outcome == [
        Written(None, document(x=2)),
        Written(document(x=1), None),
        Written(None, document(n=1)),
    ]


async def test_batches_that_touch_the_same_documents_the_other_way_round_both_succeed(bench: Bench) -> None:
    keys = [f"k{number}" for number in range(10)]

    async def batch(order: list[str]) -> None:
        writes = [Write(NAME, bench.ids.sequence(), at(key), count) for key in order]
        await bench.store.run(documents.write_each, writes)

    await asyncio.gather(*(batch(keys if number % 2 else keys[::-1]) for number in range(8)))
    for key in keys:
        assert await bench.get(key) == document(n=8)


async def test_reading_several_stops_at_its_limit(bench: Bench) -> None:
    for key in "abc":
        await bench.store.run(documents.put, NAME, bench.ids.sequence(), at(key), Document(40, {"k": key}))
    wanted = [(NAME, at(key)) for key in "axbc"]
    found = await bench.store.read(documents.get_each, wanted, 100)
    assert [None if each is None else each.fields["k"] for each in found] == ["a", None, "b"]
    assert len(await bench.store.read(documents.get_each, wanted, 120)) == 4
