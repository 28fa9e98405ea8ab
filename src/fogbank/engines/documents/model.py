"""Collections and documents, in neutral words."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import msgspec

if TYPE_CHECKING:
    from fogbank.engines.documents.values import Fields

Name: TypeAlias = "tuple[str, str]"
"""A resource's scope key and its name within that scope."""

Kind: TypeAlias = Literal["text", "number", "bytes"]


class KeyField(msgspec.Struct, frozen=True, array_like=True):
    """A field that is part of every document's key, and the kind of its values."""

    name: str
    kind: Kind


class CollectionConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a collection keeps its documents; a cloud's own settings that no policy reads stand in `labels`.

    Documents of one partition key are kept in the order of their sort keys. `protected`: it can't be deleted.
    """

    partition_key: KeyField
    sort_key: KeyField | None = None
    protected: bool = False
    labels: dict[str, str] = {}
    tags: dict[str, str] = {}

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of the fields that make the key."""
        return (self.partition_key.name,) if self.sort_key is None else (self.partition_key.name, self.sort_key.name)


class Collection(NamedTuple):
    """A collection as stored."""

    scope: str
    name: str
    id: int
    config: CollectionConfig
    created_us: int


class Key(NamedTuple):
    """A document's place in its collection, as `keys` encodes it."""

    partition: bytes
    sort: bytes


class Document(NamedTuple):
    """A document; `size` is what it counts against its cloud's limits, in bytes."""

    size: int
    fields: Fields


class Totals(NamedTuple):
    """How many documents a collection has, and their sizes together in bytes."""

    documents: int
    size: int


_CONFIG: Final = msgspec.msgpack.Decoder(CollectionConfig)
_ENCODER: Final = msgspec.msgpack.Encoder()


@lru_cache(maxsize=4096)
def decode_config(data: bytes) -> CollectionConfig:
    """Read a stored configuration; the same bytes give the same (immutable) object."""
    return _CONFIG.decode(data)


def encode_config(config: CollectionConfig) -> bytes:
    """Write a configuration for storing."""
    return _ENCODER.encode(config)
