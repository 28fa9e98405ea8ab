"""What Firestore's documents are in the store: their path, and their fields in protobuf's bytes.

Documents are stored as the bytes of a `google.firestore.v1.Document` that has nothing but fields, so that what
clients read is put together without parsing. Every field has a place in an index by itself: the automatic index of
Google Cloud, "Index types" (https://cloud.google.com/firestore/docs/concepts/index-overview).
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.expiring import expires_us
from fogbank.clouds.gcp.firestore.order import encode, is_vector
from fogbank.engines.documents.model import CollectionConfig, Document, Entry, Index, KeyField, Traits
from fogbank.engines.documents.ordered import encode_path
from fogbank.engines.documents.traits import Shape
from fogbank.wire.grpc.types import protobuf_types

if TYPE_CHECKING:
    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.wire.grpc.types import Types

DIALECT: Final = "firestore"
# Old states can be read for an hour (Google Cloud, "ReadOptions.read_time"), and listeners may go on from there.
HISTORY_SECONDS: Final = 3_600
# But no more than so many changes, which a busy database writes sooner.
HISTORY_ENTRIES_MAX: Final = 100_000
# Of a value, so much is in an index ("Usage and limits": 1,500 bytes of an indexed value).
INDEXED_BYTES_MAX: Final = 1_500
_PATH: Final = "path"
_FIELDS: Final = "fields"
# What an index entry's partition begins with: values of a field, members of an array, documents of a collection group.
_VALUES: Final = b"f"
_MEMBERS: Final = b"m"
_GROUP: Final = b"g"
# Stands between a collection's path and a field's: no name of either begins with it.
_WITHIN: Final = b"\x00\x02"


def configuration(database: Database, index: int) -> CollectionConfig:
    """Return how a database keeps its documents."""
    return CollectionConfig(
        partition_key=KeyField("collection", "bytes"),
        sort_key=KeyField("id", "text"),
        dialect=DIALECT,
        versioned=True,
        indexes=(Index("automatic", index, KeyField(_PATH, "bytes")),),
        feed=feed_of(database),
        feed_seconds=HISTORY_SECONDS,
        feed_entries=HISTORY_ENTRIES_MAX,
    )


def feed_of(database: Database) -> str:
    """Return the name of a database's change feed."""
    return f"{DIALECT}/{database.scope}/{database.id}"


@cache
def firestore_types() -> Types:
    """Return the process's types, with Firestore's among them."""
    types = protobuf_types()
    types.load("fogbank.clouds.gcp", "mixins")
    types.load("fogbank.clouds.gcp.firestore", "descriptors")
    return types


@cache
def document_type() -> type[Any]:
    """Return the class of documents."""
    return firestore_types().message("google.firestore.v1.Document")


def make(relative: str, message: Any) -> Document:
    """Return what is stored of a document whose message has nothing but fields."""
    data: bytes = message.SerializeToString(deterministic=True)
    return Document(len(data) + len(relative), {_PATH: relative, _FIELDS: data})


def path_of(document: Document) -> str:
    """Return a stored document's path."""
    path = document.fields[_PATH]
    assert isinstance(path, str)
    return path


def data_of(document: Document) -> bytes:
    """Return the bytes of a stored document's fields."""
    data = document.fields[_FIELDS]
    assert isinstance(data, bytes)
    return data


def message_of(document: Document) -> Any:
    """Return a new message with a stored document's fields."""
    return document_type().FromString(data_of(document))


def describe(config: CollectionConfig, document: Document) -> Traits:
    """Return a document's places in the automatic index, and when it goes away."""
    number = config.indexes[0].number
    segments = path_of(document).split("/")
    collection = encode_path(segments[:-1]) + _WITHIN
    entries = {Entry(number, group_partition(segments[-2]), encode_path(segments))}
    fields = message_of(document).fields
    _enter_fields(entries, number, collection, b"", fields)
    until_us = expires_us(config.expiry, segments[-2], fields, document.version) if config.expiry else 0
    return Traits(frozenset(entries), until_us)


def _enter_fields(entries: set[Entry], number: int, collection: bytes, path: bytes, fields: Any) -> None:
    for name, value in fields.items():
        here = path + _encoded_name(name)
        entries.add(Entry(number, _VALUES + collection + here, indexed(encode(value))))
        kind = value.WhichOneof("value_type")
        if kind == "array_value":
            members = _MEMBERS + collection + here
            entries.update(Entry(number, members, indexed(encode(each))) for each in value.array_value.values)
        elif kind == "map_value" and not is_vector(value):
            _enter_fields(entries, number, collection, here, value.map_value.fields)


@lru_cache(maxsize=4096)
def _encoded_name(name: str) -> bytes:
    return encode_path((name,))


def indexed(encoded: bytes) -> bytes:
    """Return what of an encoded value is in an index."""
    return encoded if len(encoded) <= INDEXED_BYTES_MAX else encoded[:INDEXED_BYTES_MAX]


def group_partition(collection: str) -> bytes:
    """Return where documents of all collections with an id are, by their paths."""
    return _GROUP + encode_path((collection,))


def values_partition(collection: bytes, path: FieldPath) -> bytes:
    """Return where documents of a collection are by a field's values."""
    return _VALUES + collection + _WITHIN + encode_path(path)


def members_partition(collection: bytes, path: FieldPath) -> bytes:
    """Return where documents of a collection are by the members of an array."""
    return _MEMBERS + collection + _WITHIN + encode_path(path)


SHAPE: Final = Shape(describe)
