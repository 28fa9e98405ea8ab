"""Copies of all that a store holds, taken in one transaction and put back in one. Store operations.

A copy fits the version of Fogbank that took it, and is for the same process: of a server in a test, mostly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from fogbank.storage.migrations import empty, tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.storage.store import Tx, Value

Copy: TypeAlias = "dict[str, list[tuple[Value, ...]]]"
"""Every table's rows, by its name."""


async def take(tx: Tx, _now_us: int) -> Copy:
    """Return every row of every table."""
    return {table: [tuple(row) for row in await tx.all(f"SELECT * FROM {table}")] for table in tables()}


async def put_back(tx: Tx, now_us: int, copy: Mapping[str, list[tuple[Value, ...]]]) -> None:
    """Let the store hold what it held when the copy was taken; whoever listens to it has to look again."""
    await empty(tx, now_us)
    for table, rows in copy.items():
        if rows:
            places = ", ".join(f"${number + 1}" for number in range(len(rows[0])))
            await tx.many(f"INSERT INTO {table} VALUES ({places})", rows)
