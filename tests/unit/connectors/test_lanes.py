"""Lanes of followers: what is handed on together, and what becomes of what fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from fogbank.connectors.piping import lanes
from fogbank.connectors.piping.lanes import FAILED, OK, Discarded, Given, Handed, Lane, Note, Piece, Plan
from fogbank.connectors.piping.sources import FeedSource
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor
from fogbank.storage import change_feed, feed_places, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fogbank.connectors.destinations import Parcel
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx
    from fogbank.storage.change_feed import Entry

PLAN = Plan("follower", FeedSource("f"), 1, 100, 0, None, None, bisect=False)


class Desk:
    """Follows a feed and notes what it is handed; entries that hold `bad` fail, those with `-` aren't wanted."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self.store, self.clock, self.ids = store, clock, ids
        self.tasks = Supervisor("test")
        self.batches: list[list[str]] = []
        self.given_up: list[tuple[list[str], bool, int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.reads_partly = False
        self.is_busy = False
        self.news = asyncio.Event()

    def key(self, entry: Entry) -> bytes:
        return entry.payload[:1]

    def record(self, entry: Entry) -> bytes | None:
        return None if b"-" in entry.payload else entry.payload

    def discarded(self, discarded: Discarded) -> list[Parcel]:
        texts = [handed.record.decode() for handed in discarded.handed]

        async def tell(_tx: Tx, _now_us: int) -> str:
            self.given_up.append((texts, discarded.too_old, discarded.tries))
            return ""

        return [tell]

    async def hand(self, batch: list[Handed], _tries: int) -> Given:
        await self.gate.wait()
        texts = [handed.record.decode() for handed in batch]
        self.batches.append(texts)
        self.news.set()
        if self.is_busy:
            return Given(0, tried=False)
        bad = next((place for place, text in enumerate(texts) if "bad" in text), None)
        if bad is None:
            return Given(len(batch))
        return Given(bad if self.reads_partly else 0)

    async def write(self, *texts: str) -> None:
        for text in texts:
            await self.store.run(change_feed.append, "f", text.encode())

    async def follow(self, plan: Plan, number: int = 0) -> asyncio.Task[None]:
        await self.store.run(feed_places.arrange, plan.follower, plan.lanes, 0)
        self.lane = Lane((self.store, self.clock, self.ids, self.tasks), plan, number, self, self.hand)
        return self.tasks.keep("lane", self.lane.run)

    async def until(self, count: int) -> None:
        """Let time pass until so many batches were handed over, and a little longer."""
        async with asyncio.timeout(10):
            while len(self.batches) < count:
                self.news.clear()
                await self.clock.advance(SECOND_US // 10, self.store.drain)
                await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
            await self.store.drain()

    async def note(self) -> Note:
        (place,) = await self.store.read(feed_places.places, PLAN.follower)
        return msgspec.msgpack.decode(place.note, type=Note)

    async def place(self) -> int:
        (place,) = await self.store.read(feed_places.places, PLAN.follower)
        return place.seq


@pytest.fixture
async def desk(clock: Clock, ids: Ids) -> AsyncIterator[Desk]:
    store = await open_store(clock)
    made = Desk(store, clock, ids)
    yield made
    await made.tasks.close()
    await store.close()


async def test_what_is_there_is_handed_on_together_and_then_what_comes(desk: Desk) -> None:
    await desk.write("a", "-", "b")
    await desk.follow(PLAN._replace(batch_size=2))
    await desk.until(1)
    assert await desk.place() == 3
    await desk.write("c", "d", "e")
    while sum(map(len, desk.batches)) < 5:
        await desk.until(len(desk.batches) + 1)
    assert desk.batches[0] == ["a", "b"]
    assert [text for batch in desk.batches for text in batch] == list("abcde")
    assert await desk.note() == Note([], OK)


async def test_a_batch_has_so_many_bytes_at_most(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "BATCH_BYTES_MAX", 5)
    await desk.write("aaa", "bb", "c", "dddddddd", "e")
    await desk.follow(PLAN)
    await desk.until(4)
    assert desk.batches == [["aaa", "bb"], ["c"], ["dddddddd"], ["e"]]


async def test_what_nobody_wants_is_passed_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PASSED_OVER_MAX", 10)
    await desk.write(*["-"] * 25, "a")
    await desk.follow(PLAN)
    await desk.until(1)
    assert desk.batches == [["a"]]
    assert await desk.place() == 26


async def test_lanes_share_the_keys(desk: Desk) -> None:
    await desk.write("a1", "b1", "c1", "d1", "a2", "b2", "c2", "d2")
    plan = PLAN._replace(lanes=2)
    for number in range(2):
        await desk.follow(plan, number)
    await desk.until(2)
    one, other = desk.batches
    assert sorted(one + other) == ["a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2"]
    assert not {text[0] for text in one} & {text[0] for text in other}


async def test_what_fails_is_tried_again_and_given_up(desk: Desk) -> None:
    await desk.write("a", "bad", "b")
    await desk.follow(PLAN._replace(retries_max=2, batch_size=2))
    await desk.until(4)
    assert desk.batches == [["a", "bad"]] * 3 + [["b"]]
    assert desk.given_up == [(["a", "bad"], False, 3)]


async def test_pauses_grow(desk: Desk) -> None:
    await desk.write("bad")
    began_us = desk.clock.now()
    await desk.follow(PLAN)
    await desk.until(8)
    passed_s = (desk.clock.now() - began_us) / SECOND_US
    assert 12.7 <= passed_s < 30
    assert await desk.note() == Note([Piece(1, 8)], FAILED)


async def test_halves_are_tried_before_anything_new(desk: Desk) -> None:
    await desk.write("a", "bad", "c", "d")
    await desk.follow(PLAN._replace(bisect=True, retries_max=1))
    await desk.until(1)
    await desk.write("e")
    await desk.until(7)
    assert desk.batches == [["a", "bad", "c", "d"], ["a", "bad"], ["a"], ["bad"], ["bad"], ["c", "d"], ["e"]]
    assert desk.given_up == [(["bad"], False, 2)]


async def test_what_was_done_of_a_batch_is_not_done_again(desk: Desk) -> None:
    desk.reads_partly = True
    await desk.write("a", "bad", "c")
    await desk.follow(PLAN._replace(retries_max=1))
    await desk.until(2)
    assert desk.batches == [["a", "bad", "c"], ["bad", "c"]]
    assert desk.given_up == [(["bad", "c"], False, 2)]


async def test_a_busy_function_is_asked_again_uncounted(desk: Desk) -> None:
    desk.is_busy = True
    await desk.write("a")
    await desk.follow(PLAN._replace(retries_max=0))
    await desk.until(3)
    await desk.write("b")
    desk.is_busy = False
    await desk.until(5)
    assert desk.batches == [["a"]] * 4 + [["b"]]
    assert desk.given_up == []


async def test_what_is_too_old_is_given_up(desk: Desk) -> None:
    await desk.write("old")
    await desk.clock.advance(61 * SECOND_US, desk.store.drain)
    await desk.write("new")
    await desk.follow(PLAN._replace(age_seconds_max=60))
    await desk.until(1)
    assert desk.batches == [["new"]]
    assert desk.given_up == [(["old"], True, 0)]


async def test_another_goes_on_where_one_was_killed(desk: Desk, ids: Ids) -> None:
    await desk.write("a", "bad")
    await desk.follow(PLAN._replace(batch_size=1, retries_max=5))
    await desk.until(3)
    await desk.tasks.close()
    again = Desk(desk.store, desk.clock, ids)
    await again.follow(PLAN._replace(batch_size=1, retries_max=5))
    await again.until(4)
    assert again.batches == [["bad"]] * 4
    assert again.given_up == [(["bad"], False, 6)]
    await again.tasks.close()


async def test_a_batch_that_is_under_way_is_finished(desk: Desk) -> None:
    desk.gate.clear()
    await desk.write("a")
    task = await desk.follow(PLAN)
    for _ in range(20):
        await asyncio.sleep(0)
        await desk.store.drain()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    desk.gate.set()
    await desk.until(1)
    assert await desk.place() == 1


async def test_what_was_passed_over_is_written_down_in_the_end(desk: Desk) -> None:
    await desk.write("-", "-", "a", "-")
    task = await desk.follow(PLAN._replace(window_seconds=60))
    for _ in range(20):
        await asyncio.sleep(0)
        await desk.store.drain()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await desk.place() == 0
    await desk.lane.finish()
    # What is still to be handed on isn't passed over.
    assert await desk.place() == 2
