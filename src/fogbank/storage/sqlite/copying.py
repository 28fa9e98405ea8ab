"""Copying all that an SQLite store holds into an image, and back out of one."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from fogbank.storage.migrations import tables
from fogbank.storage.sqlite.tx import connect, step

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from fogbank.storage.sqlite.tx import SqliteTx
    from fogbank.storage.store import Tx


def copy_out(source: sqlite3.Connection, target: Path) -> None:
    """Copy what was committed last, in one step, so that it is of one moment (https://www.sqlite.org/backup.html)."""
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy:
        # Nobody relies on the file before it is whole.
        copy.execute("PRAGMA journal_mode = OFF").close()
        copy.execute("PRAGMA synchronous = OFF").close()
        source.backup(copy)


def copy_file(path: Path, target: Path) -> None:
    """Copy a database that others write to meanwhile; they don't wait for it."""
    with contextlib.closing(connect(path)) as source:
        copy_out(source, target)


def copy_in(
    tx: SqliteTx,
    connection: sqlite3.Connection,
    image: Path,
    then: Callable[[Tx, int], Coroutine[Any, Any, None]],
    now_us: int,
) -> None:
    """Replace every row by those of an image, and run an operation, in one transaction.

    SQLite copies rows and indexes as they are where two tables are alike, without looking into them.
    """
    connection.execute("ATTACH ? AS image", (str(image),))
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for table in tables():
                connection.execute(f"DELETE FROM main.{table}")
                connection.execute(f"INSERT INTO main.{table} SELECT * FROM image.{table}")
            step(then(tx, now_us))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    finally:
        connection.execute("DETACH image")
