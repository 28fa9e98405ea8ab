"""Frames of HTTP/2 (RFC 9113, sections 4, 6 and 7)."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

DATA: Final = 0
HEADERS: Final = 1
PRIORITY: Final = 2
RST_STREAM: Final = 3
SETTINGS: Final = 4
PUSH_PROMISE: Final = 5
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

ACK: Final = 0x1
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITISED: Final = 0x20

ENABLE_PUSH: Final = 2
MAX_CONCURRENT_STREAMS: Final = 3
INITIAL_WINDOW_SIZE: Final = 4
MAX_FRAME_SIZE: Final = 5
MAX_HEADER_LIST_SIZE: Final = 6

# Length (its upper 16 bits and the lower 8), type, flags, stream.
HEAD: Final = struct.Struct(">HBBBI")
HEAD_BYTES: Final = HEAD.size
STREAM_MASK: Final = 0x7FFFFFFF
WINDOW_MAX: Final = 0x7FFFFFFF
DEFAULT_WINDOW: Final = 65_535
DEFAULT_FRAME_BYTES_MAX: Final = 16_384
FRAME_BYTES_LIMIT: Final = 16_777_215


class ErrorCode(IntEnum):
    """Why a stream or a connection ends."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    ENHANCE_YOUR_CALM = 0xB


class ConnectionBrokenError(Exception):
    """The peer did what ends the connection; `code` says what."""

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame."""
    size = len(payload)
    return HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream) + payload


def header_frames(stream: int, block: bytes, flags: int, bytes_max: int) -> bytes:
    """Return a block of fields as one HEADERS frame, and CONTINUATION frames for what doesn't fit into it."""
    if len(block) <= bytes_max:
        return frame(HEADERS, flags | END_HEADERS, stream, block)
    parts = [frame(HEADERS, flags, stream, block[:bytes_max])]
    for at in range(bytes_max, len(block), bytes_max):
        last = END_HEADERS if at + bytes_max >= len(block) else 0
        parts.append(frame(CONTINUATION, last, stream, block[at : at + bytes_max]))
    return b"".join(parts)


def settings(values: dict[int, int]) -> bytes:
    """Return a SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *each) for each in values.items()))


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """Return the settings of a frame's payload, in order."""
    return list(struct.iter_unpack(">HI", payload))


def window_update(stream: int, size: int) -> bytes:
    """Return a WINDOW_UPDATE frame; stream 0 is the connection."""
    return frame(WINDOW_UPDATE, 0, stream, size.to_bytes(4))


def reset(stream: int, code: ErrorCode) -> bytes:
    """Return a RST_STREAM frame."""
    return frame(RST_STREAM, 0, stream, code.to_bytes(4))


def go_away(last_stream: int, code: ErrorCode, reason: str = "") -> bytes:
    """Return a GOAWAY frame."""
    return frame(GOAWAY, 0, 0, last_stream.to_bytes(4) + code.to_bytes(4) + reason.encode())


def unpad(payload: bytes, flags: int) -> bytes:
    """Return the payload of a DATA or HEADERS frame without padding and priority; raises `ConnectionBrokenError`."""
    begin, end = 0, len(payload)
    if flags & PADDED:
        if not payload:
            raise ConnectionBrokenError(ErrorCode.FRAME_SIZE_ERROR, "a padded frame without the length of its padding")
        begin, end = 1, end - payload[0]
    if flags & PRIORITISED:
        begin += 5
    if begin > end:
        raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "a frame is shorter than its padding")
    return payload[begin:end]
