"""What nobody has any more, to be emptied in the background.

Deleting or purging something big takes its name away at once and discards its number (from `Ids.sequence`, so it
is nothing else's); its rows are removed later, some at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fogbank.storage.store import Tx

    Drop: TypeAlias = "Callable[[Tx, int, int], Awaitable[bool]]"


async def discard(tx: Tx, number: int) -> None:
    """Give up all rows that stand under a number."""
    await tx.run("INSERT INTO discarded (store) VALUES ($1)", number)


async def empty(tx: Tx, now_us: int, drops: Sequence[Drop]) -> bool:
    """Remove some rows of one discarded number; True once nothing is discarded any more.

    Each of `drops` removes some of what one kind of thing keeps under a number, and returns whether all of it is
    gone; a number that another kind discarded has nothing for it.
    """
    row = await tx.one("SELECT store FROM discarded LIMIT 1")
    if row is None:
        return True
    for drop in drops:
        if not await drop(tx, now_us, row[0]):
            return False
    await tx.run("DELETE FROM discarded WHERE store = $1", row[0])
    return False
