"""Amazon DynamoDB operations on single items."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.attributes import read_attributes, read_document, show_document, write_attributes
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.expressions import expressions_of
from fogbank.clouds.aws.dynamodb.expressions.legacy import AttributeValueUpdate, ExpectedAttributeValue
from fogbank.clouds.aws.dynamodb.indexes import SHAPE
from fogbank.clouds.aws.dynamodb.items.writing import (
    NOTHING,
    condition_of,
    guarded,
    key_of_item,
    key_of_key,
    key_to_update,
    updated,
)
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.clouds.aws.dynamodb.settings.throttling import count_read, write_item
from fogbank.clouds.aws.dynamodb.sizes import check_size, consumed, read_units
from fogbank.clouds.aws.dynamodb.upkeep.write_costs import told_of_write
from fogbank.engines.documents import documents
from fogbank.languages.dynamodb.paths import project

if TYPE_CHECKING:
    from fogbank.engines.documents.documents import Written
    from fogbank.languages.dynamodb.applying import Update


class PutItem(Input):
    """Input of PutItem."""

    TableName: str = REQUIRED
    Item: dict[str, Any] = REQUIRED
    ConditionExpression: str | None = None
    ExpressionAttributeNames: dict[str, str] | None = None
    ExpressionAttributeValues: dict[str, Any] | None = None
    ReturnValues: str | None = None
    ReturnValuesOnConditionCheckFailure: str | None = None
    ReturnConsumedCapacity: str | None = None
    ReturnItemCollectionMetrics: str | None = None
    Expected: dict[str, ExpectedAttributeValue] | None = None
    ConditionalOperator: str | None = None


@operation(PutItem)
async def put_item(dynamo: Dynamo, call: Call, request: PutItem) -> Reply:
    """Create an item, or replace the one of the same key."""
    name = table_of(call, request.TableName)
    document = read_document(request.Item)
    condition = condition_of(request)
    _check_return_values(request.ReturnValues)
    check_size(document.fields, document.size)
    locate = partial(key_of_item, document.fields)
    told = request.ReturnConsumedCapacity, request.ReturnItemCollectionMetrics
    if (
        condition is None
        and request.ReturnValues in NOTHING
        and all(each in NOTHING for each in told)
        and not dynamo.strict
    ):
        # Nothing that is asked for depends on what there is.
        await dynamo.store.run(documents.put, name, dynamo.ids.sequence(), locate, document, SHAPE)
        return None
    change = guarded(condition, request.ReturnValuesOnConditionCheckFailure, lambda _before: document)
    written = await write_item(dynamo, name, locate, change)
    return _replaced(request, written, await told_of_write(dynamo, name, request.TableName, request, written))


class GetItem(Input):
    """Input of GetItem."""

    TableName: str = REQUIRED
    Key: dict[str, Any] = REQUIRED
    ProjectionExpression: str | None = None
    AttributesToGet: list[str] | None = None
    ExpressionAttributeNames: dict[str, str] | None = None
    ConsistentRead: bool | None = None
    ReturnConsumedCapacity: str | None = None


@operation(GetItem)
async def get_item(dynamo: Dynamo, call: Call, request: GetItem) -> Reply:
    """Return an item, or nothing."""
    name = table_of(call, request.TableName)
    key = read_attributes(request.Key)
    expressions = expressions_of(request, "ProjectionExpression")
    tree = expressions.projection()
    expressions.done()
    document = await dynamo.store.read(documents.get, name, partial(key_of_key, key))
    units = read_units(0 if document is None else document.size, consistent=bool(request.ConsistentRead))
    if dynamo.strict:
        await count_read(dynamo, name, units)
    reply = consumed(request.TableName, units, request.ReturnConsumedCapacity)
    if document is not None:
        reply["Item"] = show_document(document) if tree is None else write_attributes(project(document.fields, tree))
    return reply


class UpdateItem(Input):
    """Input of UpdateItem."""

    TableName: str = REQUIRED
    Key: dict[str, Any] = REQUIRED
    UpdateExpression: str | None = None
    AttributeUpdates: dict[str, AttributeValueUpdate] | None = None
    ConditionExpression: str | None = None
    ExpressionAttributeNames: dict[str, str] | None = None
    ExpressionAttributeValues: dict[str, Any] | None = None
    ReturnValues: str | None = None
    ReturnValuesOnConditionCheckFailure: str | None = None
    ReturnConsumedCapacity: str | None = None
    ReturnItemCollectionMetrics: str | None = None
    Expected: dict[str, ExpectedAttributeValue] | None = None
    ConditionalOperator: str | None = None


@operation(UpdateItem)
async def update_item(dynamo: Dynamo, call: Call, request: UpdateItem) -> Reply:
    """Change an item, or create it; one that doesn't exist isn't created only to have something removed."""
    name = table_of(call, request.TableName)
    key = read_attributes(request.Key)
    expressions = expressions_of(request, "UpdateExpression", "ConditionExpression")
    update = expressions.update()
    condition = expressions.condition()
    expressions.done()
    change = guarded(condition, request.ReturnValuesOnConditionCheckFailure, partial(updated, update, key))
    locate = partial(key_to_update, key, update)
    written = await write_item(dynamo, name, locate, change)
    reply = await told_of_write(dynamo, name, request.TableName, request, written)
    attributes = _values_of(request.ReturnValues, update, written)
    if attributes:
        reply["Attributes"] = attributes
    return reply


class DeleteItem(Input):
    """Input of DeleteItem."""

    TableName: str = REQUIRED
    Key: dict[str, Any] = REQUIRED
    ConditionExpression: str | None = None
    ExpressionAttributeNames: dict[str, str] | None = None
    ExpressionAttributeValues: dict[str, Any] | None = None
    ReturnValues: str | None = None
    ReturnValuesOnConditionCheckFailure: str | None = None
    ReturnConsumedCapacity: str | None = None
    ReturnItemCollectionMetrics: str | None = None
    Expected: dict[str, ExpectedAttributeValue] | None = None
    ConditionalOperator: str | None = None


@operation(DeleteItem)
async def delete_item(dynamo: Dynamo, call: Call, request: DeleteItem) -> Reply:
    """Delete an item; one that isn't there counts as deleted."""
    name = table_of(call, request.TableName)
    key = read_attributes(request.Key)
    condition = condition_of(request)
    _check_return_values(request.ReturnValues)
    change = guarded(condition, request.ReturnValuesOnConditionCheckFailure, lambda _before: None)
    locate = partial(key_of_key, key)
    written = await write_item(dynamo, name, locate, change)
    return _replaced(request, written, await told_of_write(dynamo, name, request.TableName, request, written))


def _check_return_values(wanted: str | None) -> None:
    if wanted not in (*NOTHING, "ALL_OLD"):
        raise validation("ReturnValues can only be ALL_OLD or NONE")


def _replaced(request: PutItem | DeleteItem, written: Written, reply: dict[str, Any]) -> dict[str, Any]:
    """Add to the reply to a write of a whole item what was there."""
    if request.ReturnValues == "ALL_OLD" and written.before is not None:
        reply["Attributes"] = show_document(written.before)
    return reply


def _values_of(wanted: str | None, update: Update | None, written: Written) -> Any:
    """Return the attributes of an updated item that are asked for, as the reply has them; nothing for none."""
    if wanted in NOTHING:
        return None
    document = written.before if wanted in ("ALL_OLD", "UPDATED_OLD") else written.after
    if document is None:
        return None
    if wanted in ("ALL_OLD", "ALL_NEW"):
        return show_document(document)
    if update is None:
        return None
    tree = update.tree if wanted == "UPDATED_OLD" else update.tree_after()
    return write_attributes(project(document.fields, tree)) if tree else None


OPERATIONS: Final = (delete_item, get_item, put_item, update_item)
