"""Documents as JSON that loses nothing: what JSON has no word for is an object of one member that begins with `$`.

`{"$binary": BASE64}`, `{"$set": [..]}`, `{"$number": "1E+30"}` (a number that no double has, or none at all),
`{"$timestamp": RFC 3339}`, `{"$geopoint": {"latitude", "longitude"}}`, `{"$reference": NAME}`, `{"$vector": [..]}`.
An object that only looks like one of them is written as `{"$map": {..}}`.
"""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.engines.documents.portable.values import (
    GeoPoint,
    Reference,
    Timestamp,
    Vector,
    number,
    read_timestamp,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.portable.values import Fields, Value

DEPTH_MAX: Final = 150
_MAP: Final = "$map"
# No service has numbers with exponents beyond those of doubles.
_EXPONENT_MAX: Final = 400
_NATIVE: Final = frozenset({str, int, bool, type(None)})


class NotationError(Exception):
    """A text that isn't a document's; the message says why."""


def write(value: Value) -> Any:
    """Return a value as what JSON can hold."""
    kind = type(value)
    if kind in _NATIVE:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$number": str(value)}
    if kind is dict:
        written = {name: write(each) for name, each in value.items()}
        return {_MAP: written} if len(value) == 1 and next(iter(value)).startswith("$") else written
    if kind is list:
        return [write(each) for each in value]
    return _WRITERS[kind](value)


def read_fields(text: bytes | str) -> Fields:
    """Return the document that a JSON text is; raises `NotationError`."""
    try:
        fields = read(_decode(text))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        message = f"The document is no JSON: {error}"
        raise NotationError(message) from None
    if not isinstance(fields, dict):
        raise NotationError("A document is a JSON object.")
    return fields


def read(plain: Any, depth: int = 0) -> Value:
    """Return the value that decoded JSON stands for; raises `NotationError`."""
    if depth > DEPTH_MAX:
        message = f"There are more than {DEPTH_MAX} levels."
        raise NotationError(message)
    if isinstance(plain, list):
        return [read(each, depth + 1) for each in plain]
    if type(plain) is int:
        return number(plain)
    if not isinstance(plain, dict):
        return plain
    if len(plain) == 1:
        ((name, inner),) = plain.items()
        if name == _MAP and isinstance(inner, dict):
            return {each: read(value, depth + 1) for each, value in inner.items()}
        reader = _READERS.get(name)
        if reader is not None:
            try:
                return reader(inner)
            except (ValueError, TypeError, KeyError, OverflowError, Base64Error, InvalidOperation):
                message = f"{msgspec.json.encode(plain).decode()} is no {name[1:]}."
                raise NotationError(message) from None
    return {name: read(value, depth + 1) for name, value in plain.items()}


def _fraction(text: str) -> Any:
    """Read a JSON number with a fraction or an exponent: a double if that has the same digits."""
    near = float(text)
    return near if math.isfinite(near) and Decimal(repr(near)) == Decimal(text) else _bounded(Decimal(text))


_decode: Final = msgspec.json.Decoder(float_hook=_fraction).decode


def _bounded(exact: Decimal) -> Any:
    if exact and abs(exact.adjusted()) > _EXPONENT_MAX:
        raise msgspec.DecodeError(f"the exponent of {exact} is too large")
    return number(exact)


def _read_number(text: Any) -> Any:
    exact = Decimal(_text(text))
    if not exact.is_finite():
        return float(exact)
    if exact and abs(exact.adjusted()) > _EXPONENT_MAX:
        raise ValueError(text)
    return number(exact)


def _read_set(members: Any) -> frozenset[Any]:
    if not isinstance(members, list):
        raise TypeError
    found = [read(each) for each in members]
    kinds = {"number" if type(each) in (int, float, Decimal) else type(each) for each in found}
    if len(kinds) != 1 or not kinds <= {"number", str, bytes} or len(set(found)) != len(found):
        raise ValueError
    return frozenset(found)


def _read_geopoint(plain: Any) -> GeoPoint:
    if not isinstance(plain, dict) or plain.keys() != {"latitude", "longitude"}:
        raise ValueError
    return GeoPoint(_float(plain["latitude"]), _float(plain["longitude"]))


def _text(plain: Any) -> str:
    if not isinstance(plain, str):
        raise TypeError
    return plain


def _float(plain: Any) -> float:
    if type(plain) not in (int, float):
        raise TypeError
    return float(plain)


def _write_set(members: frozenset[Any]) -> dict[str, Any]:
    return {"$set": [write(each) for each in sorted(members)]}


_WRITERS: Final[dict[type, Callable[[Any], Any]]] = {
    bytes: lambda value: {"$binary": b64encode(value).decode()},
    frozenset: _write_set,
    Decimal: lambda value: {"$number": str(value)},
    Timestamp: lambda value: {"$timestamp": str(value)},
    GeoPoint: lambda value: {"$geopoint": {"latitude": value.latitude, "longitude": value.longitude}},
    Reference: lambda value: {"$reference": value.name},
    Vector: lambda value: {"$vector": [write(each) for each in value.numbers]},
}
_READERS: Final[dict[str, Callable[[Any], Value]]] = {
    "$binary": lambda plain: b64decode(_text(plain), validate=True),
    "$set": _read_set,
    "$number": _read_number,
    "$timestamp": lambda plain: read_timestamp(_text(plain)),
    "$geopoint": _read_geopoint,
    "$reference": lambda plain: Reference(_text(plain)),
    "$vector": lambda plain: Vector(tuple([_float(read(each)) for each in plain])),
}
