"""How bad a line is that a function app printed: `2026-11-22T12:00:00Z   [Error]   …` of the host, by its level.

Azure Functions, "How to configure monitoring for Azure Functions": log levels.
"""

from __future__ import annotations

import re
from typing import Final

_LEVEL: Final = re.compile(r"\S{1,40} {3}\[([A-Z][a-z]+)\] ")
_SEVERITIES: Final = {"Trace": 100, "Debug": 100, "Information": 200, "Warning": 400, "Error": 500, "Critical": 600}


def severity_of(text: str) -> int:
    """Return a line's severity, 0 if it says none."""
    match = _LEVEL.match(text)
    return _SEVERITIES.get(match[1], 0) if match else 0
