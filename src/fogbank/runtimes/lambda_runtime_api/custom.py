"""Custom runtimes: a program named `bootstrap`, from the code or from a layer, that speaks the Runtime API.

AWS Lambda Developer Guide, "Building a custom runtime for AWS Lambda" and "OS-only runtimes".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fogbank.runtimes.model import Mounts, Workspace


# AWS Lambda Developer Guide, "Lambda runtimes".
CUSTOM_RUNTIMES: Final = ("provided.al2", "provided.al2023")


def custom_command(workspace: Workspace, mounts: Mounts) -> list[str]:
    """Return the command that starts a custom runtime; raises `FileNotFoundError`, `PermissionError`."""
    del mounts
    for folder in (workspace.code, workspace.layers):
        if folder is not None and (bootstrap := folder / "bootstrap").is_file():
            if not os.access(bootstrap, os.X_OK):
                msg = f"{bootstrap.name} is not executable"
                raise PermissionError(msg)
            return ["./bootstrap"] if folder is workspace.code else ["/opt/bootstrap"]
    msg = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    raise FileNotFoundError(msg)
