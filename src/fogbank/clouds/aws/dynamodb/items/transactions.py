"""Amazon DynamoDB operations that read or write several items as one.

Amazon DynamoDB API Reference, "TransactWriteItems" and "TransactGetItems"; Developer Guide, "Amazon DynamoDB
Transactions: How it works". Transactions that meet at an item take turns, so that none is cancelled for a conflict.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.attributes import read_attributes, read_document, show_document, write_attributes
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.expressions import expressions_of
from fogbank.clouds.aws.dynamodb.indexes import SHAPE
from fogbank.clouds.aws.dynamodb.items.cancelling import as_one
from fogbank.clouds.aws.dynamodb.items.writing import (
    NOTHING,
    condition_of,
    guarded,
    key_of_item,
    key_of_key,
    key_to_update,
    unchanged,
    updated,
)
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.clouds.aws.dynamodb.settings import throttling
from fogbank.clouds.aws.dynamodb.sizes import KIB, check_size, describe_units, read_units
from fogbank.clouds.aws.dynamodb.upkeep.write_costs import costs_of, show_costs, sizes_of_writes
from fogbank.engines.documents import collections, transactions
from fogbank.engines.documents.documents import Write
from fogbank.engines.documents.requests import Request
from fogbank.languages.dynamodb.paths import project
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.engines.documents.documents import Change, Locate, Written
    from fogbank.engines.documents.model import Document, Name
    from fogbank.engines.documents.transactions import Outcome
    from fogbank.languages.dynamodb.paths import Tree

ITEMS_BYTES_MAX: Final = 4 * KIB * KIB
TOKEN_SECONDS: Final = 600
# A transaction reads or writes each item twice: to prepare it, and to carry it out.
ROUNDS: Final = 2
_ONE_OF: Final = "TransactItems can only contain one of Check, Put, Update or Delete"


class ConditionCheck(Input):
    """A condition on an item that is left alone."""

    TableName: str = REQUIRED
    Key: dict[str, Any] = REQUIRED
    ConditionExpression: str = REQUIRED
    ExpressionAttributeNames: dict[str, str] | None = None
    ExpressionAttributeValues: dict[str, Any] | None = None
    ReturnValuesOnConditionCheckFailure: str | None = None


class Put(Input):
    """An item to put."""

    TableName: str = REQUIRED
    Item: dict[str, Any] = REQUIRED
    ConditionExpression: str | None = None
    ExpressionAttributeNames: dict[str, str] | None = None
    ExpressionAttributeValues: dict[str, Any] | None = None
    ReturnValuesOnConditionCheckFailure: str | None = None


class Update(Input):
    """An item to change."""

    TableName: str = REQUIRED
    Key: dict[str, Any] = REQUIRED
    UpdateExpression: str = REQUIRED
    ConditionExpression: str | None = None
    ExpressionAttributeNames: dict[str, str] | None = None
    ExpressionAttributeValues: dict[str, Any] | None = None
    ReturnValuesOnConditionCheckFailure: str | None = None


class Delete(Input):
    """An item to delete."""

    TableName: str = REQUIRED
    Key: dict[str, Any] = REQUIRED
    ConditionExpression: str | None = None
    ExpressionAttributeNames: dict[str, str] | None = None
    ExpressionAttributeValues: dict[str, Any] | None = None
    ReturnValuesOnConditionCheckFailure: str | None = None


class TransactWriteItem(Input):
    """One of the four."""

    ConditionCheck: ConditionCheck | None = None
    Put: Put | None = None
    Update: Update | None = None
    Delete: Delete | None = None


class TransactWriteItems(Input):
    """Input of TransactWriteItems."""

    TransactItems: list[TransactWriteItem] = REQUIRED
    ClientRequestToken: str | None = None
    ReturnConsumedCapacity: str | None = None
    ReturnItemCollectionMetrics: str | None = None


@operation(TransactWriteItems)
async def transact_write_items(dynamo: Dynamo, call: Call, request: TransactWriteItems) -> Reply:
    """Write and check up to a hundred items, all or none."""
    actions = [_only(wanted) for wanted in request.TransactItems]
    writes = [_write(dynamo, table_of(call, action.TableName), action) for action in actions]
    repeatable = request_of(call, request.ClientRequestToken, "TransactWriteItems", request.TransactItems)
    outcome = await write_as_one(dynamo, writes, repeatable)
    tables = [action.TableName for action in actions]
    by_table: dict[str, list[Written]] = {}
    for table, written in zip(tables, outcome.written, strict=True):
        if written.before is not written.after:
            by_table.setdefault(table, []).append(written)
    return {
        **await units_of_writes(dynamo, call, tables, outcome, request.ReturnConsumedCapacity),
        **await sizes_of_writes(dynamo, call, request.ReturnItemCollectionMetrics, by_table),
    }


class Get(Input):
    """An item to read."""

    TableName: str = REQUIRED
    Key: dict[str, Any] = REQUIRED
    ProjectionExpression: str | None = None
    ExpressionAttributeNames: dict[str, str] | None = None


class TransactGetItem(Input):
    """The one kind of read there is."""

    Get: Get = REQUIRED


class TransactGetItems(Input):
    """Input of TransactGetItems."""

    TransactItems: list[TransactGetItem] = REQUIRED
    ReturnConsumedCapacity: str | None = None


@operation(TransactGetItems)
async def transact_get_items(dynamo: Dynamo, call: Call, request: TransactGetItems) -> Reply:
    """Return up to a hundred items as they were at one time."""
    gets = [wanted.Get for wanted in request.TransactItems]
    reads: list[tuple[Name, Locate]] = []
    trees: list[Tree | None] = []
    for get in gets:
        expressions = expressions_of(get, "ProjectionExpression")
        trees.append(expressions.projection())
        expressions.done()
        reads.append((table_of(call, get.TableName), partial(key_of_key, read_attributes(get.Key))))
    found = await read_as_one(dynamo, reads)
    return {
        "Responses": [show(document, tree) for document, tree in zip(found, trees, strict=True)],
        **units_of_reads([get.TableName for get in gets], found, request.ReturnConsumedCapacity),
    }


async def write_as_one(dynamo: Dynamo, writes: list[Write], request: Request | None) -> Outcome:
    """Make writes as one; what is refused is worded as a cancelled transaction."""
    if dynamo.strict:
        return await as_one(dynamo.store.run(throttling.write_as_one, writes, ITEMS_BYTES_MAX, request, ROUNDS))
    return await as_one(dynamo.store.run(transactions.write, writes, AwsError, ITEMS_BYTES_MAX, request, SHAPE))


async def read_as_one(dynamo: Dynamo, reads: list[tuple[Name, Locate]]) -> list[Document | None]:
    """Read items as one; what is refused is worded as a cancelled transaction."""
    found = await as_one(dynamo.store.read(transactions.read, reads, AwsError, ITEMS_BYTES_MAX))
    if dynamo.strict:
        units = [ROUNDS * _read(0 if document is None else document.size) for document in found]
        names = [name for name, _ in reads]
        await as_one(dynamo.store.run(throttling.take_reads, list(zip(names, units, strict=True))))
    return found


def request_of(call: Call, token: str | None, operation: str, items: object) -> Request | None:
    """Return what tells a request from others that come with the same token; None without a token.

    The order of members in maps doesn't matter, nor does what the answer shall say.
    """
    if token is None:
        return None
    digest = sha256(operation.encode() + msgspec.msgpack.encode(items, order="deterministic")).digest()
    return Request(call.scope, token, digest, TOKEN_SECONDS)


def show(document: Document | None, tree: Tree | None) -> dict[str, Any]:
    """Return one of the responses to a transaction that reads."""
    if document is None:
        return {}
    return {"Item": show_document(document) if tree is None else write_attributes(project(document.fields, tree))}


async def units_of_writes(
    dynamo: Dynamo, call: Call, tables: list[str], outcome: Outcome, wanted: str | None
) -> dict[str, Any]:
    """Return what a transaction that writes consumed, also of indexes; one that came again has only read."""
    if wanted is None or wanted in NOTHING:
        return {}
    if outcome.repeated:
        sizes = [max(0 if each is None else each.size for each in written) for written in outcome.written]
        return _units("ReadCapacityUnits", zip(tables, map(_read, sizes), strict=True), wanted)
    by_table: dict[str, list[Written]] = {}
    for name, written in zip(tables, outcome.written, strict=True):
        by_table.setdefault(name, []).append(written)
    consumed = []
    for name, writes in by_table.items():
        table = await dynamo.store.read(collections.find, table_of(call, name))
        costs = costs_of(table.config, writes).times(ROUNDS)
        consumed.append(show_costs(name, costs, wanted, "WriteCapacityUnits"))
    return {"ConsumedCapacity": consumed}


def units_of_reads(tables: list[str], found: list[Document | None], wanted: str | None) -> dict[str, Any]:
    """Return what a transaction that reads consumed."""
    units = [_read(0 if document is None else document.size) for document in found]
    return _units("ReadCapacityUnits", zip(tables, units, strict=True), wanted)


def _read(size: int) -> float:
    return read_units(size, consistent=True)


def _units(kind: str, parts: Iterable[tuple[str, float]], wanted: str | None) -> dict[str, Any]:
    if wanted in NOTHING:
        return {}
    assert wanted is not None
    units: dict[str, float] = {}
    for table, each in parts:
        units[table] = units.get(table, 0.0) + ROUNDS * each
    return {"ConsumedCapacity": [describe_units(table, each, wanted, kind=kind) for table, each in units.items()]}


def _only(wanted: TransactWriteItem) -> ConditionCheck | Put | Update | Delete:
    present = [each for each in (wanted.ConditionCheck, wanted.Put, wanted.Update, wanted.Delete) if each is not None]
    if len(present) != 1:
        raise validation(_ONE_OF)
    return present[0]


def _write(dynamo: Dynamo, name: Name, action: ConditionCheck | Put | Update | Delete) -> Write:
    change: Change
    if isinstance(action, Update):
        key = read_attributes(action.Key)
        expressions = expressions_of(action, "UpdateExpression", "ConditionExpression")
        update = expressions.update()
        condition = expressions.condition()
        expressions.done()
        locate, change = partial(key_to_update, key, update), partial(updated, update, key)
    else:
        condition = condition_of(action)
        if isinstance(action, Put):
            document = read_document(action.Item)
            check_size(document.fields, document.size)
            locate, change = partial(key_of_item, document.fields), lambda _before: document
        else:
            locate = partial(key_of_key, read_attributes(action.Key))
            change = unchanged if isinstance(action, ConditionCheck) else lambda _before: None
    change = guarded(condition, action.ReturnValuesOnConditionCheckFailure, change)
    return Write(name, dynamo.ids.sequence(), locate, change)


OPERATIONS: Final = (transact_get_items, transact_write_items)
