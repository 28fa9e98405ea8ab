"""Amazon DynamoDB operations on batches of items, of one table or several.

Amazon DynamoDB API Reference, "BatchGetItem" and "BatchWriteItem". What is throttled is
left unprocessed, and of what is to be read, what doesn't fit into 16 MB.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.attributes import read_attributes, read_document, show_document, write_attributes
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.expressions import expressions_of
from fogbank.clouds.aws.dynamodb.indexes import SHAPE
from fogbank.clouds.aws.dynamodb.items.writing import NOTHING, key_of_item, key_of_key
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.clouds.aws.dynamodb.settings.throttling import THROTTLED, count_read, write_item
from fogbank.clouds.aws.dynamodb.sizes import KIB, check_size, describe_units, read_units
from fogbank.clouds.aws.dynamodb.upkeep.write_costs import told_of_writes
from fogbank.engines.documents import collections, documents
from fogbank.engines.documents.documents import Write
from fogbank.languages.dynamodb.paths import project
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.engines.documents.documents import Locate, Written
    from fogbank.engines.documents.model import Key, Name
    from fogbank.languages.dynamodb.paths import Tree

GETS_MAX: Final = 100
WRITES_MAX: Final = 25
REPLY_BYTES_MAX: Final = 16 * KIB * KIB
_DUPLICATES: Final = "Provided list of item keys contains duplicates"
_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode
_EMPTY: Final = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_SEVERAL: Final = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)


class KeysAndAttributes(Input):
    """What is wanted of one table."""

    Keys: list[dict[str, Any]] = REQUIRED
    ProjectionExpression: str | None = None
    AttributesToGet: list[str] | None = None
    ExpressionAttributeNames: dict[str, str] | None = None
    ConsistentRead: bool | None = None


class BatchGetItem(Input):
    """Input of BatchGetItem."""

    RequestItems: dict[str, KeysAndAttributes] = REQUIRED
    ReturnConsumedCapacity: str | None = None


@operation(BatchGetItem)
async def batch_get_item(dynamo: Dynamo, call: Call, request: BatchGetItem) -> Reply:
    """Return up to a hundred items."""
    if sum(len(wanted.Keys) for wanted in request.RequestItems.values()) > GETS_MAX:
        raise validation("Too many items requested for the BatchGetItem call")
    places: list[tuple[str, dict[str, Any]]] = []
    reads: list[tuple[Name, Locate]] = []
    trees: dict[str, Tree | None] = {}
    for table, wanted in request.RequestItems.items():
        name = table_of(call, table)
        expressions = expressions_of(wanted, "ProjectionExpression")
        trees[table] = expressions.projection()
        expressions.done()
        for key in wanted.Keys:
            places.append((table, key))
            reads.append((name, partial(key_of_key, read_attributes(key))))
        # Whether or not there is such a table. What was read is in its one form by now.
        if len({_encode_sorted(key) for key in wanted.Keys}) < len(wanted.Keys):
            raise validation(_DUPLICATES)
    await _check_distinct(dynamo, reads)
    found = await dynamo.store.read(documents.get_each, reads, REPLY_BYTES_MAX)
    responses: dict[str, list[Any]] = {table: [] for table in request.RequestItems}
    units = dict.fromkeys(request.RequestItems, 0.0)
    throttled: list[tuple[str, dict[str, Any]]] = []
    refusal: AwsError | None = None
    for place, (name, _locate), document in zip(places, reads, found, strict=False):
        table = place[0]
        consistent = bool(request.RequestItems[table].ConsistentRead)
        cost = read_units(0 if document is None else document.size, consistent=consistent)
        try:
            if dynamo.strict:
                await count_read(dynamo, name, cost)
        except AwsError as error:
            refusal = error
            throttled.append(place)
            continue
        units[table] += cost
        if document is not None:
            tree = trees[table]
            responses[table].append(
                show_document(document) if tree is None else write_attributes(project(document.fields, tree))
            )
    if refusal is not None and len(throttled) == len(found):
        raise refusal
    unprocessed = _left_over(request.RequestItems, [*throttled, *places[len(found) :]])
    return {"Responses": responses, "UnprocessedKeys": unprocessed, **_units(units, request.ReturnConsumedCapacity)}


class Put(Input):
    """An item to put."""

    Item: dict[str, Any] = REQUIRED


class Delete(Input):
    """A key whose item is to be deleted."""

    Key: dict[str, Any] = REQUIRED


class WriteRequest(Input):
    """One of the two."""

    PutRequest: Put | None = None
    DeleteRequest: Delete | None = None


class BatchWriteItem(Input):
    """Input of BatchWriteItem."""

    RequestItems: dict[str, list[WriteRequest]] = REQUIRED
    ReturnConsumedCapacity: str | None = None
    ReturnItemCollectionMetrics: str | None = None


@operation(BatchWriteItem)
async def batch_write_item(dynamo: Dynamo, call: Call, request: BatchWriteItem) -> Reply:
    """Put and delete up to 25 items; all are written together."""
    if sum(map(len, request.RequestItems.values())) > WRITES_MAX:
        raise validation("Too many items requested for the BatchWriteItem call")
    tables: list[str] = []
    writes: list[Write] = []
    for table, wanted in request.RequestItems.items():
        name = table_of(call, table)
        for each in wanted:
            tables.append(table)
            writes.append(_write(dynamo, name, each))
    await _check_distinct(dynamo, ((write.name, write.locate) for write in writes))
    if dynamo.strict:
        return await _write_one_by_one(dynamo, call, request, writes)
    if request.ReturnConsumedCapacity in NOTHING and request.ReturnItemCollectionMetrics in NOTHING:
        # Nothing that is asked for depends on what there was.
        await dynamo.store.run(documents.put_each, writes, SHAPE)
        return {"UnprocessedItems": {}}
    written = await dynamo.store.run(documents.write_each, writes, SHAPE)
    by_table: dict[str, list[Written]] = {table: [] for table in request.RequestItems}
    for table, outcome in zip(tables, written, strict=True):
        by_table[table].append(outcome)
    return {"UnprocessedItems": {}, **await told_of_writes(dynamo, call, request, by_table)}


async def _write_one_by_one(dynamo: Dynamo, call: Call, request: BatchWriteItem, writes: Iterable[Write]) -> Reply:
    """Make writes as far as they aren't throttled."""
    by_table: dict[str, list[Written]] = {table: [] for table in request.RequestItems}
    left: dict[str, list[Any]] = {}
    refusal: AwsError | None = None
    asked = [(table, each) for table, wanted in request.RequestItems.items() for each in wanted]
    for (table, each), write in zip(asked, writes, strict=True):
        try:
            by_table[table].append(await write_item(dynamo, write.name, write.locate, write.change))
        except AwsError as error:
            if error.code not in THROTTLED:
                raise
            refusal = error
            kind = "DeleteRequest" if each.PutRequest is None else "PutRequest"
            left.setdefault(table, []).append({kind: msgspec.structs.asdict(getattr(each, kind))})
    if refusal is not None and not any(by_table.values()):
        raise refusal
    return {"UnprocessedItems": left, **await told_of_writes(dynamo, call, request, by_table)}


def _write(dynamo: Dynamo, name: Name, wanted: WriteRequest) -> Write:
    put, delete = wanted.PutRequest, wanted.DeleteRequest
    if put is not None and delete is not None:
        raise validation(_SEVERAL)
    number = dynamo.ids.sequence()
    if put is not None:
        document = read_document(put.Item)
        check_size(document.fields, document.size)
        return Write(name, number, partial(key_of_item, document.fields), lambda _before: document)
    if delete is None:
        raise validation(_EMPTY)
    return Write(name, number, partial(key_of_key, read_attributes(delete.Key)), lambda _before: None)


async def _check_distinct(dynamo: Dynamo, items: Iterable[tuple[Name, Locate]]) -> None:
    """Refuse a batch that names an item twice."""
    seen: set[tuple[Name, Key]] = set()
    tables = {}
    for name, locate in items:
        if name not in tables:
            tables[name] = await dynamo.store.read(collections.find, name)
        place = (name, locate(tables[name]))
        if place in seen:
            raise validation(_DUPLICATES)
        seen.add(place)


def _left_over(
    wanted: dict[str, KeysAndAttributes], places: Iterable[tuple[str, dict[str, Any]]]
) -> dict[str, dict[str, Any]]:
    """Return what was not read in the form in which it was asked for."""
    left: dict[str, dict[str, Any]] = {}
    for table, key in places:
        if table not in left:
            asked = wanted[table]
            also = {name: getattr(asked, name) for name in asked.__struct_fields__ if name != "Keys"}
            left[table] = {"Keys": []} | {name: value for name, value in also.items() if value is not None}
        left[table]["Keys"].append(key)
    return left


def _units(units: dict[str, float], wanted: str | None) -> dict[str, Any]:
    if wanted is None or wanted == "NONE":
        return {}
    return {"ConsumedCapacity": [describe_units(table, each, wanted) for table, each in units.items()]}


OPERATIONS: Final = (batch_get_item, batch_write_item)
