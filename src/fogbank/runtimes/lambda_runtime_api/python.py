"""Python functions: run by the interpreter that runs Fogbank, with the AWS SDK beside the code."""

from __future__ import annotations

import platform
import re
import sys
from typing import TYPE_CHECKING, Final

from fogbank.runtimes.nursery import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.runtimes.model import Places, Workspace

# AWS Lambda Developer Guide, "Lambda runtimes".
PYTHON_RUNTIMES: Final = ("python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14")
PYTHON: Final = Kind("fogbank.runtimes.inside.lambda_python")
PYTHON_WITH_SDK: Final = Kind(PYTHON.worker, ("boto3", "botocore.session", "botocore.client", "botocore.auth"))
_IMPORTS_SDK: Final = re.compile(rb"^\s*(?:import|from)\s+(?:boto3|botocore)\b", re.MULTILINE)
_FILES_MAX: Final = 50
_FILE_BYTES_MAX: Final = 262_144
_known: Final[dict[Path, Kind]] = {}
_KNOWN_MAX: Final = 1_024


def python_kind(workspace: Workspace) -> Kind:
    """Return the kind of stem for a function: one that has imported the SDK already, where the code imports it."""
    kind = _known.get(workspace.code)
    if kind is None:
        if len(_known) >= _KNOWN_MAX:
            _known.clear()
        kind = _known[workspace.code] = PYTHON_WITH_SDK if _imports_sdk(workspace.code) else PYTHON
    return kind


def describe_python(runtime: str) -> str:
    """Return what the log says of the interpreter, also where the function asks for another version."""
    ours = f"python{sys.version_info.major}.{sys.version_info.minor}"
    note = f"python:{platform.python_version()}"
    if runtime != ours:
        note += f" (the function asks for {runtime}; this is the Python that Fogbank runs on)"
    return note


def python_path(places: Places) -> list[str]:
    """Return where modules are looked for first (AWS Lambda Developer Guide, "Runtime search path")."""
    layers = places.layers
    if not layers:
        return [places.code]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return [places.code, f"{layers}/python/lib/{version}/site-packages", f"{layers}/python"]


def _imports_sdk(code: Path) -> bool:
    files = sorted(code.glob("*.py"))[:_FILES_MAX]
    return any(_IMPORTS_SDK.search(path.read_bytes()[:_FILE_BYTES_MAX]) for path in files)
