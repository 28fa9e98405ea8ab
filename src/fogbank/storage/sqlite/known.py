"""What is remembered of tables whose rows seldom change: a statement's rows, until its table is written to.

A select costs 10 to 20 µs, and most operations begin with the same one, for the queue, topic or table that they are
about. Nobody else writes to an SQLite store, so what it remembers is what it has.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.storage.store import Row

TABLES: Final = frozenset({"collection", "queue", "subscription", "topic"})
# Of one table; more, and it begins anew.
ROWS_MAX: Final = 10_000
_WRITTEN: Final = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)")
_READ: Final = re.compile(r"\bFROM\s+(\w+)")


@cache
def table_written(statement: str) -> str | None:
    """Return the table that a statement writes to, if that is one whose rows are remembered."""
    return next((table for table in _WRITTEN.findall(statement) if table in TABLES), None)


@cache
def table_read(statement: str) -> str:
    """Return the one table that a statement reads, whose rows are remembered."""
    tables = set(_READ.findall(statement))
    if len(tables) != 1 or not tables <= TABLES or "JOIN" in statement:
        msg = f"rows of {sorted(tables)} aren't remembered: {statement}"
        raise ValueError(msg)
    return str(tables.pop())


class Known:
    """Rows that were read, by table, statement and arguments. `touched` are tables that were written to since."""

    __slots__ = ("_rows", "touched")

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[Any, ...], Sequence[Row]]] = {table: {} for table in TABLES}
        self.touched: set[str] = set()

    def of(self, table: str) -> dict[tuple[Any, ...], Sequence[Row]]:
        """Return what is known of a table."""
        rows = self._rows[table]
        if len(rows) > ROWS_MAX:
            rows.clear()
        return rows

    def touch(self, table: str) -> None:
        """Forget what was known of a table that is written to."""
        self._rows[table].clear()
        self.touched.add(table)

    def forget(self) -> None:
        """Forget everything: something was undone."""
        for rows in self._rows.values():
            rows.clear()
