"""A collection as tools see it that know no cloud (`connectors.tables`): its documents are written by commits.

A document's id is its field `__name__`, which no other field can be called. A partition is a collection: below a
database's root or another collection, it is named by the rest of its path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.field_paths import NAME
from fogbank.clouds.gcp.firestore.names import check_document_id, read_place
from fogbank.clouds.gcp.firestore.order import VECTOR_TYPE, is_vector
from fogbank.clouds.gcp.firestore.service import find
from fogbank.clouds.gcp.firestore.shape import message_of, path_of
from fogbank.clouds.gcp.firestore.writing.commits import commit_writes, draw_id
from fogbank.connectors.tables.model import PAGE_BYTES_MAX, Page, Row, TableError, check_fits
from fogbank.engines.documents import ranges
from fogbank.engines.documents.keys import BEYOND, after, after_prefix
from fogbank.engines.documents.ordered import encode_path
from fogbank.engines.documents.portable.fitting import Abilities
from fogbank.engines.documents.portable.keys import KeyForm, KeyPart
from fogbank.engines.documents.portable.values import GeoPoint, Reference, Timestamp, Vector
from fogbank.engines.documents.ranges import Range
from fogbank.wire.grpc.status import GrpcError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.gcp.firestore.names import Database, Place
    from fogbank.clouds.gcp.firestore.service import Firestore
    from fogbank.engines.documents.model import Document
    from fogbank.engines.documents.portable.keys import Parts
    from fogbank.engines.documents.portable.values import Fields, Value
    from fogbank.storage import Tx

ABILITIES: Final = Abilities(
    frozenset({bytes, Timestamp, GeoPoint, Reference, Vector}), "mixed", nested_lists=False
)  # fmt: skip
_ID: Final = KeyPart((NAME,), "text")
_FORM: Final = KeyForm((_ID,), _ID, outside=True)


def read_table(firestore: Callable[[], Firestore], text: str) -> FirestoreTable | None:
    """Return the collection that a path names, or what collections are below; None for what is no path."""
    if not text.startswith("projects/") or "/databases/" not in text:
        return None
    try:
        place = read_place(text)
    except GrpcError as error:
        raise TableError(error.message) from None
    return FirestoreTable(firestore(), place)


class FirestoreTable:
    """One collection, or a database's root, of which nothing but collections can be read."""

    abilities = ABILITIES

    def __init__(self, firestore: Firestore, place: Place) -> None:
        self._firestore = firestore
        self._place = place

    @property
    def name(self) -> str:
        """The collection's path."""
        return self._place.name

    async def form(self) -> KeyForm:
        """Return what keys are made of."""
        return _FORM

    async def browse(self, after: str, limit: int) -> Page:
        """Return a page of the collection's documents, in the order of their ids."""
        return await self._page(self._collection(self._place), "", after, limit)

    async def query(self, partition: str, prefix: str, after: str, limit: int) -> Page:
        """Return a page of a collection below this one, or of the database's."""
        try:
            place = read_place(f"{self._place.name}/{partition}")
        except GrpcError as error:
            raise TableError(error.message) from None
        return await self._page(self._collection(place), prefix, after, limit)

    async def put(self, fields: Fields) -> Parts:
        """Set a document; one without an id gets one."""
        place = self._collection(self._place)
        own = {name: value for name, value in fields.items() if name != NAME}
        check_fits(own, ABILITIES, "Firestore")
        identifier = fields.get(NAME, draw_id(self._firestore) if NAME not in fields else None)
        if not isinstance(identifier, str):
            raise TableError(f"{NAME} is a document's id, which is text.")
        write = self._firestore.message("Write")()
        try:
            write.update.name = f"{place.name}/{check_document_id(identifier)}"
            _write_fields(write.update.fields, own)
            # Also a document without fields is written.
            write.update.SetInParent()
            await commit_writes(self._firestore, place.database, [write])
        except GrpcError as error:
            raise TableError(error.message) from None
        except (ValueError, UnicodeError) as error:
            raise TableError(f"A value can't be kept: {error}") from None
        return (identifier,)

    async def _page(self, place: Place, prefix: str, after_id: str, limit: int) -> Page:
        low = prefix.encode()
        high = after_prefix(low) if prefix else BEYOND
        wanted = Range(encode_path(place.segments), max(low, after(after_id.encode())) if after_id else low, high)
        return await self._firestore.store.read(_read, place.database, wanted, limit)

    def _collection(self, place: Place) -> Place:
        if len(place.segments) % 2:
            return place
        message = f"{place.name} is no collection: the path of one has an odd number of parts behind documents/."
        raise TableError(message)


async def _read(tx: Tx, now_us: int, database: Database, wanted: Range, limit: int) -> Page:
    """Return a page of documents: a store operation. Where nothing was ever written, there are none."""
    if await find(tx, now_us, database) is None:
        return Page([], "")
    page = await ranges.query(tx, now_us, database, lambda _collection: wanted, limit, PAGE_BYTES_MAX)
    rows = []
    for document in page.documents:
        identifier = path_of(document).rpartition("/")[2]
        rows.append(Row((identifier,), {NAME: identifier, **read_document(document)}))
    return Page(rows, "" if page.ended else str(rows[-1].key[0]))


def read_document(document: Document) -> Fields:
    """Return a stored document's fields as values that any service knows."""
    return {name: _read_value(value) for name, value in sorted(message_of(document).fields.items())}


def _read_value(value: Any) -> Value:
    kind = value.WhichOneof("value_type")
    if kind == "null_value":
        return None
    if kind == "array_value":
        return [_read_value(each) for each in value.array_value.values]
    if kind == "map_value":
        inner = value.map_value.fields
        if is_vector(value):
            return Vector(tuple(float(_read_value(each)) for each in inner["value"].array_value.values))
        return {name: _read_value(each) for name, each in sorted(inner.items())}
    if kind == "timestamp_value":
        return Timestamp(value.timestamp_value.seconds, value.timestamp_value.nanos)
    if kind == "geo_point_value":
        return GeoPoint(value.geo_point_value.latitude, value.geo_point_value.longitude)
    if kind == "reference_value":
        return Reference(value.reference_value)
    return getattr(value, kind)


def _write_fields(into: Any, fields: Fields) -> None:
    for name, value in fields.items():
        _write_value(into[name], value)


def _write_value(into: Any, value: Value) -> None:
    if isinstance(value, dict):
        into.map_value.SetInParent()
        _write_fields(into.map_value.fields, value)
    elif isinstance(value, list):
        into.array_value.SetInParent()
        for each in value:
            _write_value(into.array_value.values.add(), each)
    elif isinstance(value, Vector):
        inner = into.map_value.fields
        inner["__type__"].string_value = VECTOR_TYPE
        inner["value"].array_value.SetInParent()
        for number in value.numbers:
            inner["value"].array_value.values.add().double_value = number
    elif isinstance(value, Timestamp):
        into.timestamp_value.seconds, into.timestamp_value.nanos = value.seconds, value.nanos
        into.timestamp_value.SetInParent()
    elif isinstance(value, GeoPoint):
        into.geo_point_value.latitude, into.geo_point_value.longitude = value.latitude, value.longitude
        into.geo_point_value.SetInParent()
    elif value is None:
        into.null_value = 0
    else:
        setattr(into, _MEMBERS[type(value)], value.name if isinstance(value, Reference) else value)


_MEMBERS: Final[dict[type, str]] = {
    bool: "boolean_value",
    int: "integer_value",
    float: "double_value",
    str: "string_value",
    bytes: "bytes_value",
    Reference: "reference_value",
}
