"""Numbered migrations: SQL files that are applied once each, in order, when a store is opened."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.storage import change_feed
from fogbank.storage.sql import statements

if TYPE_CHECKING:
    from fogbank.storage.store import Tx

_NAME: Final = re.compile(r"(\d{4})_(\w+)\.sql")
_TABLE: Final = re.compile(r"CREATE TABLE (\w+)")

CREATE_MIGRATION_TABLE: Final = "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL)"


class NewerDatabaseError(Exception):
    """The database was written by a later version of Fogbank than this one."""


class Migration(NamedTuple):
    """One step from an empty database to the present one."""

    number: int
    name: str
    script: str


@cache
def migrations() -> tuple[Migration, ...]:
    """Every migration that this version knows, in order."""
    scripts = files("fogbank.storage").joinpath("migrations").iterdir()
    named = ((_NAME.fullmatch(script.name), script) for script in scripts)
    return tuple(sorted(Migration(int(name[1]), name[2], script.read_text()) for name, script in named if name))


@cache
def tables() -> tuple[str, ...]:
    """The tables that the migrations create."""
    return tuple(name for step in migrations() for name in _TABLE.findall(step.script))


async def migrate(tx: Tx, _now_us: int) -> None:
    """Bring the database up to this version, or raise `NewerDatabaseError`."""
    await tx.run(CREATE_MIGRATION_TABLE)
    done = {number for (number,) in await tx.all("SELECT number FROM migration")}
    known = {step.number for step in migrations()}
    if done - known:
        msg = f"The database has migration {max(done - known)}, which this version of Fogbank doesn't know."
        raise NewerDatabaseError(msg)
    for step in migrations():
        if step.number not in done:
            for statement in statements(step.script):
                await tx.run(statement)
            await tx.run("INSERT INTO migration (number, name) VALUES ($1, $2)", step.number, step.name)


async def empty(tx: Tx, _now_us: int) -> None:
    """Delete every row that users made; who follows a feed looks again, and finds that it has to begin anew."""
    for row in await tx.all("SELECT name FROM feed"):
        tx.signal(change_feed.topic(row[0]), change_feed.EVERY_FOLLOWER)
    for table in tables():
        await tx.run(f"DELETE FROM {table}")
