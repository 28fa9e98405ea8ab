"""Effective partition keys: hashes by which partition keys are spread, and feed ranges are cut.

MurmurHash3, x64, 128 bits, by Austin Appleby, who put it into the public domain. Keys of version 2 are hashed: of one
level all in one, of several each by itself. What is hashed is a mark of the type, then the number's eight bytes or the
text's and 0xFF.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.azure.cosmos.errors import unsupported
from fogbank.languages.cosmos_sql.values import UNDEFINED

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.items.keys import Levels

LEAST: Final = ""
BEYOND: Final = "FF"
_MASK: Final = (1 << 64) - 1
_C1: Final = 0x87C37B91114253D5
_C2: Final = 0x4CF5AD432745937F
# Longer parts than that of what is hashed needn't be kept ready.
_KEPT: Final = 8_192


class EpkRange(NamedTuple):
    """A range of effective partition keys, in hexadecimal; the end is not in it."""

    start: str
    end: str

    def has(self, levels: Levels, *, hierarchical: bool) -> bool:
        """Whether a partition key is in the range."""
        return self.start <= effective_key(levels, tuple(map(type, levels)), hierarchical=hierarchical) < self.end


def read_range(call: CosmosCall, version: int) -> EpkRange | None:
    """Return the range that a request is restricted to, None for all of them."""
    start, end = call.header(b"x-ms-start-epk"), call.header(b"x-ms-end-epk")
    if start == LEAST and end in ("", BEYOND):
        return None
    if version != 2:
        raise unsupported("feed ranges of containers whose partition key has version 1")
    # A range of one key ends with it.
    return EpkRange(start.upper(), end.upper() if end.upper() != start.upper() else f"{end.upper()}\x00")


@lru_cache(maxsize=_KEPT)
def effective_key(levels: Levels, _types: tuple[type, ...], *, hierarchical: bool) -> str:
    """Return the effective partition key in hexadecimal."""
    parts = [_hashed(value) for value in levels]
    return "".join(map(_digest, parts)) if hierarchical else _digest(b"".join(parts))


def _hashed(value: Any) -> bytes:
    if value is UNDEFINED:
        return b"\x00"
    if value is None:
        return b"\x01"
    if type(value) is bool:
        return b"\x03" if value else b"\x02"
    if type(value) is str:
        return b"\x08" + value.encode() + b"\xff"
    return b"\x05" + struct.pack("<d", value)


def _digest(data: bytes) -> str:
    first, second = murmur3(data)
    found = (second << 64 | first).to_bytes(16, "big")
    return (bytes((found[0] & 0x3F,)) + found[1:]).hex().upper()


def murmur3(data: bytes) -> tuple[int, int]:
    """Return the hash's two halves."""
    first = second = 0
    whole = len(data) // 16 * 16
    for one, other in struct.iter_unpack("<QQ", data[:whole]):
        first ^= _scatter(one, _C1, 31, _C2)
        first = ((_rotate(first, 27) + second) * 5 + 0x52DCE729) & _MASK
        second ^= _scatter(other, _C2, 33, _C1)
        second = ((_rotate(second, 31) + first) * 5 + 0x38495AB5) & _MASK
    tail = data[whole:]
    second ^= _scatter(int.from_bytes(tail[8:], "little"), _C2, 33, _C1)
    first ^= _scatter(int.from_bytes(tail[:8], "little"), _C1, 31, _C2)
    first ^= len(data)
    second ^= len(data)
    first = (first + second) & _MASK
    second = (second + first) & _MASK
    first, second = _mix(first), _mix(second)
    first = (first + second) & _MASK
    return first, (second + first) & _MASK


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) & _MASK


def _scatter(value: int, one: int, bits: int, other: int) -> int:
    return _rotate(value * one & _MASK, bits) * other & _MASK


def _mix(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & _MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ value >> 33
