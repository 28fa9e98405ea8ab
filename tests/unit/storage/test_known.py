"""Rows that a store remembers: they are always what a select would return, on every store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fogbank.storage.sqlite.known import ROWS_MAX, TABLES, Known, table_read, table_written

if TYPE_CHECKING:
    from fogbank.storage import Store, Tx

_FIND = "SELECT id FROM topic WHERE scope = $1 AND name = $2"
_INSERT = "INSERT INTO topic (scope, name, id, config, created_us) VALUES ('s', $1, $2, $3, 0)"


class RefusedError(Exception):
    """It is undone."""


async def find(tx: Tx, _now_us: int, name: str) -> int | None:
    rows = await tx.known(_FIND, "s", name)
    return int(rows[0][0]) if rows else None


async def create(tx: Tx, now_us: int, name: str, number: int, *, fail: bool = False) -> int | None:
    await tx.run(_INSERT, name, number, b"")
    found = await find(tx, now_us, name)
    if fail:
        raise RefusedError
    return found


async def change(tx: Tx, now_us: int, name: str, number: int, *, fail: bool = False) -> int | None:
    await tx.run("UPDATE topic SET id = $1 WHERE scope = 's' AND name = $2", number, name)
    found = await find(tx, now_us, name)
    if fail:
        raise RefusedError
    return found


async def delete(tx: Tx, now_us: int, name: str) -> int | None:
    await tx.many("DELETE FROM topic WHERE scope = 's' AND name = $1", [(name,)])
    return await find(tx, now_us, name)


async def test_what_is_written_is_known_at_once_and_what_is_committed_to_readers(store: Store) -> None:
    assert await store.run(find, "a") is None
    assert await store.read(find, "a") is None
    assert await store.run(create, "a", 1) == 1
    assert await store.read(find, "a") == 1
    assert await store.run(change, "a", 2) == 2
    assert await store.read(find, "a") == 2
    assert await store.scan(find, "a") == 2
    assert await store.run(delete, "a") is None
    assert await store.read(find, "a") is None


async def test_what_is_undone_was_never_known(store: Store) -> None:
    await store.run(create, "a", 1)
    assert await store.run(find, "a") == 1
    with pytest.raises(RefusedError):
        await store.run(change, "a", 2, fail=True)
    assert await store.run(find, "a") == 1
    with pytest.raises(RefusedError):
        await store.run(create, "b", 3, fail=True)
    assert await store.run(find, "b") is None
    assert await store.read(find, "b") is None


async def test_of_several_in_one_batch_only_those_that_fail_are_undone(store: Store) -> None:
    names = [f"n{number}" for number in range(12)]
    outcomes = await asyncio.gather(
        *(store.run(create, name, number, fail=number % 3 == 0) for number, name in enumerate(names)),
        *(store.run(find, name) for name in names),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, RefusedError) for outcome in outcomes) == 4
    for number, name in enumerate(names):
        expected = None if number % 3 == 0 else number
        assert await store.run(find, name) == expected
        assert await store.read(find, name) == expected


async def test_nothing_is_known_after_a_reset(store: Store) -> None:
    await store.run(create, "a", 1)
    await store.reset()
    assert await store.run(find, "a") is None
    assert await store.read(find, "a") is None


def test_tables_of_statements() -> None:
    assert table_written("WITH x AS (SELECT id FROM message) UPDATE queue SET config = $1") == "queue"
    assert table_written("INSERT INTO topic (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = $1") == "topic"
    assert table_written("INSERT INTO message (a) SELECT id FROM queue") is None
    assert table_written("SELECT id FROM queue FOR UPDATE") is None
    assert table_read("SELECT id FROM queue WHERE name = $1") == "queue"
    for statement in ("SELECT 1 FROM message", "SELECT 1 FROM queue AS q JOIN message ON 1 = 1"):
        with pytest.raises(ValueError, match="aren't remembered"):
            table_read(statement)


def test_no_more_is_remembered_than_there_is_room_for() -> None:
    known = Known()
    for number in range(ROWS_MAX + 10):
        known.of("queue")[(number,)] = []
    assert len(known.of("queue")) <= ROWS_MAX
    assert {"collection", "queue", "subscription", "topic"} == TABLES
