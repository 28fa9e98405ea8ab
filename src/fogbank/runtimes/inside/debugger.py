"""Inside an instance of a Python function that is debugged: debugpy, attached to before anything runs."""

from __future__ import annotations

import os

# Python's frozen modules have no files to look at; nobody debugs those here.
os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"

import debugpy  # noqa: T100 - this is where functions are debugged


def wait(port: int) -> None:
    """Wait until a debugger is attached and has set its breakpoints."""
    debugpy.listen(("127.0.0.1", port))  # noqa: T100
    debugpy.wait_for_client()  # noqa: T100
