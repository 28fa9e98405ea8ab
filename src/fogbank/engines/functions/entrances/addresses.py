"""Addresses: names under which functions are reached from outside, unique over all scopes. All are store operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.engines.functions import functions
from fogbank.engines.functions.errors import FunctionExistsError, FunctionNotFoundError

if TYPE_CHECKING:
    from fogbank.engines.functions.model import Function, Name
    from fogbank.storage import Tx


async def claim(tx: Tx, _now_us: int, address: str, name: Name) -> None:
    """Give a function an address; raises `FunctionExistsError` if another function has it."""
    made = await tx.run(
        "INSERT INTO function_address (address, scope, function) VALUES ($1, $2, $3) ON CONFLICT (address) DO NOTHING",
        address,
        *name,
    )
    if not made:
        raise FunctionExistsError(address)


async def release(tx: Tx, _now_us: int, address: str) -> None:
    """Let others have an address."""
    await tx.run("DELETE FROM function_address WHERE address = $1", address)


async def find(tx: Tx, now_us: int, address: str) -> Function:
    """Return the function of an address, or raise `FunctionNotFoundError`."""
    row = await tx.one("SELECT scope, function FROM function_address WHERE address = $1", address)
    if row is None:
        raise FunctionNotFoundError(address)
    return await functions.find(tx, now_us, (row[0], row[1]))


async def list_names(tx: Tx, _now_us: int, prefix: str, after: Name, limit: int) -> list[Name]:
    """Return functions that have addresses, in order, of the scopes whose key begins with `prefix`."""
    rows = await tx.all(
        "SELECT DISTINCT scope, function FROM function_address"
        " WHERE scope >= $1 AND scope < $2 AND (scope > $3 OR scope = $3 AND function > $4)"
        " ORDER BY scope, function LIMIT $5",
        prefix,
        prefix[:-1] + chr(ord(prefix[-1]) + 1),
        *after,
        limit,
    )
    return [(row[0], row[1]) for row in rows]
