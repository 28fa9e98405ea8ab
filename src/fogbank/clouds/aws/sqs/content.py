"""The content of messages: what SQS accepts, and how it is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Input
from fogbank.clouds.aws.sqs.checksums import attributes_md5, body_md5
from fogbank.clouds.aws.sqs.errors import invalid, missing
from fogbank.clouds.aws.sqs.receipts import write_receipt
from fogbank.engines.messaging.model import Attribute
from fogbank.kernel.clock import MILLISECOND_US
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fogbank.engines.messaging.model import Received

ATTRIBUTES_MAX: Final = 10
SENDER: Final = "SenderId"
TRACE: Final = "AWSTraceHeader"
# Amazon SQS API Reference, "SendMessage": #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_GROUP: Final = re.compile(r"[!-~]{1,128}")


class MessageAttribute(Input):
    """A message attribute as it is sent."""

    DataType: str
    StringValue: str | None = None
    BinaryValue: bytes | None = None


def check_body(body: str) -> None:
    """Refuse an empty body, and characters that aren't allowed."""
    if not body:
        raise missing("MessageBody")
    if not body.isprintable() and (match := _FORBIDDEN.search(body)):
        raise AwsError(
            "InvalidMessageContents",
            f"Invalid binary character '#x{ord(match[0]):X}' was found in the message body, the set of allowed"
            " characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.",
        )


def check_group(value: str, parameter: str) -> str:
    """Refuse a message group id or deduplication id that isn't 1 to 128 printable characters."""
    if not _GROUP.fullmatch(value):
        raise invalid(
            f"Value {value} for parameter {parameter} is invalid. Reason: {parameter} can only include alphanumeric"
            " and punctuation characters. 1 to 128 in length."
        )
    return value


def read_attributes(sent: Mapping[str, MessageAttribute] | None) -> dict[str, Attribute]:
    """Check message attributes and take them over."""
    if not sent:
        return {}
    if len(sent) > ATTRIBUTES_MAX:
        raise invalid(f"Number of message attributes [{len(sent)}] exceeds the allowed maximum [{ATTRIBUTES_MAX}].")
    return {name: _read_attribute(name, attribute) for name, attribute in sent.items()}


def _read_attribute(name: str, sent: MessageAttribute) -> Attribute:
    if not _NAME.fullmatch(name) or len(name) > 256 or name.lower().startswith(("aws.", "amazon.")):
        raise invalid(
            f"Message attribute name '{name}' is invalid: it can contain A-Z, a-z, 0-9, underscore, hyphen and period,"
            " must not start with AWS. or Amazon., and is 1 to 256 characters long."
        )
    kind = sent.DataType.partition(".")[0]
    if kind not in ("String", "Number", "Binary"):
        raise invalid(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes"
            " is Binary, Number, and String."
        )
    value = sent.BinaryValue if kind == "Binary" else sent.StringValue
    if not value:
        raise invalid(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type"
            f" '{kind}'."
        )
    if kind == "Number" and (not isinstance(value, str) or not _NUMBER.fullmatch(value)):
        raise invalid(f"Can't cast the value of message attribute '{name}' to a number.")
    if isinstance(value, bytes):
        return Attribute(sent.DataType, value, binary=True)
    return Attribute(sent.DataType, value.encode())


def size_of(body: bytes, attributes: Mapping[str, Attribute]) -> int:
    """Return what a message counts against the limits: body, and names, types and values of attributes; bytes."""
    size = len(body)
    for name, attribute in attributes.items():
        size += len(name.encode()) + len(attribute.type.encode()) + len(attribute.value)
    return size


def show(
    received: Received, *, system: Iterable[str], attributes: Iterable[str], source: Callable[[int], str | None]
) -> dict[str, Any]:
    """Return a received message with the attributes that were asked for.

    `source` gives the ARN of the queue that dead-lettered a message.
    """
    message = received.message
    shown: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": write_receipt(received.handle),
        "MD5OfBody": body_md5(message.body),
        "Body": message.body.decode("utf-8", "replace"),
    }
    if system:
        known = system_attributes(received, source)
        wanted = known if "All" in system else {name: known[name] for name in system if name in known}
        if wanted:
            shown["Attributes"] = wanted
    if attributes and message.attributes:
        chosen = {name: value for name, value in message.attributes.items() if _matches(name, attributes)}
        if chosen:
            shown["MessageAttributes"] = {name: show_attribute(value) for name, value in chosen.items()}
            shown["MD5OfMessageAttributes"] = attributes_md5(chosen)
    return shown


def show_attribute(attribute: Attribute) -> dict[str, Any]:
    """Return a message attribute as SQS shows it."""
    if attribute.binary:
        return {"BinaryValue": attribute.value, "DataType": attribute.type}
    return {"StringValue": attribute.value.decode(), "DataType": attribute.type}


def system_attributes(received: Received, source: Callable[[int], str | None]) -> dict[str, str]:
    """Return what SQS itself says of a message."""
    message = received.message
    known = {
        "SenderId": message.system.get(SENDER, ""),
        "ApproximateFirstReceiveTimestamp": str(received.first_us // MILLISECOND_US),
        "ApproximateReceiveCount": str(received.receives),
        "SentTimestamp": str(received.sent_us // MILLISECOND_US),
    }
    if TRACE in message.system:
        known[TRACE] = message.system[TRACE]
    if message.ordering_key:
        known["MessageGroupId"] = message.ordering_key
    if message.dedup_id:
        known["SequenceNumber"] = sequence_number(received.handle.message)
        known["MessageDeduplicationId"] = message.dedup_id
    if received.origin:
        arn = source(received.origin)
        if arn is not None:
            known["DeadLetterQueueSourceArn"] = arn
    return known


def sequence_number(sequence: int) -> str:
    """Return a sequence number as SQS writes them: 20 digits."""
    return f"{sequence:020d}"


def _matches(name: str, patterns: Iterable[str]) -> bool:
    for pattern in patterns:
        if pattern in ("All", ".*", name):
            return True
        if pattern.endswith(".*") and name.startswith(pattern[:-1]):
            return True
    return False
