"""Private keys that the server signs with, by what for. All are store operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fogbank.storage import Tx


async def find(tx: Tx, _now_us: int, name: str) -> tuple[bytes, int] | None:
    """Return a key as PEM and when it was made, None if there is none yet."""
    row = await tx.one("SELECT pem, created_us FROM signing_key WHERE name = $1", name)
    return None if row is None else (bytes(row[0]), int(row[1]))


async def keep(tx: Tx, now_us: int, name: str, pem: bytes) -> tuple[bytes, int]:
    """Keep a key, or return the one that somebody else kept first."""
    await tx.run(
        "INSERT INTO signing_key (name, pem, created_us) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
        name,
        pem,
        now_us,
    )
    found = await find(tx, now_us, name)
    assert found is not None
    return found
