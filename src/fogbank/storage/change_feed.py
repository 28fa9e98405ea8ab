"""The change feed: entries are appended in the transaction of what they tell of, and read in order.

A feed is named by its writer. Its row is locked from the append to the commit, so entries become visible in the
order of their numbers and a follower that has read up to one never misses a lower one. Followers keep their own
place. All functions are store operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from fogbank.storage.store import Tx

EVERY_FOLLOWER: Final = 1_000_000


class Entry(NamedTuple):
    """One entry: its number in the feed, counted from 1 without gaps, and when it was written."""

    seq: int
    at_us: int
    payload: bytes


def topic(feed: str) -> tuple[str, str]:
    """Return the signal that tells of news in a feed."""
    return ("feed", feed)


async def append(tx: Tx, now_us: int, feed: str, payload: bytes) -> int:
    """Add an entry and wake the feed's followers; returns its number."""
    row = await tx.one(
        "INSERT INTO feed (name, last) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET last = feed.last + 1"
        " RETURNING last",
        feed,
    )
    assert row is not None
    await tx.run(
        "INSERT INTO feed_entry (feed, seq, at_us, payload) VALUES ($1, $2, $3, $4)", feed, row[0], now_us, payload
    )
    tx.signal(topic(feed), EVERY_FOLLOWER)
    return int(row[0])


async def last(tx: Tx, _now_us: int, feed: str) -> int:
    """Return the number of the newest entry ever written, 0 before the first."""
    row = await tx.one("SELECT last FROM feed WHERE name = $1", feed)
    return 0 if row is None else int(row[0])


async def read(tx: Tx, _now_us: int, feed: str, after: int, limit: int) -> list[Entry]:
    """Return entries that follow `after`, oldest first."""
    rows = await tx.all(
        "SELECT seq, at_us, payload FROM feed_entry WHERE feed = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        feed,
        after,
        limit,
    )
    return [Entry(seq, at_us, bytes(payload)) for seq, at_us, payload in rows]


async def first(tx: Tx, _now_us: int, feed: str) -> int:
    """Return the number of the oldest entry that is still there; behind the newest if there is none."""
    row = await tx.one("SELECT MIN(seq) FROM feed_entry WHERE feed = $1", feed)
    if row is None or row[0] is None:
        return await last(tx, _now_us, feed) + 1
    return int(row[0])


async def trim(tx: Tx, _now_us: int, feed: str, before_us: int) -> int:
    """Remove entries that were written before a time; returns how many."""
    return await tx.run("DELETE FROM feed_entry WHERE feed = $1 AND at_us < $2", feed, before_us)


async def trim_to(tx: Tx, _now_us: int, feed: str, seq: int) -> int:
    """Remove entries up to a number; returns how many."""
    return await tx.run("DELETE FROM feed_entry WHERE feed = $1 AND seq <= $2", feed, seq)
