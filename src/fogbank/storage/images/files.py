"""Images as files: written whole or not at all, and brought up to this version where they are older."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from typing import TYPE_CHECKING, Final

from fogbank.storage.images.model import Facts, check
from fogbank.storage.migrations import migrate
from fogbank.storage.sqlite.known import Known
from fogbank.storage.sqlite.tx import SqliteTx, step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PART: Final = ".part"


@contextlib.contextmanager
def part_of(folder: Path, name: str) -> Iterator[Path]:
    """Yield a path in a folder for something that isn't whole yet; it is gone afterwards unless it was renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}.{os.getpid()}{PART}"
    try:
        _remove(path)
        yield path
    finally:
        _remove(path)


def publish(part: Path, path: Path, *, durable: bool = True) -> None:
    """Have a file that is whole take its place.

    After a power cut there is the one that was there before, or this; unless `durable` is false, for what doesn't
    outlive the process.
    """
    if not durable:
        part.replace(path)
        return
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sweep(folder: Path) -> None:
    """Remove what was left half done by a process that is no more; the folder must be nobody else's."""
    for path in folder.glob(f".*{PART}*"):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def brought_up(path: Path, folder: Path, *, every_page: bool = False) -> Iterator[tuple[Path, Facts]]:
    """Yield an image as this version has it, checked, and its facts; an older one is copied into a folder for that.

    Raises `ImageError`.
    """
    facts, current = check(path, every_page=every_page)
    if current:
        yield path, facts
        return
    with part_of(folder, f"{path.name}.migrated") as copy:
        shutil.copyfile(path, copy)
        with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF").close()
            connection.execute("BEGIN")
            step(migrate(SqliteTx(connection, Known()), facts.taken_us))
            connection.execute("COMMIT")
        yield copy, facts


def _remove(path: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
