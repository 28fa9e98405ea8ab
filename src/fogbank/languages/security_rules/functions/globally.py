"""Functions that are there everywhere: conversions, mathematics, hashes, places.

https://firebase.google.com/docs/reference/rules/rules.math, rules.hashing, rules.latlng.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.security_rules.functions.times import DURATION_FUNCTIONS, TIMESTAMP_FUNCTIONS
from fogbank.languages.security_rules.values import LatLng, Path, integer, type_of

if TYPE_CHECKING:
    from collections.abc import Callable

# Meters.
_EARTH_RADIUS: Final = 6_371_010.0
_TRUTHS: Final = {"true": True, "false": False}
# Castagnoli's polynomial, reversed.
_CRC32C: Final = 0x82F63B78


def _latlng(latitude: float, longitude: float) -> LatLng:
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        msg = "no such place"
        raise ValueError(msg)
    return LatLng(float(latitude), float(longitude))


def _distance(one: LatLng, other: LatLng) -> float:
    """Return how far one place is from another, in meters, by the haversine formula."""
    a, b = math.radians(one.latitude), math.radians(other.latitude)
    high = math.sin((b - a) / 2) ** 2
    wide = math.sin(math.radians(other.longitude - one.longitude) / 2) ** 2
    return 2 * _EARTH_RADIUS * math.asin(math.sqrt(high + math.cos(a) * math.cos(b) * wide))


def _data(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value) if isinstance(value, bytes) else _no_data()


def _no_data() -> bytes:
    msg = "a text or bytes are needed"
    raise TypeError(msg)


@cache
def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_CRC32C if value & 1 else 0)
        table.append(value)
    return tuple(table)


def _crc32c(value: Any) -> bytes:
    crc = 0xFFFFFFFF
    table = _table()
    for byte in _data(value):
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "big")


def _checked(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = "a number is needed"
        raise TypeError(msg)
    return value


def _round(value: Any) -> int:
    # Halves are rounded up.
    return integer(math.floor(_checked(value) + 0.5)) if isinstance(value, float) else _checked(value)


def _bool(value: Any) -> bool:
    return value if isinstance(value, bool) else _TRUTHS[value]


def _int(value: Any) -> int:
    if type_of(value) not in {"string", "int", "float"}:
        msg = "no number"
        raise TypeError(msg)
    return integer(int(value))


def _float(value: Any) -> float:
    if type_of(value) not in {"string", "int", "float"}:
        msg = "no number"
        raise TypeError(msg)
    return float(value)


def _string(value: Any) -> str:
    kind = type_of(value)
    if kind == "bool":
        return "true" if value else "false"
    if kind == "null":
        return "null"
    if kind in {"string", "int", "float", "path"}:
        return str(value)
    if kind == "bytes":
        return bytes(value).decode()
    msg = "no text"
    raise TypeError(msg)


def _path(value: Any) -> Path:
    if not isinstance(value, str):
        msg = "a text is needed"
        raise TypeError(msg)
    return Path(tuple(value.strip("/").split("/")))


def _bytes(value: Any) -> bytes:
    return _data(value)


GLOBALS: Final[dict[str, Callable[..., Any]]] = {
    "bool": _bool,
    "bytes": _bytes,
    "float": _float,
    "int": _int,
    "path": _path,
    "string": _string,
}
LATLNG: Final[dict[str, Callable[..., Any]]] = {
    "latitude": lambda place: place.latitude,
    "longitude": lambda place: place.longitude,
    "distance": _distance,
}
NAMESPACES: Final[dict[str, dict[str, Callable[..., Any]]]] = {
    "duration": DURATION_FUNCTIONS,
    "timestamp": TIMESTAMP_FUNCTIONS,
    "latlng": {"value": _latlng},
    "hashing": {
        "crc32": lambda value: zlib.crc32(_data(value)).to_bytes(4, "big"),
        "crc32c": _crc32c,
        "md5": lambda value: hashlib.md5(_data(value), usedforsecurity=False).digest(),
        "sha256": lambda value: hashlib.sha256(_data(value)).digest(),
    },
    "math": {
        "abs": lambda value: abs(_checked(value)),
        "ceil": lambda value: integer(math.ceil(_checked(value))),
        "floor": lambda value: integer(math.floor(_checked(value))),
        "isInfinite": lambda value: math.isinf(_checked(value)),
        "isNaN": lambda value: math.isnan(_checked(value)),
        "pow": lambda base, exponent: float(_checked(base)) ** _checked(exponent),
        "round": _round,
        "sqrt": lambda value: math.sqrt(_checked(value)) if _checked(value) >= 0 else math.nan,
    },
}
