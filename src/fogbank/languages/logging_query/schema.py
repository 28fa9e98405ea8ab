"""The fields of a log entry and their types (google/logging/v2/log_entry.proto)."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from fogbank.languages.logging_query.errors import QueryError


class Kind(Enum):
    """How a field's value is compared."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"
    DURATION = "duration"
    SEVERITY = "severity"
    # Whatever it is: what is in payloads, and labels.
    FREE = "free"
    MESSAGE = "message"


_TEXT, _NUMBER, _BOOLEAN, _FREE = Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN, Kind.FREE
SEVERITIES: Final = {
    "DEFAULT": 0, "DEBUG": 100, "INFO": 200, "NOTICE": 300, "WARNING": 400, "ERROR": 500, "CRITICAL": 600,
    "ALERT": 700, "EMERGENCY": 800,
}  # fmt: skip
_FIELDS: Final[dict[str, Any]] = {
    "logName": _TEXT,
    "resource": {"type": _TEXT, "labels": _FREE},
    "textPayload": _TEXT,
    "jsonPayload": _FREE,
    "protoPayload": _FREE,
    "timestamp": Kind.TIME,
    "receiveTimestamp": Kind.TIME,
    "severity": Kind.SEVERITY,
    "insertId": _TEXT,
    "httpRequest": {
        "requestMethod": _TEXT, "requestUrl": _TEXT, "requestSize": _NUMBER, "status": _NUMBER,
        "responseSize": _NUMBER, "userAgent": _TEXT, "remoteIp": _TEXT, "serverIp": _TEXT, "referer": _TEXT,
        "latency": Kind.DURATION, "cacheLookup": _BOOLEAN, "cacheHit": _BOOLEAN,
        "cacheValidatedWithOriginServer": _BOOLEAN, "cacheFillBytes": _NUMBER, "protocol": _TEXT,
    },
    "labels": _FREE,
    "operation": {"id": _TEXT, "producer": _TEXT, "first": _BOOLEAN, "last": _BOOLEAN},
    "trace": _TEXT,
    "spanId": _TEXT,
    "traceSampled": _BOOLEAN,
    "sourceLocation": {"file": _TEXT, "line": _NUMBER, "function": _TEXT},
    "split": {"uid": _TEXT, "index": _NUMBER, "totalSplits": _NUMBER},
}  # fmt: skip
# What a defaulted field has (Google Cloud, "Logging query language": missing fields).
DEFAULTS: Final = {_TEXT: "", _NUMBER: 0, _BOOLEAN: False, Kind.SEVERITY: 0, Kind.DURATION: 0}


def _spelled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): (name, _spelled(kind) if isinstance(kind, dict) else kind) for name, kind in fields.items()}


_SPELLED: Final = _spelled(_FIELDS)


def resolve(path: list[str]) -> tuple[tuple[str, ...], Kind]:
    """Return a field's path in the schema's spelling, and its kind; names may have underscores and any case."""
    level: Any = _SPELLED
    found: list[str] = []
    for at, part in enumerate(path):
        entry = level.get(part.replace("_", "").lower())
        if entry is None:
            msg = f"Field not found: '{'.'.join(path)}'."
            raise QueryError(msg)
        name, level = entry
        found.append(name)
        if level is _FREE:
            return (*found, *path[at + 1 :]), _FREE
        if not isinstance(level, dict) and at + 1 < len(path):
            msg = f"Field not found: '{'.'.join(path)}'."
            raise QueryError(msg)
    return tuple(found), Kind.MESSAGE if isinstance(level, dict) else level
