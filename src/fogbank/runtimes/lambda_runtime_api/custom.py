"""Custom runtimes: a program named `bootstrap`, from the code or from a layer, that speaks the Runtime API.

AWS Lambda Developer Guide, "Building a custom runtime for AWS Lambda" and "OS-only runtimes".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.runtimes.model import Places, Workspace


# AWS Lambda Developer Guide, "Lambda runtimes".
CUSTOM_RUNTIMES: Final = ("provided.al2", "provided.al2023")


def custom_command(workspace: Workspace) -> Callable[[Places], list[str]]:
    """Return how a custom runtime is started; raises `FileNotFoundError`, `PermissionError`."""
    for folder in (workspace.code, workspace.layers):
        if folder is not None and (bootstrap := folder / "bootstrap").is_file():
            if not os.access(bootstrap, os.X_OK):
                msg = f"{bootstrap.name} is not executable"
                raise PermissionError(msg)
            own = folder is workspace.code
            return lambda places: [f"{places.code if own else places.layers}/bootstrap"]
    msg = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    raise FileNotFoundError(msg)
