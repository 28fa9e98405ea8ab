"""Amazon SQS operations on single messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.sqs.attributes import DELAY_SECONDS, LEASE_SECONDS, WAIT_SECONDS
from fogbank.clouds.aws.sqs.checksums import attributes_md5, body_md5
from fogbank.clouds.aws.sqs.content import (
    SENDER,
    TRACE,
    MessageAttribute,
    check_body,
    check_group,
    read_attributes,
    sequence_number,
    show,
    size_of,
)
from fogbank.clouds.aws.sqs.errors import expired_receipt, invalid, invalid_value, missing
from fogbank.clouds.aws.sqs.names import FIFO_SUFFIX, queue_arn
from fogbank.clouds.aws.sqs.quotas import over_limit
from fogbank.clouds.aws.sqs.receipts import read_receipt
from fogbank.clouds.aws.sqs.service import Sqs, queue_of
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.messages import Send
from fogbank.engines.messaging.model import Attribute, Message
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.limits import Limit
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.engines.messaging.dedup import Sent
    from fogbank.engines.messaging.model import Handle, Name, Received

RECEIVE: Final = Limit("MaxNumberOfMessages", 1, 10, "messages")
_SYSTEM_NAMES: Final = frozenset({
    "All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
    "SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
})  # fmt: skip


class SendMessage(Input):
    """Input of SendMessage."""

    QueueUrl: str
    MessageBody: str
    DelaySeconds: int | None = None
    MessageAttributes: dict[str, MessageAttribute] | None = None
    MessageSystemAttributes: dict[str, MessageAttribute] | None = None
    MessageDeduplicationId: str | None = None
    MessageGroupId: str | None = None


@operation(SendMessage)
async def send_message(sqs: Sqs, call: Call, request: SendMessage) -> Reply:
    """Send one message."""
    name = queue_of(call, request.QueueUrl)
    outgoing = prepare(sqs, call, name, request)
    (sent,) = await sqs.store.run(messages.send, name, [outgoing])
    traced = bool(request.MessageSystemAttributes)
    return acknowledgement(outgoing.message, sent, fifo=name[1].endswith(FIFO_SUFFIX), traced=traced)


class ReceiveMessage(Input):
    """Input of ReceiveMessage."""

    QueueUrl: str
    AttributeNames: list[str] | None = None
    MessageSystemAttributeNames: list[str] | None = None
    MessageAttributeNames: list[str] | None = None
    MaxNumberOfMessages: int = 1
    VisibilityTimeout: int | None = None
    WaitTimeSeconds: int | None = None


@operation(ReceiveMessage)
async def receive_message(sqs: Sqs, call: Call, request: ReceiveMessage) -> Reply:
    """Receive up to ten messages, waiting for the first if asked to."""
    name = queue_of(call, request.QueueUrl)
    count, wait, lease = request.MaxNumberOfMessages, request.WaitTimeSeconds, request.VisibilityTimeout
    if not RECEIVE.allows(count):
        raise invalid_value(count, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
    if wait is not None and not WAIT_SECONDS.allows(wait):
        raise invalid_value(wait, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
    if lease is not None:
        check_lease(lease)
    system = [*(request.AttributeNames or ()), *(request.MessageSystemAttributeNames or ())]
    for attribute in system:
        if attribute not in _SYSTEM_NAMES:
            raise AwsError("InvalidAttributeName", f"Unknown Attribute {attribute}.")
    room = await sqs.in_flight.room(name)
    if not room:
        if name[1].endswith(FIFO_SUFFIX):
            return {}
        raise over_limit(name)
    receipt = await sqs.receiver.receive(name, min(count, room), lease, wait)
    if not receipt.messages:
        return {}
    sqs.in_flight.took(name, len(receipt.messages))
    sources = await _sources(sqs, receipt.messages)
    wanted = request.MessageAttributeNames or ()
    return {"Messages": [show(each, system=system, attributes=wanted, source=sources.get) for each in receipt.messages]}


class DeleteMessage(Input):
    """Input of DeleteMessage."""

    QueueUrl: str
    ReceiptHandle: str


@operation(DeleteMessage)
async def delete_message(sqs: Sqs, call: Call, request: DeleteMessage) -> Reply:
    """Delete a received message; one that is gone already counts as deleted."""
    name = queue_of(call, request.QueueUrl)
    deleted = await sqs.store.run(messages.acknowledge, name, read_receipt(request.ReceiptHandle))
    if not deleted and name[1].endswith(FIFO_SUFFIX):
        raise expired_receipt(request.ReceiptHandle)
    return None


class ChangeMessageVisibility(Input):
    """Input of ChangeMessageVisibility."""

    QueueUrl: str
    ReceiptHandle: str
    VisibilityTimeout: int


@operation(ChangeMessageVisibility)
async def change_message_visibility(sqs: Sqs, call: Call, request: ChangeMessageVisibility) -> Reply:
    """Let a message become visible that many seconds from now."""
    name = queue_of(call, request.QueueUrl)
    handle = read_receipt(request.ReceiptHandle)
    check_extension(sqs, handle, request.VisibilityTimeout)
    await sqs.store.run(messages.extend, name, handle, request.VisibilityTimeout)
    return None


def prepare(sqs: Sqs, call: Call, name: Name, request: Any) -> Send:
    """Check what SendMessage, or an entry of its batch, is asked to send.

    The limits that depend on the queue's own configuration are checked by the engine.
    """
    fifo = name[1].endswith(FIFO_SUFFIX)
    check_body(request.MessageBody)
    body = request.MessageBody.encode()
    attributes = read_attributes(request.MessageAttributes)
    size = size_of(body, attributes)
    delay = request.DelaySeconds
    if delay is not None and not DELAY_SECONDS.allows(delay):
        raise invalid_value(delay, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
    group, dedup = _ordering(request, fifo=fifo)
    if fifo and delay:
        reason = "The request include parameter that is not valid for this queue type."
        raise invalid_value(delay, "DelaySeconds", reason)
    system = {SENDER: call.account}
    for key, value in (request.MessageSystemAttributes or {}).items():
        if key != TRACE:
            raise invalid(f"Message system attribute name '{key}' is invalid.")
        if value.DataType != "String" or not value.StringValue:
            raise invalid(f"The message system attribute '{key}' must be a non-empty String.")
        system[TRACE] = value.StringValue
    if call.trace:
        system.setdefault(TRACE, call.trace)
    message = Message(sqs.ids.uuid(), body, attributes, group, dedup, system)
    return Send(message, sqs.ids.sequence(), None if fifo else delay, size)


def _ordering(request: Any, *, fifo: bool) -> tuple[str, str]:
    """Return the group and deduplication id of a message to a FIFO queue, nothing for a standard one."""
    group, dedup = request.MessageGroupId, request.MessageDeduplicationId
    if fifo:
        if group is None:
            raise missing("MessageGroupId")
        check_group(group, "MessageGroupId")
        return group, "" if dedup is None else check_group(dedup, "MessageDeduplicationId")
    if dedup is not None:
        reason = "The request include parameter that is not valid for this queue type."
        raise invalid_value(dedup, "MessageDeduplicationId", reason)
    if group is not None:
        # Fair queues: a standard queue's groups are tenants.
        return check_group(group, "MessageGroupId"), ""
    return "", ""


def acknowledgement(message: Message, sent: Sent, *, fifo: bool, traced: bool) -> dict[str, Any]:
    """Return what the sender of a message is told; `traced` if it gave the trace among the parameters."""
    told: dict[str, Any] = {"MessageId": sent.id, "MD5OfMessageBody": body_md5(message.body)}
    if message.attributes:
        told["MD5OfMessageAttributes"] = attributes_md5(message.attributes)
    if traced:
        told["MD5OfMessageSystemAttributes"] = attributes_md5(
            {TRACE: Attribute("String", message.system[TRACE].encode())}
        )
    if fifo:
        told["SequenceNumber"] = sequence_number(sent.sequence)
    return told


def check_lease(seconds: int) -> None:
    """Refuse a visibility timeout that SQS doesn't allow."""
    if not LEASE_SECONDS.allows(seconds):
        raise invalid_value(seconds, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")


def check_extension(sqs: Sqs, handle: Handle, seconds: int) -> None:
    """Refuse to extend a lease beyond twelve hours from when the message was received."""
    check_lease(seconds)
    held_us = sqs.clock.now() - sqs.ids.moment(handle.token)
    if held_us + seconds * SECOND_US > LEASE_SECONDS.high * SECOND_US + SECOND_US:
        limit = LEASE_SECONDS.high
        reason = f"Total VisibilityTimeout for the message is beyond the limit [{limit} seconds]."
        raise invalid_value(seconds, "VisibilityTimeout", reason)


async def _sources(sqs: Sqs, received: list[Received]) -> dict[int, str]:
    """Return the ARNs of the queues that dead-lettered messages."""
    found = {}
    for origin in {each.origin for each in received if each.origin}:
        queue = await sqs.store.read(queues.find_by_id, origin)
        if queue is not None:
            found[origin] = queue_arn(queue)
    return found


OPERATIONS: Final = (change_message_visibility, delete_message, receive_message, send_message)
