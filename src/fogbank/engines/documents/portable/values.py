"""Values that documents of any service may have.

Beside those of `engines.documents.values` there are times, places, references to documents, and vectors. A number has
one form: an int where 64 bits hold it, a float that is written with the same digits, else a Decimal.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

Value: TypeAlias = Any
"""A value of any type; what it may be, the module's docstring says."""
Fields: TypeAlias = "dict[str, Value]"

INT_MAX: Final = 2**63 - 1
INT_MIN: Final = -(2**63)
_DIGITS_OF_NANOS: Final = 9
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Timestamp(msgspec.Struct, frozen=True):
    """A time: whole seconds since the epoch, in the years 1 to 9999, and nanoseconds."""

    seconds: int
    nanos: int = 0

    def __str__(self) -> str:
        """Write the time as RFC 3339 does, with as many digits as it needs."""
        whole = datetime.fromtimestamp(self.seconds, UTC).replace(tzinfo=None).isoformat()
        fraction = f".{self.nanos:09d}".rstrip("0") if self.nanos else ""
        return f"{whole}{fraction}Z"


class GeoPoint(msgspec.Struct, frozen=True):
    """A place on the earth, in degrees."""

    latitude: float
    longitude: float


class Reference(msgspec.Struct, frozen=True):
    """The name of another document."""

    name: str


class Vector(msgspec.Struct, frozen=True):
    """Numbers that are one value together."""

    numbers: tuple[float, ...]


def number(exact: int | Decimal) -> int | float | Decimal:
    """Return a number in its one form."""
    if isinstance(exact, Decimal):
        if exact.is_finite() and exact == exact.to_integral_value() and abs(exact) <= INT_MAX:
            return int(exact)
    elif INT_MIN <= exact <= INT_MAX:
        return exact
    else:
        exact = Decimal(exact)
    near = float(exact)
    return near if math.isfinite(near) and Decimal(repr(near)) == exact else exact


def exact(value: float | Decimal) -> int | Decimal:
    """Return a finite number with the digits that it is written with."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def read_timestamp(text: str) -> Timestamp:
    """Read a time as RFC 3339 writes it; raises `ValueError`."""
    head, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    if dot and not 0 < len(digits) <= _DIGITS_OF_NANOS:
        raise ValueError(text)
    at = datetime.fromisoformat(head + rest[len(digits) :])
    if at.tzinfo is None:
        raise ValueError(text)
    since = at - _EPOCH
    return Timestamp(since.days * 86_400 + since.seconds, int(digits.ljust(_DIGITS_OF_NANOS, "0")) if dot else 0)
