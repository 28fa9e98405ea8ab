"""Functions on dates: texts of the form YYYY-MM-DDThh:mm:ss.fffffffZ, ticks of 100 ns, and milliseconds.

Azure Cosmos DB for NoSQL, "Date and time functions" and "DATETIMEFORMAT"
(https://docs.azure.cn/en-us/cosmos-db/nosql/query/datetimeformat). Ticks are counted from 1970 as GetCurrentTicks does.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from fogbank.languages.cosmos_sql.errors import FUNCTION, QueryError
from fogbank.languages.cosmos_sql.functions.model import NOW, Function
from fogbank.languages.cosmos_sql.values import UNDEFINED, Value, is_number

if TYPE_CHECKING:
    from collections.abc import Callable

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?)?Z?", re.ASCII)
_TICKS: Final = 10_000_000
_DAY: Final = 86_400 * _TICKS
# The year 1601, from which Windows counts.
_LEAST_ORIGIN: Final = -134_774 * _DAY
# Parts of one length, in ticks.
_LENGTHS: Final = {
    "day": _DAY, "hour": 3_600 * _TICKS, "minute": 60 * _TICKS, "second": _TICKS, "millisecond": _TICKS // 1_000,
    "microsecond": 10, "nanosecond": 1,
}  # fmt: skip
# A specifier of a format: letters of one kind, or one that stands for itself.
_PIECE: Final = re.compile(r"\\.|([yMdHhmsfFtzKg])\1*", re.DOTALL)
_FORMATS: Final[dict[str, Callable[[datetime], str]]] = {
    "yyyy": lambda moment: f"{moment.year:04d}", "yy": lambda moment: f"{moment.year % 100:02d}",
    "MM": lambda moment: f"{moment.month:02d}", "M": lambda moment: str(moment.month),
    "dd": lambda moment: f"{moment.day:02d}", "d": lambda moment: str(moment.day),
    "HH": lambda moment: f"{moment.hour:02d}", "H": lambda moment: str(moment.hour),
    "mm": lambda moment: f"{moment.minute:02d}", "m": lambda moment: str(moment.minute),
    "ss": lambda moment: f"{moment.second:02d}", "s": lambda moment: str(moment.second),
}  # fmt: skip
_PARTS: Final = {
    "year": "year", "yyyy": "year", "yy": "year", "month": "month", "mm": "month", "m": "month", "day": "day",
    "dd": "day", "d": "day", "hour": "hour", "hh": "hour", "minute": "minute", "mi": "minute", "n": "minute",
    "second": "second", "ss": "second", "s": "second", "millisecond": "millisecond", "ms": "millisecond",
    "microsecond": "microsecond", "mcs": "microsecond", "nanosecond": "nanosecond", "ns": "nanosecond",
}  # fmt: skip


def _part(name: Value) -> str | None:
    return _PARTS.get(name.lower()) if type(name) is str else None


def ticks_of(text: Value) -> int | None:
    """Return a date as ticks since 1970, None for what is none."""
    match = _TEXT.fullmatch(text) if type(text) is str else None
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
                          tzinfo=UTC)  # fmt: skip
    except ValueError:
        return None
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * _TICKS + int((fraction or "").ljust(7, "0"))


def text_of(ticks: int) -> Value:
    """Return ticks since 1970 as a date."""
    seconds, fraction = divmod(ticks, _TICKS)
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return UNDEFINED
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}.{fraction:07d}Z"


def _add(part: Value, number: Value, text: Value) -> Value:
    name, ticks = _part(part), ticks_of(text)
    if name is None or ticks is None or not is_number(number):
        return UNDEFINED
    if abs(number) > 1 << 53 or int(number) != number:
        return UNDEFINED
    if name in _LENGTHS:
        amount = int(number) // 100 if name == "nanosecond" else int(number) * _LENGTHS[name]
        return text_of(ticks + amount)
    days, rest = divmod(ticks, _DAY)
    moment = _EPOCH + timedelta(days=days)
    months = moment.year * 12 + moment.month - 1 + int(number) * (12 if name == "year" else 1)
    year, month = divmod(months, 12)
    for day in (moment.day, 30, 29, 28):
        try:
            found = datetime(year, month + 1, min(day, moment.day), tzinfo=UTC) - _EPOCH
        except (ValueError, OverflowError):
            continue
        return text_of(found.days * _DAY + rest)
    return UNDEFINED


def _diff(part: Value, start: Value, end: Value) -> Value:
    """Return how many borders of a part lie between two dates."""
    name, first, last = _part(part), ticks_of(start), ticks_of(end)
    if name is None or first is None or last is None:
        return UNDEFINED
    if name == "nanosecond":
        return (last - first) * 100
    if name in _LENGTHS:
        return last // _LENGTHS[name] - first // _LENGTHS[name]
    one, other = _EPOCH + timedelta(days=first // _DAY), _EPOCH + timedelta(days=last // _DAY)
    years = other.year - one.year
    return years if name == "year" else years * 12 + other.month - one.month


def _get(part: Value, text: Value) -> Value:
    name, ticks = _part(part), ticks_of(text)
    if name is None or ticks is None:
        return UNDEFINED
    fraction = ticks % _TICKS
    fractions = {"millisecond": fraction // 10_000, "microsecond": fraction // 10, "nanosecond": fraction * 100}
    if name in fractions:
        return fractions[name]
    return getattr(_EPOCH + timedelta(seconds=ticks // _TICKS), name)


def date_format(text: Value, form: Value) -> Value:
    """DATETIMEFORMAT; raises `QueryError` for a specifier that isn't supported."""
    ticks = ticks_of(text)
    if ticks is None or type(form) is not str:
        return UNDEFINED
    moment, fraction = _EPOCH + timedelta(seconds=ticks // _TICKS), f"{ticks % _TICKS:07d}"

    def fill(match: re.Match[str]) -> str:
        piece = match[0]
        if piece[0] == "\\":
            return piece[1:]
        if piece[0] in "fF" and len(piece) < 8:
            digits = fraction[: len(piece)]
            return digits if piece[0] == "f" else digits.rstrip("0")
        if piece not in _FORMATS:
            raise QueryError(FUNCTION, f"Fogbank does not support the specifier '{piece}' of DateTimeFormat.")
        return _FORMATS[piece](moment)

    return _PIECE.sub(fill, form)


def _bin(text: Value, part: Value, size: Value = 1, origin: Value = "1970-01-01T00:00:00.0000000Z") -> Value:
    name, ticks, start = _part(part), ticks_of(text), ticks_of(origin)
    if name not in _LENGTHS or ticks is None or start is None or start < _LEAST_ORIGIN:
        return UNDEFINED
    if not is_number(size) or size < 1 or int(size) != size:
        return UNDEFINED
    length = _LENGTHS[name] * int(size)
    return text_of(start + (ticks - start) // length * length)


def _from_parts(*parts: Value) -> Value:
    if not all(is_number(part) and int(part) == part for part in parts):
        return UNDEFINED
    year, month, day, hour, minute, second, fraction = [*map(int, parts), 0, 0, 0, 0][:7]
    if not 0 <= fraction < _TICKS:
        return UNDEFINED
    try:
        since = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH
    except (ValueError, OverflowError):
        return UNDEFINED
    return text_of((since.days * 86_400 + since.seconds) * _TICKS + fraction)


def _of_text(scale: int) -> Callable[[Value], Value]:
    def run(text: Value) -> Value:
        ticks = ticks_of(text)
        return UNDEFINED if ticks is None else ticks // scale

    return run


def _of_number(scale: int) -> Callable[[Value], Value]:
    return lambda value: text_of(int(value) * scale) if is_number(value) and abs(value) < 1 << 60 else UNDEFINED


def _current_date(now_us: int) -> Value:
    return text_of(now_us * 10)


def _current_ticks(now_us: int) -> Value:
    return now_us * 10


def _current_timestamp(now_us: int) -> Value:
    return now_us // 1_000


def _from_now(sign: int) -> Callable[..., Value]:
    """Return what adds an amount of a part to the time."""

    def run(now_us: int, part: Value = "ns", number: Value = 0) -> Value:
        return _add(part, sign * number, _current_date(now_us)) if is_number(number) else UNDEFINED

    return run


def _part_of(part: str) -> Function:
    return Function(partial(_get, part), 1, 1)


DATES: Final = {
    "AGO": Function(_from_now(-1), 2, 2, NOW),
    "DATETIMEADD": Function(_add, 3, 3),
    "DATETIMEBIN": Function(_bin, 2, 4),
    "DATETIMEDIFF": Function(_diff, 3, 3),
    "DATETIMEFORMAT": Function(date_format, 2, 2),
    "DATETIMEFROMPARTS": Function(_from_parts, 3, 7),
    "DATETIMEPART": Function(_get, 2, 2),
    "DATETIMETOTICKS": Function(_of_text(1), 1, 1),
    "DATETIMETOTIMESTAMP": Function(_of_text(10_000), 1, 1),
    "DAY": _part_of("day"),
    "GETCURRENTDATETIME": Function(_current_date, 0, 0, NOW),
    "GETCURRENTDATETIMESTATIC": Function(_current_date, 0, 0, NOW),
    "GETCURRENTTICKS": Function(_current_ticks, 0, 0, NOW),
    "GETCURRENTTICKSSTATIC": Function(_current_ticks, 0, 0, NOW),
    "GETCURRENTTIMESTAMP": Function(_current_timestamp, 0, 0, NOW),
    "GETCURRENTTIMESTAMPSTATIC": Function(_current_timestamp, 0, 0, NOW),
    "MONTH": _part_of("month"),
    "NOW": Function(_from_now(1), 0, 2, NOW),
    "TICKSTODATETIME": Function(_of_number(1), 1, 1),
    "TIMESTAMPTODATETIME": Function(_of_number(10_000), 1, 1),
    "YEAR": _part_of("year"),
}
