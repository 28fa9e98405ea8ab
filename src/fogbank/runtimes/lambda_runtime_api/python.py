"""The interpreter that runs Python functions: ours, with AWS's runtime client and the AWS SDK beside the code."""

from __future__ import annotations

import platform
import sys
import sysconfig
from pathlib import Path
from typing import Final

BOOTSTRAP: Final = Path(__file__).with_name("python_bootstrap.py")
# AWS Lambda Developer Guide, "Lambda runtimes".
RUNTIMES: Final = ("python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14")


def python_command(runtime: str) -> tuple[list[str], str]:
    """Return the command that starts an instance, and what it says of itself in the log.

    Every Python runtime is run by the interpreter that runs Fogbank; where that is another version than the
    function asks for, the log says so.
    """
    ours = f"python{sys.version_info.major}.{sys.version_info.minor}"
    note = f"python:{platform.python_version()}"
    if runtime != ours:
        note += f" (the function asks for {runtime}; this is the Python that Fogbank runs on)"
    return [sys.executable, "-S", "-E", "-u", "-B", str(BOOTSTRAP), sysconfig.get_path("platlib")], note
