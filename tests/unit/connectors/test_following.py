"""Followers of feeds: what there is, what comes, and a feed that begins anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fogbank.connectors.piping.following import Follower
from fogbank.kernel.tasks import Supervisor
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store, Tx

FEED = "followed"


class Diary:
    """What a follower was told."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.notes: list[str] = []
        self.news = asyncio.Event()
        self.tasks = Supervisor("test")
        self.follower = Follower((store, clock, self.tasks), FEED, self._begin, self._apply)

    async def _begin(self) -> None:
        self.note("begin")

    async def _apply(self, payload: bytes) -> None:
        self.note(payload.decode())

    def note(self, what: str) -> None:
        self.notes.append(what)
        self.news.set()

    async def tell(self, note: str) -> None:
        await self.store.run(change_feed.append, FEED, note.encode())

    async def until(self, *notes: str) -> None:
        async with asyncio.timeout(10):
            while self.notes != list(notes):
                self.news.clear()
                await self.news.wait()


@pytest.fixture
async def diary(store: Store, clock: Clock) -> AsyncIterator[Diary]:
    made = Diary(store, clock)
    yield made
    await made.tasks.close()


async def test_entries_that_come_are_applied_and_older_ones_are_not(diary: Diary) -> None:
    await diary.tell("old")
    diary.follower.start()
    await diary.until("begin")
    await diary.tell("one")
    await diary.tell("two")
    await diary.until("begin", "one", "two")


async def _delete(tx: Tx, now_us: int, *notes: str) -> None:
    """Delete the feed as another node does, without a signal, and go on with it at once."""
    await tx.run("DELETE FROM feed")
    await tx.run("DELETE FROM feed_entry")
    for note in notes:
        await change_feed.append(tx, now_us, FEED, note.encode())


async def test_it_begins_anew_when_asked(diary: Diary) -> None:
    diary.follower.start()
    await diary.until("begin")
    await diary.tell("one")
    await diary.until("begin", "one")
    diary.follower.start()
    await diary.until("begin", "one", "begin")
    await diary.tell("first")
    await diary.until("begin", "one", "begin", "first")


async def test_it_begins_anew_when_another_node_deleted_everything(diary: Diary) -> None:
    diary.follower.start()
    await diary.until("begin")
    for note in ("one", "two", "three"):
        await diary.tell(note)
    await diary.until("begin", "one", "two", "three")
    await diary.store.run(_delete, "first")
    await diary.until("begin", "one", "two", "three", "begin")
    await diary.tell("second")
    await diary.until("begin", "one", "two", "three", "begin", "second")


async def test_it_begins_anew_by_itself_after_a_reset(diary: Diary) -> None:
    diary.follower.start()
    await diary.until("begin")
    await diary.tell("one")
    await diary.until("begin", "one")
    await diary.store.reset()
    await diary.until("begin", "one", "begin")
    await diary.tell("first")
    await diary.until("begin", "one", "begin", "first")
