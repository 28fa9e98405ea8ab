"""What a data folder is like, without opening its store: for those who ask why it can't be."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from fogbank.storage import DATABASE_FILE
from fogbank.storage.migrations import migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK_FILE: Final = "lock"
_LOCKS: Final = Path("/proc/locks")


class FolderState(NamedTuple):
    """What is known of a folder.

    `holders` are the processes that work in it, as far as the system tells; `version` is the latest migration of its
    database, None without one, and `newest` the latest that this Fogbank knows. `broken` says why the database can't
    be read; empty where it can.
    """

    exists: bool
    writable: bool
    locked: bool
    holders: tuple[int, ...]
    version: int | None
    newest: int
    broken: str


def inspect_folder(path: Path) -> FolderState:
    """Look at a folder; changes nothing in it."""
    newest = max(step.number for step in migrations())
    if not path.is_dir():
        return FolderState(path.exists(), _can_be_made(path), False, (), None, newest, "")
    locked = _is_locked(path / LOCK_FILE)
    holders = tuple(_holders(path / LOCK_FILE)) if locked else ()
    version, broken = _version(path / DATABASE_FILE)
    return FolderState(True, os.access(path, os.W_OK | os.X_OK), locked, holders, version, newest, broken)


def _can_be_made(path: Path) -> bool:
    parent = next(each for each in path.absolute().parents if each.exists())
    return not path.exists() and parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)


def _is_locked(path: Path) -> bool:
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _holders(path: Path) -> Iterator[int]:
    """Yield who holds a lock, where the system says it (Linux: proc(5), /proc/locks)."""
    with contextlib.suppress(OSError):
        inode = str(path.stat().st_ino)
        for line in _LOCKS.read_text().splitlines():
            fields = line.split()
            if (
                len(fields) > 5
                and fields[1] == "FLOCK"
                and fields[5].rpartition(":")[2] == inode
                and int(fields[4]) > 0
            ):
                yield int(fields[4])


def _version(path: Path) -> tuple[int | None, str]:
    if not path.exists():
        return None, ""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT max(number) FROM migration").fetchone()[0], ""
    except sqlite3.Error as error:
        return None, str(error)
