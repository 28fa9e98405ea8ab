"""A transaction on one SQLite connection, stepped synchronously."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fogbank.storage.sql import for_sqlite
from fogbank.storage.sqlite.known import table_read, table_written

if TYPE_CHECKING:
    from collections.abc import Coroutine, Hashable, Iterable, Sequence
    from pathlib import Path

    from fogbank.storage.signals import Signals
    from fogbank.storage.sqlite.known import Known
    from fogbank.storage.store import Row, Value

T = TypeVar("T")

CACHE_KIB: Final = 65_536
STATEMENTS_CACHED: Final = 512
BUSY_SECONDS: Final = 30.0


def connect(path: Path | None) -> sqlite3.Connection:
    """Open a connection for durable, write-ahead-logged work; None is a private database in memory."""
    connection = sqlite3.connect(
        ":memory:" if path is None else path,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_CACHED,
    )
    for pragma in (
        "page_size = 4096",
        "journal_mode = WAL",
        "synchronous = FULL",
        "wal_autocheckpoint = 0",
        f"cache_size = -{CACHE_KIB}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


def step(work: Coroutine[Any, Any, T]) -> T:
    """Run an operation to its end without an event loop; one that waits for anything but `tx` is a bug."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    work.close()
    msg = f"{work} waited for something that is not its transaction"
    raise RuntimeError(msg)


class SqliteTx:
    """The `Tx` that an operation gets; its methods never suspend."""

    __slots__ = ("_execute", "_executemany", "_known", "_told", "signals")

    def __init__(self, connection: sqlite3.Connection, known: Known, told: Signals | None = None) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany
        self._known = known
        self._told = told
        self.signals: list[tuple[Hashable, int]] | None = None

    async def one(self, sql: str, *args: Value) -> Row | None:
        """Return the first row, or None."""
        if (table := table_written(sql)) is not None:
            self._known.touch(table)
        row: Row | None = self._execute(for_sqlite(sql), args).fetchone()
        return row

    async def all(self, sql: str, *args: Value) -> list[Row]:
        """Return every row."""
        if (table := table_written(sql)) is not None:
            self._known.touch(table)
        return self._execute(for_sqlite(sql), args).fetchall()

    async def known(self, sql: str, *args: Value) -> Sequence[Row]:
        """Return every row, as it was read before if the table wasn't written to since."""
        found = self._known.of(table_read(sql))
        key = (sql, *args)
        rows = found.get(key)
        if rows is None:
            rows = found[key] = self._execute(for_sqlite(sql), args).fetchall()
        return rows

    async def run(self, sql: str, *args: Value) -> int:
        """Execute a statement and return how many rows it touched."""
        if (table := table_written(sql)) is not None:
            self._known.touch(table)
        return self._execute(for_sqlite(sql), args).rowcount

    async def many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Execute a statement once for each row of arguments."""
        if (table := table_written(sql)) is not None:
            self._known.touch(table)
        self._executemany(for_sqlite(sql), rows)

    @property
    def witnessed(self) -> bool:
        """Whether anybody wants to hear of `Happening`s."""
        return self._told is not None and self._told.witnessed

    def signal(self, topic: Hashable, count: int = 1) -> None:
        """Wake up to `count` listeners of the topic once the transaction is committed."""
        if self.signals is None:
            self.signals = []
        self.signals.append((topic, count))
