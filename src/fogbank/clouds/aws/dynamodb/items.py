"""Amazon DynamoDB operations on single items."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.attributes import read_attributes, write_attributes
from fogbank.clouds.aws.dynamodb.schemas import key_alone, key_in_item
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.clouds.aws.dynamodb.sizes import check_size, consumed, read_units, write_units
from fogbank.engines.documents import documents
from fogbank.engines.documents.model import Document

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Collection, Key
    from fogbank.languages.dynamodb.types import Item


class PutItem(Input):
    """Input of PutItem."""

    TableName: str = REQUIRED
    Item: dict[str, Any] = REQUIRED
    ReturnConsumedCapacity: str | None = None


@operation(PutItem)
async def put_item(dynamo: Dynamo, call: Call, request: PutItem) -> Reply:
    """Create an item, or replace the one of the same key."""
    name = table_of(call, request.TableName)
    item = read_attributes(request.Item)
    document = Document(check_size(item), item)
    locate = partial(_key_in_item, item)
    await dynamo.store.run(documents.put, name, dynamo.ids.sequence(), locate, document)
    return consumed(request.TableName, write_units(document.size), request.ReturnConsumedCapacity)


class GetItem(Input):
    """Input of GetItem."""

    TableName: str = REQUIRED
    Key: dict[str, Any] = REQUIRED
    ConsistentRead: bool = False
    ReturnConsumedCapacity: str | None = None


@operation(GetItem)
async def get_item(dynamo: Dynamo, call: Call, request: GetItem) -> Reply:
    """Return an item, or nothing."""
    name = table_of(call, request.TableName)
    key = read_attributes(request.Key)
    document = await dynamo.store.read(documents.get, name, partial(_key_alone, key))
    units = read_units(0 if document is None else document.size, consistent=request.ConsistentRead)
    reply = consumed(request.TableName, units, request.ReturnConsumedCapacity)
    if document is not None:
        reply["Item"] = write_attributes(document.fields)
    return reply


def _key_in_item(item: Item, table: Collection) -> Key:
    return key_in_item(table.config, item)


def _key_alone(key: Item, table: Collection) -> Key:
    return key_alone(table.config, key)


OPERATIONS: Final = (get_item, put_item)
