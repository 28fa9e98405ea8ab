"""How far the followers of change feeds have come: a place for each lane of a follower, and who goes on from there.

A follower with several lanes hands on what has to stay in order in the same lane. A lane is gone on with under a
lease, so that of several servers on one database one does. All functions are store operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.storage.store import Tx


class Place(NamedTuple):
    """All entries up to `seq` are done with; `note` is what the follower has to remember about what comes next."""

    seq: int
    note: bytes


class Claim(NamedTuple):
    """A lane's lease: the place to go on from, or when to ask again where somebody else has it."""

    place: Place | None
    until_us: int


async def arrange(tx: Tx, _now_us: int, follower: str, lanes: int, start: int) -> None:
    """See to it that a follower has that many lanes. A new one begins after `start`.

    One whose lanes were fewer or more goes on with all of them from where the last one is: what others have done
    already, they are given again.
    """
    rows = await tx.all("SELECT seq FROM feed_place WHERE follower = $1 FOR UPDATE", follower)
    if len(rows) == lanes:
        return
    seq = min((row[0] for row in rows), default=start)
    await tx.run("DELETE FROM feed_place WHERE follower = $1", follower)
    await tx.many(
        "INSERT INTO feed_place (follower, lane, seq, note) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        [(follower, lane, seq, b"") for lane in range(lanes)],
    )


async def places(tx: Tx, _now_us: int, follower: str) -> list[Place]:
    """Return the places of a follower's lanes."""
    rows = await tx.all("SELECT seq, note FROM feed_place WHERE follower = $1 ORDER BY lane", follower)
    return [Place(seq, bytes(note)) for seq, note in rows]


async def claim(
    tx: Tx, now_us: int, follower: str, lane: int, token: int, lease_us: int, *, alone: bool = False
) -> Claim | None:
    """Take a lane under lease, also one that another has where it is known to be gone (`alone`); None if it isn't."""
    row = await tx.one(
        "SELECT seq, note, until_us FROM feed_place WHERE follower = $1 AND lane = $2 FOR UPDATE", follower, lane
    )
    if row is None:
        return None
    if row[2] > now_us and not alone:
        return Claim(None, row[2])
    until_us = now_us + lease_us
    await tx.run(
        "UPDATE feed_place SET token = $1, until_us = $2 WHERE follower = $3 AND lane = $4",
        token,
        until_us,
        follower,
        lane,
    )
    return Claim(Place(row[0], bytes(row[1])), until_us)


async def extend(tx: Tx, now_us: int, tokens: Sequence[int], lease_us: int) -> None:
    """Keep lanes under lease."""
    await tx.many(
        "UPDATE feed_place SET until_us = $1 WHERE token = $2", [(now_us + lease_us, token) for token in tokens]
    )


async def release(tx: Tx, _now_us: int, token: int) -> None:
    """Let others go on with a lane."""
    await tx.run("UPDATE feed_place SET until_us = 0 WHERE token = $1", token)


async def move(tx: Tx, _now_us: int, follower: str, lane: int, token: int, place: Place) -> bool:
    """Write down how far a lane has come; False if somebody else goes on with it by now, or nobody is to."""
    moved = await tx.run(
        "UPDATE feed_place SET seq = $1, note = $2 WHERE follower = $3 AND lane = $4 AND token = $5",
        place.seq,
        place.note,
        follower,
        lane,
        token,
    )
    return bool(moved)


async def forget(tx: Tx, _now_us: int, follower: str) -> None:
    """Give up a follower's places."""
    await tx.run("DELETE FROM feed_place WHERE follower = $1", follower)
