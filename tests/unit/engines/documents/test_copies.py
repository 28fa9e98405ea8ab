"""Copies of collections while writes go on, on every store: each shows one time, whatever comes between its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fogbank.engines.documents import collections, documents, ranges
from fogbank.engines.documents.copies import copying, journals, snapshots
from fogbank.engines.documents.errors import CollectionBusyError, CollectionNotFoundError, SnapshotBusyError
from fogbank.engines.documents.keys import encode_partition
from fogbank.engines.documents.model import Collection, CollectionConfig, Document, Index, Key, KeyField, Totals
from fogbank.engines.documents.ranges import whole
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed, discarded

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

SCOPE = "somewhere"
NAME = (SCOPE, "things")
CONFIG = CollectionConfig(KeyField("id", "text"))
EVERYTHING = 10**9


class Bench:
    """A collection of numbers by name, and copies of it."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self.store, self.ids = store, ids

    async def make(self, **values: int) -> Collection:
        made = await self.store.run(collections.create, NAME, self.ids.sequence(), CONFIG)
        for key, value in values.items():
            await self.put(key, value)
        return made

    async def put(self, key: str, value: int | None) -> None:
        document = None if value is None else Document(1, {"id": key, "value": value})

        def locate(_collection: Collection) -> Key:
            return Key(encode_partition(key), b"-")

        await self.store.run(documents.write, NAME, self.ids.sequence(), locate, lambda _before: document)

    async def snapshot(self, name: str = "one") -> None:
        await self.store.run(snapshots.create, NAME, self.ids.sequence(), name, {})

    async def step(self, count: int = 2) -> bool:
        (copy,) = await self.store.read(copying.under_way)
        return await self.store.run(copying.step, copy.target, self.ids.sequences(count))

    async def finish(self) -> None:
        while copies := await self.store.read(copying.under_way):
            for copy in copies:
                while not await self.store.run(copying.step, copy.target, self.ids.sequences(2)):
                    pass
                totals = await self.store.scan(collections.totals, copy.target)
                await self.store.run(snapshots.finish, copy, totals)

    async def restore(self, target: str, snapshot: str = "one", config: CollectionConfig = CONFIG) -> None:
        number = self.ids.sequence()
        await self.store.run(snapshots.restore, SCOPE, snapshot, (SCOPE, target), number, config)

    async def values(self, name: str = "things") -> dict[Any, Any]:
        page = await self.store.read(ranges.scan, (SCOPE, name), lambda _: whole(), None, EVERYTHING)
        return {each.fields["id"]: each.fields["value"] for each in page.documents}


@pytest.fixture
def bench(store: Store, ids: Ids) -> Bench:
    return Bench(store, ids)


LETTERS = {letter: number for number, letter in enumerate("abcdefgh")}


async def test_a_snapshot_is_of_one_time_though_the_clock_stands_still(bench: Bench) -> None:
    await bench.make(**LETTERS)
    await bench.snapshot()
    # What is written between the steps is before, at and behind the place that the copy has come to.
    for turn in range(4):
        await bench.step()
        for letter in LETTERS:
            await bench.put(letter, 100 + turn if letter != "c" else None)
        await bench.put(f"new {turn}", turn)
        await bench.put("c", turn)
        await bench.put("new 0", None)
    with pytest.raises(SnapshotBusyError):
        await bench.restore("early")
    with pytest.raises(CollectionBusyError):
        await bench.store.run(snapshots.delete_collection, NAME, None)
    await bench.finish()
    found = await bench.store.read(snapshots.find, SCOPE, "one")
    assert (found.config.available, found.config.documents, found.config.size) == (True, 8, 8)
    # Nobody needs the journal any more.
    collection = await bench.store.read(collections.find, NAME)
    assert collection.config.journal == ""
    assert await bench.store.read(change_feed.last, f"journal/{collection.id}") == 0
    await bench.restore("restored")
    with pytest.raises(CollectionNotFoundError):
        await bench.values("restored")
    with pytest.raises(SnapshotBusyError):
        await bench.store.run(snapshots.delete, SCOPE, "one")
    with pytest.raises(CollectionBusyError):
        await bench.store.run(snapshots.delete_collection, (SCOPE, "restored"), None)
    with pytest.raises(CollectionBusyError):
        await bench.store.run(collections.update, (SCOPE, "restored"), lambda config: config)
    await bench.finish()
    assert await bench.values("restored") == LETTERS
    gone = await bench.store.run(snapshots.delete, SCOPE, "one")
    while not await bench.store.run(discarded.empty, [documents.drop]):
        pass
    assert await bench.store.scan(collections.totals, gone.number) == Totals(0, 0)


async def test_an_earlier_state_is_restored_with_indexes(bench: Bench, clock: Clock) -> None:
    await bench.make(**LETTERS)
    await bench.store.run(journals.keep, NAME, 3_600, lambda config: config)
    await clock.advance(SECOND_US, bench.store.drain)
    at_us = clock.now()
    await bench.put("a", 50)
    await clock.advance(SECOND_US, bench.store.drain)
    for letter in "abcdef":
        await bench.put(letter, None)
    await bench.put("g", 60)
    await bench.put("g", 70)
    source = await bench.store.read(collections.find, NAME)
    index = Index("by value", bench.ids.sequence(), KeyField("value", "number"))
    config = CollectionConfig(KeyField("id", "text"), indexes=(index,))
    number = bench.ids.sequence()
    await bench.store.run(snapshots.restore_earlier, source, at_us, "earlier", number, config)
    await bench.step()
    await bench.put("h", 80)
    # Turned off meanwhile, the journal stays for as long as it is needed.
    await bench.store.run(journals.keep, NAME, 0, lambda config: config)
    await bench.finish()
    assert await bench.values("earlier") == LETTERS | {"a": 50}
    page = await bench.store.read(
        ranges.scan, (SCOPE, "earlier"), lambda _: whole(number=index.number), None, EVERYTHING
    )
    assert sorted(each.fields["value"] for each in page.documents) == [1, 2, 3, 4, 5, 6, 7, 50]
    assert (await bench.store.read(collections.find, NAME)).config.journal == ""


async def test_a_journal_is_trimmed_but_not_while_it_is_needed(bench: Bench, clock: Clock) -> None:
    collection = await bench.make(a=1)
    await bench.store.run(journals.keep, NAME, 60, lambda config: config)
    await bench.put("a", 2)
    await clock.advance(61 * SECOND_US, bench.store.drain)
    await bench.put("a", 3)
    found = await bench.store.read(collections.find, NAME)
    await bench.snapshot()
    assert await bench.store.run(journals.trim, found)
    assert await bench.store.read(change_feed.first, found.config.journal) == 1
    await bench.finish()
    assert await bench.store.run(journals.trim, found)
    assert await bench.store.read(change_feed.first, found.config.journal) == 2
    assert found.id == collection.id


async def test_what_is_deleted_leaves_a_snapshot_for_a_while(bench: Bench, clock: Clock) -> None:
    await bench.make(**LETTERS)
    await bench.store.run(journals.keep, NAME, 60, lambda config: config)
    last = snapshots.Last("last", 100, Totals(8, 8), {"made": "by itself"})
    await bench.store.run(snapshots.delete_collection, NAME, last)
    while not await bench.store.run(discarded.empty, [documents.drop]):
        pass
    await bench.restore("things", "last")
    await clock.advance(101 * SECOND_US, bench.store.drain)
    # What is being restored stays until it is.
    await bench.store.run(snapshots.forget_expired)
    await bench.finish()
    assert await bench.values() == LETTERS
    assert await bench.store.run(snapshots.forget_expired)
    assert await bench.store.read(snapshots.list_snapshots, SCOPE, "", 10) == []
