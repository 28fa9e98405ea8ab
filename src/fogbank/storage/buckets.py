"""Buckets of tokens: how much may be used of something, by its name, so much in a second and what was saved up.

A bucket is kept as the time at which it is full again (GCRA, ITU-T I.371), so that nothing is rounded and nothing has
to be filled. All functions are store operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.storage.store import Tx


class Bucket(NamedTuple):
    """A bucket that gets so many tokens `per_second`, and holds those of so many seconds."""

    name: str
    per_second: int
    seconds: int


async def take(tx: Tx, now_us: int, bucket: Bucket, halves: int) -> bool:
    """Take half tokens out of a bucket; False, and nothing is taken, where there are too few.

    Of more than it ever holds, a full one is emptied, and fills longer.
    """
    row = await tx.one("SELECT full_us FROM bucket WHERE name = $1 FOR UPDATE", bucket.name)
    full_us = now_us if row is None else max(now_us, int(row[0]))
    after_us = full_us + -(-halves * SECOND_US // (2 * bucket.per_second))
    if after_us > now_us + bucket.seconds * SECOND_US and full_us > now_us:
        return False
    await tx.run(
        "INSERT INTO bucket (name, full_us) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET full_us = $2",
        bucket.name,
        after_us,
    )
    return True


async def forget_full(tx: Tx, now_us: int) -> None:
    """Forget buckets that are full."""
    await tx.run("DELETE FROM bucket WHERE full_us <= $1", now_us)
