"""Messages of a gRPC stream: a flag, four bytes of length, the message; across the borders of whatever chunks come.

The rules are those of "gRPC over HTTP2" and "Compression" in gRPC's documentation.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB: Final = 1_048_576
# Google's services take up to 10 MB in a request.
MESSAGE_BYTES_MAX: Final = 10 * MIB
# Shorter messages aren't worth compressing.
COMPRESSED_BYTES_MIN: Final = 1_024
ENCODINGS: Final = ("identity", "deflate", "gzip")
_HEAD: Final = struct.Struct(">BI")
# What zlib takes for the two formats: with gzip's own head and end, or with zlib's.
_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}


class FrameReader:
    """Cuts one stream into messages; `encoding` is what those that are marked as compressed are compressed with."""

    def __init__(self, encoding: str = "identity", bytes_max: int = MESSAGE_BYTES_MAX) -> None:
        self._encoding = encoding
        self._bytes_max = bytes_max
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the messages that are complete with this data; raises `GrpcError`."""
        buffer = self._buffer
        buffer += data
        at = 0
        try:
            while len(buffer) - at >= _HEAD.size:
                flag, length = _HEAD.unpack_from(buffer, at)
                if flag > 1:
                    raise GrpcError(Code.INTERNAL, f"Bad gRPC frame type 0x{flag:02x}")
                if length > self._bytes_max:
                    raise _too_large(self._bytes_max)
                end = at + _HEAD.size + length
                if len(buffer) < end:
                    break
                message = bytes(memoryview(buffer)[at + _HEAD.size : end])
                at = end
                yield decompress(message, self._encoding, self._bytes_max) if flag else message
        finally:
            del buffer[:at]

    def finish(self) -> None:
        """Take note that nothing more comes; raises `GrpcError` in the middle of a message."""
        if self._buffer:
            raise GrpcError(Code.INTERNAL, "The stream ended in the middle of a message.")


def whole(data: bytes, bytes_max: int) -> bytes | None:
    """Return the message that all of the data is, if it is one that isn't compressed."""
    size = len(data) - _HEAD.size
    if 0 <= size <= bytes_max and data[0] == 0 and int.from_bytes(data[1:5]) == size:
        return data[_HEAD.size :]
    return None


def frame(message: bytes, encoding: str = "identity") -> bytes:
    """Return a message as it goes on the wire, compressed where it is long enough."""
    if encoding != "identity" and len(message) >= COMPRESSED_BYTES_MIN:
        compressor = zlib.compressobj(wbits=_WINDOW_BITS[encoding])
        packed = compressor.compress(message) + compressor.flush()
        return _HEAD.pack(1, len(packed)) + packed
    return _HEAD.pack(0, len(message)) + message


def decompress(data: bytes, encoding: str, bytes_max: int) -> bytes:
    """Return what was compressed, never more than `bytes_max`; raises `GrpcError`."""
    if encoding not in _WINDOW_BITS:
        raise GrpcError(Code.INTERNAL, "A message is marked as compressed, but grpc-encoding names no compression.")
    decompressor = zlib.decompressobj(wbits=_WINDOW_BITS[encoding])
    try:
        message = decompressor.decompress(data, bytes_max + 1)
    except zlib.error as error:
        raise GrpcError(Code.INTERNAL, f"A message could not be decompressed: {error}") from None
    if len(message) > bytes_max:
        raise _too_large(bytes_max)
    if not decompressor.eof or decompressor.unused_data:
        raise GrpcError(Code.INTERNAL, "A message could not be decompressed: it is cut off, or something follows it.")
    return message


def _too_large(bytes_max: int) -> GrpcError:
    """Return what Google's services say, where gRPC's own libraries say RESOURCE_EXHAUSTED, which clients retry.

    As users quote it: https://github.com/Johannes-Berggren/firestore-to-bigquery-export/issues/3.
    """
    return GrpcError(Code.INVALID_ARGUMENT, f"Request payload size exceeds the limit: {bytes_max} bytes.")
