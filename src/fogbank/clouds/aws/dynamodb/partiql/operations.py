"""Amazon DynamoDB operations ExecuteStatement, BatchExecuteStatement and ExecuteTransaction (API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.attributes import write_attributes
from fogbank.clouds.aws.dynamodb.errors import ERRORS, validation
from fogbank.clouds.aws.dynamodb.items.cancelling import CODES
from fogbank.clouds.aws.dynamodb.items.transactions import (
    read_as_one,
    request_of,
    units_of_reads,
    units_of_writes,
    write_as_one,
)
from fogbank.clouds.aws.dynamodb.items.writing import NOTHING
from fogbank.clouds.aws.dynamodb.partiql.selecting import Page, key_of, select, show
from fogbank.clouds.aws.dynamodb.partiql.statements import make_ready, read_statement, reads, table_in
from fogbank.clouds.aws.dynamodb.partiql.writes import Prepared, prepare
from fogbank.clouds.aws.dynamodb.settings.throttling import count_read, write_item
from fogbank.clouds.aws.dynamodb.sizes import read_units
from fogbank.clouds.aws.dynamodb.upkeep.write_costs import Costs, costs_of, show_costs
from fogbank.engines.documents import documents
from fogbank.kernel.errors import EngineError
from fogbank.languages.partiql.statements import Exists, Select
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.aws.dynamodb.partiql.statements import Ready
    from fogbank.clouds.aws.dynamodb.service import Dynamo
    from fogbank.engines.documents.documents import Written
    from fogbank.languages.partiql.statements import Statement

_ONE_KIND: Final = "Mixing read and write operations in one request is not supported"
_KEY_IN_BATCH: Final = (
    "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
)
_KEY_IN_TRANSACTION: Final = (
    "Select statements within ExecuteTransaction must specify the primary key in the where clause."
)
_INDEX_IN_TRANSACTION: Final = "Reads on indices are not supported within transactions."
_ONLY_IN_TRANSACTION: Final = "Use of EXISTS is only supported within transactions"


class ExecuteStatement(Input):
    """Input of ExecuteStatement."""

    Statement: str = REQUIRED
    Parameters: list[Any] | None = None
    ConsistentRead: bool | None = None
    NextToken: str | None = None
    ReturnConsumedCapacity: str | None = None
    Limit: int | None = None
    ReturnValuesOnConditionCheckFailure: str | None = None


@operation(ExecuteStatement)
async def execute_statement(dynamo: Dynamo, call: Call, request: ExecuteStatement) -> Reply:
    """Run one statement."""
    statement, bound = read_statement(request.Statement, request.Parameters)
    if isinstance(statement, Exists):
        raise validation(_ONLY_IN_TRANSACTION)
    ready = await make_ready(dynamo, call, statement, bound)
    if reads(statement):
        return await select(dynamo, call, ready, Page(request))
    prepared = prepare(dynamo, ready, request.ReturnValuesOnConditionCheckFailure)
    written = await _write(dynamo, prepared)
    returned = prepared.returned(written)
    reply: dict[str, Any] = {"Items": [] if returned is None else [write_attributes(returned)]}
    wanted = request.ReturnConsumedCapacity
    if wanted is not None and wanted not in NOTHING:
        reply["ConsumedCapacity"] = show_costs(ready.table, costs_of(ready.collection.config, [written]), wanted)
    return reply


class BatchStatementRequest(Input):
    """One statement of several."""

    Statement: str = REQUIRED
    Parameters: list[Any] | None = None
    ConsistentRead: bool | None = None
    ReturnValuesOnConditionCheckFailure: str | None = None


class BatchExecuteStatement(Input):
    """Input of BatchExecuteStatement."""

    Statements: list[BatchStatementRequest] = REQUIRED
    ReturnConsumedCapacity: str | None = None


@operation(BatchExecuteStatement)
async def batch_execute_statement(dynamo: Dynamo, call: Call, request: BatchExecuteStatement) -> Reply:
    """Run up to 25 statements, each by itself: one that fails doesn't keep the others from being run."""
    parsed = [_try_reading(each) for each in request.Statements]
    kinds = {reads(each[0]) for each in parsed if not isinstance(each, AwsError)}
    if len(kinds) > 1:
        raise validation(_ONE_KIND)
    responses = []
    costs: dict[str, Costs] = {}
    for each, one in zip(parsed, request.Statements, strict=True):
        if isinstance(each, AwsError):
            responses.append(_failed(each))
            continue
        try:
            ready = await make_ready(dynamo, call, *each)
            response, cost = await _one_of_batch(dynamo, ready, one)
            costs[ready.table] = cost if ready.table not in costs else costs[ready.table].plus(cost)
        except (AwsError, EngineError) as error:
            response = _failed(error)
        responses.append({"TableName": table_in(each[0]), **response})
    reply: dict[str, Any] = {"Responses": responses}
    wanted = request.ReturnConsumedCapacity
    if wanted is not None and wanted not in NOTHING:
        reply["ConsumedCapacity"] = [show_costs(table, each, wanted) for table, each in costs.items()]
    return reply


class ParameterizedStatement(Input):
    """One statement of a transaction."""

    Statement: str = REQUIRED
    Parameters: list[Any] | None = None
    ReturnValuesOnConditionCheckFailure: str | None = None


class ExecuteTransaction(Input):
    """Input of ExecuteTransaction."""

    TransactStatements: list[ParameterizedStatement] = REQUIRED
    ClientRequestToken: str | None = None
    ReturnConsumedCapacity: str | None = None


@operation(ExecuteTransaction)
async def execute_transaction(dynamo: Dynamo, call: Call, request: ExecuteTransaction) -> Reply:
    """Run up to a hundred statements as one: all of them read, or all write and check."""
    parsed = [read_statement(each.Statement, each.Parameters) for each in request.TransactStatements]
    if len({reads(statement) for statement, _bound in parsed}) > 1:
        raise validation(_ONE_KIND)
    ready = [await make_ready(dynamo, call, *each) for each in parsed]
    if reads(parsed[0][0]):
        return await _read_as_one(dynamo, ready, request)
    prepared = [
        prepare(dynamo, each, one.ReturnValuesOnConditionCheckFailure)
        for each, one in zip(ready, request.TransactStatements, strict=True)
    ]
    repeatable = request_of(call, request.ClientRequestToken, "ExecuteTransaction", request.TransactStatements)
    outcome = await write_as_one(dynamo, [each.write for each in prepared], repeatable)
    returned = [each.returned(written) for each, written in zip(prepared, outcome.written, strict=True)]
    return {
        "Responses": [{} if item is None else {"Item": write_attributes(item)} for item in returned],
        **await units_of_writes(dynamo, call, [each.table for each in ready], outcome, request.ReturnConsumedCapacity),
    }


async def _read_as_one(dynamo: Dynamo, ready: Sequence[Ready], request: ExecuteTransaction) -> dict[str, Any]:
    selects = []
    for each in ready:
        assert isinstance(each.statement, Select)
        if each.statement.index is not None:
            raise validation(_INDEX_IN_TRANSACTION)
        selects.append((each.statement, *key_of(each, each.statement, _KEY_IN_TRANSACTION)))
    wanted = [(each.name, locate) for each, (_, locate, _) in zip(ready, selects, strict=True)]
    found = await read_as_one(dynamo, wanted)
    return {
        "Responses": [
            show(document, statement, rest) for document, (statement, _, rest) in zip(found, selects, strict=True)
        ],
        **units_of_reads([each.table for each in ready], found, request.ReturnConsumedCapacity),
    }


async def _one_of_batch(dynamo: Dynamo, ready: Ready, one: BatchStatementRequest) -> tuple[dict[str, Any], Costs]:
    """Run one statement of a batch; returns its response and what it consumed."""
    statement = ready.statement
    if isinstance(statement, Exists):
        raise validation(_ONLY_IN_TRANSACTION)
    if isinstance(statement, Select):
        locate, rest = key_of(ready, statement, _KEY_IN_BATCH)
        document = await dynamo.store.read(documents.get, ready.name, locate)
        units = read_units(0 if document is None else document.size, consistent=bool(one.ConsistentRead))
        if dynamo.strict:
            await count_read(dynamo, ready.name, units)
        return show(document, statement, rest), Costs(units, {}, {})
    prepared = prepare(dynamo, ready, one.ReturnValuesOnConditionCheckFailure)
    written = await _write(dynamo, prepared)
    returned = prepared.returned(written)
    reply = {} if returned is None else {"Item": write_attributes(returned)}
    return reply, costs_of(ready.collection.config, [written])


async def _write(dynamo: Dynamo, prepared: Prepared) -> Written:
    name, _number, locate, change = prepared.write
    return await write_item(dynamo, name, locate, change)


def _try_reading(one: BatchStatementRequest) -> tuple[Statement, Any] | AwsError:
    try:
        return read_statement(one.Statement, one.Parameters)
    except AwsError as error:
        return error


def _failed(error: AwsError | EngineError) -> dict[str, Any]:
    """Return the response to a statement that failed."""
    worded = error if isinstance(error, AwsError) else ERRORS[type(error)](error)
    if worded.code not in CODES:
        # What isn't wrong with a statement is wrong with the request.
        raise worded
    return {"Error": {"Code": CODES[worded.code], "Message": worded.message, **worded.fields}}


OPERATIONS: Final = (batch_execute_statement, execute_statement, execute_transaction)
