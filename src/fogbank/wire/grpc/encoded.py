"""Messages put together from protobuf's bytes, where parsing and writing them again would cost most of a call.

Protocol Buffers, "Encoding": a field is a tag (its number and 2 for what has a length), the length, the bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_SHORT: Final = [bytes([number]) for number in range(128)]


class Encoded:
    """A message that is encoded already."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def SerializeToString(self) -> bytes:  # noqa: N802 - as protobuf's messages have it
        """Return it."""
        return self._data


def varint(number: int) -> bytes:
    """Return a number as protobuf writes it ("Base 128 Varints")."""
    return _SHORT[number] if number < 128 else _long_varint(number)


# Sizes of messages: there are few different ones at a time.
@lru_cache(maxsize=1_024)
def _long_varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def part(number: int, data: bytes) -> bytes:
    """Return a field that has a length: text, bytes, a message; its number is at most 15."""
    return b"%c%b%b" % (number << 3 | 2, varint(len(data)), data)


@lru_cache(maxsize=256)
def timestamp(time_us: int) -> bytes:
    """Return a `google.protobuf.Timestamp`."""
    seconds, micros = divmod(time_us, 1_000_000)
    return b"\x08" + varint(seconds) + (b"\x10" + varint(micros * 1_000) if micros else b"")
