"""A table as tools see it that know no cloud (`connectors.tables`): its entities are written by upserts."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.clouds.azure.tables.edm import PARTITION_KEY, ROW_KEY, TIMESTAMP, Int64, check_key, properties_of
from fogbank.clouds.azure.tables.resources import storage_name
from fogbank.clouds.azure.tables.writing import REPLACE, EntityWrite, in_order
from fogbank.connectors.tables.model import PAGE_BYTES_MAX, NoTableError, Row, TableError, check_fits
from fogbank.connectors.tables.model import Page as Rows
from fogbank.engines.documents import collections, documents, ranges
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.keys import BEYOND, NO_SORT_KEY, after_prefix, encode_scalar
from fogbank.engines.documents.keys import after as behind
from fogbank.engines.documents.model import Key
from fogbank.engines.documents.portable.fitting import Abilities
from fogbank.engines.documents.portable.keys import KeyForm, KeyPart
from fogbank.engines.documents.portable.values import Timestamp, read_timestamp
from fogbank.engines.documents.ranges import Range, Stretch
from fogbank.languages.odata_filters import Guid, Moment, read_moment

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import TypeVar

    from fogbank.clouds.azure.tables.edm import Properties
    from fogbank.engines.documents.model import Collection, Document
    from fogbank.engines.documents.portable.keys import Parts
    from fogbank.engines.documents.portable.values import Fields
    from fogbank.engines.documents.ranges import Page
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

    T = TypeVar("T")

# "Understanding the Table service data model", "Property types"; lists and maps it has none, which `put` refuses.
ABILITIES: Final = Abilities(frozenset({bytes, Timestamp}), "mixed")
FORM: Final = KeyForm(
    (KeyPart((PARTITION_KEY,), "text"), KeyPart((ROW_KEY,), "text")),
    KeyPart((ROW_KEY,), "text"),
    moves=True,
    reserved=frozenset({TIMESTAMP}),
)
_SHORT: Final = re.compile(r"tables:([a-z0-9]{3,24})/([A-Za-z][A-Za-z0-9]{2,62})")
_INVALID: Final = "A page begins behind where another ended."
_INT32: Final = range(-(2**31), 2**31)


def read_table(store: Store, ids: Ids, text: str) -> StorageTable | None:
    """Return the table that a short name names, None for what is none."""
    match = _SHORT.fullmatch(text)
    return StorageTable(store, ids, *match.groups()) if match else None


class StorageTable:
    """One table of a storage account."""

    abilities = ABILITIES

    def __init__(self, store: Store, ids: Ids, account: str, table: str) -> None:
        self._store = store
        self._ids = ids
        self._collection = storage_name(account, table)
        self.name = f"tables:{account}/{self._collection[1]}"

    async def form(self) -> KeyForm:
        """Return what keys are made of."""
        await self._run(self._store.read(collections.find, self._collection))
        return FORM

    async def browse(self, after: str, limit: int) -> Rows:
        """Return a page of all entities."""
        start = _read_start(after) or Key(b"", NO_SORT_KEY)

        def select(_collection: Collection) -> Stretch:
            return Stretch(start, BEYOND)

        return _rows(await self._run(self._store.read(ranges.scan, self._collection, select, limit, PAGE_BYTES_MAX)))

    async def query(self, partition: str, prefix: str, after: str, limit: int) -> Rows:
        """Return a page of a partition's entities, in the order of their row keys."""
        start = _read_start(after)
        low = encode_scalar(prefix)
        high = after_prefix(low)

        def select(_collection: Collection) -> Range:
            return Range(encode_scalar(partition), low if start is None else max(low, behind(start.sort)), high)

        return _rows(await self._run(self._store.read(ranges.query, self._collection, select, limit, PAGE_BYTES_MAX)))

    async def put(self, fields: Fields) -> Parts:
        """Insert or replace an entity."""
        check_fits(fields, ABILITIES, "Table Storage")
        try:
            partition, row = (check_key(name, fields.get(name)) for name in (PARTITION_KEY, ROW_KEY))
            properties = {name: _typed(name, value) for name, value in fields.items() if value is not None}
            write = EntityWrite(REPLACE, partition, row, "", in_order(properties, partition, row))
            number = self._ids.sequence()
            await self._run(self._store.run(documents.write, self._collection, number, write.locate, write.change))
        except StorageError as error:
            raise TableError(error.message) from None
        return partition, row

    async def _run(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except CollectionNotFoundError:
            raise NoTableError(self.name) from None


def _typed(name: str, value: Any) -> Any:
    """Return a value as a property; raises `TableError` for what can't be one."""
    if isinstance(value, list | dict | frozenset):
        raise TableError(f"Table Storage can't keep what is at {name}: it is no single value.")
    if type(value) is int and value not in _INT32:
        return Int64(value)
    return read_moment(str(value)) if isinstance(value, Timestamp) else value


def read_document(document: Document) -> Fields:
    """Return an entity as values that any service knows."""
    return _plain(properties_of(document))


def _plain(properties: Properties) -> Fields:
    """Return properties as values that any service knows."""
    plain: Fields = {}
    for name, value in properties.items():
        if isinstance(value, Moment):
            plain[name] = read_timestamp(str(value))
        elif isinstance(value, Guid):
            plain[name] = str(value)
        else:
            plain[name] = int(value) if isinstance(value, Int64) else value
    return plain


def _key(document: Document) -> tuple[str, str]:
    return str(document.fields[PARTITION_KEY]), str(document.fields[ROW_KEY])


def _rows(page: Page) -> Rows:
    rows = [Row(_key(document), read_document(document)) for document in page.documents]
    if page.ended:
        return Rows(rows, "")
    place = [encode_scalar(part) for part in _key(page.documents[-1])]
    return Rows(rows, urlsafe_b64encode(msgspec.msgpack.encode(place)).decode())


def _read_start(after: str) -> Key | None:
    if not after:
        return None
    try:
        return msgspec.msgpack.decode(urlsafe_b64decode(after), type=Key)
    except (msgspec.DecodeError, Base64Error, ValueError):
        raise TableError(_INVALID) from None
