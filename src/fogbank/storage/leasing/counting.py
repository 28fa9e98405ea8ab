"""How many messages a leased queue has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fogbank.storage.leasing.leased_queue import Rules
    from fogbank.storage.store import Tx


class Counts(NamedTuple):
    """How many messages wait, are leased, and are delayed."""

    visible: int
    leased: int
    delayed: int


async def counts(tx: Tx, now_us: int, queue: int) -> Counts:
    """Count a queue's messages; takes time in proportion to them, so it belongs in a scan."""
    row = await tx.one(
        "SELECT COUNT(*), COALESCE(SUM(CASE WHEN visible_us > $2 AND lease <> 0 THEN 1 ELSE 0 END), 0),"
        " COALESCE(SUM(CASE WHEN visible_us > $2 AND lease = 0 THEN 1 ELSE 0 END), 0)"
        " FROM message WHERE queue = $1",
        queue,
        now_us,
    )
    assert row is not None
    total, leased, delayed = int(row[0]), int(row[1]), int(row[2])
    return Counts(total - leased - delayed, leased, delayed)


async def leased(tx: Tx, now_us: int, queue: int, rules: Rules, limit: int) -> int:
    """Count a queue's leased messages, up to a limit; takes time in proportion to them, not to all."""
    if rules.ordered:
        row = await tx.one(
            "SELECT COUNT(*) FROM lane JOIN message ON message.queue = lane.queue AND message.lane = lane.lane"
            " AND message.rank = 0 AND message.id <= lane.leased_id WHERE lane.queue = $1 AND lane.leased_id <> 0"
            " AND message.lease <> 0 AND message.visible_us > $2",
            queue,
            now_us,
        )
    else:
        where = "queue = $1 AND rank > $2 AND lease <> 0" + ("" if rules.fair else " AND lane = $4")
        args = (queue, now_us, limit) if rules.fair else (queue, now_us, limit, b"")
        row = await tx.one(f"SELECT COUNT(*) FROM (SELECT 1 FROM message WHERE {where} LIMIT $3) AS held", *args)
    assert row is not None
    return min(int(row[0]), limit)
