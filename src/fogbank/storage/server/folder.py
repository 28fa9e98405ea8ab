"""The data folder: made if missing, used by one process at a time."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from io import TextIOWrapper
    from pathlib import Path


class FolderInUseError(Exception):
    """Another process works in the folder."""


class DataFolder:
    """A folder under an exclusive lock, which the operating system lets go of however the process ends."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: TextIOWrapper | None = None

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            msg = f"Another Fogbank uses the folder {self.path}."
            raise FolderInUseError(msg) from None
        self._lock = lock
        return self

    def __exit__(self, *_: object) -> None:
        assert self._lock is not None
        self._lock.close()
