"""Buckets of tokens, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.kernel.clock import SECOND_US
from fogbank.storage import buckets
from fogbank.storage.buckets import Bucket

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store, Tx

# Three in a second, and twelve at once.
BUCKET = Bucket("three", 3, 4)


async def _rows(tx: Tx, _now_us: int) -> int:
    return len(await tx.all("SELECT name FROM bucket"))


async def test_tokens_come_back_one_by_one(store: Store, clock: Clock) -> None:
    async def taken(most: int, halves: int = 2) -> int:
        for count in range(most):
            if not await store.run(buckets.take, BUCKET, halves):
                return count
        return most

    # A third of a second isn't a number of microseconds, and yet nothing is lost.
    assert await taken(20) == 12
    assert await taken(5, 1) == 0
    await clock.advance(SECOND_US, store.drain)
    assert await taken(5) == 3
    await clock.advance(10 * SECOND_US, store.drain)
    assert await taken(5, 8) == 3
    await clock.advance(10 * SECOND_US, store.drain)
    # More than it holds empties it, and is waited for afterwards.
    assert await taken(2, 200) == 1
    await clock.advance(30 * SECOND_US, store.drain)
    assert await taken(1, 1) == 1
    assert await store.read(_rows) == 1
    await clock.advance(60 * SECOND_US, store.drain)
    await store.run(buckets.forget_full)
    assert await store.read(_rows) == 0
