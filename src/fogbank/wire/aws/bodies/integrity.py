"""Whether a body is the one that was sent, by the checksums that came with it.

Amazon S3 User Guide, "Checking object integrity"; Amazon S3 API Reference, "Error responses": BadDigest,
InvalidDigest, InvalidRequest.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from binascii import Error as Base64Error
from hashlib import md5
from typing import TYPE_CHECKING, Final

from fogbank.wire.aws.bodies.checksums import ALGORITHMS, HEADERS, UNSUPPORTED
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Slow checksums of larger bodies are computed on a thread, so that others are served meanwhile.
INLINE_BYTES_MAX: Final = 262_144
_MD5_BYTES: Final = 16


async def check_integrity(headers: Mapping[bytes, bytes], body: bytes, *, required: bool) -> None:
    """Check a body against the checksum headers of its request; one of them has to be there if `required`."""
    if HEADERS.isdisjoint(headers):
        if required and b"content-md5" not in headers and b"x-amz-trailer" not in headers:
            raise AwsError("InvalidRequest", "Missing required header for this request: Content-MD5")
        return
    for header in HEADERS & headers.keys():
        await check_checksum(header, headers[header], body)


async def check_checksum(header: bytes, value: bytes, body: bytes, *, trailing: bool = False) -> None:
    """Check a body against one checksum."""
    if header in UNSUPPORTED:
        raise AwsError("InvalidRequest", f"Fogbank does not support the checksum {UNSUPPORTED[header]}.")
    algorithm = ALGORITHMS[header]
    told = _decode(value)
    if told is None or len(told) != algorithm.size:
        kind = "trailing header" if trailing else "header"
        raise AwsError("InvalidRequest", f"Value for {header.decode()} {kind} is invalid.")
    if algorithm.slow and len(body) > INLINE_BYTES_MAX:
        found = await asyncio.get_running_loop().run_in_executor(None, algorithm.digest, body)
    else:
        found = algorithm.digest(body)
    if told != found:
        raise AwsError("BadDigest", f"The {algorithm.name} you specified did not match the calculated checksum.")


def check_md5(value: bytes, body: bytes) -> None:
    """Check a body against Content-MD5 (RFC 1864)."""
    told = _decode(value)
    if told is None or len(told) != _MD5_BYTES:
        raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.")
    if told != md5(body, usedforsecurity=False).digest():
        raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.")


def _decode(value: bytes) -> bytes | None:
    try:
        return b64decode(value, validate=True)
    except Base64Error:
        return None
