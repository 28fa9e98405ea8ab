"""Functions that run from a folder of the machine: whether anything in it has changed."""

from __future__ import annotations

import contextlib
import os
from hashlib import sha256
from typing import Final

FILES_MAX: Final = 10_000
_NOT_CODE: Final = frozenset({".git", "__pycache__", "node_modules", ".venv"})


def state_of(folder: str) -> str:
    """Return what changes when a file in a folder does: a digest of names, times and sizes."""
    found: list[tuple[str, int, int]] = []
    todo = [folder]
    while todo and len(found) < FILES_MAX:
        with contextlib.suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                if entry.name in _NOT_CODE:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                else:
                    facts = entry.stat()
                    found.append((entry.path, facts.st_mtime_ns, facts.st_size))
    return sha256(repr(sorted(found)).encode("utf-8", "surrogateescape")).hexdigest()
