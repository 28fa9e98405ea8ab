"""Long operations by name: kept for as long as somebody may ask about them. All are store operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.kernel.errors import NotFoundError

if TYPE_CHECKING:
    from fogbank.storage import Tx

KEPT_US: Final = 14 * 24 * 3_600 * 1_000_000


class OperationNotFoundError(NotFoundError):
    """There is no operation of that name."""


class LongOperation(NamedTuple):
    """An operation as stored; `body` is in the cloud's own words."""

    scope: str
    name: str
    created_us: int
    body: bytes


async def add(tx: Tx, now_us: int, scope: str, name: str, body: bytes) -> None:
    """Keep an operation, and forget old ones of the same scope."""
    await tx.run("DELETE FROM long_operation WHERE scope = $1 AND created_us < $2", scope, now_us - KEPT_US)
    await tx.run(
        "INSERT INTO long_operation (scope, name, created_us, body) VALUES ($1, $2, $3, $4)", scope, name, now_us, body
    )


async def find(tx: Tx, _now_us: int, scope: str, name: str) -> LongOperation:
    """Return an operation, or raise `OperationNotFoundError`."""
    row = await tx.one(
        "SELECT scope, name, created_us, body FROM long_operation WHERE scope = $1 AND name = $2", scope, name
    )
    if row is None:
        raise OperationNotFoundError(name)
    return LongOperation(row[0], row[1], row[2], bytes(row[3]))


async def list_operations(tx: Tx, _now_us: int, scope: str, after: str, limit: int) -> list[LongOperation]:
    """Return operations of a scope in the order of their names, those that follow `after`."""
    rows = await tx.all(
        "SELECT scope, name, created_us, body FROM long_operation"
        " WHERE scope = $1 AND name > $2 ORDER BY name LIMIT $3",
        scope,
        after,
        limit,
    )
    return [LongOperation(row[0], row[1], row[2], bytes(row[3])) for row in rows]


async def delete(tx: Tx, now_us: int, scope: str, name: str) -> None:
    """Forget an operation; raises `OperationNotFoundError`."""
    await find(tx, now_us, scope, name)
    await tx.run("DELETE FROM long_operation WHERE scope = $1 AND name = $2", scope, name)
