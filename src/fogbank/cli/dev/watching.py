"""Telling when files of a folder are saved: by inotify, or where that can't be had by looking again and again.

inotify(7): a directory's watch tells of its own entries only, so each directory has one.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Folders that tools fill, not people; functions don't run from them.
IGNORED_FOLDERS: Final = frozenset({
    ".aws-sam", ".fogbank", ".git", ".hg", ".idea", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".serverless",
    ".svn", ".tox", ".venv", ".vscode", "__pycache__", "venv",
})  # fmt: skip
IGNORED_ENDINGS: Final = ("~", ".pyc", ".pyo", ".swp", ".swx", ".tmp")
# Editors save in several steps: what follows within the first is taken together, for no longer than the second.
QUIET_SECONDS: Final = 0.01
TOGETHER_SECONDS: Final = 0.05
LOOK_SECONDS: Final = 0.05
# Looking again takes at most this share of the time.
LOOK_SHARE: Final = 0.1
_EVENT: Final = struct.Struct("iIII")
_EVENTS_BYTES: Final = 65_536
_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x8, 0x40, 0x80, 0x100, 0x200
_OVERFLOW, _IS_FOLDER = 0x4000, 0x40000000
_MASK: Final = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE


class Watch(Protocol):
    """Watches folders until it is closed."""

    def wait(self, seconds: float) -> set[Path]:
        """Return what was saved, made or removed, or an empty set once the time is over."""

    def close(self) -> None:
        """Stop watching."""


def watch(folders: Iterable[Path]) -> Watch:
    """Watch folders with all that is below them."""
    folders = list(folders)
    try:
        return Inotify(folders)
    except (OSError, AttributeError):
        return Looking(folders)


def changed_names(changed: set[Path], folder: Path) -> str:
    """Return what was changed as it is said, by its path in the folder.

    Editors make files that are gone again; what was removed is named where nothing else was changed.
    """
    present = {path for path in changed if path.exists()} or changed
    return ", ".join(
        sorted(str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path) for path in present)
    )


def files_of(folder: Path) -> Iterator[Path]:
    """Yield the files that make up a folder's functions."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in IGNORED_FOLDERS)
        for name in sorted(files):
            if is_kept(name):
                yield Path(place, name)


def is_kept(name: str) -> bool:
    """Whether a file of that name is more than what editors and interpreters leave about."""
    return not name.endswith(IGNORED_ENDINGS) and not name.startswith(".#") and name != "4913"


class Inotify:
    """Watches by inotify. Raises `OSError` where the kernel won't."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._file = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._folders: dict[int, Path] = {}
        self._roots = list(folders)
        try:
            for folder in self._roots:
                self._add(folder)
        except OSError:
            self.close()
            raise

    def wait(self, seconds: float) -> set[Path]:
        """Return what was saved, made or removed, or an empty set once the time is over."""
        ends = time.monotonic() + seconds
        changed: set[Path] = set()
        while not changed and (left := ends - time.monotonic()) > 0:
            changed = self._read(left)
        ends = time.monotonic() + TOGETHER_SECONDS
        while changed and time.monotonic() < ends and (more := self._read(QUIET_SECONDS)):
            changed |= more
        return changed

    def close(self) -> None:
        """Stop watching."""
        os.close(self._file)

    def _read(self, seconds: float) -> set[Path]:
        # Not `select`, which knows no file numbered 1,024 or higher.
        waiting = select.poll()
        waiting.register(self._file, select.POLLIN)
        if not waiting.poll(seconds * 1000):
            return set()
        data = os.read(self._file, _EVENTS_BYTES)
        changed = set()
        at = 0
        while at < len(data):
            number, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size + length
            name = os.fsdecode(data[at - length : at].rstrip(b"\0"))
            if mask & _OVERFLOW:
                for root in self._roots:
                    self._add(root)
                changed.update(self._roots)
            elif number in self._folders and is_kept(name) and name not in IGNORED_FOLDERS:
                path = self._folders[number] / name
                if mask & _IS_FOLDER and mask & (_CREATE | _MOVED_TO):
                    self._add(path)
                changed.add(path)
        return changed

    def _add(self, folder: Path) -> None:
        """Watch a folder and those in it; one that is gone again is passed over."""
        for place, folders, _ in os.walk(folder):
            folders[:] = [name for name in folders if name not in IGNORED_FOLDERS]
            try:
                number = self._checked(self._libc.inotify_add_watch(self._file, os.fsencode(place), _MASK))
            except FileNotFoundError:
                continue
            self._folders[number] = Path(place)

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno() or errno.EIO
            raise OSError(number, os.strerror(number))
        return result


class Looking:
    """Watches by looking at every file's time and size."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._roots = list(folders)
        self._pause_s = LOOK_SECONDS
        self._seen = self._look()

    def wait(self, seconds: float) -> set[Path]:
        """Return what was saved, made or removed, or an empty set once the time is over."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(self._pause_s)
            changed = self._changed()
            while changed:
                # A file may have been seen half written.
                time.sleep(QUIET_SECONDS)
                if not (more := self._changed()):
                    return changed
                changed |= more
        return set()

    def close(self) -> None:
        """Stop watching."""

    def _changed(self) -> set[Path]:
        before, self._seen = self._seen, self._look()
        return {path for path, _ in before.items() ^ self._seen.items()}

    def _look(self) -> dict[Path, tuple[int, int]]:
        began = time.monotonic()
        seen = {}
        for root in self._roots:
            for path in files_of(root):
                try:
                    facts = path.stat()
                except OSError:
                    continue
                seen[path] = (facts.st_mtime_ns, facts.st_size)
        self._pause_s = max(LOOK_SECONDS, (time.monotonic() - began) / LOOK_SHARE)
        return seen
