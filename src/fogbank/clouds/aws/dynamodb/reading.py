"""Amazon DynamoDB operations that read many items: Query and Scan.

Amazon DynamoDB Developer Guide, "Querying tables" and "Scanning tables": a page ends after Limit items or with the
one that brings what was read to 1 MB, before anything is filtered out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.attributes import read_attributes, show_document, show_part, write_attributes
from fogbank.clouds.aws.dynamodb.errors import invalid_values, validation
from fogbank.clouds.aws.dynamodb.expressions import expressions_of
from fogbank.clouds.aws.dynamodb.expressions.legacy import Condition
from fogbank.clouds.aws.dynamodb.indexes import find_index, is_local, project_to, projected_names, projects_all
from fogbank.clouds.aws.dynamodb.ranges import check_segments, range_of, stretch_of
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.clouds.aws.dynamodb.settings.throttling import count_read
from fogbank.clouds.aws.dynamodb.sizes import KIB, consumed, read_units, size_of
from fogbank.engines.documents import ranges
from fogbank.engines.documents.model import Document
from fogbank.languages.dynamodb.paths import project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.aws.dynamodb.expressions import Expressions
    from fogbank.engines.documents.model import Collection, CollectionConfig, Index
    from fogbank.engines.documents.ranges import Page, Range, Stretch
    from fogbank.languages.dynamodb.matching import Matcher
    from fogbank.languages.dynamodb.paths import Tree
    from fogbank.wire.aws.errors import AwsError

PAGE_BYTES_MAX: Final = KIB * KIB


class Query(Input):
    """Input of Query."""

    TableName: str = REQUIRED
    IndexName: str | None = None
    KeyConditionExpression: str | None = None
    FilterExpression: str | None = None
    ProjectionExpression: str | None = None
    ExpressionAttributeNames: dict[str, str] | None = None
    ExpressionAttributeValues: dict[str, Any] | None = None
    Select: str | None = None
    Limit: int | None = None
    ScanIndexForward: bool | None = None
    ExclusiveStartKey: dict[str, Any] | None = None
    ConsistentRead: bool | None = None
    ReturnConsumedCapacity: str | None = None
    KeyConditions: dict[str, Condition] | None = None
    QueryFilter: dict[str, Condition] | None = None
    AttributesToGet: list[str] | None = None
    ConditionalOperator: str | None = None


@operation(Query)
async def query(dynamo: Dynamo, call: Call, request: Query) -> Reply:
    """Return items of one partition, in the order of their sort keys."""
    _check_select(request)
    expressions = expressions_of(request, "ProjectionExpression", "FilterExpression", "KeyConditionExpression")
    return await run_query(dynamo, call, request, expressions)


async def run_query(dynamo: Dynamo, call: Call, request: Query, expressions: Expressions) -> dict[str, Any]:
    """Query with a request's expressions."""
    name = table_of(call, request.TableName)
    start = None if request.ExclusiveStartKey is None else read_attributes(request.ExclusiveStartKey)
    terms = expressions.key_condition()
    if terms is None:
        raise validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    condition, tree = expressions.condition("FilterExpression"), expressions.projection()
    filtered = expressions.attributes("FilterExpression")
    expressions.done()
    backward = request.ScanIndexForward is False

    def select(table: Collection) -> Range:
        index = _index_of(table.config, request, tree)
        wanted = range_of(table.config, index, terms, start, backward=backward)
        for key in (table.config if index is None else index).key_names:
            if key in filtered:
                what = "Filter Expression" if request.QueryFilter is None else "QueryFilter"
                raise validation(f"{what} can only contain non-primary key attributes: Primary key attribute: {key}")
        return wanted

    page = await dynamo.store.read(ranges.query, name, select, request.Limit, PAGE_BYTES_MAX, backward=backward)
    return await _reply(dynamo, request, page, condition, tree)


class Scan(Input):
    """Input of Scan."""

    TableName: str = REQUIRED
    IndexName: str | None = None
    FilterExpression: str | None = None
    ProjectionExpression: str | None = None
    ExpressionAttributeNames: dict[str, str] | None = None
    ExpressionAttributeValues: dict[str, Any] | None = None
    Select: str | None = None
    Limit: int | None = None
    ExclusiveStartKey: dict[str, Any] | None = None
    Segment: int | None = None
    TotalSegments: int | None = None
    ConsistentRead: bool | None = None
    ReturnConsumedCapacity: str | None = None
    ScanFilter: dict[str, Condition] | None = None
    AttributesToGet: list[str] | None = None
    ConditionalOperator: str | None = None


@operation(Scan)
async def scan(dynamo: Dynamo, call: Call, request: Scan) -> Reply:
    """Return items of the whole table, or of one of its segments, in the order of their hashed partition keys."""
    _check_select(request)
    check_segments(request.Segment, request.TotalSegments)
    return await run_scan(dynamo, call, request, expressions_of(request, "ProjectionExpression", "FilterExpression"))


async def run_scan(dynamo: Dynamo, call: Call, request: Scan, expressions: Expressions) -> dict[str, Any]:
    """Scan with a request's expressions."""
    name = table_of(call, request.TableName)
    start = None if request.ExclusiveStartKey is None else read_attributes(request.ExclusiveStartKey)
    condition, tree = expressions.condition("FilterExpression"), expressions.projection()
    expressions.done()

    def select(table: Collection) -> Stretch:
        index = _index_of(table.config, request, tree)
        return stretch_of(table.config, index, request.Segment or 0, request.TotalSegments or 1, start)

    page = await dynamo.store.read(ranges.scan, name, select, request.Limit, PAGE_BYTES_MAX)
    return await _reply(dynamo, request, page, condition, tree)


def _check_select(request: Query | Scan) -> None:
    select = request.Select
    parameter = "ProjectionExpression" if request.AttributesToGet is None else "AttributesToGet"
    projected = getattr(request, parameter) is not None
    if projected and select not in (None, "SPECIFIC_ATTRIBUTES"):
        wanted = "only the Count" if select == "COUNT" else select
        raise _unfit(request, f"Cannot specify the {parameter} when choosing to get {wanted}")
    if select == "SPECIFIC_ATTRIBUTES" and not projected:
        raise _unfit(
            request, "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and request.IndexName is None:
        # Scan says it, too.
        raise invalid_values("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")


def _unfit(request: Query | Scan, message: str) -> AwsError:
    """Word what doesn't go together; for Query, AWS numbers it as it does violations of constraints."""
    return validation(message if isinstance(request, Scan) else f"1 validation error detected: {message}")


def _index_of(config: CollectionConfig, request: Query | Scan, tree: Tree | None) -> Index | None:
    """Return the index that is to be read; raises `AwsError` where it can't be, or not as asked."""
    name = request.IndexName
    if name is None:
        return None
    index = find_index(config, name)
    if index is None:
        raise validation(f"The table does not have the specified index: {name}")
    if is_local(index):
        return index
    if index.building:
        raise validation(f"Cannot read from backfilling global secondary index: {name}")
    if request.ConsistentRead:
        raise validation("Consistent reads are not supported on global secondary indexes")
    if not projects_all(index):
        if request.Select == "ALL_ATTRIBUTES":
            raise invalid_values(
                f"Select type ALL_ATTRIBUTES is not supported for global secondary index {name} because its projection"
                " type is not ALL"
            )
        missing = set() if tree is None else set(map(str, tree)) - projected_names(config, index)
        if missing:
            raise invalid_values(f"Global secondary index {name} does not project [{', '.join(sorted(missing))}]")
    return index


async def _reply(
    dynamo: Dynamo, request: Query | Scan, page: Page, condition: Matcher | None, tree: Tree | None
) -> dict[str, Any]:
    config = page.collection.config
    index = None if request.IndexName is None else find_index(config, request.IndexName)
    found: Sequence[Document] = page.documents
    consistent = bool(request.ConsistentRead)
    fetched = 0.0
    if index is not None and not projects_all(index):
        # A local index fetches from the table what it hasn't itself, and each item is read from there on its own
        # (Developer Guide, "Local secondary indexes: Provisioned throughput considerations").
        names = projected_names(config, index)
        fetches = is_local(index) and (
            request.Select == "ALL_ATTRIBUTES" or (tree is not None and not names.issuperset(map(str, tree)))
        )
        entries = [_projected(config, index, document) for document in found]
        size = sum(size_of(document.fields) for document in entries)
        if fetches:
            fetched = sum(read_units(document.size, consistent=consistent) for document in found)
        else:
            found = entries
    else:
        size = sum([document.size for document in found])
    units = read_units(size, consistent=consistent)
    if dynamo.strict:
        await count_read(dynamo, (page.collection.scope, page.collection.name), units + fetched, index)
    matching = found if condition is None else [document for document in found if condition(document.fields)]
    reply: dict[str, Any] = {"Count": len(matching), "ScannedCount": len(found)}
    if request.Select != "COUNT":
        if tree is None:
            reply["Items"] = list(map(show_document, matching))
        else:
            reply["Items"] = [write_attributes(project(document.fields, tree)) for document in matching]
    if not page.ended:
        names_of_key = config.key_names if index is None else dict.fromkeys((*index.key_names, *config.key_names))
        reply["LastEvaluatedKey"] = show_part(page.documents[-1], names_of_key)
    return reply | consumed(request.TableName, units, request.ReturnConsumedCapacity, index, fetched)


def _projected(config: CollectionConfig, index: Index, document: Document) -> Document:
    """Return what an index has of an item."""
    return Document(document.size, project_to(config, index, document.fields))


OPERATIONS: Final = (query, scan)
