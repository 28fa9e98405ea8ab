"""What listeners are told, in protobuf's bytes, so that a change is encoded once for all of them.

google/firestore/v1/firestore.proto, `ListenResponse`: 2 target_change, 3 document_change, 4 document_delete, 5 filter,
6 document_remove. Ids of targets are varints behind each other.
"""

from __future__ import annotations

from typing import Final

from fogbank.wire.grpc.encoded import Encoded, part, timestamp, varint
from fogbank.wire.grpc.types import protobuf_types

NO_CHANGE: Final = 0
ADD: Final = 1
REMOVE: Final = 2
CURRENT: Final = 3
RESET: Final = 4
_TOKEN_BYTES: Final = 8


def write_token(version: int) -> bytes:
    """Return the token from which a listener goes on that has seen everything up to a version."""
    return version.to_bytes(_TOKEN_BYTES, "big")


def read_token(token: bytes) -> int | None:
    """Return a token's version; None for what is no token."""
    return int.from_bytes(token, "big") if len(token) == _TOKEN_BYTES and token[0] < 0x80 else None


def target_change(kind: int, target: int | None = None, version: int | None = None) -> Encoded:
    """Return news of a target, or (with none) of all of a stream's; `version` is what has been told by now."""
    inner = b"\x08%c" % kind if kind else b""
    if target is not None:
        inner += part(2, _id(target))
    if version is not None:
        inner += part(4, write_token(version)) + part(6, timestamp(version))
    return Encoded(part(2, inner))


def target_refused(target: int, code: int, message: str) -> Encoded:
    """Return that a target is given up, and why."""
    cause = protobuf_types().message("google.rpc.Status")(code=code, message=message).SerializeToString()
    return Encoded(part(2, b"\x08%c" % REMOVE + part(2, _id(target)) + part(3, cause)))


def document_change(document: bytes, target: int) -> Encoded:
    """Return that a document is new in a target, or not as it was."""
    return Encoded(part(3, part(1, document) + part(5, _id(target))))


def document_delete(name: str, target: int, version: int) -> Encoded:
    """Return that a document isn't there, or not any more."""
    return Encoded(part(4, part(1, name.encode()) + part(4, timestamp(version)) + part(6, _id(target))))


def document_remove(name: str, target: int, version: int) -> Encoded:
    """Return that a document doesn't fit a target any more."""
    return Encoded(part(6, part(1, name.encode()) + part(2, _id(target)) + part(4, timestamp(version))))


def existence_filter(target: int, count: int) -> Encoded:
    """Return how many documents a target has, for a client that goes on from earlier."""
    return Encoded(part(5, b"\x08" + _id(target) + (b"\x10" + varint(count) if count else b"")))


def _id(target: int) -> bytes:
    # Negative ones have ten bytes, as protobuf has it.
    return varint(target & (1 << 64) - 1)
