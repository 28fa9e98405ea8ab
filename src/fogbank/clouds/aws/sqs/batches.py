"""Amazon SQS operations on batches of up to ten entries, each of which succeeds or fails by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.sqs.attributes import MESSAGE_BYTES_MAX
from fogbank.clouds.aws.sqs.content import MessageAttribute
from fogbank.clouds.aws.sqs.errors import ERRORS, batch_error, expired_receipt
from fogbank.clouds.aws.sqs.messages import acknowledgement, check_extension, prepare
from fogbank.clouds.aws.sqs.names import FIFO_SUFFIX
from fogbank.clouds.aws.sqs.receipts import read_receipt
from fogbank.clouds.aws.sqs.service import Sqs, queue_of
from fogbank.engines.messaging import messages
from fogbank.kernel.errors import EngineError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.engines.messaging.messages import Send

ENTRIES_MAX: Final = 10
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")


class _Entry(Protocol):
    @property
    def Id(self) -> str: ...  # noqa: N802 - the cloud's name


class SendMessageBatchEntry(Input):
    """One message of a batch."""

    Id: str
    MessageBody: str
    DelaySeconds: int | None = None
    MessageAttributes: dict[str, MessageAttribute] | None = None
    MessageSystemAttributes: dict[str, MessageAttribute] | None = None
    MessageDeduplicationId: str | None = None
    MessageGroupId: str | None = None


class SendMessageBatch(Input):
    """Input of SendMessageBatch."""

    QueueUrl: str
    Entries: list[SendMessageBatchEntry]


@operation(SendMessageBatch)
async def send_message_batch(sqs: Sqs, call: Call, request: SendMessageBatch) -> Reply:
    """Send up to ten messages, one megabyte together."""
    _check_entries(request.Entries, "SendMessageBatchRequestEntry")
    name = queue_of(call, request.QueueUrl)
    fifo = name[1].endswith(FIFO_SUFFIX)
    failed: list[dict[str, Any]] = []
    items: list[Send] = []
    ids: list[str] = []
    for entry in request.Entries:
        try:
            items.append(prepare(sqs, call, name, entry))
            ids.append(entry.Id)
        except AwsError as error:
            failed.append(_failure(entry.Id, error))
    size = sum(item.size for item in items)
    if size > MESSAGE_BYTES_MAX:
        msg = f"Batch requests cannot be longer than {MESSAGE_BYTES_MAX} bytes. You have sent {size} bytes."
        raise batch_error("BatchRequestTooLong", msg)
    successful = []
    traced = {entry.Id: bool(entry.MessageSystemAttributes) for entry in request.Entries}
    outcomes = await sqs.store.run(messages.send_each, name, items)
    for entry_id, item, outcome in zip(ids, items, outcomes, strict=True):
        if isinstance(outcome, EngineError):
            failed.append(_failure(entry_id, _word(outcome)))
        else:
            successful.append(
                {"Id": entry_id, **acknowledgement(item.message, outcome, fifo=fifo, traced=traced[entry_id])}
            )
    return _reply(successful, failed)


class DeleteMessageBatchEntry(Input):
    """One deletion of a batch."""

    Id: str
    ReceiptHandle: str


class DeleteMessageBatch(Input):
    """Input of DeleteMessageBatch."""

    QueueUrl: str
    Entries: list[DeleteMessageBatchEntry]


@operation(DeleteMessageBatch)
async def delete_message_batch(sqs: Sqs, call: Call, request: DeleteMessageBatch) -> Reply:
    """Delete up to ten received messages."""
    _check_entries(request.Entries, "DeleteMessageBatchRequestEntry")
    name = queue_of(call, request.QueueUrl)
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    waiting = []
    for entry in request.Entries:
        try:
            handle = read_receipt(entry.ReceiptHandle)
        except AwsError as error:
            failed.append(_failure(entry.Id, error))
        else:
            waiting.append((entry, sqs.store.run(messages.acknowledge, name, handle)))
    for entry, outcome in waiting:
        try:
            if not await outcome and name[1].endswith(FIFO_SUFFIX):
                failed.append(_failure(entry.Id, expired_receipt(entry.ReceiptHandle)))
            else:
                successful.append({"Id": entry.Id})
        except EngineError as error:
            failed.append(_failure(entry.Id, _word(error)))
    return _reply(successful, failed)


class ChangeMessageVisibilityBatchEntry(Input):
    """One change of a batch."""

    Id: str
    ReceiptHandle: str
    VisibilityTimeout: int = 0


class ChangeMessageVisibilityBatch(Input):
    """Input of ChangeMessageVisibilityBatch."""

    QueueUrl: str
    Entries: list[ChangeMessageVisibilityBatchEntry]


@operation(ChangeMessageVisibilityBatch)
async def change_message_visibility_batch(sqs: Sqs, call: Call, request: ChangeMessageVisibilityBatch) -> Reply:
    """Change when up to ten messages become visible."""
    _check_entries(request.Entries, "ChangeMessageVisibilityBatchRequestEntry")
    name = queue_of(call, request.QueueUrl)
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry in request.Entries:
        try:
            handle = read_receipt(entry.ReceiptHandle)
            check_extension(sqs, handle, entry.VisibilityTimeout)
            await sqs.store.run(messages.extend, name, handle, entry.VisibilityTimeout)
        except AwsError as error:
            failed.append(_failure(entry.Id, error))
        except EngineError as error:
            failed.append(_failure(entry.Id, _word(error)))
        else:
            successful.append({"Id": entry.Id})
    return _reply(successful, failed)


def _check_entries(entries: Sequence[_Entry], kind: str) -> None:
    if not entries:
        raise batch_error("EmptyBatchRequest", f"There should be at least one {kind} in the request.")
    if len(entries) > ENTRIES_MAX:
        msg = f"Maximum number of entries per request are {ENTRIES_MAX}. You have sent {len(entries)}."
        raise batch_error("TooManyEntriesInBatchRequest", msg)
    seen = set()
    for entry in entries:
        if not _ID.fullmatch(entry.Id):
            msg = (
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores."
                " It can be at most 80 letters long."
            )
            raise batch_error("InvalidBatchEntryId", msg)
        if entry.Id in seen:
            raise batch_error("BatchEntryIdsNotDistinct", f"Id {entry.Id} repeated.")
        seen.add(entry.Id)


def _word(error: EngineError) -> AwsError:
    wording = ERRORS.get(type(error))
    if wording is None:
        raise error
    return wording(error)


def _failure(entry_id: str, error: AwsError) -> dict[str, Any]:
    return {"Id": entry_id, "SenderFault": not error.server, "Code": error.code, "Message": error.message}


def _reply(successful: list[dict[str, Any]], failed: list[dict[str, Any]]) -> dict[str, Any]:
    reply: dict[str, Any] = {"Successful": successful}
    if failed:
        reply["Failed"] = failed
    return reply


OPERATIONS: Final = (change_message_visibility_batch, delete_message_batch, send_message_batch)
