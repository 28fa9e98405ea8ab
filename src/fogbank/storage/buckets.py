"""Buckets of tokens: how much may be used of something, by its name, so much in a second and what was saved up.

Of a bucket is kept what is missing from it, in parts of tokens that come back by the microsecond, so that nothing is
rounded and nothing has to be filled. All functions are store operations.
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
    row = await tx.one("SELECT missing, at_us FROM bucket WHERE name = $1 FOR UPDATE", bucket.name)
    pace = 2 * bucket.per_second
    missing = 0 if row is None else max(0, row[0] - pace * max(0, now_us - row[1]))
    wanted = missing + halves * SECOND_US
    if missing and wanted > pace * bucket.seconds * SECOND_US:
        return False
    await tx.run(
        "INSERT INTO bucket (name, missing, at_us, full_us) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE"
        " SET missing = $2, at_us = $3, full_us = $4",
        bucket.name,
        wanted,
        now_us,
        now_us + -(-wanted // pace),
    )
    return True


async def forget_full(tx: Tx, now_us: int) -> None:
    """Forget buckets that are full."""
    await tx.run("DELETE FROM bucket WHERE full_us <= $1", now_us)
