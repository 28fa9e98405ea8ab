"""Fields of requests and answers in HPACK (RFC 7541), and what a request's have to be like (RFC 9113, section 8).

Clients repeat themselves: once a client's table of fields is filled, its calls of one method have the same bytes, which
are decoded once. What is decoded is kept until the table changes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from hpack import Decoder, HPACKError

from fogbank.wire.http2.frames import ConnectionBrokenError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable

# What a request's fields may come to: decoded, by RFC 7541's count, and as they are sent.
FIELDS_BYTES_MAX: Final = 65_536
BLOCK_BYTES_MAX: Final = 65_536
_KEPT_MAX: Final = 256
_KEPT_BYTES_MAX: Final = 2_048
_PSEUDO: Final = frozenset({b":method", b":scheme", b":path", b":authority"})
_OF_CONNECTIONS: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
# By the value of :status, its index in HPACK's static table.
_STATUS_INDEX: Final = {200: 8, 204: 9, 206: 10, 304: 11, 400: 12, 404: 13, 500: 14}
_STATUS_NAME: Final = 8


class MalformedError(Exception):
    """A request's fields are not those of a request."""


class Head:
    """What a request begins with: its pseudo-fields, and its fields in order, `host` among them.

    `notes` is for whoever answers: what was found out about these fields is found again with the next request that
    has the same.
    """

    __slots__ = ("fields", "method", "notes", "path", "scheme", "values")

    def __init__(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        pseudo: dict[bytes, bytes] = {}
        regular: list[tuple[bytes, bytes]] = []
        for name, value in fields:
            if name.startswith(b":"):
                if regular or name in pseudo or name not in _PSEUDO:
                    raise MalformedError(name)
                pseudo[name] = value
            else:
                _check(name, value)
                regular.append((name, value))
        authority = pseudo.get(b":authority")
        if authority is not None:
            regular = [(b"host", authority), *(each for each in regular if each[0] != b"host")]
        try:
            self.method = pseudo[b":method"].decode("ascii")
            self.scheme = pseudo[b":scheme"].decode("ascii")
            self.path = pseudo[b":path"]
        except (KeyError, UnicodeDecodeError):
            raise MalformedError from None
        if not self.path:
            raise MalformedError
        self.fields = regular
        self.values = _joined(regular)
        self.notes: Any = None


class FieldReader:
    """Decodes the blocks of one connection, in their order."""

    def __init__(self) -> None:
        self._decoder = Decoder(max_header_list_size=FIELDS_BYTES_MAX)
        self._kept: dict[bytes, Head] = {}

    def head(self, block: bytes) -> Head:
        """Return what a request begins with; raises `MalformedError` and `ConnectionBrokenError`."""
        kept = self._kept.get(block)
        if kept is not None:
            return kept
        fields, same = self._decode(block)
        head = Head(fields)
        if same and len(block) <= _KEPT_BYTES_MAX:
            if len(self._kept) >= _KEPT_MAX:
                self._kept.clear()
            self._kept[block] = head
        return head

    def trailers(self, block: bytes) -> list[tuple[bytes, bytes]]:
        """Return what comes behind a body; raises `ConnectionBrokenError`."""
        return self._decode(block)[0]

    def _decode(self, block: bytes) -> tuple[list[tuple[bytes, bytes]], bool]:
        """Return fields, and whether the table is as it was: else nothing that was kept is true any more."""
        table = self._decoder.header_table
        entries = table.dynamic_entries
        first, length, size = entries[0] if entries else None, len(entries), table.maxsize
        try:
            fields = [(bytes(name), bytes(value)) for name, value in self._decoder.decode(block, raw=True)]
        except HPACKError as error:
            raise ConnectionBrokenError(ErrorCode.COMPRESSION_ERROR, str(error)) from None
        # What is added comes first, and what is evicted goes last.
        same = (entries[0] if entries else None) is first and len(entries) == length and table.maxsize == size
        if not same:
            self._kept.clear()
        return fields, same


def encode_status(status: int) -> bytes:
    """Return the field that an answer begins with."""
    index = _STATUS_INDEX.get(status)
    if index is not None:
        return bytes((0x80 | index,))
    return bytes((_STATUS_NAME, 3)) + b"%03d" % status


def encode_fields(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return fields as literals that nobody has to remember; names are lower case."""
    return b"".join([_literal(name) + _text(value) for name, value in fields])


def _check(name: bytes, value: bytes) -> None:
    if not name or name != name.lower() or name in _OF_CONNECTIONS or (name == b"te" and value != b"trailers"):
        raise MalformedError(name)
    if b"\r" in value or b"\n" in value or b"\0" in value:
        raise MalformedError(name)


def _joined(fields: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in fields:
        separator = b"; " if name == b"cookie" else b", "
        found[name] = found[name] + separator + value if name in found else value
    return found


@lru_cache(maxsize=512)
def _literal(name: bytes) -> bytes:
    return b"\0" + _text(name)


def _text(value: bytes) -> bytes:
    """Return a string: its length in a prefix of seven bits, and its bytes without Huffman's code."""
    size = len(value)
    if size < 0x7F:
        return bytes((size,)) + value
    digits = bytearray((0x7F,))
    size -= 0x7F
    while size >= 0x80:
        digits.append(size & 0x7F | 0x80)
        size >>= 7
    digits.append(size)
    return bytes(digits) + value
