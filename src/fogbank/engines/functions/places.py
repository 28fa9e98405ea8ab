"""Where functions are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fogbank.storage import Tx


async def scopes_below(tx: Tx, _now_us: int, prefix: str) -> list[str]:
    """Return the scopes that begin with a text and have functions, in no order."""
    rows = await tx.all("SELECT DISTINCT scope FROM function WHERE substr(scope, 1, $1) = $2", len(prefix), prefix)
    return [row[0] for row in rows]
