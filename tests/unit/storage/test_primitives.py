"""The change feed, durable timers and blobs, on every store."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from fogbank.kernel.clock import SECOND_US
from fogbank.storage import blobs, change_feed, timers
from fogbank.storage.timers import Timer, TimerService

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx


async def test_a_feed_is_read_in_order_from_any_place(store: Store, clock: Clock) -> None:
    assert await store.read(change_feed.last, "f") == 0
    for number in range(5):
        assert await store.run(change_feed.append, "f", str(number).encode()) == number + 1
    await store.run(change_feed.append, "other", b"x")
    entries = await store.read(change_feed.read, "f", 2, 2)
    assert [(entry.seq, entry.payload, entry.at_us) for entry in entries] == [
        (3, b"2", clock.now()),
        (4, b"3", clock.now()),
    ]
    assert await store.read(change_feed.last, "f") == 5


async def test_concurrent_appends_leave_no_gap(store: Store) -> None:
    numbers = await asyncio.gather(*(store.run(change_feed.append, "f", b"x") for _ in range(30)))
    assert sorted(numbers) == list(range(1, 31))


async def test_an_entry_of_an_operation_that_fails_is_not_told(store: Store) -> None:
    async def fail(tx: Tx, now_us: int) -> None:
        await change_feed.append(tx, now_us, "f", b"never")
        raise ValueError

    with store.signals.listen(change_feed.topic("f")) as listener:
        with pytest.raises(ValueError):  # noqa: PT011
            await store.run(fail)
        assert not listener.told
        assert await store.run(change_feed.append, "f", b"first") == 1
        assert listener.told


async def test_trimming_removes_the_old(store: Store, clock: Clock) -> None:
    await store.run(change_feed.append, "f", b"old")
    await clock.advance(10, store.drain)
    await store.run(change_feed.append, "f", b"new")
    assert await store.run(change_feed.trim, "f", clock.now()) == 1
    assert [entry.payload for entry in await store.read(change_feed.read, "f", 0, 10)] == [b"new"]


class Fired:
    """A kind of timer that records when it fires, and again after as long as its payload says."""

    def __init__(self) -> None:
        self.times: list[tuple[str, int]] = []
        self.failures = 0

    async def action(self, tx: Tx, now_us: int, timer: Timer, _sequence: int) -> int | None:
        await tx.run("UPDATE feed SET last = last + 1 WHERE name = $1", timer.name)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("as asked")
        self.times.append((timer.name, now_us))
        return now_us + int(timer.payload) if timer.payload else None


async def settle(store: Store) -> None:
    for _ in range(30):
        await asyncio.sleep(0)
        await store.drain()
    # A task that waits for PostgreSQL between two operations has none under way: it is given more than one chance.
    for _ in range(5):
        await asyncio.sleep(0.02)
        await store.drain()


async def test_timers_fire_once_in_order_and_again_where_asked(store: Store, clock: Clock, ids: Ids) -> None:
    fired = Fired()
    start_us = clock.now()
    await store.run(timers.arm, Timer("b", start_us + 2 * SECOND_US, "k", b""))
    await store.run(timers.arm, Timer("a", start_us + SECOND_US, "k", b""))
    await store.run(timers.arm, Timer("again", start_us + 3 * SECOND_US, "k", str(SECOND_US).encode()))
    await store.run(timers.arm, Timer("gone", start_us + SECOND_US, "k", b""))
    assert await store.run(timers.disarm, "gone")
    assert not await store.run(timers.disarm, "gone")
    service = asyncio.create_task(TimerService(store, clock, ids, {"k": fired.action}).run())
    await settle(store)
    for _ in range(5):
        await clock.advance(SECOND_US, lambda: settle(store))
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)
    assert [(name, (at_us - start_us) // SECOND_US) for name, at_us in fired.times] == [
        ("a", 1),
        ("b", 2),
        ("again", 3),
        ("again", 4),
        ("again", 5),
    ]


async def test_an_earlier_timer_set_later_fires_first(store: Store, clock: Clock, ids: Ids) -> None:
    fired = Fired()
    service = asyncio.create_task(TimerService(store, clock, ids, {"k": fired.action}).run())
    await settle(store)
    await store.run(timers.arm, Timer("late", clock.now() + 60 * SECOND_US, "k", b""))
    await settle(store)
    await store.run(timers.arm, Timer("soon", clock.now() + SECOND_US, "k", b""))
    await settle(store)
    await clock.advance(SECOND_US, lambda: settle(store))
    assert [name for name, _ in fired.times] == ["soon"]
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)


async def test_a_timer_that_fails_undoes_its_work_and_is_tried_again(
    store: Store, clock: Clock, ids: Ids, caplog: pytest.LogCaptureFixture
) -> None:
    fired = Fired()
    fired.failures = 1
    await store.run(change_feed.append, "t", b"")
    await store.run(timers.arm, Timer("t", clock.now() + SECOND_US, "k", b""))
    service = asyncio.create_task(TimerService(store, clock, ids, {"k": fired.action}).run())
    await settle(store)
    with caplog.at_level(logging.ERROR):
        await clock.advance(SECOND_US, lambda: settle(store))
    assert "the timer t failed" in caplog.text
    assert fired.times == []
    assert await store.read(change_feed.last, "t") == 1
    await clock.advance(10 * SECOND_US, lambda: settle(store))
    assert [name for name, _ in fired.times] == ["t"]
    assert await store.read(change_feed.last, "t") == 2
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)


async def test_blobs_are_shared_and_go_with_their_last_holder(store: Store) -> None:
    data = b"x" * (2 * blobs.PART_BYTES + 1)
    digest = blobs.digest_of(data)
    for holder in ("a", "b", "a"):
        await store.run(blobs.hold, digest, data, holder)
    assert await store.scan(blobs.fetch, digest) == data
    await store.run(blobs.drop, digest, "a")
    assert await store.scan(blobs.fetch, digest) == data
    await store.run(blobs.drop, digest, "b")
    assert await store.scan(blobs.fetch, digest) is None
    empty = blobs.digest_of(b"")
    await store.run(blobs.hold, empty, b"", "a")
    assert await store.scan(blobs.fetch, empty) == b""
