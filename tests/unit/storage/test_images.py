"""Images of stores: whole, of one moment, older ones brought up, all else refused."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fogbank.kernel.clock import Clock
from fogbank.storage import StoreUnavailableError, open_store
from fogbank.storage.images import model, packing
from fogbank.storage.images.files import brought_up, part_of, publish
from fogbank.storage.images.model import ImageError, build, check, read_facts, seal
from fogbank.storage.migrations import migrations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from fogbank.storage import Store, Tx

_FIND = "SELECT id FROM topic WHERE scope = 's' AND name = $1"


async def put(tx: Tx, _now_us: int, name: str, number: int) -> None:
    await tx.run("DELETE FROM topic WHERE scope = 's' AND name = $1", name)
    await tx.run(
        "INSERT INTO topic (scope, name, id, config, created_us) VALUES ('s', $1, $2, $3, 0)", name, number, b"\x00\xff"
    )


async def find(tx: Tx, _now_us: int, name: str) -> int | None:
    rows = await tx.known(_FIND, name)
    return int(rows[0][0]) if rows else None


async def nothing(_tx: Tx, _now_us: int) -> None:
    """Do nothing."""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "image"


async def test_what_was_saved_comes_back_and_nothing_else(store: Store, image: Path) -> None:
    await store.run(put, "a", 1)
    await store.run(put, "b", 2)
    await store.save_image(image)
    check(image, every_page=True)
    await store.run(put, "a", 10)
    await store.run(put, "c", 3)
    before = store.generation
    with store.signals.listen("anything") as listener:
        await store.load_image(image, nothing)
        assert listener.told
    assert store.generation == before + 1
    for run in (store.run, store.read, store.scan):
        assert [await run(find, name) for name in ("a", "b", "c")] == [1, 2, None]
    # Nothing is left of it that would stand in the way.
    await store.run(put, "c", 4)
    await store.load_image(image, nothing)
    assert await store.read(find, "c") is None


async def test_the_operation_is_part_of_it(store: Store, image: Path) -> None:
    await store.run(put, "a", 1)
    await store.save_image(image)

    async def change(tx: Tx, now_us: int) -> None:
        await put(tx, now_us, "a", (await find(tx, now_us, "a") or 0) + 100)

    await store.load_image(image, change)
    assert await store.read(find, "a") == 101


async def test_what_fails_changes_nothing(store: Store, image: Path) -> None:
    await store.save_image(image)
    await store.run(put, "a", 1)
    assert await store.read(find, "a") == 1

    async def fail(_tx: Tx, _now_us: int) -> None:
        raise LookupError

    before = store.generation
    with pytest.raises(LookupError):
        await store.load_image(image, fail)
    for run in (store.run, store.read, store.scan):
        assert await run(find, "a") == 1
    assert store.generation == before
    await store.run(put, "b", 2)
    assert await store.read(find, "b") == 2


async def test_operations_meanwhile_are_before_or_after(store: Store, image: Path) -> None:
    await store.run(put, "a", 1)
    await store.save_image(image)
    works: list[Any] = [store.run(put, "x", 1), store.load_image(image, nothing)]
    works += [store.run(put, f"y{number}", number) for number in range(5)]
    works.append(store.save_image(image.with_name("second")))
    await asyncio.gather(*works)
    await store.drain()
    assert await store.read(find, "a") == 1
    check(image.with_name("second"), every_page=True)
    await store.run(put, "z", 9)
    assert await store.read(find, "z") == 9


@pytest.fixture
async def other(clock: Clock) -> AsyncIterator[Store]:
    opened = await open_store(clock)
    yield opened
    await opened.close()


async def test_what_one_store_saves_another_loads(store: Store, other: Store, image: Path) -> None:
    await store.run(put, "grüße", 1)
    await store.save_image(image)
    await other.load_image(image, nothing)
    assert await other.read(find, "grüße") == 1
    await other.run(put, "b", 1 << 62)
    await other.save_image(image.with_name("back"))
    await store.load_image(image.with_name("back"), nothing)
    assert [await store.read(find, name) for name in ("grüße", "b")] == [1, 1 << 62]


async def test_saving_is_of_one_moment_under_load(store: Store, image: Path) -> None:
    """Two rows are always written together."""

    async def both(tx: Tx, now_us: int, number: int) -> None:
        await put(tx, now_us, "one", number)
        await put(tx, now_us, "two", number)

    await store.run(both, 0)
    ended = False

    async def load() -> None:
        number = 1
        while not ended:
            await store.run(both, number)
            number += 1

    loading = asyncio.ensure_future(load())
    seen = []
    for number in range(4):
        path = image.with_name(f"image{number}")
        await store.save_image(path)
        with model.reading(path) as connection:
            seen.append(connection.execute("SELECT DISTINCT id FROM topic").fetchall())
    ended = True
    await loading
    assert [len(each) for each in seen] == [1, 1, 1, 1]
    assert seen == sorted(seen)


def older(path: Path, count: int) -> None:
    """Make an image as a version with fewer migrations would have."""
    steps = migrations()[:count]
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        build(connection, {step.number for step in steps})
        connection.execute("INSERT INTO topic VALUES ('s', 'a', 1, X'00', 0)")
        seal(connection, 5)


async def test_older_ones_are_brought_up(store: Store, image: Path, tmp_path: Path) -> None:
    older(image, 10)
    with brought_up(image, tmp_path / "work") as (path, facts):
        assert (facts.migration, facts.taken_us) == (migrations()[9].number, 5)
        await store.load_image(path, nothing)
    assert await store.read(find, "a") == 1
    # It is as it was itself.
    assert read_facts(image).migration == migrations()[9].number
    assert list((tmp_path / "work").iterdir()) == []


def test_later_ones_are_refused(image: Path) -> None:
    older(image, len(migrations()))
    with contextlib.closing(sqlite3.connect(image, isolation_level=None)) as connection:
        connection.execute("INSERT INTO migration VALUES (9999, 'later')")
    with pytest.raises(ImageError, match=r"has migration 9999, which this version doesn't know"):
        check(image, every_page=False)
    with contextlib.closing(sqlite3.connect(image, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(ImageError, match="has format 2"):
        read_facts(image)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON topic BEGIN DELETE FROM topic; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE more (id INTEGER)",
        "ALTER TABLE topic ADD COLUMN more INTEGER",
        "DROP TABLE topic",
        "DROP INDEX queue_id",
    ],
)
def test_other_tables_are_refused(image: Path, statement: str) -> None:
    older(image, len(migrations()))
    check(image, every_page=True)
    with contextlib.closing(sqlite3.connect(image, isolation_level=None)) as connection:
        connection.execute(statement)
    with pytest.raises(ImageError, match="tables aren't those"):
        check(image, every_page=False)


@pytest.mark.parametrize("content", [b"", b"x" * 5000, b"SQLite format 3\0" + b"\0" * 5000])
def test_what_is_no_image_is_refused(image: Path, content: bytes) -> None:
    image.write_bytes(content)
    with pytest.raises(ImageError):
        check(image, every_page=False)


async def test_a_database_of_somebody_elses_is_refused(image: Path) -> None:
    with contextlib.closing(sqlite3.connect(image)) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(ImageError, match="no image of Fogbank's"):
        read_facts(image)


def damage(image: Path) -> None:
    """Leave only the first page as it was."""
    data = image.read_bytes()
    image.write_bytes(data[:4096] + b"\x13" * (len(data) - 4096))


async def test_a_damaged_image_changes_nothing(tmp_path: Path, image: Path) -> None:
    store = await open_store(Clock(), folder=tmp_path)
    try:
        for number in range(300):
            await store.run(put, f"a{number:0200}", number)
        await store.save_image(image)
        await store.run(put, "now", 1)
        damage(image)
        with pytest.raises(StoreUnavailableError):
            await store.load_image(image, nothing)
        assert await store.read(find, "now") == 1
    finally:
        await store.close()


def packed(image: Path) -> bytes:
    return b"".join(packing.pack(image, read_facts(image)))


def test_packed_and_unpacked(image: Path, tmp_path: Path) -> None:
    older(image, len(migrations()))
    file, back = tmp_path / "packed", tmp_path / "back"
    file.write_bytes(packed(image))
    head = packing.unpack(file, back)
    assert (head.format, head.taken_us, head.bytes) == (1, 5, image.stat().st_size)
    assert back.read_bytes() == image.read_bytes()
    assert file.stat().st_size < image.stat().st_size / 2


def test_a_file_that_is_damaged_anywhere_is_refused(image: Path, tmp_path: Path) -> None:
    older(image, len(migrations()))
    whole = packed(image)
    file, back = tmp_path / "packed", tmp_path / "back"
    places = [*range(0, 200, 7), *range(200, len(whole), 501), len(whole) - 33, len(whole) - 1]
    for place in places:
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(ImageError):
            packing.unpack(file, back)
    for end in (*range(0, len(whole), 311), len(whole) - 1):
        file.write_bytes(whole[:end])
        with pytest.raises(ImageError):
            packing.unpack(file, back)
    file.write_bytes(whole + b"\0")
    with pytest.raises(ImageError):
        packing.unpack(file, back)


def test_a_later_packing_is_refused_by_name(image: Path, tmp_path: Path) -> None:
    head = msgspec.json.encode(packing.Head(2, "9.1", 9999, 0, 0))
    file = tmp_path / "packed"
    file.write_bytes(packing.MAGIC + len(head).to_bytes(4, "big") + head + b"x" * 100)
    with pytest.raises(ImageError, match=r"format 2, from Fogbank 9\.1"):
        packing.unpack(file, image)
    file.write_bytes(b"PK\x03\x04" + b"x" * 100)
    with pytest.raises(ImageError, match="wasn't exported by Fogbank"):
        packing.unpack(file, image)


def test_a_file_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with part_of(tmp_path, "target") as part:
        part.write_bytes(b"half")
    assert list(tmp_path.iterdir()) == []
    with part_of(tmp_path, "target") as part:
        part.write_bytes(b"whole")
        publish(part, target)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("target", b"whole")]
