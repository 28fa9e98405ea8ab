"""AWS's event streams: messages with typed headers and two checksums.

Smithy, "Amazon Event Stream specification": total and header lengths with their CRC-32, headers, payload, and the
CRC-32 of all before it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT: Final = 7
# Prelude (two lengths and a checksum) and the checksum at the end.
_FRAME_BYTES: Final = 16
CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
BYTES: Final = "application/octet-stream"
JSON: Final = "application/json"


def write_event(kind: str, payload: bytes, content_type: str) -> bytes:
    """Return the message of an event: its type, and its payload of a type."""
    return write_message({":message-type": "event", ":event-type": kind, ":content-type": content_type}, payload)


def write_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return a message whose headers are all texts."""
    fields = b"".join(_field(name.encode(), value.encode()) for name, value in headers.items())
    lengths = struct.pack(">II", _FRAME_BYTES + len(fields) + len(payload), len(fields))
    prelude = lengths + struct.pack(">I", crc32(lengths))
    checksum = crc32(payload, crc32(fields, crc32(prelude)))
    return b"".join((prelude, fields, payload, struct.pack(">I", checksum)))


def _field(name: bytes, value: bytes) -> bytes:
    return struct.pack(">B", len(name)) + name + struct.pack(">BH", _TEXT, len(value)) + value
