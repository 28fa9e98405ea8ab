"""Checksums of bodies (Amazon S3 User Guide, "Checking object integrity").

Python has no CRC-32C (RFC 3720, appendix B.4) and no CRC-64/NVME (NVM Command Set Specification): both are
computed a byte at a time from a table, some ten megabytes in a second.
"""

from __future__ import annotations

import zlib
from functools import cache
from hashlib import sha1, sha256, sha512
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# Reflected polynomials.
_CRC32C: Final = 0x82F63B78
_CRC64_NVME: Final = 0x9A6C9329AC4BC9B5


class Algorithm(NamedTuple):
    """A checksum: its name in messages, its size in bytes, whether it is slow for what is large."""

    name: str
    size: int
    digest: Callable[[bytes], bytes]
    slow: bool = False


@cache
def _table(polynomial: int) -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)  # noqa: PLW2901 - the remainder so far
        table.append(value)
    return table


def _crc(data: bytes, polynomial: int, bits: int) -> bytes:
    table = _table(polynomial)
    ones = (1 << bits) - 1
    crc = ones
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return (crc ^ ones).to_bytes(bits // 8, "big")


ALGORITHMS: Final = {
    b"x-amz-checksum-crc32": Algorithm("CRC32", 4, lambda data: zlib.crc32(data).to_bytes(4, "big")),
    b"x-amz-checksum-crc32c": Algorithm("CRC32C", 4, lambda data: _crc(data, _CRC32C, 32), slow=True),
    b"x-amz-checksum-crc64nvme": Algorithm("CRC64NVME", 8, lambda data: _crc(data, _CRC64_NVME, 64), slow=True),
    b"x-amz-checksum-sha1": Algorithm("SHA1", 20, lambda data: sha1(data, usedforsecurity=False).digest()),
    b"x-amz-checksum-sha256": Algorithm("SHA256", 32, lambda data: sha256(data).digest()),
    b"x-amz-checksum-sha512": Algorithm("SHA512", 64, lambda data: sha512(data).digest()),
}
# They exist, and Fogbank can't compute them.
UNSUPPORTED: Final = {
    b"x-amz-checksum-xxhash64": "XXHASH64",
    b"x-amz-checksum-xxhash3": "XXHASH3",
    b"x-amz-checksum-xxhash128": "XXHASH128",
}
HEADERS: Final = frozenset({*ALGORITHMS, *UNSUPPORTED})
