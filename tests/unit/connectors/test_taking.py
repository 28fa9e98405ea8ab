"""Queued work is done: bounded, tried again when it says so, kept under lease, and never lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fogbank.connectors.taking import After, Again, Taker
from fogbank.kernel.clock import SECOND_US
from fogbank.storage.leasing import counting
from fogbank.storage.leasing.work_queue import Due, WorkQueue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


class Job(msgspec.Struct, frozen=True, array_like=True):
    """A piece of work."""

    name: str
    attempt: int = 1


NUMBER = 999
QUEUE = WorkQueue(NUMBER, Job)


class Hands:
    """Does the work: notes what it is given, and does with it what it was told to."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.running = 0
        self.most = 0
        self.go = asyncio.Event()
        self.go.set()
        self.answers: dict[str, list[After | Again[Job] | Exception]] = {}

    async def do(self, due: Due[Job]) -> After | Again[Job]:
        self.seen.append((due.item.name, due.item.attempt))
        self.running += 1
        self.most = max(self.most, self.running)
        await self.go.wait()
        self.running -= 1
        answers = self.answers.get(due.item.name)
        answer = answers.pop(0) if answers else After.DONE
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def taker(store: Store, clock: Clock, ids: Ids, hands: Hands) -> AsyncIterator[Taker[Job]]:
    made = Taker(
        "jobs", (store, clock, ids), QUEUE, hands.do, lambda job: job.name, at_once_max=3, order=lambda job: job.attempt
    )
    made.start()
    yield made
    await made.close()


async def until(what: Any) -> None:
    async with asyncio.timeout(10):
        while not what():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)


async def settle() -> None:
    await asyncio.sleep(0.01)


async def put(store: Store, ids: Ids, *jobs: Job) -> None:
    await store.run(QUEUE.put, [(ids.sequence(), job) for job in jobs])


async def until_empty(store: Store) -> None:
    async with asyncio.timeout(10):
        # Looked at without taking anything: who takes a piece takes it away from whoever is finishing it.
        while sum(await store.read(counting.counts, NUMBER)):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.002)


async def test_so_many_at_once_and_no_more(
    store: Store, clock: Clock, ids: Ids, hands: Hands, taker: Taker[Job]
) -> None:
    hands.go.clear()
    await put(store, ids, *(Job(str(number)) for number in range(8)))
    await until(lambda: hands.running == 3)
    await settle()
    # Those that wait for a place are held too, however long it takes.
    await clock.advance(120 * SECOND_US, settle)
    assert [name for name, _ in hands.seen] == ["0", "1", "2"]
    hands.go.set()
    await until(lambda: len(hands.seen) == 8)
    assert hands.most == 3
    await until_empty(store)
    assert len(hands.seen) == 8


async def test_those_taken_together_begin_in_order(store: Store, ids: Ids, hands: Hands, taker: Taker[Job]) -> None:
    await put(store, ids, Job("late", 2), Job("early", 1))
    await until(lambda: len(hands.seen) == 2)
    assert hands.seen == [("early", 1), ("late", 2)]


async def test_what_is_to_be_tried_again(store: Store, clock: Clock, ids: Ids, hands: Hands, taker: Taker[Job]) -> None:
    hands.answers["a"] = [Again(Job("a", 2), 60.0)]
    await put(store, ids, Job("a"))
    await until(lambda: hands.seen == [("a", 1)])
    await settle()
    await clock.advance(59 * SECOND_US, settle)
    assert hands.seen == [("a", 1)]
    await clock.advance(2 * SECOND_US, settle)
    await until(lambda: hands.seen == [("a", 1), ("a", 2)])
    await until_empty(store)


async def test_what_failed_or_was_left_is_taken_when_its_lease_ends(
    store: Store, clock: Clock, ids: Ids, hands: Hands, taker: Taker[Job], caplog: pytest.LogCaptureFixture
) -> None:
    hands.answers = {"left": [After.LEFT], "broken": [RuntimeError("oh")]}
    await put(store, ids, Job("left"), Job("broken"))
    await until(lambda: len(hands.seen) == 2)
    await settle()
    await clock.advance(29 * SECOND_US, settle)
    assert len(hands.seen) == 2
    await clock.advance(2 * SECOND_US, settle)
    await until(lambda: len(hands.seen) == 4)
    await until_empty(store)
    assert "jobs/broken failed" in caplog.text


async def test_what_lost_its_lease_is_not_begun_twice(
    store: Store, clock: Clock, ids: Ids, hands: Hands, taker: Taker[Job]
) -> None:
    hands.go.clear()
    await put(store, ids, Job("a"))
    await until(lambda: hands.running == 1)
    # As if the store had not been reachable for as long as the lease lasts.
    await store.run(QUEUE.release_all)
    await settle()
    assert hands.seen == [("a", 1)]
    hands.go.set()
    await until_empty(store)
    assert hands.seen == [("a", 1)]


async def test_closing_leaves_what_is_held(
    store: Store, clock: Clock, ids: Ids, hands: Hands, taker: Taker[Job]
) -> None:
    hands.go.clear()
    await put(store, ids, Job("a"))
    await until(lambda: hands.running == 1)
    await taker.close()
    await clock.advance(31 * SECOND_US, settle)
    (due,), _ = await store.run(QUEUE.take, 10, 0, ids.sequence())
    assert due.item == Job("a")
    # Whoever has taken it since decides about it.
    assert (
        await store.run(QUEUE.replace, Due(due.item, due.message, due.token - 1), ids.sequence(), Job("b"), 0) is False
    )
