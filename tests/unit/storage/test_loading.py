"""What loading an image leaves alone, and what it doesn't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from fogbank.kernel.clock import Clock
from fogbank.storage import open_store
from fogbank.storage.sqlite.copying import copy_in

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.storage import Row, Store, Tx

ROWS: Final = 80
# One table with numbers of its own, one that is known by its key alone.
_DOCUMENTS: Final = "SELECT id, partition, sort, body, expires_us FROM document ORDER BY id"
_TOPICS: Final = "SELECT scope, name, id, config FROM topic ORDER BY id"
# What becomes of them between saving and loading.
CHANGES: Final = {
    "nothing": (),
    "one changed": ("UPDATE document SET body = '\\x01' WHERE id = 7", "UPDATE topic SET config = '' WHERE id = 7"),
    "one gone": ("DELETE FROM document WHERE id = 7", "DELETE FROM topic WHERE id = 7"),
    "all changed": ("UPDATE document SET expires_us = 5", "UPDATE topic SET created_us = 5, config = ''"),
    "all gone": ("DELETE FROM document", "DELETE FROM topic"),
    "half gone": ("DELETE FROM document WHERE id <= 40", "DELETE FROM topic WHERE id <= 40"),
    "more": (
        "INSERT INTO document (id, collection, partition, sort, size, body) VALUES (900, 1, 'p', 'new', 1, '')",
        "INSERT INTO topic (scope, name, id, config, created_us) VALUES ('s', 'new', 900, '', 0)",
    ),
    "other numbers": (
        "UPDATE document SET id = id + 1000 WHERE id < 5",
        "UPDATE topic SET id = id + 1000 WHERE id < 5",
    ),
    "keys that others had": (
        "DELETE FROM document WHERE id = 3",
        "UPDATE document SET sort = 'n3' WHERE id = 4",
        "DELETE FROM topic WHERE id = 3",
        "UPDATE topic SET name = 'n3' WHERE id = 4",
    ),
}


async def fill(tx: Tx, _now_us: int) -> None:
    for number in range(1, ROWS + 1):
        await tx.run(
            "INSERT INTO document (id, collection, partition, sort, size, body) VALUES ($1, 1, $2, $3, 1, $4)",
            number,
            b"p",
            b"n%d" % number,
            b"\x00\xff",
        )
        await tx.run(
            "INSERT INTO topic (scope, name, id, config, created_us) VALUES ('s', $1, $2, $3, 0)",
            f"n{number}",
            number,
            b"\x00\xff",
        )


async def change(tx: Tx, _now_us: int, statements: tuple[str, ...]) -> None:
    for statement in statements:
        await tx.run(statement)


async def everything(tx: Tx, _now_us: int) -> list[list[Row]]:
    return [[tuple(row) for row in await tx.all(sql)] for sql in (_DOCUMENTS, _TOPICS)]


async def nothing(_tx: Tx, _now_us: int) -> None:
    """Do nothing."""


@pytest.mark.parametrize("statements", CHANGES.values(), ids=CHANGES)
async def test_all_is_as_it_was(store: Store, tmp_path: Path, statements: tuple[str, ...]) -> None:
    await store.run(fill)
    before = await store.read(everything)
    await store.save_image(tmp_path / "image")
    await store.run(change, statements)
    await store.load_image(tmp_path / "image", nothing)
    assert await store.read(everything) == before
    # Indexes are, too.
    assert await store.read(find, b"n4") == [4]


async def find(tx: Tx, _now_us: int, sort: bytes) -> list[int]:
    return [
        int(row[0])
        for row in await tx.all(
            "SELECT id FROM document WHERE collection = 1 AND partition = $1 AND sort = $2", b"p", sort
        )
    ]


@pytest.mark.parametrize(("name", "most"), [("nothing", 0), ("one changed", 4), ("keys that others had", 8)])
async def test_only_what_differs_is_written(tmp_path: Path, name: str, most: int) -> None:
    store = await open_store(Clock(), folder=tmp_path)
    try:
        await store.run(fill)
        await store.save_image(tmp_path / "image")
        await store.run(change, CHANGES[name])
        writer, tx = store._writer, store._tx  # type: ignore[attr-defined]
        before = writer.total_changes
        copy_in(tx, writer, tmp_path / "image", nothing, 0)
        assert writer.total_changes - before <= most
    finally:
        await store.close()
