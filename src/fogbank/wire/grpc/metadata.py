"""Metadata, timeouts and encodings in HTTP/2 headers ("gRPC over HTTP2")."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Final, TypeAlias

from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Metadata: TypeAlias = "list[tuple[str, str | bytes]]"
"""Keys in lower case with their values, in order; values of keys that end in `-bin` are bytes, all others texts."""

_UNITS: Final = {"H": 3_600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])")
_KEY: Final = re.compile(r"[0-9a-z_.-]+")
_RESERVED: Final = frozenset({"content-type", "te", "host", "content-length", "connection", "transfer-encoding"})


def read_metadata(headers: Iterable[tuple[bytes, bytes]]) -> Metadata:
    """Return what the caller sent with its call; raises `GrpcError`."""
    found: Metadata = []
    for name, value in headers:
        key = name.decode("latin-1")
        if key.startswith((":", "grpc-")) or key in _RESERVED:
            continue
        if key.endswith("-bin"):
            found.extend((key, _from_base64(key, part)) for part in value.split(b","))
        else:
            found.append((key, value.decode("latin-1")))
    return found


def write_metadata(metadata: Iterable[tuple[str, str | bytes]]) -> list[tuple[bytes, bytes]]:
    """Return metadata as headers."""
    headers = []
    for key, value in metadata:
        assert _KEY.fullmatch(key), f"{key!r} is no key of metadata"
        assert isinstance(value, bytes) == key.endswith("-bin"), f"bytes belong to keys that end in -bin, not {key}"
        headers.append((key.encode(), to_base64(value) if isinstance(value, bytes) else value.encode("latin-1")))
    return headers


def to_base64(value: bytes) -> bytes:
    """Return base64 without padding, as binary headers carry it."""
    return b64encode(value).rstrip(b"=")


def read_timeout(headers: Mapping[bytes, bytes]) -> float | None:
    """Return the seconds that a call may take; raises `GrpcError`."""
    value = headers.get(b"grpc-timeout")
    if value is None:
        return None
    match = _TIMEOUT.fullmatch(value.decode("latin-1"))
    if match is None:
        raise GrpcError(Code.INTERNAL, f"grpc-timeout {value.decode('latin-1')!r} is malformed.")
    return int(match[1]) * _UNITS[match[2]]


def _from_base64(key: str, value: bytes) -> bytes:
    value = value.strip().rstrip(b"=")
    try:
        return b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except Base64Error:
        raise GrpcError(Code.INTERNAL, f"The value of {key} is not base64.") from None
