"""The events that Lambda hands to functions for other services."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import msgspec

from fogbank.clouds.aws.lambda_.mappings.criteria import is_wanted
from fogbank.clouds.aws.sqs.checksums import attributes_md5, body_md5
from fogbank.clouds.aws.sqs.content import system_attributes
from fogbank.clouds.aws.sqs.names import queue_arn
from fogbank.clouds.aws.sqs.receipts import write_receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.engines.functions.model import Trigger
    from fogbank.engines.messaging.model import Attribute, Queue, Received


def sqs_event(_trigger: Trigger, queue: Queue, batch: Sequence[Received]) -> bytes:
    """Return the event of a batch from a queue ("Using Lambda with Amazon SQS", "Example Amazon SQS message event")."""
    return msgspec.json.encode({"Records": [sqs_record(queue, received) for received in batch]})


def sqs_wanted(trigger: Trigger, queue: Queue, batch: Sequence[Received]) -> list[Received]:
    """Return the messages that the mapping's filters let through."""
    return [received for received in batch if is_wanted(trigger.config.filters, sqs_record(queue, received))]


def sqs_record(queue: Queue, received: Received) -> dict[str, Any]:
    """Return a message as functions and pipes get it."""
    message = received.message
    record: dict[str, Any] = {
        "messageId": message.id,
        "receiptHandle": write_receipt(received.handle),
        "body": message.body.decode("utf-8", "replace"),
        "attributes": system_attributes(received, lambda _: None),
        "messageAttributes": {name: _attribute(value) for name, value in message.attributes.items()},
        "md5OfBody": body_md5(message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn(queue),
        "awsRegion": queue.scope.rpartition("/")[2],
    }
    if message.attributes:
        record["md5OfMessageAttributes"] = attributes_md5(message.attributes)
    return record


def _attribute(attribute: Attribute) -> dict[str, Any]:
    shown: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": attribute.type}
    if attribute.binary:
        shown["binaryValue"] = b64encode(attribute.value).decode()
    else:
        shown["stringValue"] = attribute.value.decode()
    return shown
