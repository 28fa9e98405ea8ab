"""What an image is: its tables, the facts about it, and how one is told from any other file.

An image has the tables that the migrations make, with all their rows, and one of its own with the facts. Its
`application_id` and `user_version` are the format's, so that it is known by its first hundred bytes
(https://www.sqlite.org/fileformat2.html#the_database_header).
"""

from __future__ import annotations

import contextlib
import sqlite3
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias
from urllib.parse import quote

from fogbank import __version__
from fogbank.storage.migrations import CREATE_MIGRATION_TABLE, migrations
from fogbank.storage.sql import for_sqlite, statements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

Connection: TypeAlias = sqlite3.Connection
# Type, name, table, and the text that made it.
_Definition: TypeAlias = tuple[str, str, str, str | None]
# "FOGB".
APPLICATION_ID: Final = 0x464F4742
FORMAT: Final = 1
_FACTS: Final = "image"
_CREATE_FACTS: Final = (
    f"CREATE TABLE {_FACTS} (version TEXT NOT NULL, migration INTEGER NOT NULL, taken_us INTEGER NOT NULL)"
)


class ImageError(Exception):
    """The file is no image, is damaged, or was written by a later version; the text says which."""


class Facts(NamedTuple):
    """Which version of Fogbank wrote an image, its latest migration, and when, by the server's clock."""

    version: str
    migration: int
    taken_us: int


def seal(connection: Connection, taken_us: int) -> Facts:
    """Make a new file that has everything into an image; returns the facts about it."""
    # A copy of a database with a write-ahead log wants one, too; an image is one file.
    connection.execute("PRAGMA journal_mode = DELETE").close()
    # Nobody relies on it before it is whole.
    connection.execute("PRAGMA journal_mode = OFF").close()
    connection.execute("PRAGMA synchronous = OFF").close()
    connection.execute("BEGIN")
    (migration,) = connection.execute("SELECT MAX(number) FROM migration").fetchone()
    facts = Facts(__version__, migration, taken_us)
    connection.execute(_CREATE_FACTS)
    connection.execute(f"INSERT INTO {_FACTS} VALUES (?, ?, ?)", facts)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")
    return facts


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open an image that nobody changes, to read it; what is wrong with it is raised as `ImageError`."""
    try:
        with contextlib.closing(sqlite3.connect(_url(path), uri=True, isolation_level=None)) as connection:
            # What a foreign file brings along of views and the like runs nothing.
            connection.execute("PRAGMA trusted_schema = OFF").close()
            yield connection
    except sqlite3.Error as error:
        msg = f"the file is damaged, or no image: {error}"
        raise ImageError(msg) from None


@contextlib.contextmanager
def reading_two(path: Path, later: Path) -> Iterator[sqlite3.Connection]:
    """Open two images at once; the second one's tables are those of the schema `later`."""
    with reading(path) as connection:
        connection.execute("ATTACH ? AS later", (_url(later),))
        yield connection


def read_facts(path: Path) -> Facts:
    """Return the facts about an image; raises `ImageError`."""
    with reading(path) as connection:
        return facts_of(connection)


def facts_of(connection: sqlite3.Connection) -> Facts:
    """Return the facts about an image that is open; raises `ImageError`."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (format_,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise ImageError("the file is no image of Fogbank's")
    if format_ > FORMAT:
        raise ImageError(f"the file has format {format_}, and this version of Fogbank reads up to {FORMAT}")
    return Facts(*connection.execute(f"SELECT version, migration, taken_us FROM {_FACTS}").fetchone())


def check(path: Path, *, every_page: bool) -> tuple[Facts, bool]:
    """Raise `ImageError` for anything that isn't an image of this version or an earlier one.

    Returns the facts, and whether it is of this one; an earlier one's is to be brought up to it. With `every_page` all
    of it is looked at.
    """
    with reading(path) as connection:
        facts = facts_of(connection)
        done = {number for (number,) in connection.execute("SELECT number FROM migration")}
        known = {step.number for step in migrations()}
        if done - known:
            raise ImageError(
                f"the file is from Fogbank {facts.version} and has migration {max(done - known)},"
                " which this version doesn't know: it takes a later one"
            )
        texts, shape = _expected(frozenset(done))
        # The texts differ where another SQLite has changed a table.
        if _texts(connection) != texts and _shape(connection) != shape:
            raise ImageError(f"the file's tables aren't those of Fogbank {facts.version}")
        if every_page and (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise ImageError(f"the file is damaged: {found}")
        return facts, done == known


def build(connection: sqlite3.Connection, done: AbstractSet[int]) -> None:
    """Apply some of the migrations to an empty database."""
    connection.execute(for_sqlite(CREATE_MIGRATION_TABLE))
    for step in migrations():
        if step.number in done:
            for statement in statements(step.script):
                connection.execute(for_sqlite(statement))
            connection.execute("INSERT INTO migration VALUES (?, ?)", (step.number, step.name))


def columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """Return the names of a table's columns, in their order."""
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def _texts(connection: Connection) -> frozenset[_Definition]:
    """Return all that there is but rows, each with the text that made it."""
    return frozenset(
        connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name <> ?", (_FACTS,))
    )


def _url(path: Path) -> str:
    return f"file:{quote(str(path))}?mode=ro&immutable=1"


@cache
def _expected(done: frozenset[int]) -> tuple[frozenset[_Definition], dict[str, list[object]]]:
    """Return what there is in a database in which those migrations were applied, as `_texts` and as `_shape`."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        build(connection, done)
        return _texts(connection), _shape(connection)


def _shape(connection: sqlite3.Connection) -> dict[str, list[object]]:
    """Return all that there is but rows: tables with their columns, and indexes."""
    names = connection.execute("SELECT type, name FROM sqlite_master WHERE name <> ?", (_FACTS,)).fetchall()
    return {
        f"{kind} {name}": connection.execute(f"PRAGMA table_info({name})").fetchall() if kind == "table" else []
        for kind, name in names
    }
