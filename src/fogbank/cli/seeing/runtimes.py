"""Which languages' runtimes there are for functions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS_MAX: Final = 10.0
# Programs, and how each says its version.
_PROGRAMS: Final = (
    ("Node.js", "node", ("--version",)),
    ("Java", "java", ("-version",)),
    ("Ruby", "ruby", ("--version",)),
    ("Go", "go", ("version",)),
)


class FoundRuntime(NamedTuple):
    """A language, and what was found of it; `version` is empty where it isn't there."""

    name: str
    version: str
    path: str

    @property
    def text(self) -> str:
        """What was found, in words."""
        return f"{self.name} {self.version} ({self.path})" if self.version else f"{self.name} isn't there"


def found_runtimes() -> Iterator[FoundRuntime]:
    """Yield what there is: Python is always the server's own, others are found on the path."""
    yield FoundRuntime("Python", ".".join(map(str, sys.version_info[:3])), sys.executable)
    for name, program, arguments in _PROGRAMS:
        path = shutil.which(program)
        yield FoundRuntime(name, "" if path is None else _version(path, arguments), path or "")


def _version(path: str, arguments: tuple[str, ...]) -> str:
    """Return the first line that a program says of its version."""
    try:
        done = subprocess.run(  # noqa: S603 - programs that were found on the path
            [path, *arguments], capture_output=True, text=True, timeout=_SECONDS_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    said = (done.stdout or done.stderr).strip().splitlines()
    return said[0] if said and done.returncode == 0 else ""
