"""What a process needs to know of those before it and beside it: a number of its own, and where numbers go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from fogbank.storage.store import Tx

_STARTS: Final = "starts"


class Joined(NamedTuple):
    """How often this database was opened, this time included, and the highest sequence number in it."""

    start: int
    sequence: int


async def join(tx: Tx, _now_us: int) -> Joined:
    """Count this start and return what went before.

    Sequence numbers begin with the time. A clock that was set back, or moved on by a test and then restarted,
    must not make new messages look older than those that wait.
    """
    row = await tx.one(
        "INSERT INTO feed (name, last) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET last = feed.last + 1"
        " RETURNING last",
        _STARTS,
    )
    assert row is not None
    return Joined(row[0], await highest(tx, _now_us))


async def highest(tx: Tx, _now_us: int) -> int:
    """Return the highest sequence number in the database."""
    row = await tx.one("SELECT MAX(id) FROM message")
    assert row is not None
    return row[0] or 0


async def starts(tx: Tx, _now_us: int) -> int:
    """Return how often the database was opened."""
    row = await tx.one("SELECT last FROM feed WHERE name = $1", _STARTS)
    return 0 if row is None else int(row[0])


async def go_on(tx: Tx, _now_us: int, count: int) -> None:
    """Have starts counted on from a number at least, where other rows have come in the place of all there were."""
    await tx.run(
        "INSERT INTO feed (name, last) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET last = $2 WHERE feed.last < $2",
        _STARTS,
        count,
    )
