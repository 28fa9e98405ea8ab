"""Targets of schedules: templated ones by the ARN of a resource, universal ones by the API that is called.

Amazon EventBridge Scheduler User Guide, "Using templated targets", "Using universal targets".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from fogbank.clouds.aws.api import Input, scope_key
from fogbank.clouds.aws.arns import Arn, invoked_as, parse_arn
from fogbank.clouds.aws.events.service import FOLDER as BUSES
from fogbank.clouds.aws.events.targets import place_of
from fogbank.clouds.aws.scheduler.errors import invalid, unsupported
from fogbank.connectors.delivery.posting import is_address
from fogbank.engines.messaging.delivery_model import FUNCTION, HTTP, LOG, QUEUE, TOPIC, endpoint_of, split_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNIVERSAL: Final = "arn:aws:scheduler:::aws-sdk:"
_FIFO: Final = ".fifo"
# The members of universal targets' inputs: what each API needs, and what else is supported.
_APIS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "sqs:sendMessage": (
        frozenset({"QueueUrl", "MessageBody"}),
        frozenset({"MessageGroupId", "MessageDeduplicationId"}),
    ),
    "sns:publish": (frozenset({"TopicArn", "Message"}), frozenset({"Subject", "MessageGroupId"})),
    "lambda:invoke": (frozenset({"FunctionName"}), frozenset({"Payload", "InvocationType"})),
}


class ForQueue(Input):
    """The message group of what is sent to a FIFO queue."""

    MessageGroupId: str | None = None


class ForBus(Input):
    """The type and source of the event that is put on a bus."""

    DetailType: str
    Source: str


class DeadLetters(Input):
    """The queue for what couldn't be delivered."""

    Arn: str | None = None


class Retries(Input):
    """How often and how long delivery is tried again."""

    MaximumEventAgeInSeconds: int = 86_400
    MaximumRetryAttempts: int = 185


class Target(Input):
    """The target of a schedule."""

    Arn: str
    RoleArn: str
    Input: str | None = None
    DeadLetterConfig: DeadLetters | None = None
    RetryPolicy: Retries | None = None
    SqsParameters: ForQueue | None = None
    EventBridgeParameters: ForBus | None = None


class Place(NamedTuple):
    """Where a target is, what it gets, and what must be known besides."""

    kind: str
    endpoint: str
    text: str
    group: str = ""
    dedup: str = ""
    subject: str = ""

    @property
    def bus(self) -> bool:
        """Whether it is an event bus."""
        return self.kind == TOPIC and split_endpoint(self.endpoint)[1].startswith(f"{BUSES}/")

    @property
    def context(self) -> dict[str, str]:
        """How a function knows the version or alias that it was invoked as."""
        if self.kind != FUNCTION:
            return {}
        _realm, account, region, name = self.endpoint.split("/")
        return invoked_as(Arn("aws", "lambda", region, account, f"function:{name}")) if ":" in name else {}


def find_place(target: Target) -> Place:
    """Return where a target is, or raise the error for one that can't be."""
    dead_letters_of(target)
    if target.Arn.startswith(_UNIVERSAL):
        return _universal(target, target.Arn.removeprefix(_UNIVERSAL))
    arn = parse_arn(target.Arn)
    if arn is None:
        raise invalid("Provided Arn is not in correct format.")
    kind, endpoint = place_of(arn)
    if kind in (HTTP, LOG):
        raise invalid(f"{target.Arn} can't be the target of a schedule.")
    group = (target.SqsParameters.MessageGroupId or "") if target.SqsParameters is not None else ""
    fifo = kind == QUEUE and arn.resource.endswith(_FIFO)
    if fifo != bool(group):
        raise invalid("SqsParameters must be specified for FIFO queues, and for nothing else.")
    place = Place(kind, endpoint, target.Input or "", group)
    if place.bus != (target.EventBridgeParameters is not None):
        raise invalid("EventBridgeParameters must be specified for event buses, and for nothing else.")
    if place.bus:
        assert target.EventBridgeParameters is not None
        if target.EventBridgeParameters.Source.startswith("aws."):
            raise invalid("Source must not begin with aws.")
        if not isinstance(_json(target.Input or "{}"), dict):
            raise invalid("Input of a target that is an event bus must be an object in JSON.")
    return place


def _universal(target: Target, api: str) -> Place:
    if api not in _APIS:
        raise unsupported(f"the universal target {api}")
    if target.SqsParameters is not None or target.EventBridgeParameters is not None:
        raise invalid("SqsParameters and EventBridgeParameters are for templated targets.")
    sent = _json(target.Input or "")
    required, optional = _APIS[api]
    if not isinstance(sent, dict) or not required <= sent.keys():
        raise invalid(f"Input of {api} must be an object in JSON with {', '.join(sorted(required))}.")
    if not sent.keys() <= required | optional:
        raise unsupported(f"the parameter {min(sent.keys() - required - optional)} of the universal target {api}")
    for name, value in sent.items():
        if not isinstance(value, str) and name != "Payload":
            raise invalid(f"{name} in the Input of {api} must be a string.")
    if api == "sqs:sendMessage":
        return _send_message(sent, target)
    if api == "sns:publish":
        arn = parse_arn(sent["TopicArn"])
        if arn is None or arn.service != "sns":
            raise invalid("TopicArn in the Input of sns:publish is not valid.")
        subject, group = sent.get("Subject", ""), sent.get("MessageGroupId", "")
        return Place(TOPIC, endpoint_of(arn.scope, arn.resource), sent["Message"], group, subject=subject)
    return _invoke(sent, target)


def _send_message(sent: Mapping[str, Any], target: Target) -> Place:
    parts = urlsplit(sent["QueueUrl"]).path.strip("/").split("/") if is_address(sent["QueueUrl"]) else []
    if len(parts) != 2:
        raise invalid("QueueUrl in the Input of sqs:sendMessage is not valid.")
    account, name = parts
    host = (urlsplit(sent["QueueUrl"]).hostname or "").split(".")
    role = parse_arn(target.RoleArn)
    assert role is not None, "the model's constraints say so"
    region = host[1] if len(host) > 2 and host[0] == "sqs" and "-" in host[1] else ""
    endpoint = endpoint_of(scope_key(account, region), name)
    return Place(
        QUEUE, endpoint, sent["MessageBody"], sent.get("MessageGroupId", ""), sent.get("MessageDeduplicationId", "")
    )


def _invoke(sent: Mapping[str, Any], target: Target) -> Place:
    arn = parse_arn(sent["FunctionName"])
    if sent.get("InvocationType", "Event") != "Event":
        raise unsupported(f"InvocationType {sent['InvocationType']} of the universal target lambda:invoke")
    payload = sent.get("Payload", "{}")
    text = payload if isinstance(payload, str) else msgspec.json.encode(payload).decode()
    if arn is not None:
        return Place(*place_of(arn), text)
    role = parse_arn(target.RoleArn)
    assert role is not None, "the model's constraints say so"
    return Place(FUNCTION, endpoint_of(scope_key(role.account, ""), sent["FunctionName"]), text)


def in_region(place: Place, region: str) -> Place:
    """Return a place with the schedule's region, where its address names none."""
    scope, name = split_endpoint(place.endpoint)
    if not scope.endswith("/"):
        return place
    return place._replace(endpoint=endpoint_of(scope + region, name))


def dead_letters_of(target: Target) -> str:
    """Return the endpoint of the queue for dead letters, "" for none."""
    if target.DeadLetterConfig is None or not target.DeadLetterConfig.Arn:
        return ""
    arn = parse_arn(target.DeadLetterConfig.Arn)
    if arn is None or arn.service != "sqs":
        raise invalid("DeadLetterConfig.Arn must be the ARN of a standard Amazon SQS queue.")
    return endpoint_of(arn.scope, arn.resource)


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
