"""The MD5 digests with which SQS lets clients check what it understood.

Amazon SQS Developer Guide, "Calculating the MD5 message digest for message attributes": names in order, each
with its type, a byte for the kind of value and the value, every part preceded by its length in four bytes.
"""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.engines.messaging.model import Attribute

_STRING: Final = b"\x01"
_BINARY: Final = b"\x02"


def body_md5(body: bytes) -> str:
    """Digest a body."""
    return md5(body, usedforsecurity=False).hexdigest()


def attributes_md5(attributes: Mapping[str, Attribute]) -> str:
    """Digest attributes."""
    digest = md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        digest.update(_part(name.encode()) + _part(attribute.type.encode()))
        digest.update((_BINARY if attribute.binary else _STRING) + _part(attribute.value))
    return digest.hexdigest()


def _part(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
