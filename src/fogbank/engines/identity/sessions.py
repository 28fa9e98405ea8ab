"""Sessions: credentials that act for a principal, or for the account itself, until a point in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.identity.model import Session, decode_session, encode
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.storage import Tx

# For so long it can still be told that a session has expired; then it was never heard of.
REMEMBERED_SECONDS: Final = 86_400


async def issue(tx: Tx, _now_us: int, session: Session) -> None:
    """Make credentials known; nothing is asked about who may have them."""
    await tx.run(
        "INSERT INTO session (access_key, until_us, content) VALUES ($1, $2, $3)",
        session.access_key,
        session.until_us,
        encode(session),
    )


async def find(tx: Tx, _now_us: int, access_key: str) -> Session | None:
    """Return the session of an access key, which may have expired, or None."""
    row = await tx.one("SELECT content FROM session WHERE access_key = $1", access_key)
    return None if row is None else decode_session(bytes(row[0]))


async def forget_expired(tx: Tx, now_us: int) -> None:
    """Remove sessions that expired some time ago."""
    await tx.run("DELETE FROM session WHERE until_us <= $1", now_us - REMEMBERED_SECONDS * SECOND_US)
