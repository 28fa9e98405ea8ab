"""Scalars as AWS's protocols write them.

Timestamps are seconds since the epoch, as floats, everywhere above the wire
(Smithy, "timestampFormat trait": epoch-seconds, date-time, http-date).
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUE_WORDS: Final = frozenset({"true", "True", "TRUE"})
FALSE_WORDS: Final = frozenset({"false", "False", "FALSE"})
WHOLE_BITS: Final = {"integer": 32, "long": 64}
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class MalformedValueError(Exception):
    """A value isn't of the form that its type takes. `path` names the member, in dotted form."""

    def __init__(self, expected: str, path: str = "") -> None:
        super().__init__(f"{path}: expected {expected}" if path else f"expected {expected}")
        self.expected = expected
        self.path = path


def members_of(value: Any) -> Mapping[str, Any]:
    """Return a structure's members by name, be it a mapping or a struct."""
    return msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else value


def decode_text(data: bytes) -> str:
    """Decode a text in UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise MalformedValueError("text in UTF-8") from None


def read_timestamp(text: str) -> float:
    """Read any of the three formats."""
    if _NUMBER.fullmatch(text):
        seconds = float(text)
        if isfinite(seconds):
            return seconds
    try:
        moment = datetime.fromisoformat(text) if text[:1].isdigit() else parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise MalformedValueError("a timestamp") from None


def write_timestamp(seconds: float, style: str) -> str | float:
    """Write a timestamp in `style`: `unixTimestamp` (a number), `iso8601` or `rfc822`."""
    if style == "unixTimestamp":
        return seconds
    if style == "rfc822":
        return formatdate(int(seconds), usegmt=True)
    moment = datetime.fromtimestamp(seconds, UTC)
    milliseconds = moment.microsecond // 1000
    text = moment.isoformat(timespec="seconds")[:19]
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"


def read_scalar(kind: str, text: str) -> Any:
    """Read a scalar of a model's type from text; raises `MalformedValueError`."""
    if kind in WHOLE_BITS:
        return _whole(text, WHOLE_BITS[kind])
    if kind in ("float", "double"):
        if text in _NOT_FINITE:
            return _NOT_FINITE[text]
        if _NUMBER.fullmatch(text):
            return float(text)
        raise MalformedValueError("a number")
    if kind == "boolean":
        if text in TRUE_WORDS or text in FALSE_WORDS:
            return text in TRUE_WORDS
        raise MalformedValueError("true or false")
    if kind == "timestamp":
        return read_timestamp(text)
    if kind == "blob":
        try:
            return b64decode(text, validate=True)
        except (Base64Error, ValueError):
            raise MalformedValueError("base64") from None
    return text


def write_scalar(kind: str, value: Any, timestamp_style: str) -> str:
    """Write a scalar of a model's type as text."""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return str(write_timestamp(value, timestamp_style))
    if kind == "blob":
        return b64encode(value if isinstance(value, bytes) else str(value).encode()).decode()
    if kind in ("float", "double") and not isfinite(value):
        return next(word for word, number in _NOT_FINITE.items() if repr(number) == repr(float(value)))
    return str(value)


def _whole(text: str, bits: int) -> int:
    if _WHOLE.fullmatch(text):
        number = int(text)
        if -(1 << bits - 1) <= number < 1 << bits - 1:
            return number
    raise MalformedValueError(f"a whole number of {bits} bits")
