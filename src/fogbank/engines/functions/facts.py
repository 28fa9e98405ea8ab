"""What is said of a function, a version or an alias, besides what its instances are made from.

A fact is found by the function's id, its kind and the qualifier, which is empty for the function as it is. What it
says is whoever said it's own; `revision` grows with each change. All are store operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Row, Tx

_COLUMNS: Final = "function, kind, qualifier, revision, value, modified_us"


class Fact(NamedTuple):
    """A fact as stored."""

    function: int
    kind: str
    qualifier: str
    revision: int
    value: bytes
    modified_us: int


def _fact(row: Row) -> Fact:
    function, kind, qualifier, revision, value, modified_us = row
    return Fact(function, kind, qualifier, revision, bytes(value), modified_us)


async def find(tx: Tx, _now_us: int, function: int, kind: str, qualifier: str) -> Fact | None:
    """Return a fact, None if there is none."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM function_fact WHERE function = $1 AND kind = $2 AND qualifier = $3",
        function,
        kind,
        qualifier,
    )
    return None if row is None else _fact(row)


async def list_facts(tx: Tx, _now_us: int, function: int, kind: str, after: str | None, limit: int) -> list[Fact]:
    """Return a function's facts of a kind in the order of their qualifiers, those that follow `after`."""
    since = "" if after is None else " AND qualifier > $4"
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM function_fact WHERE function = $1 AND kind = $2{since} ORDER BY qualifier LIMIT $3",
        function,
        kind,
        limit,
        *(() if after is None else (after,)),
    )
    return [_fact(row) for row in rows]


async def change(
    tx: Tx,
    now_us: int,
    function: int,
    kind: str,
    qualifier: str,
    revision: int,
    decide: Callable[[Fact | None], bytes | None],
) -> Fact | None:
    """Say something, or take it back where `decide` returns None; it gets what was said before, and may raise."""
    # Whoever changes a function's facts holds the function's row, so that none of two changes is lost.
    await tx.one("SELECT id FROM function WHERE id = $1 FOR UPDATE", function)
    value = decide(await find(tx, now_us, function, kind, qualifier))
    if value is None:
        await tx.run(
            "DELETE FROM function_fact WHERE function = $1 AND kind = $2 AND qualifier = $3", function, kind, qualifier
        )
        return None
    await tx.run(
        f"INSERT INTO function_fact ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (function, kind, qualifier) DO UPDATE SET revision = $4, value = $5, modified_us = $6",
        function,
        kind,
        qualifier,
        revision,
        value,
        now_us,
    )
    return Fact(function, kind, qualifier, revision, value, now_us)


async def forget(tx: Tx, _now_us: int, function: int, qualifier: str | None = None) -> None:
    """Take back all that is said of a version or alias, or of a function with all of them."""
    if qualifier is None:
        await tx.run("DELETE FROM function_fact WHERE function = $1", function)
        await tx.run("DELETE FROM function_url WHERE function = $1", function)
    else:
        await tx.run("DELETE FROM function_fact WHERE function = $1 AND qualifier = $2", function, qualifier)
        await tx.run("DELETE FROM function_url WHERE function = $1 AND qualifier = $2", function, qualifier)
