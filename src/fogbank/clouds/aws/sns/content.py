"""What SNS publishes: attributes checked, and the envelope in which subscribers get a message.

Amazon SNS Developer Guide, "Parsing Amazon SNS message formats" and "Amazon SNS message attributes".
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Input
from fogbank.clouds.aws.sns.errors import invalid
from fogbank.engines.messaging.model import Attribute
from fogbank.wire.aws.errors import AwsError
from fogbank.wire.aws.values import write_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

MESSAGE_BYTES_MAX: Final = 262_144
SUBJECT_CHARS_MAX: Final = 100
# What a queue takes; a message with more attributes doesn't reach it raw.
QUEUE_ATTRIBUTES_MAX: Final = 10
# Attributes that are meant for SNS itself, for text messages and mobile endpoints.
_RESERVED: Final = ("AWS.SNS.", "AWS.MM.")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


class MessageAttribute(Input):
    """A message attribute as it is published."""

    DataType: str
    StringValue: str | None = None
    BinaryValue: bytes | None = None


def read_attributes(sent: Mapping[str, MessageAttribute] | None) -> dict[str, Attribute]:
    """Check message attributes and take them over."""
    return {name: _read_attribute(name, attribute) for name, attribute in (sent or {}).items()}


def _read_attribute(name: str, sent: MessageAttribute) -> Attribute:
    reserved = name.lower().startswith(("aws.", "amazon.")) and not name.startswith(_RESERVED)
    if not _NAME.fullmatch(name) or len(name) > 256 or reserved:
        raise invalid(f"MessageAttributes Reason: Invalid attribute name: {name}")
    kind = sent.DataType.partition(".")[0]
    if kind not in ("String", "Number", "Binary"):
        raise _bad_value(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes"
            " is Binary, Number, and String."
        )
    value = sent.BinaryValue if kind == "Binary" else sent.StringValue
    if not value:
        raise _bad_value(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type"
            f" '{sent.DataType}'."
        )
    if isinstance(value, bytes):
        return Attribute(sent.DataType, value, binary=True)
    if kind == "Number":
        try:
            Decimal(value)
        except InvalidOperation:
            raise _bad_value(f"Could not cast message attribute '{name}' value to number.") from None
    return Attribute(sent.DataType, value.encode())


def _bad_value(message: str) -> AwsError:
    return AwsError("ParameterValueInvalid", message)


def size_of(message: str, subject: str | None, attributes: Mapping[str, Attribute]) -> int:
    """Return what a message counts against the limit, in bytes."""
    size = len(message.encode()) + len((subject or "").encode())
    for name, attribute in attributes.items():
        size += len(name.encode()) + len(attribute.type.encode()) + len(attribute.value)
    return size


def check_subject(subject: str) -> None:
    """Refuse a subject that SNS doesn't take."""
    if not subject or len(subject) > SUBJECT_CHARS_MAX or not subject.isprintable() or not subject.isascii():
        raise invalid("Subject")


def by_protocol(message: str, structure: str | None, platform: str = "") -> dict[str, str]:
    """Return the texts by protocol of a message, `default` for all others.

    What is for one endpoint needs no default, if there is a text for its platform.
    """
    if structure is None:
        return {"default": message}
    if structure != "json":
        raise invalid("Invalid MessageStructure")
    try:
        texts = msgspec.json.decode(message)
    except msgspec.DecodeError:
        raise invalid("Message Structure - JSON message body failed to parse") from None
    wanted = ("default", platform) if platform else ("default",)
    if not isinstance(texts, dict) or not any(isinstance(texts.get(name), str) for name in wanted):
        raise invalid(
            f"JSON must contain an entry for 'default' or '{platform}'."
            if platform
            else "Message Structure - No default entry in JSON message body"
        )
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def show_attributes(attributes: Mapping[str, Attribute]) -> dict[str, dict[str, Any]]:
    """Return attributes as envelopes show them; binary values in base64."""
    return {
        name: {"Type": each.type, "Value": each.value if each.binary else each.value.decode()}
        for name, each in attributes.items()
    }


def timestamp(now_us: int) -> str:
    """Write a time as envelopes do, always with milliseconds."""
    text = str(write_timestamp(now_us // 1_000 / 1_000, "iso8601"))
    return text if "." in text else text.replace("Z", ".000Z")
