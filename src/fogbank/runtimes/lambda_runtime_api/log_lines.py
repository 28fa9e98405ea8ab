r"""How bad a line is that a function of Lambda's printed, by what its runtimes write.

AWS Lambda Developer Guide, "Working with Lambda function logs": `[ERROR]\t…` of Python, `…\tERROR\t…` of Node.js,
`{"level": "ERROR", …}` where the log format is JSON.
"""

from __future__ import annotations

import re
from typing import Final

_LEVEL: Final = re.compile(
    r"\[(?P<python>[A-Z]+)\]\s|[^\t\n]{1,64}\t[^\t\n]{1,64}\t(?P<node>[A-Z]+)\t|\{[^\n]{0,200}?\"level\":\s?\"(?P<json>\w+)\""
)
_SEVERITIES: Final = {
    "TRACE": 100, "DEBUG": 100, "INFO": 200, "WARN": 400, "WARNING": 400, "ERROR": 500, "FATAL": 600, "CRITICAL": 600,
}  # fmt: skip


def severity_of(text: str) -> int:
    """Return a line's severity, 0 if it says none."""
    match = _LEVEL.match(text)
    return _SEVERITIES.get(match[match.lastgroup or 0].upper(), 0) if match else 0
