"""Collections and documents, in neutral words."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import msgspec

from fogbank.engines.documents.values import decode_fields, encode_fields

if TYPE_CHECKING:
    from fogbank.engines.documents.values import Fields

Name: TypeAlias = "tuple[str, str]"
"""A resource's scope key and its name within that scope."""

Kind: TypeAlias = Literal["text", "number", "bytes"]


class KeyField(msgspec.Struct, frozen=True, array_like=True):
    """A field that is part of every document's key, and the kind of its values."""

    name: str
    kind: Kind


class Index(msgspec.Struct, frozen=True, omit_defaults=True):
    """A secondary index: documents that have its fields, in the order of their values.

    `number` is the index's own, in the store. While it is `building`, documents that were there before it are still
    being entered. A cloud's own settings stand in `labels`.
    """

    name: str
    number: int
    partition_key: KeyField
    sort_key: KeyField | None = None
    building: bool = False
    labels: dict[str, str] = {}

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of the fields that make the index's key."""
        return (self.partition_key.name,) if self.sort_key is None else (self.partition_key.name, self.sort_key.name)


class CollectionConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a collection keeps its documents; a cloud's own settings that no policy reads stand in `labels`.

    `dialect` names the service whose `Shape` describes the documents; without one, their fields do.

    Documents of one partition key are kept in the order of their sort keys. `protected`: it can't be deleted.
    `versioned`: each write has a number that is greater than all before it in the collection. `feed` names the change
    feed that tells of each write, if there is one; entries older than `feed_seconds` go away, unless that is 0, and so
    do those before the last `feed_entries`, unless that is 0. `watched`: each write gives the signal for those who read
    what has changed by versions (`latest`). `expiry` is the field that says when a document goes away, in seconds since
    the epoch, or whatever else the dialect's `Shape` finds that time by; while `expiry_building`, documents that were
    there before it are still looked at for that. `journal` names a feed that tells of each write, too, for copies of
    earlier states (`copies.journals`); it keeps `journal_seconds`, or nothing longer than the copies that are under way
    need it. While a collection is `filling`, what it is a copy of is still being brought, and nobody but who describes
    it finds it. `peers` are the scopes of collections of the same name that are to have the same documents
    (`copies.replicas`).
    """

    partition_key: KeyField
    sort_key: KeyField | None = None
    protected: bool = False
    dialect: str = ""
    versioned: bool = False
    indexes: tuple[Index, ...] = ()
    feed: str = ""
    feed_seconds: int = 0
    feed_entries: int = 0
    watched: bool = False
    expiry: str = ""
    expiry_building: bool = False
    journal: str = ""
    journal_seconds: int = 0
    filling: bool = False
    peers: tuple[str, ...] = ()
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


class Document:
    """A document; `size` is what it counts against its cloud's limits, in bytes.

    `version` and `created` are numbers of writes, in collections that have such; what is written needn't have them.
    It has its fields, its stored form (`body`), or both: what it lacks is worked out when somebody asks for it.
    """

    __slots__ = ("_body", "_fields", "created", "size", "version")

    def __init__(
        self, size: int, fields: Fields | None, version: int = 0, created: int = 0, body: bytes | None = None
    ) -> None:
        assert fields is not None or body is not None
        self.size = size
        self.version = version
        self.created = created
        self._fields = fields
        self._body = body

    @property
    def fields(self) -> Fields:
        """Its fields, which nobody changes."""
        fields = self._fields
        if fields is None:
            assert self._body is not None
            fields = self._fields = decode_fields(self._body)
        return fields

    @property
    def body(self) -> bytes:
        """Its fields as they are stored."""
        body = self._body
        if body is None:
            assert self._fields is not None
            body = self._body = encode_fields(self._fields)
        return body

    def written_at(self, version: int, created: int) -> Document:
        """Return the same with other numbers of writes."""
        return Document(self.size, self._fields, version, created, self._body)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Document):
            return NotImplemented
        mine, others = ((each.size, each.fields, each.version, each.created) for each in (self, other))
        return mine == others

    __hash__ = None  # type: ignore[assignment] # its fields are a dict

    def __repr__(self) -> str:
        return f"Document({self.size}, {self.fields}, {self.version}, {self.created})"


class Entry(NamedTuple):
    """A document's place in a secondary index, which is named by its number."""

    number: int
    partition: bytes
    sort: bytes


class Traits(NamedTuple):
    """What the store keeps of a document beside itself: its places in indexes, and when it goes away (0 for never)."""

    entries: frozenset[Entry] = frozenset()
    expires_us: int = 0


class Change(msgspec.Struct, frozen=True, array_like=True):
    """An entry of a collection's change feed: a document before and after a write, as stored; None for none.

    `created` is the number of the write that created it, `version` that of this write, `before_version` that of the
    one before, in collections that have such. `cause` is "expired" for what went away by itself, "merged" for what came
    from a peer.
    """

    partition: bytes
    sort: bytes
    before: bytes | None
    after: bytes | None
    before_size: int = 0
    after_size: int = 0
    created: int = 0
    version: int = 0
    cause: str = ""
    before_version: int = 0


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
