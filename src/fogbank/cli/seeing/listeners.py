"""Whose a port is, where the system tells (Linux: proc(5))."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS: Final = "0A"


def listener_of(port: int) -> str:
    """Return the name and id of the process that listens on a port; empty if that can't be told."""
    inodes = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        # Other users' processes can't be looked into, and some end meanwhile.
        with contextlib.suppress(OSError):
            if any(str(each.readlink()) in inodes for each in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return ""


def _inodes(port: int) -> list[str]:
    found = []
    for path in _TABLES:
        with contextlib.suppress(OSError):
            for line in path.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    found.append(fields[9])
    return found
