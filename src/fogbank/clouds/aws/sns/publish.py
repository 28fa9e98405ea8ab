"""Amazon SNS's Publish and PublishBatch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.sns import mail
from fogbank.clouds.aws.sns.content import (
    MESSAGE_BYTES_MAX,
    MessageAttribute,
    by_protocol,
    check_subject,
    read_attributes,
    size_of,
)
from fogbank.clouds.aws.sns.couriers import MAIL_COURIER
from fogbank.clouds.aws.sns.envelopes import Published
from fogbank.clouds.aws.sns.errors import ERRORS, batch_error, invalid
from fogbank.clouds.aws.sns.push import delivering, messages
from fogbank.clouds.aws.sns.push.records import read_endpoint_arn
from fogbank.clouds.aws.sns.service import FIFO_SUFFIX, Sns, read_topic
from fogbank.clouds.aws.sns.sms.settings import ATTRIBUTE, TYPE
from fogbank.clouds.aws.sqs.content import sequence_number
from fogbank.engines.messaging import publishing
from fogbank.engines.messaging.delivery_model import MAIL, Delivery
from fogbank.engines.messaging.model import Message
from fogbank.engines.messaging.publishing import Publication
from fogbank.engines.outbox import choices, outbox
from fogbank.kernel.errors import EngineError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.engines.messaging.dedup import Sent
    from fogbank.engines.messaging.model import Attribute, Name
    from fogbank.engines.outbox.outbox import Mail
    from fogbank.storage import Tx

ENTRIES_MAX: Final = 10
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_KEY: Final = re.compile(r"[!-~]{1,128}")


class Publish(Input):
    """Input of Publish."""

    Message: str
    TopicArn: str | None = None
    TargetArn: str | None = None
    PhoneNumber: str | None = None
    Subject: str | None = None
    MessageStructure: str | None = None
    MessageAttributes: dict[str, MessageAttribute] | None = None
    MessageDeduplicationId: str | None = None
    MessageGroupId: str | None = None


@operation(Publish)
async def publish(sns: Sns, call: Call, request: Publish) -> Reply:
    """Publish a message to all that have subscribed to a topic, or send it to a phone number or an endpoint."""
    if sum(each is not None for each in (request.TopicArn, request.TargetArn, request.PhoneNumber)) > 1:
        raise invalid("TopicArn, TargetArn and PhoneNumber exclude each other")
    if request.PhoneNumber is not None:
        return await _send_text(sns, call, request, request.PhoneNumber)
    arn = request.TopicArn or request.TargetArn
    if arn is None:
        raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
    if request.TargetArn is not None and ":endpoint/" in arn:
        return await _push(sns, request, arn)
    name = read_topic(arn, "TopicArn" if request.TopicArn else "TargetArn")
    publication, _size = _prepare(sns, call, name, arn, request)
    (outcome,) = await sns.store.run(publishing.publish, name, [publication], sns.ids.sequence)
    if isinstance(outcome, EngineError):
        raise outcome
    return _acknowledgement(outcome, fifo=name[1].endswith(FIFO_SUFFIX))


async def _send_text(sns: Sns, call: Call, request: Publish, number: str) -> Reply:
    """Send a text message to a phone number."""
    if not mail.PHONE_NUMBER.fullmatch(number):
        raise invalid(f"PhoneNumber Reason: {number} is not valid to publish to")
    attributes = _read_unordered(request, "phone numbers")
    texts = by_protocol(request.Message, request.MessageStructure)
    text = texts.get("sms", texts["default"])
    if len(text) > mail.SMS_CHARS_MAX:
        raise invalid("Message too long")
    mail.check_attributes(attributes)
    message_id, now_us = sns.ids.uuid(), sns.clock.now()
    message = mail.text_message(number, text, call.scope, attributes, {"id": message_id})
    await sns.store.run(_queue_text, message, sns.ids.sequence(), now_us)
    return {"MessageId": message_id}


def _read_unordered(request: Publish, kind: str) -> dict[str, Attribute]:
    """Check what is sent to one recipient, and return its attributes."""
    for parameter in ("MessageGroupId", "MessageDeduplicationId"):
        if getattr(request, parameter) is not None:
            raise invalid(f"{parameter} Reason: it is not valid for {kind}")
    if not request.Message:
        raise invalid("Empty message")
    return read_attributes(request.MessageAttributes)


async def _push(sns: Sns, request: Publish, arn: str) -> Reply:
    """Send a notification to an endpoint."""
    place, _number = read_endpoint_arn(arn, "TargetArn")
    if request.Subject is not None:
        check_subject(request.Subject)
    attributes = _read_unordered(request, "endpoints")
    texts = by_protocol(request.Message, request.MessageStructure, place.platform)
    message_id = sns.ids.uuid()
    notification = messages.notification(arn, texts, attributes, {"id": message_id})
    messages.check(notification)
    await sns.store.run(delivering.send, notification, sns.ids.sequence())
    return {"MessageId": message_id}


async def _queue_text(tx: Tx, now_us: int, message: Mail, sequence: int, first_us: int) -> None:
    whole = mail.with_type(message, await choices.find(tx, now_us, message.scope, ATTRIBUTE, TYPE))
    delivery = Delivery(MAIL, f"sms:{message.recipient}", outbox.encode(whole), courier=MAIL_COURIER, first_us=first_us)
    await publishing.enqueue(tx, now_us, sequence, delivery)


class PublishBatchRequestEntry(Input):
    """One message of a batch."""

    Id: str
    Message: str
    Subject: str | None = None
    MessageStructure: str | None = None
    MessageAttributes: dict[str, MessageAttribute] | None = None
    MessageDeduplicationId: str | None = None
    MessageGroupId: str | None = None


class PublishBatch(Input):
    """Input of PublishBatch."""

    TopicArn: str
    PublishBatchRequestEntries: list[PublishBatchRequestEntry]


@operation(PublishBatch)
async def publish_batch(sns: Sns, call: Call, request: PublishBatch) -> Reply:
    """Publish up to ten messages, each of which succeeds or fails by itself."""
    entries = request.PublishBatchRequestEntries
    _check_entries(entries)
    name = read_topic(request.TopicArn)
    fifo = name[1].endswith(FIFO_SUFFIX)
    failed: list[dict[str, Any]] = []
    prepared: list[tuple[str, Publication]] = []
    total = 0
    for entry in entries:
        try:
            publication, size = _prepare(sns, call, name, request.TopicArn, entry)
        except AwsError as error:
            failed.append(_failure(entry.Id, error))
        else:
            prepared.append((entry.Id, publication))
            total += size
    if total > MESSAGE_BYTES_MAX:
        raise batch_error("BatchRequestTooLong", "The length of all the messages put together is more than the limit.")
    outcomes = await sns.store.run(publishing.publish, name, [each for _, each in prepared], sns.ids.sequence)
    successful = []
    for (entry_id, _), outcome in zip(prepared, outcomes, strict=True):
        if isinstance(outcome, EngineError):
            failed.append(_failure(entry_id, ERRORS[type(outcome)](outcome)))
        else:
            successful.append({"Id": entry_id, **_acknowledgement(outcome, fifo=fifo)})
    return {"Successful": successful, "Failed": failed}


def _prepare(sns: Sns, call: Call, name: Name, arn: str, request: Any) -> tuple[Publication, int]:
    """Check what is to be published, and say how each subscription gets it."""
    fifo = name[1].endswith(FIFO_SUFFIX)
    if not request.Message:
        raise invalid("Empty message")
    if request.Subject is not None:
        check_subject(request.Subject)
    attributes = read_attributes(request.MessageAttributes)
    size = size_of(request.Message, request.Subject, attributes)
    if size > MESSAGE_BYTES_MAX:
        raise invalid("Message too long")
    texts = by_protocol(request.Message, request.MessageStructure)
    group, dedup = _ordering(request, fifo=fifo)
    number, sequence, now_us = sns.ids.uuid(), sns.ids.sequence(), sns.clock.now()
    published = Published(
        number,
        arn,
        texts,
        request.Subject,
        attributes,
        call.origin,
        call.account,
        now_us,
        sequence if fifo else None,
        call.trace,
    )
    message = Message(number, texts["default"].encode(), {}, group, dedup)
    return Publication(message, sequence, published.render, published.as_cloud_event), size


def _ordering(request: Any, *, fifo: bool) -> tuple[str, str]:
    """Return the group and deduplication id of a message; of a standard topic's, queues take the group as a tenant."""
    group, dedup = request.MessageGroupId, request.MessageDeduplicationId
    if not fifo:
        if dedup is not None:
            raise invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is"
                " not valid for this topic type"
            )
    elif group is None:
        raise invalid("The MessageGroupId parameter is required for FIFO topics")
    for parameter, value in (("MessageGroupId", group), ("MessageDeduplicationId", dedup)):
        if value is not None and not _KEY.fullmatch(value):
            raise invalid(f"{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.")
    return group or "", dedup or ""


def _acknowledgement(sent: Sent, *, fifo: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"MessageId": sent.id}
    if fifo:
        told["SequenceNumber"] = sequence_number(sent.sequence)
    return told


def _check_entries(entries: list[PublishBatchRequestEntry]) -> None:
    if not entries:
        raise batch_error("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(entries) > ENTRIES_MAX:
        raise batch_error("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
    seen = set()
    for entry in entries:
        if not _ID.fullmatch(entry.Id):
            msg = "The Id of a batch entry in a batch request doesn't abide by the specification."
            raise batch_error("InvalidBatchEntryId", msg)
        if entry.Id in seen:
            msg = "Two or more batch entries in the request have the same Id."
            raise batch_error("BatchEntryIdsNotDistinct", msg)
        seen.add(entry.Id)


def _failure(entry_id: str, error: AwsError) -> dict[str, Any]:
    return {"Id": entry_id, "Code": error.code, "Message": error.message, "SenderFault": not error.server}


OPERATIONS: Final = (publish, publish_batch)
