"""What is kept of a leased queue's messages after they were acknowledged, and going back to it.

Acknowledged messages of a queue that retains them stand under the queue's negative number, with all that they were.
In a lane whose messages come back together (`Rules.suffix`), one that is acknowledged before an earlier one stays
where it is, marked, until the earlier one is acknowledged or comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.storage.change_feed import EVERY_FOLLOWER
from fogbank.storage.leasing import lanes

if TYPE_CHECKING:
    from fogbank.storage.leasing.leased_queue import Rules
    from fogbank.storage.store import Tx

# A lease that is never drawn: the message was acknowledged before its turn.
_ACKNOWLEDGED: Final = -1


async def ack(tx: Tx, now_us: int, queue: int, message: int, token: int, rules: Rules, live_us: int) -> bool:
    """Acknowledge a message of a queue that retains messages, or whose messages come back together."""
    row = await tx.one(
        "SELECT lane, rank FROM message WHERE id = $1 AND queue = $2 AND lease = $3 AND visible_us > $4",
        message,
        queue,
        token,
        live_us,
    )
    if row is None:
        return False
    lane = bytes(row[0])
    in_order = rules.ordered and row[1] == 0
    if not (in_order and rules.suffix):
        await _done(tx, queue, message, rules)
    else:
        await tx.run("UPDATE message SET lease = $1, visible_us = $2 WHERE id = $3", _ACKNOWLEDGED, now_us, message)
        await _done_in_turn(tx, queue, lane, rules)
    if in_order:
        await lanes.reopen(tx, now_us, queue, lane)
        tx.signal(("queue", queue))
    return True


async def _done_in_turn(tx: Tx, queue: int, lane: bytes, rules: Rules) -> None:
    """Be done with what is acknowledged at the lane's head."""
    while True:
        head = await tx.one(
            "SELECT id, lease FROM message WHERE queue = $1 AND lane = $2 AND rank = 0 ORDER BY id LIMIT 1", queue, lane
        )
        if head is None or head[1] != _ACKNOWLEDGED:
            return
        await _done(tx, queue, head[0], rules)


async def _done(tx: Tx, queue: int, message: int, rules: Rules) -> None:
    if rules.retain:
        await tx.run("UPDATE message SET queue = $1, rank = sent_us, lease = 0 WHERE id = $2", -queue, message)
        return
    row = await tx.one("DELETE FROM message WHERE id = $1 RETURNING length(body)", message)
    if row is not None and not row[0]:
        await tx.run("DELETE FROM message_body WHERE id = $1", message)


async def seek(tx: Tx, now_us: int, queue: int, rules: Rules, at_us: int) -> None:
    """Have what was sent before a time acknowledged, and what was sent since, as far as it is retained, not."""
    await _acknowledge_before(tx, queue, rules, at_us)
    await tx.run(
        "UPDATE message SET queue = $1, visible_us = $2, receives = 0, lease = 0, first_us = NULL,"
        " rank = CASE WHEN $3 AND lane <> $4 THEN 0 ELSE CAST($2 AS BIGINT) END WHERE queue = $5 AND sent_us >= $6",
        queue,
        now_us,
        rules.ordered,
        b"",
        -queue,
        at_us,
    )
    await _rebuild(tx, now_us, queue, rules)


async def seek_to(tx: Tx, now_us: int, queue: int, rules: Rules, at_us: int, unacknowledged: set[int]) -> None:
    """Go back to a time at which, of what had been sent, those messages weren't acknowledged."""
    rows = await tx.all("SELECT id FROM message WHERE queue = $1 AND sent_us < $2", queue, at_us)
    await seek(tx, now_us, queue, rules._replace(retain=True), at_us)
    for message in unacknowledged:
        await tx.run(
            "UPDATE message SET queue = $1, visible_us = $2, receives = 0, lease = 0, first_us = NULL,"
            " rank = CASE WHEN $3 AND lane <> $4 THEN 0 ELSE CAST($2 AS BIGINT) END WHERE id = $5 AND queue = $6",
            queue,
            now_us,
            rules.ordered,
            b"",
            message,
            -queue,
        )
    if not rules.retain:
        for (message,) in rows:
            if message not in unacknowledged:
                await tx.run("DELETE FROM message_body WHERE id = $1", message)
                await tx.run("DELETE FROM message WHERE id = $1 AND queue = $2", message, -queue)
    await _rebuild(tx, now_us, queue, rules)


async def unacknowledged(tx: Tx, _now_us: int, queue: int) -> list[int]:
    """Return the messages that a queue still has, acknowledged ones that wait for earlier ones not among them."""
    rows = await tx.all("SELECT id FROM message WHERE queue = $1 AND lease <> $2 ORDER BY id", queue, _ACKNOWLEDGED)
    return [row[0] for row in rows]


async def _acknowledge_before(tx: Tx, queue: int, rules: Rules, at_us: int) -> None:
    if rules.retain:
        await tx.run(
            "UPDATE message SET queue = $1, rank = sent_us, lease = 0 WHERE queue = $2 AND sent_us < $3",
            -queue,
            queue,
            at_us,
        )
        return
    await tx.run(
        "DELETE FROM message_body WHERE id IN (SELECT id FROM message WHERE queue = $1 AND sent_us < $2)", queue, at_us
    )
    await tx.run("DELETE FROM message WHERE queue = $1 AND sent_us < $2", queue, at_us)


async def _rebuild(tx: Tx, now_us: int, queue: int, rules: Rules) -> None:
    """Make the lanes anew from what they hold."""
    if rules.ordered:
        await tx.run("DELETE FROM lane WHERE queue = $1", queue)
        await tx.run(
            "INSERT INTO lane (queue, lane, next_us, leased_id)"
            " SELECT DISTINCT queue, lane, CAST($1 AS BIGINT), 0 FROM message WHERE queue = $2 AND rank = 0",
            now_us,
            queue,
        )
        for (lane,) in await tx.all("SELECT lane FROM lane WHERE queue = $1", queue):
            # Whatever of a lane is still leased keeps it closed.
            await tx.run(
                "UPDATE lane SET leased_id = COALESCE((SELECT MAX(id) FROM message WHERE queue = $1 AND lane = $2"
                " AND rank = 0 AND lease > 0 AND visible_us > $3), 0) WHERE queue = $1 AND lane = $2",
                queue,
                lane,
                now_us,
            )
            await lanes.reopen(tx, now_us, queue, bytes(lane))
    tx.signal(("queue", queue), EVERY_FOLLOWER)
