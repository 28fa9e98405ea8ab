"""Amazon SQS operations on message move tasks: dead letters go back to where they came from, or elsewhere.

Amazon SQS API Reference, "StartMessageMoveTask", "ListMessageMoveTasks", "CancelMessageMoveTask".
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.sqs.errors import invalid, invalid_value
from fogbank.clouds.aws.sqs.names import scope_arn
from fogbank.engines.messaging import queues
from fogbank.engines.messaging.errors import MoveNotFoundError, MoveRunningError, QueueNotFoundError
from fogbank.engines.messaging.whole_queues import moves
from fogbank.engines.messaging.whole_queues.moves import RUNNING
from fogbank.kernel.clock import MILLISECOND_US
from fogbank.kernel.limits import Limit
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.sqs.service import Sqs
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.whole_queues.moves import Move

RATE: Final = Limit("MaxNumberOfMessagesPerSecond", 1, 500, "messages per second")
RESULTS: Final = Limit("MaxResults", 1, 10, "tasks")


class StartMessageMoveTask(Input):
    """Input of StartMessageMoveTask."""

    SourceArn: str
    DestinationArn: str | None = None
    MaxNumberOfMessagesPerSecond: int | None = None


@operation(StartMessageMoveTask)
async def start_message_move_task(sqs: Sqs, call: Call, request: StartMessageMoveTask) -> Reply:
    """Begin to move a dead-letter queue's messages."""
    del call
    source = await _find(sqs, request.SourceArn, "SourceArn")
    target = None if request.DestinationArn is None else await _find(sqs, request.DestinationArn, "DestinationArn")
    if not await sqs.store.read(queues.dead_letter_sources, source[0], source, "", 1):
        raise invalid("Source queue must be configured as a Dead Letter Queue.")
    if target == source:
        raise invalid("Source queue and destination queue must not be the same.")
    rate = request.MaxNumberOfMessagesPerSecond
    if rate is not None and not RATE.allows(rate):
        raise invalid_value(rate, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
    waiting = await sqs.store.scan(queues.counts, source)
    number = sqs.ids.uuid()
    try:
        await sqs.store.run(moves.start, number, source, target, rate or 0, waiting.visible)
    except MoveRunningError:
        text = (
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
        raise AwsError("UnsupportedOperation", text, query_code="AWS.SimpleQueueService.UnsupportedOperation") from None
    return {"TaskHandle": _write_handle(number, request.SourceArn)}


class ListMessageMoveTasks(Input):
    """Input of ListMessageMoveTasks."""

    SourceArn: str
    MaxResults: int | None = None


@operation(ListMessageMoveTasks)
async def list_message_move_tasks(sqs: Sqs, call: Call, request: ListMessageMoveTasks) -> Reply:
    """Return a queue's latest move tasks."""
    del call
    source = await _find(sqs, request.SourceArn, "SourceArn")
    limit = 1 if request.MaxResults is None else request.MaxResults
    if not RESULTS.allows(limit):
        raise invalid_value(limit, "MaxResults", "Must be between 1 and 10, if provided.")
    found = await sqs.store.read(moves.list_moves, source, limit)
    return {"Results": [_show(move) for move in found]}


class CancelMessageMoveTask(Input):
    """Input of CancelMessageMoveTask."""

    TaskHandle: str


@operation(CancelMessageMoveTask)
async def cancel_message_move_task(sqs: Sqs, call: Call, request: CancelMessageMoveTask) -> Reply:
    """End a move task; what it moved stays where it is."""
    del call
    try:
        move = await sqs.store.run(moves.cancel, _read_handle(request.TaskHandle))
    except MoveNotFoundError:
        raise _not_found("Task does not exist, or is not running.") from None
    return {"ApproximateNumberOfMessagesMoved": move.moved}


async def _find(sqs: Sqs, text: str, parameter: str) -> Name:
    arn = parse_arn(text)
    if arn is None or arn.service != "sqs":
        raise invalid_value(text, parameter, "You must use this format to specify the ARN: arn:aws:sqs:REGION:ID:NAME.")
    try:
        queue = await sqs.store.read(queues.find, (arn.scope, arn.resource))
    except QueueNotFoundError:
        raise _not_found(f"The resource that you specified for the {parameter} parameter doesn't exist.") from None
    return queue.scope, queue.name


def _not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message, 404)


def _show(move: Move) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Status": move.status,
        "SourceArn": scope_arn(move.scope, move.source),
        "ApproximateNumberOfMessagesMoved": move.moved,
        "ApproximateNumberOfMessagesToMove": move.to_move,
        "StartedTimestamp": move.started_us // MILLISECOND_US,
    }
    if move.status == RUNNING:
        shown["TaskHandle"] = _write_handle(move.id, shown["SourceArn"])
    if move.target:
        shown["DestinationArn"] = scope_arn(move.target_scope, move.target)
    if move.per_second:
        shown["MaxNumberOfMessagesPerSecond"] = move.per_second
    if move.failure:
        shown["FailureReason"] = move.failure
    return shown


def _write_handle(number: str, source: str) -> str:
    return b64encode(msgspec.json.encode({"taskId": number, "sourceArn": source})).decode()


def _read_handle(text: str) -> str:
    try:
        return str(msgspec.json.decode(b64decode(text, validate=True), type=dict[str, str])["taskId"])
    except (Base64Error, ValueError, KeyError, msgspec.DecodeError):
        raise invalid_value(text, "TaskHandle", "It is not a task handle.") from None


OPERATIONS: Final = (cancel_message_move_task, list_message_move_tasks, start_message_move_task)
