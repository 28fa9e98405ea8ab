"""A container as tools see it that know no cloud (`connectors.tables`): its items are written by upserts."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.cosmos.access import KIND
from fogbank.clouds.azure.cosmos.calls import decode_json, scope_of
from fogbank.clouds.azure.cosmos.errors import CosmosError
from fogbank.clouds.azure.cosmos.items.items import write_item
from fogbank.clouds.azure.cosmos.items.keys import check_levels, encode_levels, key_of, levels_of, read_levels
from fogbank.clouds.azure.cosmos.items.writing import Conditions, ItemWrite, Target, read_item
from fogbank.clouds.azure.cosmos.resources.definitions import layout_of
from fogbank.clouds.azure.cosmos.resources.indexing import ADDED
from fogbank.connectors.tables.model import PAGE_BYTES_MAX, NoTableError, Row, TableError, check_fits
from fogbank.connectors.tables.model import Page as Rows
from fogbank.engines.documents import collections, ranges
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.keys import BEYOND, after_prefix
from fogbank.engines.documents.keys import after as behind
from fogbank.engines.documents.model import Key
from fogbank.engines.documents.portable.fitting import Abilities
from fogbank.engines.documents.portable.keys import KeyForm, KeyPart, parts_of
from fogbank.engines.documents.ranges import Range, Stretch
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import KeyedResourceNotFoundError
from fogbank.kernel.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import TypeVar

    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.engines.documents.model import Collection
    from fogbank.engines.documents.portable.keys import Parts
    from fogbank.engines.documents.portable.values import Fields
    from fogbank.engines.documents.ranges import Page
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

    T = TypeVar("T")

# Numbers are doubles ("Data types in the query language for Azure Cosmos DB"); what the API is sent may also be an
# integer of 64 bits.
ABILITIES: Final = Abilities(frozenset(), "double", geojson=True)
_SENT: Final = ABILITIES._replace(numbers="json")
_ID: Final = KeyPart(("id",), "text")
_SHORT: Final = re.compile(r"cosmos:([^/]+)/([^/]+)/([^/]+)")
_RESOURCE: Final = re.compile(
    r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.DocumentDB/databaseAccounts/([^/]+)"
    r"/sqlDatabases/([^/]+)/containers/([^/]+)",
    re.IGNORECASE,
)
_INVALID: Final = "A page begins behind where another ended."
# Behind the keys of all items.
_END: Final = BEYOND * 2


def read_table(store: Store, ids: Ids, text: str) -> CosmosTable | None:
    """Return the container that a short name or a resource id names, None for what is neither."""
    if match := _SHORT.fullmatch(text):
        return CosmosTable(store, ids, *match.groups())
    if match := _RESOURCE.fullmatch(text):
        subscription, group, *names = match.groups()
        return CosmosTable(store, ids, *names, owner=Scope("azure", subscription.lower(), group.lower()).key)
    return None


class CosmosTable:
    """One container; where its account was named with its resource group (`owner`), it has to be of that."""

    abilities = ABILITIES

    def __init__(self, store: Store, ids: Ids, account: str, database: str, container: str, *, owner: str = "") -> None:
        self._store = store
        self._ids = ids
        self._account = account.lower()
        self._owner = owner
        self._collection = (scope_of(self._account), f"{database}/{container}")

    @property
    def name(self) -> str:
        """The container's short name."""
        return f"cosmos:{self._account}/{self._collection[1]}"

    async def form(self) -> KeyForm:
        """Return what keys are made of."""
        return _form(await self._layout())

    async def browse(self, after: str, limit: int) -> Rows:
        """Return a page of all items."""
        await self._check_owner()
        start = _read_start(after) or Key(b"", b"")

        def select(_collection: Collection) -> Stretch:
            return Stretch(start, _END)

        return _rows(await self._run(self._store.read(ranges.scan, self._collection, select, limit, PAGE_BYTES_MAX)))

    async def query(self, partition: str, prefix: str, after: str, limit: int) -> Rows:
        """Return a page of a partition key's items, in the order of their ids.

        The partition key is text as it stands, or the JSON array of its levels, as the service's own header has it.
        """
        await self._check_owner()
        start = _read_start(after)
        low = prefix.encode()

        def select(collection: Collection) -> Range:
            levels = check_levels(_levels(partition), layout_of(collection.config).levels)
            first = low if start is None else max(low, behind(start.sort))
            return Range(encode_levels(levels), first, after_prefix(low) if prefix else BEYOND)

        return _rows(await self._run(self._store.read(ranges.query, self._collection, select, limit, PAGE_BYTES_MAX)))

    async def put(self, fields: Fields) -> Parts:
        """Upsert an item."""
        layout = await self._layout()
        check_fits(fields, _SENT, "Cosmos DB")
        data = msgspec.json.encode(fields)
        try:
            document = read_item(decode_json(data), len(data))
        except CosmosError as error:
            raise TableError(error.message) from None
        identifier, levels = str(document.fields["id"]), levels_of(document.fields, layout.levels)
        target = Target(identifier, levels, "", document.fields)
        write = ItemWrite("upsert", target, Conditions(), document)
        await self._run(write_item(self._store, self._collection, self._ids.sequence(), write))
        return parts_of(fields, _form(layout))

    async def _layout(self) -> Layout:
        await self._check_owner()
        collection = await self._run(self._store.read(collections.find, self._collection))
        return layout_of(collection.config)

    async def _check_owner(self) -> None:
        if not self._owner:
            return
        try:
            found = await self._store.read(keyed_resources.find, KIND, self._owner, self._account)
        except KeyedResourceNotFoundError:
            found = None
        if found is None:
            raise NoTableError(f"account {self._account} in that resource group")

    async def _run(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except CollectionNotFoundError:
            raise NoTableError(self.name) from None
        except CosmosError as error:
            raise TableError(error.message) from None


def _form(layout: Layout) -> KeyForm:
    levels = tuple([KeyPart(steps, "any") for steps in layout.levels if steps != ("id",)])
    return KeyForm((*levels, _ID), _ID, moves=True, reserved=frozenset(ADDED))


def _levels(text: str) -> Levels | None:
    return read_levels(text) if text.startswith("[") else (text,)


def _rows(page: Page) -> Rows:
    layout = layout_of(page.collection.config)
    form = _form(layout)
    rows = [Row(parts_of(document.fields, form), dict(document.fields)) for document in page.documents]
    if page.ended:
        return Rows(rows, "")
    last = page.documents[-1].fields
    key = key_of(levels_of(last, layout.levels), str(last["id"]))
    return Rows(rows, urlsafe_b64encode(msgspec.msgpack.encode(key)).decode())


def _read_start(after: str) -> Key | None:
    if not after:
        return None
    try:
        return msgspec.msgpack.decode(urlsafe_b64decode(after), type=Key)
    except (msgspec.DecodeError, Base64Error, ValueError):
        raise TableError(_INVALID) from None
