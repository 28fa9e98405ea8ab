"""Collections with peers, on every store: whatever order changes come in, all have the same in the end."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fogbank.engines.documents import collections, documents, feeds, ranges
from fogbank.engines.documents.copies import copying, graves, merging, replicas, snapshots
from fogbank.engines.documents.errors import CollectionExistsError
from fogbank.engines.documents.keys import encode_partition
from fogbank.engines.documents.model import Collection, CollectionConfig, Document, Key, KeyField, Totals
from fogbank.engines.documents.ranges import whole
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

EAST, WEST, NORTH = "all/east", "all/west", "all/north"
NAME = "things"
KEYS = "abc"
EVERYTHING = 10**9


class Bench:
    """A collection in several scopes, whose changes are handed on by hand."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self.store, self.ids = store, ids
        self.seen: dict[tuple[str, str], int] = {}

    async def make(self) -> None:
        config = CollectionConfig(KeyField("id", "text"))
        await self.store.run(collections.create, (EAST, NAME), self.ids.sequence(), config)
        await self.store.run(feeds.open_feed, (EAST, NAME), {})

    async def add(self, scope: str) -> None:
        def make(config: CollectionConfig, _opened_ms: int) -> CollectionConfig:
            return msgspec.structs.replace(config, journal="")

        await self.store.run(replicas.add, (EAST, NAME), scope, self.ids.sequence(), {}, make)
        for copy in await self.store.read(copying.under_way):
            while not await self.store.run(copying.step, copy.target, self.ids.sequences(2)):
                pass
            await self.store.run(snapshots.finish, copy, Totals(0, 0))

    async def put(self, scope: str, key: str, value: Any) -> None:
        document = None if value is None else Document(1, {"id": key, "value": value})

        def locate(_collection: Collection) -> Key:
            return Key(encode_partition(key), b"-")

        await self.store.run(documents.write, (scope, NAME), self.ids.sequence(), locate, lambda _before: document)

    async def deliver(self, source: str, target: str, count: int, *, again: int = 0) -> bool:
        """Hand on some of what `target` hasn't seen of `source`, and some of what it has; False if it had seen all."""
        feed = (await self.store.read(collections.find, (source, NAME))).config.feed
        after = self.seen.get((source, target), 0)
        entries = await self.store.read(change_feed.read, feed, max(0, after - again), count + again)
        payloads = [entry.payload for entry in entries]
        numbers = self.ids.sequences(len(payloads))
        await self.store.run(merging.merge_each, (target, NAME), payloads, numbers)
        if not entries or entries[-1].seq <= after:
            return False
        self.seen[source, target] = entries[-1].seq
        return True

    async def values(self, scope: str) -> dict[Any, Any]:
        page = await self.store.read(ranges.scan, (scope, NAME), lambda _: whole(), None, EVERYTHING)
        return {each.fields["id"]: each.fields["value"] for each in page.documents}


@pytest.fixture
def bench(store: Store, ids: Ids) -> Bench:
    return Bench(store, ids)


@pytest.mark.parametrize("seed", range(4))
async def test_all_have_the_same_in_the_end(bench: Bench, clock: Clock, seed: int) -> None:
    chance = random.Random(seed)
    await bench.make()
    await bench.put(EAST, "a", "first")
    for scope in (WEST, NORTH):
        await bench.add(scope)
    scopes = (EAST, WEST, NORTH)
    assert [await bench.values(scope) for scope in scopes] == [{"a": "first"}] * 3
    pairs = [(one, other) for one in scopes for other in scopes if one != other]
    for _ in range(60):
        if chance.random() < 0.5:
            value = chance.choice([None, 1, 2, frozenset({"x", "y", "z"}), {"m": [1]}])
            await bench.put(chance.choice(scopes), chance.choice(KEYS), value)
        elif chance.random() < 0.2:
            await clock.advance(1, bench.store.drain)
        else:
            await bench.deliver(*chance.choice(pairs), chance.randrange(1, 5), again=chance.randrange(3))
    while any([await bench.deliver(*pair, 10) for pair in pairs]):
        pass
    east, west, north = [await bench.values(scope) for scope in scopes]
    assert east == west == north


async def test_what_is_gone_is_not_brought_back(bench: Bench, clock: Clock) -> None:
    await bench.make()
    await bench.add(WEST)
    await bench.put(EAST, "a", 1)
    await clock.advance(SECOND_US, bench.store.drain)
    await bench.put(WEST, "a", 2)
    await bench.put(WEST, "a", None)
    await bench.deliver(EAST, WEST, 10)
    assert await bench.values(WEST) == {}
    await bench.deliver(WEST, EAST, 10)
    assert await bench.values(EAST) == {}
    # Who writes knows of the end, though the clock stands still.
    await bench.put(EAST, "a", 3)
    await bench.deliver(EAST, WEST, 10)
    assert await bench.values(WEST) == {"a": 3}
    await bench.put(WEST, "a", None)
    await clock.advance(graves.KEPT_US + 1, bench.store.drain)

    async def forget(tx: Any, now_us: int) -> int:
        await graves.forget_old(tx, now_us)
        return len(await tx.all("SELECT version FROM document_grave"))

    assert await bench.store.run(forget) == 0


async def test_groups(bench: Bench) -> None:
    await bench.make()
    await bench.add(WEST)
    with pytest.raises(CollectionExistsError):
        await bench.add(WEST)
    west = await bench.store.read(collections.find, (WEST, NAME))
    assert west.config.peers == (EAST,)
    await bench.put(EAST, "a", 1)
    feed = (await bench.store.read(collections.find, (EAST, NAME))).config.feed
    assert await bench.store.read(replicas.is_behind, (EAST, NAME), feed)
    await bench.store.run(snapshots.delete_collection, (WEST, NAME), None)
    assert (await bench.store.read(collections.find, (EAST, NAME))).config.peers == ()
    assert not await bench.store.read(replicas.is_behind, (EAST, NAME), feed)
