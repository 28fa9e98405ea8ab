"""Images on their way: packed into one file that any later version reads.

Eight bytes of magic, the length of the head (4 bytes, big-endian), the head in JSON, the image compressed by gzip, and
the SHA-256 of all that.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.storage.images.model import FORMAT, ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fogbank.storage.images.model import Facts

# As PNG's: no text, and damaged by whoever takes it for one.
MAGIC: Final = b"\x89FOGB\r\n\x1a"
HEAD_BYTES_MAX: Final = 65_536
CHUNK_BYTES: Final = 262_144
# What an image may be unpacked to, whatever its head says: 256 GiB.
IMAGE_BYTES_MAX: Final = 256 << 30
_LENGTH_BYTES: Final = 4
_DIGEST_BYTES: Final = 32
_GZIP: Final = 31
_LEVEL: Final = 3


class Head(msgspec.Struct):
    """What stands before an image: the packing's format, who wrote it, its latest migration, when, and its length."""

    format: int
    fogbank: str
    migration: int
    taken_us: int
    bytes: int


def pack(image: Path, facts: Facts) -> Iterator[bytes]:
    """Yield the parts of a packed image."""
    head = msgspec.json.encode(
        Head(FORMAT, facts.version, facts.migration, facts.taken_us, image.stat().st_size), order="deterministic"
    )
    digest = hashlib.sha256()
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    part = MAGIC + len(head).to_bytes(_LENGTH_BYTES, "big") + head
    digest.update(part)
    yield part
    with image.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if part := packer.compress(chunk):
                digest.update(part)
                yield part
    part = packer.flush()
    digest.update(part)
    yield part + digest.digest()


def unpack(packed: Path, image: Path) -> Head:
    """Write the image that is in a file into another; raises `ImageError` for a file that isn't whole or isn't ours."""
    digest = hashlib.sha256()
    left = packed.stat().st_size - _DIGEST_BYTES
    with packed.open("rb") as file, image.open("wb") as target:
        start = file.read(len(MAGIC) + _LENGTH_BYTES)
        if not start.startswith(MAGIC):
            raise ImageError("the file wasn't exported by Fogbank")
        length = int.from_bytes(start[len(MAGIC) :], "big")
        raw = file.read(length) if length <= HEAD_BYTES_MAX else b""
        head = _read_head(raw)
        digest.update(start + raw)
        left -= len(start) + len(raw)
        unpacker = zlib.decompressobj(_GZIP)
        written = 0
        while left > 0 and (chunk := file.read(min(left, CHUNK_BYTES))):
            left -= len(chunk)
            digest.update(chunk)
            data = b""
            while (chunk or len(data) == CHUNK_BYTES) and not unpacker.eof:
                data = _decompress(unpacker, chunk)
                chunk = unpacker.unconsumed_tail
                written += target.write(data)
                if written > min(head.bytes, IMAGE_BYTES_MAX):
                    raise ImageError("the file is damaged: it holds more than it says")
        if left != 0 or file.read() != digest.digest():
            raise ImageError("the file is damaged, or isn't all there: its checksum is another one")
        if written != head.bytes or not unpacker.eof:
            raise ImageError("the file is damaged: it holds less than it says")
    return head


def _read_head(raw: bytes) -> Head:
    try:
        head = msgspec.json.decode(raw, type=Head)
    except msgspec.DecodeError as error:
        raise ImageError(f"the file is damaged, or was exported by a later version: {error}") from None
    if head.format > FORMAT:
        raise ImageError(
            f"the file has format {head.format}, from Fogbank {head.fogbank};"
            f" this version of Fogbank reads up to {FORMAT}"
        )
    return head


def _decompress(unpacker: zlib._Decompress, chunk: bytes) -> bytes:
    try:
        return unpacker.decompress(chunk, CHUNK_BYTES)
    except zlib.error as error:
        raise ImageError(f"the file is damaged: {error}") from None
