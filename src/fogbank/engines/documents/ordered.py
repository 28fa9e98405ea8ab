"""Bytes that compare as values do and that can stand one after another, for keys of several parts.

`keys` encodes values that stand alone in their column; what stands here says itself where it ends, so that lists,
paths and maps are their parts in a row. Numbers are 64-bit integers and doubles, compared exactly with each other.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

NUMBER_BYTES: Final = 10
# Ends what has no length of its own; what may follow in its place is greater.
END: Final = b"\x00"
_TEXT_END: Final = b"\x00\x01"
_ZERO_BYTE: Final = b"\x00\xff"
_DOUBLE: Final = struct.Struct(">d")
_BITS: Final = struct.Struct(">Q")
_PLACE: Final = struct.Struct(">QH")
_SIGN: Final = 1 << 63
_ALL: Final = (1 << 64) - 1
_CENTRE: Final = 0x8000
_NAN: Final = bytes(NUMBER_BYTES)


def encode_octets(value: bytes) -> bytes:
    """Encode bytes, behind which anything may stand."""
    return (value.replace(b"\x00", _ZERO_BYTE) if b"\x00" in value else value) + _TEXT_END


def encode_text(value: str) -> bytes:
    """Encode text by its UTF-8, behind which anything may stand."""
    return encode_octets(value.encode())


def encode_path(segments: Iterable[str]) -> bytes:
    """Encode names one within another: what is within something stands behind it and before its next."""
    return b"".join([encode_octets(each.encode()) for each in segments])


def encode_number(value: float) -> bytes:
    """Encode a double, or an integer of 64 bits: the nearest double, and by how much it is off.

    NaN comes before all others; zero has no sign.
    """
    if math.isnan(value):
        return _NAN
    nearest = float(value)
    bits = _BITS.unpack(_DOUBLE.pack(nearest + 0.0))[0]
    bits = bits ^ _ALL if bits & _SIGN else bits | _SIGN
    return _PLACE.pack(bits, _CENTRE + int(value - int(nearest)) if type(value) is int else _CENTRE)


def encode_signed(value: int) -> bytes:
    """Encode an integer of 64 bits in 8 bytes."""
    return _BITS.pack(value + _SIGN)


def path_segments(encoded: bytes) -> list[str]:
    """Return the names of an encoded path."""
    parts = encoded.split(_TEXT_END)[:-1]
    return [part.replace(_ZERO_BYTE, b"\x00").decode() for part in parts]
