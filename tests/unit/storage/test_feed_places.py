"""How far followers of feeds have come, on every store; and how feeds are read and trimmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed, feed_places
from fogbank.storage.feed_places import Claim, Place

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store

LEASE_US = 30 * SECOND_US


async def test_a_lane_is_gone_on_with_by_one(store: Store, clock: Clock) -> None:
    assert await store.run(feed_places.claim, "f", 0, 7, LEASE_US) is None
    await store.run(feed_places.arrange, "f", 1, 5)
    until_us = clock.now() + LEASE_US
    assert await store.run(feed_places.claim, "f", 0, 7, LEASE_US) == Claim(Place(5, b""), until_us)
    assert await store.run(feed_places.claim, "f", 0, 8, LEASE_US) == Claim(None, until_us)
    assert await store.run(feed_places.move, "f", 0, 7, Place(6, b"n"))
    assert not await store.run(feed_places.move, "f", 0, 8, Place(9, b""))
    await clock.advance(LEASE_US, store.drain)
    await store.run(feed_places.extend, [7], LEASE_US)
    assert (await store.run(feed_places.claim, "f", 0, 8, LEASE_US)).place is None
    assert (await store.run(feed_places.claim, "f", 0, 9, LEASE_US, alone=True)).place == Place(6, b"n")
    assert not await store.run(feed_places.move, "f", 0, 7, Place(8, b""))
    await store.run(feed_places.release, 9)
    assert (await store.run(feed_places.claim, "f", 0, 8, LEASE_US)).place == Place(6, b"n")
    await store.run(feed_places.forget, "f")
    assert not await store.run(feed_places.move, "f", 0, 8, Place(8, b""))


async def test_more_lanes_begin_where_the_last_one_is(store: Store) -> None:
    await store.run(feed_places.arrange, "f", 2, 3)
    await store.run(feed_places.claim, "f", 1, 7, LEASE_US)
    await store.run(feed_places.move, "f", 1, 7, Place(9, b"n"))
    await store.run(feed_places.arrange, "f", 2, 100)
    assert await store.read(feed_places.places, "f") == [Place(3, b""), Place(9, b"n")]
    await store.run(feed_places.arrange, "f", 3, 100)
    assert await store.read(feed_places.places, "f") == [Place(3, b"")] * 3


async def test_a_feed_is_read_by_bytes_and_trimmed_in_steps(store: Store, clock: Clock) -> None:
    assert await store.read(change_feed.first, "f") == 1
    for number in range(70):
        await store.run(change_feed.append, "f", b"%03d" % number)
    assert len(await store.read(change_feed.read_within, "f", 0, 1_000, 1_000)) == 70
    assert len(await store.read(change_feed.read_within, "f", 0, 65, 1_000)) == 65
    assert [each.seq for each in await store.read(change_feed.read_within, "f", 10, 1_000, 8)] == [11, 12]
    # One at least, however large it is.
    assert len(await store.read(change_feed.read_within, "f", 0, 1_000, 1)) == 1
    old_us = clock.now()
    await clock.advance(SECOND_US, store.drain)
    await store.run(change_feed.append, "f", b"new")
    assert await store.read(change_feed.first_since, "f", old_us + 1) == 71
    assert await store.run(change_feed.trim, "f", clock.now(), 50) == 50
    assert await store.run(change_feed.trim, "f", clock.now(), 50) == 20
    assert await store.run(change_feed.trim, "f", clock.now(), 50) == 0
    assert await store.read(change_feed.first, "f") == 71
    await store.run(change_feed.trim_to, "f", 71)
    assert await store.read(change_feed.first, "f") == 72
    await store.run(change_feed.forget, "f")
    assert await store.read(change_feed.last, "f") == 0
