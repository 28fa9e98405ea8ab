"""Apps that run from a folder on this machine: what they say of themselves, and whether they were changed."""

from __future__ import annotations

import contextlib
import os
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from fogbank.clouds.azure.functions.apps import FOLDER_SETTING, encode_label
from fogbank.clouds.azure.functions.host_json import (
    HostJsonError,
    file_of_folder,
    read_host_json,
    read_local_settings,
)

FILES_MAX: Final = 10_000
_NOT_CODE: Final = frozenset({".git", "__pycache__", "node_modules", ".venv"})


class FolderError(Exception):
    """An app can't run from that folder; the message says why."""


def folder_labels(settings: dict[str, str]) -> dict[str, str]:
    """Return the labels of an app that follow from the folder in its settings, if one is; raises `FolderError`."""
    package = settings.get(FOLDER_SETTING, "")
    if package in ("", "0", "1"):
        return {"folder": "", "local": "{}"}
    folder = Path(package)
    if "\0" in package or not folder.is_absolute() or not folder.is_dir():
        msg = f"{FOLDER_SETTING} must be 0, 1, or the absolute path of a folder, not '{package}'."
        raise FolderError(msg)
    state = folder_state(package)
    try:
        host = read_host_json(file_of_folder(package, "host.json"))
        local = read_local_settings(file_of_folder(package, "local.settings.json"))
    except HostJsonError as error:
        raise FolderError(str(error)) from None
    except OSError as error:
        msg = f"{FOLDER_SETTING}: {error}"
        raise FolderError(msg) from None
    return {
        "folder": package,
        "folder_host": encode_label(host),
        "folder_state": state,
        "local": msgspec.json.encode(local).decode(),
    }


def folder_state(folder: str) -> str:
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
