"""Lanes: how an ordered queue keeps the messages of one ordering key in order.

A lane is a row that exists while its key has messages. `next_us` says when its first message may be leased:
when that message is visible or, while messages are leased, when the last of those leases ends. The row is
locked by whoever changes the lane, so senders and receivers of one key take turns on a shared database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fogbank.storage.leasing.leased_queue import Rules
    from fogbank.storage.store import Row, Tx

TAKEN_COLUMNS: Final = "id, lane, receives, sent_us, first_us, origin, body, expires_us"


async def enter(tx: Tx, queue: int, lane: bytes, visible_us: int) -> None:
    """Make sure that the lane exists, and lock it."""
    await tx.run(
        "INSERT INTO lane (queue, lane, next_us, leased_id) VALUES ($1, $2, $3, 0)"
        " ON CONFLICT (queue, lane) DO UPDATE SET next_us = lane.next_us",
        queue,
        lane,
        visible_us,
    )


async def take(tx: Tx, now_us: int, queue: int, rules: Rules, count: int, until_us: int, token: int) -> list[Row]:
    """Lease up to `count` messages, from as few lanes as possible, each lane's in order."""
    taken: list[Row] = []
    while len(taken) < count:
        row = await tx.one(
            "SELECT lane FROM lane WHERE queue = $1 AND next_us <= $2 ORDER BY next_us LIMIT 1 FOR UPDATE SKIP LOCKED",
            queue,
            now_us,
        )
        if row is None:
            break
        taken += await _take_from(tx, now_us, queue, rules, bytes(row[0]), count - len(taken), until_us, token)
    return taken


async def _take_from(
    tx: Tx, now_us: int, queue: int, rules: Rules, lane: bytes, count: int, until_us: int, token: int
) -> list[Row]:
    heads = await tx.all(
        "SELECT id, visible_us FROM message WHERE queue = $1 AND lane = $2 AND rank = 0 ORDER BY id LIMIT $3",
        queue,
        lane,
        count,
    )
    taken: list[Row] = []
    for message, visible_us in heads:
        if visible_us > now_us:
            break
        row = await tx.one(
            "UPDATE message SET visible_us = $1, receives = receives + 1, lease = $2,"
            f" first_us = COALESCE(first_us, $3) WHERE id = $4 RETURNING {TAKEN_COLUMNS}",
            until_us,
            token,
            now_us,
            message,
        )
        assert row is not None
        taken.append(row)
    if taken:
        wait_us = rules.backoff_us(taken[0][2]) if rules.backoff_min_us else 0
        await _set(tx, queue, lane, until_us + wait_us, taken[-1][0])
    else:
        await reopen(tx, now_us, queue, lane)
    return taken


async def reopen(tx: Tx, now_us: int, queue: int, lane: bytes) -> None:
    """Work out anew when the lane's next message may be leased; remove the lane if it is empty."""
    held = await tx.one("SELECT leased_id FROM lane WHERE queue = $1 AND lane = $2 FOR UPDATE", queue, lane)
    leased_id = 0 if held is None else held[0]
    if leased_id:
        busy = await tx.one(
            "SELECT MAX(visible_us) FROM message WHERE queue = $1 AND lane = $2 AND rank = 0 AND id <= $3"
            " AND lease <> 0 AND visible_us > $4",
            queue,
            lane,
            leased_id,
            now_us,
        )
        if busy is not None and busy[0] is not None:
            await _set(tx, queue, lane, busy[0], leased_id)
            return
    head = await tx.one(
        "SELECT visible_us FROM message WHERE queue = $1 AND lane = $2 AND rank = 0 ORDER BY id LIMIT 1",
        queue,
        lane,
    )
    if head is None:
        await tx.run("DELETE FROM lane WHERE queue = $1 AND lane = $2", queue, lane)
    else:
        await _set(tx, queue, lane, head[0], 0)


async def give_back_later(tx: Tx, now_us: int, queue: int, lane: bytes, message: int) -> None:
    """Let what follows a message in its lane be leased again, after that message, acknowledged or not."""
    await tx.run(
        "UPDATE message SET visible_us = $1, lease = 0 WHERE queue = $2 AND lane = $3 AND rank = 0 AND id > $4"
        " AND lease <> 0",
        now_us,
        queue,
        lane,
        message,
    )


async def next_turn(tx: Tx, queue: int) -> Row | None:
    """Return when the next message of any lane may be leased, as a row of one column."""
    return await tx.one("SELECT next_us FROM lane WHERE queue = $1 ORDER BY next_us LIMIT 1", queue)


async def _set(tx: Tx, queue: int, lane: bytes, next_us: int, leased_id: int) -> None:
    await tx.run(
        "UPDATE lane SET next_us = $1, leased_id = $2 WHERE queue = $3 AND lane = $4",
        next_us,
        leased_id,
        queue,
        lane,
    )
