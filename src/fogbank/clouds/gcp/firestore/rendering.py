"""What clients read, put together from the bytes of stored documents.

google/firestore/v1/document.proto: a Document has its name as field 1, its fields as 2, the times of its creation and
its last change as 3 and 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.field_paths import NAME_PATH, value_at
from fogbank.clouds.gcp.firestore.shape import data_of, document_type, message_of, path_of
from fogbank.wire.grpc.encoded import Encoded, part, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.engines.documents.model import Document

# BatchGetDocumentsResponse: 1 found, 2 missing, 3 transaction, 4 read_time.
_FOUND: Final = 1
_MISSING: Final = 2
_READ_TIME: Final = 4


def document_bytes(database: Database, document: Document, select: Iterable[FieldPath] | None = None) -> bytes:
    """Return a document as clients see it; `select` are the paths of the fields that are wanted, None for all."""
    name = f"{database.root}/{path_of(document)}".encode()
    fields = data_of(document) if select is None else selected(document, select).SerializeToString()
    return b"".join((part(1, name), fields, part(3, timestamp(document.created)), part(4, timestamp(document.version))))


def selected(document: Document, select: Iterable[FieldPath]) -> Any:
    """Return a message with those fields of a document that are wanted."""
    source = message_of(document).fields
    made = document_type()()
    for path in select:
        value = None if path == NAME_PATH else value_at(source, path)
        if value is None:
            continue
        into = made.fields
        for name in path[:-1]:
            into = into[name].map_value.fields
        into[path[-1]].CopyFrom(value)
    return made


def document_message(database: Database, document: Document, select: Iterable[FieldPath] | None = None) -> Any:
    """Return a document as a message."""
    return document_type().FromString(document_bytes(database, document, select))


def found(document: bytes, read_time_us: int) -> Encoded:
    """Return an answer to BatchGetDocuments that has a document."""
    return Encoded(part(_FOUND, document) + part(_READ_TIME, timestamp(read_time_us)))


def missing(name: str, read_time_us: int) -> Encoded:
    """Return an answer to BatchGetDocuments for a document that isn't there."""
    return Encoded(part(_MISSING, name.encode()) + part(_READ_TIME, timestamp(read_time_us)))
