"""Keys as bytes that compare as their values do.

Values of different types come in the order null, false, true, numbers, text, bytes; numbers by their value, exactly;
text by its UTF-8. A key stands alone in its column, so text and bytes need no end mark.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias
from zlib import crc32

if TYPE_CHECKING:
    Scalar: TypeAlias = "bool | int | float | Decimal | str | bytes | None"

HASH_BYTES: Final = 2
HASHES: Final = 1 << 8 * HASH_BYTES
NO_SORT_KEY: Final = b""
# Greater than every encoded key.
BEYOND: Final = b"\xff"

_NULL: Final = b"\x01"
_FALSE: Final = b"\x02"
_TRUE: Final = b"\x03"
_NEGATIVE: Final = b"\x10"
_ZERO: Final = b"\x11"
_POSITIVE: Final = b"\x12"
_TEXT: Final = b"\x20"
_BYTES: Final = b"\x30"
_EXPONENT_BIAS: Final = 0x8000
_COMPLEMENT: Final = bytes(range(255, -1, -1))
# Digits as 1 to 10, so that the complement of a digit is less than the mark that ends a negative number.
_DIGITS: Final = bytes(range(1, 256)) + b"\x00"
# The same of digits as text.
_NUMERALS: Final = bytes.maketrans(b"0123456789", bytes(range(1, 11)))
_NEGATIVE_END: Final = b"\xff"


def encode_scalar(value: Scalar) -> bytes:
    """Encode one value."""
    if isinstance(value, str):
        return _TEXT + value.encode()
    if isinstance(value, bytes):
        return _BYTES + value
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    return _encode_number(value)


def encode_partition(value: Scalar) -> bytes:
    """Encode a partition key, preceded by its hash."""
    encoded = encode_scalar(value)
    return (crc32(encoded) & HASHES - 1).to_bytes(HASH_BYTES, "big") + encoded


def hash_bound(part: int, parts: int) -> bytes:
    """Return where the part'th of so many equal ranges of hashes begins; that of `parts` itself is beyond all."""
    first = -(-part * HASHES // parts)
    return first.to_bytes(HASH_BYTES, "big") if first < HASHES else BEYOND * (HASH_BYTES + 1)


def after(encoded: bytes) -> bytes:
    """Return the least key that is greater."""
    return encoded + b"\x00"


def after_prefix(encoded: bytes) -> bytes:
    """Return the least key that is greater than all that begin with this one."""
    stem = encoded.rstrip(b"\xff")
    return stem[:-1] + bytes((stem[-1] + 1,))


def _encode_number(value: float | Decimal) -> bytes:
    if not value:
        return _ZERO
    if type(value) is int:
        # The same, sooner.
        text = b"%d" % abs(value)
        negative = value < 0
        body = (len(text) + _EXPONENT_BIAS).to_bytes(2, "big") + text.rstrip(b"0").translate(_NUMERALS)
    else:
        sign, digits, exponent = Decimal(value).as_tuple()
        assert isinstance(exponent, int), "neither infinity nor NaN has a place"
        negative = bool(sign)
        magnitude = (len(digits) + exponent + _EXPONENT_BIAS).to_bytes(2, "big")
        body = magnitude + bytes(digits).rstrip(b"\x00").translate(_DIGITS)
    if negative:
        return _NEGATIVE + body.translate(_COMPLEMENT) + _NEGATIVE_END
    return _POSITIVE + body
