"""Bodies in `aws-chunked` content encoding: signed or unsigned chunks, with checksums in trailers.

AWS documentation, "Signature calculations for the Authorization header: transferring payload in multiple
chunks" and "Checking object integrity": `size[;chunk-signature=…]CRLF data CRLF … 0 CRLF trailers CRLF`.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE_LINE_BYTES_MAX: Final = 1_024
TRAILER_BYTES_MAX: Final = 16_384


class ChunkedBodyError(Exception):
    """The framing is broken, or what arrived isn't what was announced."""


class ChecksumMismatchError(ChunkedBodyError):
    """A trailer's checksum isn't that of the data. `header` names it."""

    def __init__(self, header: str) -> None:
        super().__init__(f"Value for {header} trailing header is invalid.")
        self.header = header


CHECKSUMS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "x-amz-checksum-crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda data: sha1(data, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda data: sha256(data).digest(),
}


def decode_chunks(body: bytes, decoded_length: int | None = None) -> bytes:
    """Return the data of a body in chunks; raises `ChunkedBodyError`."""
    parts = []
    at = 0
    while True:
        end = body.find(b"\r\n", at, at + SIZE_LINE_BYTES_MAX)
        if end < 0:
            msg = "A chunk's size line is missing or too long."
            raise ChunkedBodyError(msg)
        digits = body[at:end].partition(b";")[0].strip()
        try:
            size = int(digits, 16)
        except ValueError:
            msg = "A chunk's size is not a hexadecimal number."
            raise ChunkedBodyError(msg) from None
        at = end + 2
        if size == 0:
            break
        if size < 0 or body[at + size : at + size + 2] != b"\r\n":
            msg = "A chunk is not as long as its size says."
            raise ChunkedBodyError(msg)
        parts.append(body[at : at + size])
        at += size + 2
    data = b"".join(parts)
    if decoded_length is not None and len(data) != decoded_length:
        msg = "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header."
        raise ChunkedBodyError(msg)
    _check_trailers(body[at : at + TRAILER_BYTES_MAX], data)
    return data


def _check_trailers(text: bytes, data: bytes) -> None:
    for line in text.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        check = CHECKSUMS.get(name.strip().lower())
        if check is not None and b64encode(check(data)).decode() != value.strip():
            raise ChecksumMismatchError(name.strip())
