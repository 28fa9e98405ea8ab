"""Apps that run from a folder on this machine: what they say of themselves, and whether they were changed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from fogbank.clouds.azure.functions.apps import FOLDER_SETTING, encode_label
from fogbank.clouds.azure.functions.host_json import (
    HostJsonError,
    file_of_folder,
    read_host_json,
    read_local_settings,
)
from fogbank.runtimes.local_folder import state_of


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
    state = state_of(package)
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
