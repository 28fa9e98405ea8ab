"""Methods of times and lengths of time, and the functions that make them.

https://firebase.google.com/docs/reference/rules/rules.Timestamp, rules.Duration, rules.timestamp_, rules.duration_.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.security_rules.values import SECOND_NS, Duration, Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY_NS: Final = 86_400 * SECOND_NS
_UNITS: Final = {
    "w": 7 * _DAY_NS, "d": _DAY_NS, "h": 3_600 * SECOND_NS, "m": 60 * SECOND_NS, "s": SECOND_NS, "ms": 1_000_000,
    "ns": 1,
}  # fmt: skip


def _parts(time: Timestamp) -> datetime:
    return datetime.fromtimestamp(time.nanos // SECOND_NS, UTC)


def _midnight(time: Timestamp) -> Timestamp:
    return Timestamp(time.nanos - time.nanos % _DAY_NS)


def _date(year: int, month: int, day: int) -> Timestamp:
    days = date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()
    return Timestamp(days * _DAY_NS)


def _whole(nanos: int, unit: int) -> int:
    return nanos // unit if nanos >= 0 else -(-nanos // unit)


def _rest(nanos: int) -> int:
    return nanos - _whole(nanos, SECOND_NS) * SECOND_NS


TIMESTAMP: Final[dict[str, Callable[..., Any]]] = {
    "date": _midnight,
    "day": lambda time: _parts(time).day,
    "dayOfWeek": lambda time: _parts(time).isoweekday(),
    "dayOfYear": lambda time: _parts(time).timetuple().tm_yday,
    "hours": lambda time: _parts(time).hour,
    "minutes": lambda time: _parts(time).minute,
    "month": lambda time: _parts(time).month,
    "nanos": lambda time: time.nanos % SECOND_NS,
    "seconds": lambda time: _parts(time).second,
    "time": lambda time: Duration(time.nanos % _DAY_NS),
    "toMillis": lambda time: time.nanos // 1_000_000,
    "year": lambda time: _parts(time).year,
}
DURATION: Final[dict[str, Callable[..., Any]]] = {
    "nanos": lambda length: _rest(length.nanos),
    "seconds": lambda length: _whole(length.nanos, SECOND_NS),
}
TIMESTAMP_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "date": _date,
    "value": lambda millis: Timestamp(millis * 1_000_000),
}
DURATION_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "abs": lambda length: Duration(abs(length.nanos)),
    "time": lambda hours, minutes, seconds, nanos: Duration(
        ((hours * 60 + minutes) * 60 + seconds) * SECOND_NS + nanos
    ),
    "value": lambda magnitude, unit: Duration(magnitude * _UNITS[unit]),
}
