"""Blobs: immutable contents by their SHA-256, kept in parts, as long as somebody uses them.

All functions are store operations. A holder is named by whoever uses the blob.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fogbank.storage.store import Tx

PART_BYTES: Final = 1_048_576


def digest_of(data: bytes) -> bytes:
    """Return the name of a content."""
    return sha256(data).digest()


async def hold(tx: Tx, _now_us: int, digest: bytes, data: bytes, holder: str) -> None:
    """Keep a content for a holder; one that is there already is shared."""
    if await tx.one("SELECT part FROM blob_part WHERE digest = $1 LIMIT 1", digest) is None:
        parts = [
            (digest, number, data[start : start + PART_BYTES])
            for number, start in enumerate(range(0, max(1, len(data)), PART_BYTES))
        ]
        await tx.many("INSERT INTO blob_part (digest, part, data) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", parts)
    await tx.run("INSERT INTO blob_use (digest, holder) VALUES ($1, $2) ON CONFLICT DO NOTHING", digest, holder)


async def drop(tx: Tx, _now_us: int, digest: bytes, holder: str) -> None:
    """Say that a holder no longer needs a content; it goes with its last holder."""
    await tx.run("DELETE FROM blob_use WHERE digest = $1 AND holder = $2", digest, holder)
    if await tx.one("SELECT holder FROM blob_use WHERE digest = $1 LIMIT 1", digest) is None:
        await tx.run("DELETE FROM blob_part WHERE digest = $1", digest)


async def fetch(tx: Tx, _now_us: int, digest: bytes) -> bytes | None:
    """Return a content, None if nobody holds it."""
    rows = await tx.all("SELECT data FROM blob_part WHERE digest = $1 ORDER BY part", digest)
    return b"".join(bytes(row[0]) for row in rows) if rows else None
