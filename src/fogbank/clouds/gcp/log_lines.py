"""What a line that a function printed says of itself (Google Cloud, "Structured logging")."""

from __future__ import annotations

from typing import Any, Final

import msgspec

# google/logging/type/log_severity.proto; what the agent takes for them besides.
SEVERITIES: Final = {
    "DEFAULT": 0, "DEBUG": 100, "INFO": 200, "NOTICE": 300, "WARNING": 400, "WARN": 400, "ERROR": 500,
    "CRITICAL": 600, "FATAL": 600, "ALERT": 700, "EMERGENCY": 800,
}  # fmt: skip
# What a structured payload can be of an object (google/protobuf/struct.proto, whose readers go 100 messages deep).
DEPTH_MAX: Final = 30
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


def read_line(text: str) -> tuple[int, dict[str, Any] | None]:
    """Return severity and fields of a line: those of a JSON object, none of any other text."""
    if not text.startswith("{"):
        return 0, None
    try:
        fields = _decode(text)
        _check(fields, DEPTH_MAX)
    except (msgspec.DecodeError, RecursionError, OverflowError):
        return 0, None
    severity = fields.get("severity")
    if isinstance(severity, str):
        return SEVERITIES.get(severity.upper(), 0), fields
    known = isinstance(severity, int) and not isinstance(severity, bool) and 0 <= severity <= SEVERITIES["EMERGENCY"]
    return int(severity) if known and severity is not None else 0, fields


def _check(value: Any, depth: int) -> None:
    """Raise `RecursionError` or `OverflowError` for what no structured payload can hold."""
    if depth < 0:
        raise RecursionError
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            _check(each, depth - 1)
    elif isinstance(value, int) and abs(value) >= 2**63:
        raise OverflowError
