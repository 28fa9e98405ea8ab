"""Scalars as AWS's protocols write them.

Timestamps are seconds since the epoch, as floats, everywhere above the wire
(Smithy, "timestampFormat trait": epoch-seconds, date-time, http-date).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import Any, Final

TRUE_WORDS: Final = frozenset({"true", "True", "TRUE"})
FALSE_WORDS: Final = frozenset({"false", "False", "FALSE"})


class MalformedValueError(Exception):
    """A value isn't of the form that its type takes. `path` names the member, in dotted form."""

    def __init__(self, expected: str, path: str = "") -> None:
        super().__init__(f"{path}: expected {expected}" if path else f"expected {expected}")
        self.expected = expected
        self.path = path


def read_timestamp(text: str) -> float:
    """Read any of the three formats."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            raise MalformedValueError("a timestamp") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def write_timestamp(seconds: float, style: str) -> str | float:
    """Write a timestamp in `style`: `unixTimestamp` (a number), `iso8601` or `rfc822`."""
    if style == "unixTimestamp":
        return seconds
    if style == "rfc822":
        return formatdate(int(seconds), usegmt=True)
    moment = datetime.fromtimestamp(seconds, UTC)
    milliseconds = moment.microsecond // 1000
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"


def read_scalar(kind: str, text: str) -> Any:
    """Read a scalar of a model's type from text."""
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
    except ValueError:
        raise MalformedValueError(f"a number ({kind})") from None
    if kind == "boolean":
        if text in TRUE_WORDS or text in FALSE_WORDS:
            return text in TRUE_WORDS
        raise MalformedValueError("true or false")
    if kind == "timestamp":
        return read_timestamp(text)
    if kind == "blob":
        try:
            return b64decode(text, validate=True)
        except Base64Error:
            raise MalformedValueError("base64") from None
    return text


def write_scalar(kind: str, value: Any, timestamp_style: str) -> str:
    """Write a scalar of a model's type as text."""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return str(write_timestamp(value, timestamp_style))
    if kind == "blob":
        return b64encode(value).decode() if isinstance(value, bytes) else b64encode(str(value).encode()).decode()
    return str(value)
