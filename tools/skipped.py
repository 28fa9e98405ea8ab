#!/usr/bin/env python3
"""Read a test run's output and fail if a test was skipped whose toolchain this machine has, or can install.

Tests that may be skipped name what they lack as `needs TOOL`; each TOOL here says how to find it.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable


def resolves(host: str) -> bool:
    """Whether a host can be found from here."""
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return False
    return True


TOOLS: Final[dict[str, Callable[[], bool]]] = {
    # CI's machines can install these, so they are never a reason there.
    "PostgreSQL": lambda: True,
    "Node": lambda: True,
    "Java": lambda: True,
    "Ruby": lambda: True,
    "Go": lambda: True,
    # These can't be installed from the package registries: what is there is used.
    "Terraform": lambda: shutil.which("terraform") is not None,
    "the Terraform AWS provider": lambda: any(Path("/opt").glob("*/registry.terraform.io/hashicorp/aws/*")),
    "Maven": lambda: shutil.which("mvn") is not None,
    # From Maven Central, which may be out of reach.
    "JUnit and Maven's plugins in the local repository": lambda: resolves("repo.maven.apache.org"),
    "Maven Central": lambda: resolves("repo.maven.apache.org"),
    # Not for CI's machine to have: a daemon.
    "an engine for containers": lambda: False,
    "curl": lambda: True,
    "root": lambda: os.geteuid() == 0,
    "Landlock": lambda: Path("/sys/kernel/security/landlock").exists(),
    "Linux": lambda: sys.platform == "linux",
}
_SKIPPED: Final = re.compile(r"^SKIPPED \[\d+\] (?P<place>.*?): (?P<reason>.*)$")


def main() -> int:
    """Return the exit status."""
    bad = []
    for line in sys.stdin:
        match = _SKIPPED.match(line.rstrip())
        if match:
            tool = match["reason"].removeprefix("needs ").partition(":")[0]
            if not match["reason"].startswith("needs ") or tool not in TOOLS or TOOLS[tool]():
                bad.append(f"{match['place']}: {match['reason']}")
    if bad:
        print("Skipped, although this machine can run them:", *bad, sep="\n  ", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
