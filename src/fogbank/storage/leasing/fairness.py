"""Fairness: how a queue without order serves its tenants in turn, so that one with a backlog holds up no other.

A tenant's messages are a lane (see `lanes`), without the lane's order: any number may be leased at a time. The
lane's row exists while it may have messages; `next_us` says when it was served last, or when its next message can be
leased, whichever is later: whoever has waited longest comes next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fogbank.storage.store import Row, Tx

# Tenants that have nothing to lease after all cost a round.
ROUNDS_MAX: Final = 20


async def enter(tx: Tx, queue: int, tenant: bytes, visible_us: int) -> None:
    """Make sure that the tenant has a turn when a message of its becomes visible."""
    await tx.run(
        "INSERT INTO lane (queue, lane, next_us, leased_id) VALUES ($1, $2, $3, 0) ON CONFLICT (queue, lane)"
        " DO UPDATE SET next_us = CASE WHEN lane.next_us > $3 THEN $3 ELSE lane.next_us END",
        queue,
        tenant,
        visible_us,
    )


async def take(tx: Tx, now_us: int, queue: int, count: int, until_us: int, token: int, lease_from: str) -> list[Row]:
    """Lease up to `count` messages, in rounds of the tenants whose turn it is.

    `lease_from` is the statement that leases some of one lane.
    """
    taken: list[Row] = []
    for _ in range(ROUNDS_MAX):
        wanted = count - len(taken)
        tenants = await tx.all(
            "SELECT lane FROM lane WHERE queue = $1 AND next_us <= $2 ORDER BY next_us LIMIT $3 FOR UPDATE SKIP LOCKED",
            queue,
            now_us,
            wanted,
        )
        for (lane,) in tenants:
            tenant = bytes(lane)
            share = -(-wanted // len(tenants))
            rows = await tx.all(lease_from, until_us, token, now_us, queue, tenant, min(share, count - len(taken)))
            taken += rows
            await _put_off(tx, now_us, queue, tenant, served=bool(rows))
            if len(taken) == count:
                return taken
        if not tenants:
            break
    return taken


async def _put_off(tx: Tx, now_us: int, queue: int, tenant: bytes, *, served: bool) -> None:
    """Let the others come first; forget a tenant that has no message."""
    row = await tx.one("SELECT rank FROM message WHERE queue = $1 AND lane = $2 ORDER BY rank LIMIT 1", queue, tenant)
    if row is None:
        await tx.run("DELETE FROM lane WHERE queue = $1 AND lane = $2", queue, tenant)
        return
    # A message that could be leased now waits for the tenant's next turn.
    next_us = max(row[0], now_us if served else 0)
    await tx.run("UPDATE lane SET next_us = $1 WHERE queue = $2 AND lane = $3", next_us, queue, tenant)


async def begin(tx: Tx, queue: int) -> None:
    """Take what a queue holds already, all of it of no tenant, for one tenant's."""
    row = await tx.one("SELECT rank FROM message WHERE queue = $1 AND lane = $2 ORDER BY rank LIMIT 1", queue, b"")
    if row is not None:
        await enter(tx, queue, b"", row[0])
