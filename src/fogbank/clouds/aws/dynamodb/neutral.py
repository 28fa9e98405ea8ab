"""A table as tools see it that know no cloud (`connectors.tables`): its items are written as PutItem writes them."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import DEFAULT_ACCOUNT, DEFAULT_REGION, Call
from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.dynamodb.attributes import read_attributes, write_attributes
from fogbank.clouds.aws.dynamodb.items.items import PutItem, put_item
from fogbank.clouds.aws.dynamodb.ranges import range_of, stretch_of
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_arn, table_of
from fogbank.connectors.tables.model import PAGE_BYTES_MAX, NoTableError, Row, TableError, check_fits
from fogbank.connectors.tables.model import Page as Rows
from fogbank.engines.documents import collections, ranges
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.portable.fitting import Abilities
from fogbank.engines.documents.portable.keys import KeyForm, KeyPart, parts_of
from fogbank.engines.documents.portable.values import exact, number
from fogbank.languages.dynamodb.key_conditions import KeyTerm
from fogbank.languages.dynamodb.numbers import NumberError, normalize, read_number
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import TypeVar

    from fogbank.engines.documents.model import Collection, CollectionConfig, Document, KeyField, Name
    from fogbank.engines.documents.portable.keys import Parts
    from fogbank.engines.documents.portable.values import Fields
    from fogbank.engines.documents.ranges import Page, Range, Stretch
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.languages.dynamodb.types import Item
    from fogbank.storage import Store

    T = TypeVar("T")

ABILITIES: Final = Abilities(frozenset({bytes, frozenset}), "decimal")


def read_table(store: Store, clock: Clock, ids: Ids, text: str) -> DynamoTable | None:
    """Return the table that an ARN names, or a name in the account and region that there are by default."""
    account, region = DEFAULT_ACCOUNT, DEFAULT_REGION
    if text.startswith("arn:"):
        arn = parse_arn(text)
        if arn is None or arn.service != "dynamodb" or not arn.resource.startswith("table/"):
            return None
        account, region = arn.account, arn.region
    call = Call(account, region, "", "", "")
    try:
        table_of(call, text)
    except AwsError:
        return None
    return DynamoTable(Dynamo(store, clock, ids), call, text)


class DynamoTable:
    """One table."""

    abilities = ABILITIES

    def __init__(self, dynamo: Dynamo, call: Call, text: str) -> None:
        self._dynamo = dynamo
        self._call = call
        self._text = text
        self._name: Name = table_of(call, text)

    @property
    def name(self) -> str:
        """The table's ARN."""
        return table_arn(self._name)

    async def form(self) -> KeyForm:
        """Return what keys are made of."""
        return _form(await self._config())

    async def browse(self, after: str, limit: int) -> Rows:
        """Return a page of all items, in the order of Scan."""
        start = _read_start(after)

        def select(table: Collection) -> Stretch:
            return stretch_of(table.config, None, 0, 1, start)

        return _rows(await self._run(self._dynamo.store.read(ranges.scan, self._name, select, limit, PAGE_BYTES_MAX)))

    async def query(self, partition: str, prefix: str, after: str, limit: int) -> Rows:
        """Return a page of the items of one partition key, in the order of Query."""
        start = _read_start(after)

        def select(table: Collection) -> Range:
            config = table.config
            terms = [KeyTerm(config.partition_key.name, "=", (_read_key(config.partition_key, partition),))]
            if prefix:
                if config.sort_key is None:
                    raise TableError("The table has no sort key.")
                terms.append(KeyTerm(config.sort_key.name, "begins_with", (_read_key(config.sort_key, prefix),)))
            return range_of(config, None, terms, start, backward=False)

        return _rows(await self._run(self._dynamo.store.read(ranges.query, self._name, select, limit, PAGE_BYTES_MAX)))

    async def put(self, fields: Fields) -> Parts:
        """Put an item."""
        config = await self._config()
        check_fits(fields, ABILITIES, "DynamoDB")
        item = {name: _item_value(value) for name, value in fields.items()}
        # As it comes over the wire: bytes are text there.
        wired = msgspec.json.decode(msgspec.json.encode(write_attributes(item)))
        await self._run(put_item.run(self._dynamo, self._call, PutItem(TableName=self._text, Item=wired)))
        return parts_of(fields, _form(config))

    async def _config(self) -> CollectionConfig:
        return (await self._run(self._dynamo.store.read(collections.find, self._name))).config

    async def _run(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except CollectionNotFoundError:
            raise NoTableError(self._text) from None
        except AwsError as error:
            raise TableError(error.message) from None


def _form(config: CollectionConfig) -> KeyForm:
    parts = tuple(KeyPart((field.name,), field.kind) for field in (config.partition_key, config.sort_key) if field)
    return KeyForm(parts, parts[-1])


def read_document(document: Document) -> Fields:
    """Return an item as values that any service knows."""
    return {name: _plain_value(value) for name, value in document.fields.items()}


def _rows(page: Page) -> Rows:
    config = page.collection.config
    form = _form(config)
    rows = []
    for document in page.documents:
        fields = read_document(document)
        rows.append(Row(parts_of(fields, form), fields))
    if page.ended:
        return Rows(rows, "")
    last = page.documents[-1].fields
    return Rows(rows, msgspec.json.encode(write_attributes({name: last[name] for name in config.key_names})).decode())


def _read_start(after: str) -> Item | None:
    if not after:
        return None
    try:
        return read_attributes(msgspec.json.decode(after, type=dict[str, Any]))
    except (msgspec.DecodeError, AwsError):
        raise TableError("A page begins behind where another ended.") from None


def _read_key(field: KeyField, text: str) -> Any:
    """Return the value of a key's field that a text stands for: bytes in base64, numbers as they are written."""
    try:
        if field.kind == "number":
            return read_number(text)
        return b64decode(text, validate=True) if field.kind == "bytes" else text
    except (NumberError, Base64Error, ValueError):
        raise TableError(f"{field.name} has to be {field.kind}, and {text!r} is not.") from None


def _plain_value(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {name: _plain_value(each) for name, each in value.items()}
    if kind is list:
        return [_plain_value(each) for each in value]
    if kind is frozenset:
        return frozenset(map(_plain_value, value))
    return number(value) if kind is Decimal else value


def _item_value(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {name: _item_value(each) for name, each in value.items()}
    if kind is list:
        return [_item_value(each) for each in value]
    if kind is frozenset:
        return frozenset(map(_item_value, value))
    return normalize(Decimal(exact(value))) if kind in (float, Decimal) else value
