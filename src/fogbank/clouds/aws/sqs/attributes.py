"""Queue attributes: from SQS's strings to the engine's configuration and back.

Amazon SQS API Reference, "SetQueueAttributes" and "GetQueueAttributes".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.sqs.errors import invalid_attribute, invalid_value, unknown_attribute
from fogbank.clouds.aws.sqs.names import queue_arn, scope_arn
from fogbank.engines.messaging.model import DeadLetterPolicy, QueueConfig
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.limits import Limit
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.engines.messaging.model import Queue

MESSAGE_BYTES_MAX: Final = 1_048_576
DELAY_SECONDS: Final = Limit("DelaySeconds", 0, 900, "seconds")
LEASE_SECONDS: Final = Limit("VisibilityTimeout", 0, 43_200, "seconds")
WAIT_SECONDS: Final = Limit("ReceiveMessageWaitTimeSeconds", 0, 20, "seconds")
RECEIVES: Final = Limit("maxReceiveCount", 1, 1_000, "receives")

_NUMBERS: Final = {
    "DelaySeconds": ("delay_seconds", DELAY_SECONDS),
    "MaximumMessageSize": ("message_bytes_max", Limit("MaximumMessageSize", 1_024, MESSAGE_BYTES_MAX, "bytes")),
    "MessageRetentionPeriod": ("retention_seconds", Limit("MessageRetentionPeriod", 60, 1_209_600, "seconds")),
    "ReceiveMessageWaitTimeSeconds": ("wait_seconds", WAIT_SECONDS),
    "VisibilityTimeout": ("lease_seconds", LEASE_SECONDS),
}
# Kept and shown, and read by nothing yet: policies aren't evaluated.
_LABELS: Final = ("Policy", "SqsManagedSseEnabled")
REDRIVE_ALLOW: Final = "RedriveAllowPolicy"
SOURCES_MAX: Final = 10
_FIFO_ONLY: Final = ("ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
_UNSUPPORTED: Final = ("KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds")
_READ_ONLY: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
)
_DIGITS: Final = re.compile(r"[0-9]{1,9}")
READABLE: Final = frozenset(
    (*_NUMBERS, *_LABELS, REDRIVE_ALLOW, *_FIFO_ONLY, *_UNSUPPORTED, *_READ_ONLY, "FifoQueue", "RedrivePolicy")
)


def apply_attributes(config: QueueConfig, attributes: Mapping[str, str]) -> QueueConfig:
    """Return the configuration with those attributes set; raises `InvalidAttribute…` errors."""
    changes: dict[str, Any] = {}
    labels = dict(config.labels)
    for name, value in attributes.items():
        if name in _NUMBERS:
            field, limit = _NUMBERS[name]
            changes[field] = _number(name, value, limit)
        elif name == "RedrivePolicy":
            changes["dead_letter"] = _read_redrive_policy(value)
        elif name == REDRIVE_ALLOW:
            _set_label(labels, name, _checked_allowance(value))
        elif name in _FIFO_ONLY and config.ordered:
            changes.update(_fifo_setting(name, value, labels))
        elif name in _LABELS:
            _set_label(labels, name, value)
        elif name == "FifoQueue":
            if (value == "true") != config.ordered:
                raise invalid_attribute(name)
        elif name in _UNSUPPORTED:
            raise AwsError(
                "InvalidAttributeName",
                f"Fogbank has no key management service: it does not support the attribute {name}.",
            )
        else:
            raise unknown_attribute(name)
    config = msgspec.structs.replace(config, labels=labels, **changes)
    if labels.get("FifoThroughputLimit") == "perMessageGroupId" and not config.dedup_by_key:
        msg = "perMessageGroupId FifoThroughputLimit requires messageGroup DeduplicationScope."
        raise AwsError("InvalidAttributeValue", msg)
    return config


def show_attributes(queue: Queue) -> dict[str, str]:
    """Return all of a queue's attributes but the counts of its messages."""
    config = queue.config
    shown = {name: str(getattr(config, field)) for name, (field, _limit) in _NUMBERS.items()}
    shown["QueueArn"] = queue_arn(queue)
    shown["CreatedTimestamp"] = str(queue.created_us // SECOND_US)
    shown["LastModifiedTimestamp"] = str(queue.modified_us // SECOND_US)
    shown["SqsManagedSseEnabled"] = "true"
    if config.dead_letter is not None:
        target = scope_arn(config.dead_letter.scope, config.dead_letter.name)
        policy = {"deadLetterTargetArn": target, "maxReceiveCount": config.dead_letter.receives_max}
        shown["RedrivePolicy"] = msgspec.json.encode(policy).decode()
    if config.ordered:
        shown["FifoQueue"] = "true"
        shown["ContentBasedDeduplication"] = "true" if config.content_dedup else "false"
        shown["DeduplicationScope"] = "messageGroup" if config.dedup_by_key else "queue"
        shown["FifoThroughputLimit"] = "perQueue"
    return shown | config.labels


def differing_attribute(queue: Queue, attributes: Mapping[str, str]) -> str | None:
    """Return the first of those attributes whose value the queue doesn't have, None if it has all."""
    wanted = show_attributes(queue._replace(config=apply_attributes(queue.config, attributes)))
    shown = show_attributes(queue)
    return next((name for name in attributes if wanted.get(name) != shown.get(name)), None)


def _number(name: str, value: str, limit: Limit) -> int:
    if not _DIGITS.fullmatch(value) or not limit.allows(int(value)):
        raise invalid_attribute(name)
    return int(value)


def _read_redrive_policy(value: str) -> DeadLetterPolicy | None:
    if not value:
        return None

    def refuse(reason: str) -> AwsError:
        return invalid_value(value, "RedrivePolicy", reason)

    try:
        policy = msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise refuse("Redrive policy is not a valid JSON map.") from None
    if not isinstance(policy, dict):
        raise refuse("Redrive policy is not a valid JSON map.")
    unknown = policy.keys() - {"deadLetterTargetArn", "maxReceiveCount"}
    if unknown:
        raise refuse(f"Unknown property {min(unknown)}.")
    for name in ("deadLetterTargetArn", "maxReceiveCount"):
        if policy.get(name) is None:
            raise refuse(f"Redrive policy does not contain mandatory attribute: {name}.")
    try:
        receives_max = int(policy["maxReceiveCount"])
    except (TypeError, ValueError):
        raise refuse("maxReceiveCount must be an integer.") from None
    if not RECEIVES.allows(receives_max):
        raise refuse("Invalid value for maxReceiveCount: must be between 1 and 1000.")
    arn = parse_arn(str(policy["deadLetterTargetArn"]))
    if arn is None or arn.service != "sqs":
        raise refuse("Dead letter target ARN is invalid.")
    return DeadLetterPolicy(arn.scope, arn.resource, receives_max)


def _checked_allowance(value: str) -> str:
    """Check which queues may have their dead letters come here."""
    if not value:
        return value

    def refuse(reason: str) -> AwsError:
        return invalid_value(value, REDRIVE_ALLOW, reason)

    try:
        policy = msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise refuse("Amazon SQS can't create the redrive allow policy. It is not a valid JSON map.") from None
    if not isinstance(policy, dict) or policy.get("redrivePermission") not in ("allowAll", "denyAll", "byQueue"):
        raise refuse("redrivePermission must be allowAll, denyAll or byQueue.")
    sources = policy.get("sourceQueueArns")
    if policy["redrivePermission"] != "byQueue":
        if sources is not None:
            raise refuse("sourceQueueArns can be given only with the permission byQueue.")
    elif not isinstance(sources, list) or not 1 <= len(sources) <= SOURCES_MAX:
        raise refuse(f"sourceQueueArns must name 1 to {SOURCES_MAX} queues.")
    return value


def allows_redrive(config: QueueConfig, source: str) -> bool:
    """Whether a queue takes the dead letters of the queue with that ARN."""
    policy = msgspec.json.decode(config.labels.get(REDRIVE_ALLOW, "{}"))
    permission = policy.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (permission == "byQueue" and source in policy["sourceQueueArns"])


def _fifo_setting(name: str, value: str, labels: dict[str, str]) -> dict[str, Any]:
    choices: dict[str, tuple[str, ...]] = {
        "ContentBasedDeduplication": ("true", "false"),
        "DeduplicationScope": ("queue", "messageGroup"),
        "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
    }
    if value not in choices[name]:
        raise invalid_attribute(name)
    if name == "ContentBasedDeduplication":
        return {"content_dedup": value == "true"}
    if name == "DeduplicationScope":
        return {"dedup_by_key": value == "messageGroup"}
    labels[name] = value
    return {}


def _set_label(labels: dict[str, str], name: str, value: str) -> None:
    if name == "SqsManagedSseEnabled":
        if value not in ("true", "false"):
            raise invalid_attribute(name)
    elif value:
        try:
            valid = isinstance(msgspec.json.decode(value), dict)
        except msgspec.DecodeError:
            valid = False
        if not valid:
            raise invalid_attribute(name)
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)
