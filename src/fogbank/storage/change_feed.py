"""The change feed: entries are appended in the transaction of what they tell of, and read in order.

A feed is named by its writer. Its row is locked from the append to the commit, so entries become visible in the
order of their numbers and a follower that has read up to one never misses a lower one. Followers keep their own
place. All functions are store operations.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from fogbank.storage.store import Tx

EVERY_FOLLOWER: Final = 1_000_000
EVERY_ENTRY: Final = 1_000_000
# Entries that are read before their sizes are added up: of the largest, that many fit into memory easily.
READ_AT_ONCE: Final = 32


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


async def read_within(tx: Tx, now_us: int, feed: str, after: int, limit: int, bytes_max: int) -> list[Entry]:
    """Return entries that follow `after` until their payloads are `bytes_max` together; one at least, if there is."""
    found: list[Entry] = []
    size = 0
    while len(found) < limit:
        page = await read(tx, now_us, feed, found[-1].seq if found else after, min(READ_AT_ONCE, limit - len(found)))
        for entry in page:
            size += len(entry.payload)
            if size > bytes_max and found:
                return found
            found.append(entry)
        if len(page) < READ_AT_ONCE:
            break
    return found


async def first(tx: Tx, now_us: int, feed: str) -> int:
    """Return the number of the oldest entry that there is; of the next that will be, if there is none."""
    row = await tx.one("SELECT seq FROM feed_entry WHERE feed = $1 ORDER BY seq LIMIT 1", feed)
    return await last(tx, now_us, feed) + 1 if row is None else int(row[0])


async def first_since(tx: Tx, now_us: int, feed: str, at_us: int) -> int:
    """Return the number of the oldest entry of that time or later, as `first` does; looks at all before, so a scan."""
    row = await tx.one("SELECT seq FROM feed_entry WHERE feed = $1 AND at_us >= $2 ORDER BY seq LIMIT 1", feed, at_us)
    return await last(tx, now_us, feed) + 1 if row is None else int(row[0])


async def first_behind(tx: Tx, now_us: int, feed: str, at_us: int) -> int:
    """Return the number of the oldest entry that is later than a time; of the next that will be, if there is none."""
    low, high = await first(tx, now_us, feed), await last(tx, now_us, feed) + 1
    while low < high:
        middle = (low + high) // 2
        (entry,) = await read(tx, now_us, feed, middle - 1, 1)
        if entry.at_us > at_us:
            high = middle
        else:
            low = middle + 1
    return low


async def trim(tx: Tx, _now_us: int, feed: str, before_us: int, limit: int = EVERY_ENTRY) -> int:
    """Remove up to `limit` of the oldest entries, as far as they were written before a time; returns how many."""
    rows = await tx.all("SELECT seq, at_us FROM feed_entry WHERE feed = $1 ORDER BY seq LIMIT $2", feed, limit)
    old = [seq for seq, _ in takewhile(lambda row: row[1] < before_us, rows)]
    if not old:
        return 0
    return await tx.run("DELETE FROM feed_entry WHERE feed = $1 AND seq <= $2", feed, old[-1])


async def forget(tx: Tx, _now_us: int, feed: str) -> None:
    """Give up a feed that nobody writes any more, together with its count."""
    await tx.run("DELETE FROM feed_entry WHERE feed = $1", feed)
    await tx.run("DELETE FROM feed WHERE name = $1", feed)


async def trim_to(tx: Tx, _now_us: int, feed: str, seq: int) -> int:
    """Remove entries up to a number; returns how many."""
    return await tx.run("DELETE FROM feed_entry WHERE feed = $1 AND seq <= $2", feed, seq)
