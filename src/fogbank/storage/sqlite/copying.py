"""Copying all that an SQLite store holds into an image, and back out of one."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final

from fogbank.storage.images.model import seal
from fogbank.storage.migrations import tables
from fogbank.storage.sqlite.tx import connect, step

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from fogbank.storage.images.model import Facts
    from fogbank.storage.sqlite.tx import SqliteTx
    from fogbank.storage.store import Tx


# Where more rows than this part of a table, or than so many, are other ones, all are replaced.
OTHER_ROWS_PART: Final = 8
OTHER_ROWS_MAX: Final = 10_000


def copy_out(source: sqlite3.Connection, target: Path, taken_us: int) -> Facts:
    """Copy what was committed last into a new image, and return the facts about it.

    It is one step, so that all is of one moment (https://www.sqlite.org/backup.html).
    """
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy:
        # Nobody relies on the file before it is whole.
        copy.execute("PRAGMA journal_mode = OFF").close()
        copy.execute("PRAGMA synchronous = OFF").close()
        source.backup(copy)
        return seal(copy, taken_us)


def copy_file(path: Path, target: Path, taken_us: int) -> Facts:
    """Do the same with a database that others write to meanwhile; they don't wait for it."""
    with contextlib.closing(connect(path)) as source:
        return copy_out(source, target, taken_us)


def copy_in(
    tx: SqliteTx,
    connection: sqlite3.Connection,
    image: Path,
    then: Callable[[Tx, int], Coroutine[Any, Any, None]],
    now_us: int,
) -> None:
    """Replace every row by those of an image, and run an operation, in one transaction.

    What is the same in both is left alone: it is looked at twice as fast as it is written once.
    """
    connection.execute("ATTACH ? AS image", (str(image),))
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            here, there = (_holding_rows(connection, side) for side in ("main", "image"))
            for table in tables():
                if table in here:
                    _remove(connection, table, all_of_it=table not in there)
                if table in there:
                    _add(connection, table)
            step(then(tx, now_us))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    finally:
        connection.execute("DETACH image")


def _holding_rows(connection: sqlite3.Connection, side: str) -> set[str]:
    """Return the tables that aren't empty."""
    # In one statement, which may be of 500 selects (https://www.sqlite.org/limits.html).
    asked = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {side}.{table})" for table in tables())
    return {table for (table,) in connection.execute(asked)}


def _remove(connection: sqlite3.Connection, table: str, *, all_of_it: bool) -> None:
    """Remove the rows that the image doesn't have just so, or all of them where that is less work."""
    if not all_of_it:
        key, others = _columns(connection, table)
        most = min(_count(connection, "main", table) // OTHER_ROWS_PART, OTHER_ROWS_MAX)
        same = " AND ".join(f"theirs.{name} = ours.{name}" for name in key)
        differs = " OR ".join(f"theirs.{name} IS NOT ours.{name}" for name in (key[0], *others))
        wanted = ", ".join(f"ours.{name}" for name in key)
        other = connection.execute(
            f"SELECT {wanted} FROM main.{table} ours LEFT JOIN image.{table} theirs ON {same} WHERE {differs} LIMIT ?",
            (most + 1,),
        ).fetchall()
        if len(other) <= most:
            this = " AND ".join(f"{name} = ?" for name in key)
            connection.executemany(f"DELETE FROM main.{table} WHERE {this}", other)
            return
    connection.execute(f"DELETE FROM main.{table}")


def _add(connection: sqlite3.Connection, table: str) -> None:
    """Add the rows of the image that aren't there; those that are there are all as the image has them.

    Into an empty table, SQLite copies rows and indexes as they are, without looking into them.
    """
    there = _count(connection, "main", table)
    if there == 0:
        connection.execute(f"INSERT INTO main.{table} SELECT * FROM image.{table}")
    elif there < _count(connection, "image", table):
        key, others = _columns(connection, table)
        names = ", ".join((*key, *others))
        same = " AND ".join(f"ours.{name} = theirs.{name}" for name in key)
        connection.execute(
            f"INSERT INTO main.{table} ({names}) SELECT {names} FROM image.{table} theirs"
            f" WHERE NOT EXISTS (SELECT 1 FROM main.{table} ours WHERE {same})"
        )


def _columns(connection: sqlite3.Connection, table: str) -> tuple[list[str], list[str]]:
    """Return the names of the columns that tell a table's rows apart, and those of the others."""
    columns = connection.execute(f"PRAGMA main.table_info({table})").fetchall()
    key = [(name, type_) for _, name, type_, _, _, place in columns if place]
    (text,) = connection.execute("SELECT sql FROM main.sqlite_master WHERE name = ?", (table,)).fetchone()
    if text.endswith("WITHOUT ROWID") or [type_ for _, type_ in key] == ["INTEGER"]:
        names = [name for name, _ in key]
    else:
        names = ["rowid"]
    return names, [name for _, name, *_ in columns if name not in names]


def _count(connection: sqlite3.Connection, side: str, table: str) -> int:
    return int(connection.execute(f"SELECT COUNT(*) FROM {side}.{table}").fetchone()[0])
