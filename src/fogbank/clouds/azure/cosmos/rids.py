"""Resource ids: a database's is 4 bytes in base64, a container's 8 that begin with those, a document's 16.

"Azure Cosmos DB resource syntax for REST" says what they address; what they are made of is what clients find in them.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import blake2b
from typing import Final

# Slashes can't be in a path.
_ALTERED: Final = b"+-"
# What tells a container's id from a user's.
_CONTAINER: Final = 0x80


def _hash(number: int, size: int) -> bytes:
    return blake2b(number.to_bytes(16, "big", signed=True), digest_size=size).digest()


def _encode(data: bytes) -> str:
    return b64encode(data, _ALTERED).decode()


def database_rid(number: int) -> str:
    """Return the id of a database by its number."""
    return _encode(_hash(number, 4))


def container_rid(database: str, number: int) -> str:
    """Return the id of a container by that of its database and its number."""
    below = bytearray(_hash(number, 4))
    below[0] |= _CONTAINER
    return _encode(decoded(database) + bytes(below))


def user_rid(database: str, number: int) -> str:
    """Return the id of a user by that of its database and its number."""
    below = bytearray(_hash(number, 4))
    below[0] &= _CONTAINER - 1
    return _encode(decoded(database) + bytes(below))


def permission_rid(user: str, number: int) -> str:
    """Return the id of a permission by that of its user and its number."""
    return _encode(decoded(user) + _hash(number, 8))


def decoded(rid: str) -> bytes:
    """Return the bytes of an id."""
    return b64decode(rid, _ALTERED)


def document_rid(container: bytes, created: int) -> str:
    """Return the id of a document by its container's, as bytes, and the number of the write that created it."""
    return _encode(container + created.to_bytes(8, "little"))


def range_rid(container: bytes) -> str:
    """Return the id of a container's only range of partition keys."""
    return _encode(container + b"\x02\x00\x00\x00\x00\x00\x00\x50")


def script_rid(container: bytes, created: int, mark: int) -> str:
    """Return the id of a script by its container's, the number of the write that created it, and its kind's mark."""
    return _encode(container + created.to_bytes(8, "little")[:7] + bytes((mark,)))


def offer_rid(resource: str) -> str:
    """Return the id of the offer for a resource."""
    return _encode(blake2b(resource.encode(), digest_size=3).digest())


def etag_of(version: int) -> str:
    """Return the entity tag of a version, in quotation marks."""
    h = f"{version:032x}"
    return f'"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"'
