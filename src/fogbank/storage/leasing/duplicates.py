"""Deduplication windows of queues: a key is remembered for a while, with what its first sender was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fogbank.storage.store import Tx


async def remember(tx: Tx, now_us: int, queue: int, key: bytes, window_us: int, receipt: bytes) -> bytes | None:
    """Open a deduplication window for a key, or return the receipt that an open one was opened with."""
    opened = await tx.one(
        "INSERT INTO dedup (queue, key, until_us, receipt) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (queue, key) DO UPDATE SET until_us = $3, receipt = $4 WHERE dedup.until_us <= $5"
        " RETURNING until_us",
        queue,
        key,
        now_us + window_us,
        receipt,
        now_us,
    )
    if opened is not None:
        return None
    row = await tx.one("SELECT receipt FROM dedup WHERE queue = $1 AND key = $2", queue, key)
    assert row is not None
    return bytes(row[0])


async def remembers(tx: Tx, now_us: int, queue: int, key: bytes) -> bool:
    """Whether a key's window is open."""
    row = await tx.one("SELECT 1 FROM dedup WHERE queue = $1 AND key = $2 AND until_us > $3", queue, key, now_us)
    return row is not None


async def forget_duplicates(tx: Tx, now_us: int) -> None:
    """Remove deduplication windows that have closed."""
    await tx.run("DELETE FROM dedup WHERE until_us <= $1", now_us)
