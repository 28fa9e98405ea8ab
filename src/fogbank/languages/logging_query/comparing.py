"""Comparisons of a field's value with what a query gives: by the field's type, or the value's own in payloads.

Google Cloud, "Logging query language": values and conversions. Texts are compared in any case, except by regular
expressions; a value that can't be converted to the type of a payload's field is unlike it, and an error elsewhere.
"""

from __future__ import annotations

import operator
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.linear_regex import PatternError
from fogbank.languages.linear_search import compile_search
from fogbank.languages.logging_query.errors import QueryError
from fogbank.languages.logging_query.schema import SEVERITIES, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.languages.logging_query.nodes import Literal

    Test = Callable[[Any], bool]

ANYTHING: Final = "*"
_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, ":": operator.eq,
    "!=": operator.ne,
}  # fmt: skip
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_DURATION: Final = re.compile(r"([+-]?\d{1,15}(?:\.\d{0,15})?)(ns|us|ms|s|m|h|d)?", re.ASCII)
_UNITS_NS: Final = {
    "ns": 1, "us": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9,
}  # fmt: skip
_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_BOOLEANS: Final = {"true": True, "false": False}
_NULL: Final = "NULL_VALUE"


def compile_comparison(kind: Kind, sign: str, value: Literal, shown: str) -> Test:
    """Return the test of a field's value; `shown` is the field's name for errors. Raises `QueryError`."""
    if sign in ("=~", "!~"):
        return _regular(kind, sign, value, shown)
    if kind is Kind.FREE:
        return _free(sign, value)
    if kind is Kind.MESSAGE:
        if sign != ":":
            msg = f"The field '{shown}' is a message; it can only be compared with the operator ':'."
            raise QueryError(msg)
        inner = _free(sign, value)
        return lambda found: any(inner(leaf) for leaf in leaves(found))
    if kind is Kind.TEXT:
        return _text(sign, value.text)
    wanted = _CONVERSIONS[kind](value.text, shown)
    order = _ORDERS[sign]
    return lambda found: order(found, wanted)


def leaves(value: Any) -> Iterator[Any]:
    """Yield what isn't an object or a list of all that is in a value."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
        elif each is not None:
            yield each


def text_of(value: Any) -> str:
    """Return a value as text, as it stands in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def read_time(text: str) -> int | None:
    """Return a time of RFC 3339 or a date (ISO 8601) in nanoseconds since the epoch; None for anything else."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        when = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError:
        return None
    seconds = int(when.timestamp())
    if zone and zone not in "Zz":
        sign = -1 if zone[0] == "-" else 1
        seconds -= sign * (int(zone[1:3]) * 3_600 + int(zone[-2:]) * 60)
    return seconds * 10**9 + int((fraction or "").ljust(9, "0"))


def _text(sign: str, wanted: str) -> Test:
    folded = wanted.casefold()
    if sign == ":":
        return lambda found: folded in found.casefold()
    order = _ORDERS[sign]
    return lambda found: order(found.casefold(), folded)


def _regular(kind: Kind, sign: str, value: Literal, shown: str) -> Test:
    if kind not in (Kind.TEXT, Kind.FREE):
        msg = f"The field '{shown}' is not a string; regular expressions can't be applied to it."
        raise QueryError(msg)
    if not value.quoted:
        msg = f"Regular expressions must be quoted: {value.text}"
        raise QueryError(msg)
    try:
        search = compile_search(value.text)
    except PatternError as error:
        msg = f"Invalid regular expression '{value.text}': {error}"
        raise QueryError(msg) from None
    wanted = sign == "=~"

    def test(found: Any) -> bool:
        if isinstance(found, list):
            return any(map(test, found))
        return isinstance(found, str) and search(found) is wanted

    return test


def _free(sign: str, value: Literal) -> Test:
    text = _text(sign, value.text)
    order = _ORDERS[sign]
    number = _read_number(value.text)
    boolean = _BOOLEANS.get(value.text.lower())
    is_null = not value.quoted and value.text == _NULL

    def test(found: Any) -> bool:
        if isinstance(found, str):
            return text(found)
        if isinstance(found, bool):
            return boolean is not None and order(found, boolean)
        if isinstance(found, int | float):
            return number is not None and order(found, number)
        if isinstance(found, list):
            return any(map(test, found))
        if isinstance(found, dict):
            return sign == ":" and any(map(test, leaves(found)))
        return is_null and sign in ("=", ":")

    return test


def _read_number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _number(text: str, shown: str) -> float:
    number = _read_number(text)
    if number is None:
        msg = f"Invalid number '{text}' for the field '{shown}'."
        raise QueryError(msg)
    return number


def _boolean(text: str, shown: str) -> bool:
    value = _BOOLEANS.get(text.lower())
    if value is None:
        msg = f"Invalid boolean '{text}' for the field '{shown}'."
        raise QueryError(msg)
    return value


def _severity(text: str, shown: str) -> int:
    value = SEVERITIES.get(text.upper())
    if value is None:
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            msg = f"Unrecognized value '{text}' for the field '{shown}'; it must be one of {', '.join(SEVERITIES)}."
            raise QueryError(msg)
        value = int(text)
    return value


def _time(text: str, shown: str) -> int:
    value = read_time(text)
    if value is None:
        msg = f"Invalid timestamp '{text}' for the field '{shown}'; it must be in the format of RFC 3339 or ISO 8601."
        raise QueryError(msg)
    return value


def _duration(text: str, shown: str) -> int:
    match = _DURATION.fullmatch(text)
    if match is None:
        msg = f"Invalid duration '{text}' for the field '{shown}'."
        raise QueryError(msg)
    return round(float(match[1]) * _UNITS_NS[match[2] or "s"])


_CONVERSIONS: Final[dict[Kind, Callable[[str, str], Any]]] = {
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.SEVERITY: _severity,
    Kind.TIME: _time,
    Kind.DURATION: _duration,
}
