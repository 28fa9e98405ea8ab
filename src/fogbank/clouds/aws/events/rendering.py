"""Events on a bus: which rules they match, and what each target gets.

Amazon EventBridge User Guide, "Amazon EventBridge events": the structure of events.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.aws.api import TRACE_ID, Input
from fogbank.clouds.aws.arns import Arn, invoked_as
from fogbank.clouds.aws.events.patterns import compiled
from fogbank.clouds.aws.events.transforming import (
    EVENT,
    EVENT_JSON,
    INGESTION_TIME,
    RULE_ARN,
    RULE_NAME,
    transform,
)
from fogbank.clouds.aws.sqs.content import SENDER, TRACE
from fogbank.engines.messaging.delivery_model import FUNCTION, HTTP, LOG, QUEUE
from fogbank.engines.messaging.model import Message
from fogbank.engines.messaging.publishing import Publication
from fogbank.engines.messaging.topic_model import Rendered
from fogbank.languages.json_paths import MISSING, follow_path
from fogbank.wire.aws.values import write_timestamp

if TYPE_CHECKING:
    from fogbank.engines.messaging.topic_model import Subscription, Topic

# Labels of a bus's subscriptions: which rule they are of, the target as it was put, its ARN and the rule's.
RULE: Final = "rule"
TARGET: Final = "target"
ARN: Final = "arn"
RULE_OF: Final = "rule-arn"
ARCHIVE: Final = "archive"


class Transformer(Input):
    """A template, and the paths of its variables."""

    InputTemplate: str
    InputPathsMap: dict[str, str] = msgspec.field(default_factory=dict)


class ForQueue(Input):
    """The message group of what is sent to a FIFO queue."""

    MessageGroupId: str | None = None


class ForHttp(Input):
    """What is added to requests of API destinations."""

    PathParameterValues: list[str] = msgspec.field(default_factory=list)
    HeaderParameters: dict[str, str] = msgspec.field(default_factory=dict)
    QueryStringParameters: dict[str, str] = msgspec.field(default_factory=dict)


class DeadLetters(Input):
    """The queue for events that couldn't be delivered."""

    Arn: str | None = None


class Retries(Input):
    """How often and how long delivery is tried again."""

    MaximumRetryAttempts: int = 185
    MaximumEventAgeInSeconds: int = 86_400


class Target(Input):
    """A target of a rule."""

    Id: str
    Arn: str
    RoleArn: str | None = None
    Input: str | None = None
    InputPath: str | None = None
    InputTransformer: Transformer | None = None
    SqsParameters: ForQueue | None = None
    HttpParameters: ForHttp | None = None
    DeadLetterConfig: DeadLetters | None = None
    RetryPolicy: Retries | None = None


_TARGET: Final = msgspec.json.Decoder(Target)


@lru_cache(maxsize=4096)
def read_target(text: str) -> Target:
    """Return a target as it was put."""
    return _TARGET.decode(text)


class Selection(NamedTuple):
    """Which rules an event is for, when it is not for all: only these, by name; none of the archives."""

    rules: frozenset[str] | None = None
    scheduled: bool = False


_ALL: Final = Selection()


class Event:
    """An event on its way to the targets of a bus. `fields` are the event as targets get it."""

    def __init__(
        self, fields: dict[str, Any], now_us: int, *, selection: Selection = _ALL, trace: str = "", origin: str = ""
    ) -> None:
        self.fields = fields
        self.encoded = msgspec.json.encode(fields)
        self._now_us = now_us
        self._selection = selection
        self._trace = trace
        self._origin = origin
        self._matches: dict[str, bool] = {}

    def publication(self, sequence: int, hops: int = 0) -> Publication:
        """Return what is published of it."""
        return Publication(Message(self.fields["id"], self.encoded), sequence, self.render, self.as_cloud_event, hops)

    def render(self, subscription: Subscription, _message: Message) -> Rendered | None:
        """Return what a target gets; None if its rule doesn't match."""
        if not self._is_for(subscription):
            return None
        labels = subscription.config.labels
        if ARCHIVE in labels:
            return Rendered(Message(self.fields["id"], self.encoded))
        target = read_target(labels[TARGET])
        body = self._body(target, labels)
        facts = {RULE_OF: labels[RULE_OF], ARN: labels[ARN]}
        if subscription.kind == QUEUE:
            system = {SENDER: "events.amazonaws.com"}
            if self._trace:
                system[TRACE] = self._trace
            group = (target.SqsParameters.MessageGroupId or "") if target.SqsParameters is not None else ""
            number = _derived_id(self.fields["id"], subscription.id)
            return Rendered(Message(number, body, {}, group, "", system), facts=facts)
        if subscription.kind == FUNCTION:
            context = _function_context(subscription)
            if self._trace:
                context[TRACE_ID] = self._trace
            return Rendered(content=body, headers=context, facts=facts)
        if subscription.kind == LOG and target.InputTransformer is not None:
            body = _log_message(body)
        if subscription.kind == HTTP:
            facts["http"] = msgspec.json.encode(target.HttpParameters).decode()
        if self._origin:
            facts["origin"] = self._origin
        return Rendered(content=body, facts=facts)

    def as_cloud_event(self, topic: Topic, _message: Message) -> bytes:
        """Return the event for a route to another service."""
        fields = self.fields
        event = {
            "specversion": "1.0",
            "id": fields["id"],
            "source": fields["source"],
            "type": fields["detail-type"],
            "time": fields["time"],
            "subject": topic.name,
            "datacontenttype": "application/json",
            "data": fields["detail"],
        }
        return msgspec.json.encode(event)

    def _is_for(self, subscription: Subscription) -> bool:
        config = subscription.config
        chosen = self._selection
        if chosen.rules is not None and config.labels.get(RULE) not in chosen.rules:
            return False
        if chosen.scheduled:
            return True
        if ARCHIVE in config.labels:
            if "replay-name" in self.fields:
                return False
        elif not config.filter:
            # A rule with nothing but a schedule.
            return False
        return not config.filter or self._does_match(config.filter)

    def _does_match(self, pattern: str) -> bool:
        known = self._matches.get(pattern)
        if known is None:
            known = self._matches[pattern] = compiled(pattern)(self.fields)
        return known

    def _body(self, target: Target, labels: dict[str, str]) -> bytes:
        if target.Input is not None:
            return target.Input.encode()
        if target.InputPath is not None:
            value = follow_path(target.InputPath, self.fields)
            return b"{}" if value is MISSING else msgspec.json.encode(value)
        if target.InputTransformer is None:
            return self.encoded
        reserved = {
            RULE_ARN: labels[RULE_OF],
            RULE_NAME: labels[RULE],
            INGESTION_TIME: timestamp(self._now_us),
            EVENT: {name: value for name, value in self.fields.items() if name != "detail"},
            EVENT_JSON: self.fields,
        }
        transformer = target.InputTransformer
        return transform(transformer.InputTemplate, transformer.InputPathsMap, self.fields, reserved)


def make_fields(
    number: str, scope: str, source: str, kind: str, at_us: int, resources: list[str], detail: Any
) -> dict[str, Any]:
    """Return an event in the form in which targets get it."""
    _realm, account, region = scope.split("/")
    return {
        "version": "0",
        "id": number,
        "detail-type": kind,
        "source": source,
        "account": account,
        "time": timestamp(at_us),
        "region": region,
        "resources": resources,
        "detail": detail,
    }


def timestamp(at_us: int) -> str:
    """Write a time as events do, in whole seconds."""
    return str(write_timestamp(at_us // 1_000_000, "iso8601"))


def _log_message(body: bytes) -> bytes:
    """Return the message of what is for a log group: a template makes `timestamp` and `message` for such."""
    try:
        made = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body
    message = made.get("message") if isinstance(made, dict) else None
    return message.encode() if isinstance(message, str) else body


def _function_context(subscription: Subscription) -> dict[str, str]:
    _realm, account, region, name = subscription.endpoint.split("/")
    return invoked_as(Arn("aws", "lambda", region, account, f"function:{name}")) if ":" in name else {}


def _derived_id(event: str, subscription: str) -> str:
    h = sha256(f"{event}/{subscription}".encode()).hexdigest()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-8{h[17:20]}-{h[20:32]}"
