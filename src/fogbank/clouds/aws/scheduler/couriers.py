"""What schedules send, what is tried again, and what goes to dead-letter queues.

Amazon EventBridge Scheduler User Guide, "Adding context attributes", "Configuring a schedule's dead-letter queue".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.events.couriers import DELAYS, SPREAD, exhausted
from fogbank.clouds.aws.events.rendering import make_fields, timestamp
from fogbank.clouds.aws.scheduler.service import read_key, schedule_arn
from fogbank.clouds.aws.scheduler.targets import Target, dead_letters_of, find_place, in_region
from fogbank.clouds.aws.sqs.content import SENDER
from fogbank.connectors.delivery.couriers import Courier, Dialect
from fogbank.engines.messaging.delivery_model import QUEUE, Delivery, Retry
from fogbank.engines.messaging.model import Attribute, Message, decode_message, encode_message

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Answer, Drawn
    from fogbank.engines.schedules.model import Schedule

COURIER: Final = "scheduler.target"
_ATTEMPT: Final = "<aws.scheduler.attempt-number>"
# What the API that is called says of a target that isn't there.
_GONE: Final = {QUEUE: "AWS.SimpleQueueService.NonExistentQueue", "topic": "NotFound"}
DEFAULT_RETRY: Final = Retry(DELAYS, 186, 86_400)


class Kept(msgspec.Struct, frozen=True):
    """The part of a schedule's body that says what is sent."""

    Target: Target


_KEPT: Final = msgspec.json.Decoder(Kept)


def send(schedule: Schedule, occurrence_us: int, drawn: Drawn) -> Delivery:
    """Return what an occurrence of a schedule sends."""
    target = _KEPT.decode(schedule.config.body).Target
    group, name = read_key(schedule)
    _realm, _account, region = schedule.scope.split("/")
    place = in_region(find_place(target), region)
    facts = {
        "schedule": schedule_arn(schedule.scope, group, name),
        "target": target.Arn,
        "time": timestamp(occurrence_us),
        "execution": drawn.id.replace("-", "")[:16],
    }
    text = place.text or _default_input(facts, schedule)
    for attribute, value in (
        ("schedule-arn", facts["schedule"]),
        ("scheduled-time", facts["time"]),
        ("execution-id", facts["execution"]),
    ):
        text = text.replace(f"<aws.scheduler.{attribute}>", value)
    facts |= {"group": place.group, "dedup": place.dedup, "subject": place.subject}
    if place.bus:
        facts["event"] = msgspec.json.encode(_event(schedule, target, drawn)).decode()
    if _ATTEMPT in text:
        facts["template"] = text
    policy = target.RetryPolicy
    retry = None if policy is None else Retry(DELAYS, policy.MaximumRetryAttempts + 1, policy.MaximumEventAgeInSeconds)
    return Delivery(
        place.kind,
        place.endpoint,
        _content(place.kind, facts, text.replace(_ATTEMPT, "1"), drawn.id),
        headers=place.context,
        courier=COURIER,
        retry=retry or DEFAULT_RETRY,
        dead_letter=dead_letters_of(target),
        first_us=drawn.now_us,
        facts={name: value for name, value in facts.items() if value},
    )


def _default_input(facts: dict[str, str], schedule: Schedule) -> str:
    """Return what a target without an input gets: the event that rules with a schedule send."""
    _realm, account, region = schedule.scope.split("/")
    fields = {
        "version": "0",
        "id": facts["execution"],
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": account,
        "time": facts["time"],
        "region": region,
        "resources": [facts["schedule"]],
        "detail": "{}",
    }
    return msgspec.json.encode(fields).decode()


def _event(schedule: Schedule, target: Target, drawn: Drawn) -> dict[str, Any]:
    """Return the event for a bus, but for its detail."""
    assert target.EventBridgeParameters is not None
    group, name = read_key(schedule)
    parameters = target.EventBridgeParameters
    resources = [schedule_arn(schedule.scope, group, name)]
    kind = parameters.DetailType
    return make_fields(drawn.id, schedule.scope, parameters.Source, kind, drawn.now_us, resources, {})


def _content(kind: str, facts: dict[str, str], text: str, number: str) -> bytes:
    if kind == QUEUE:
        system = {SENDER: "scheduler.amazonaws.com"}
        message = Message(number, text.encode(), {}, facts.get("group", ""), facts.get("dedup", ""), system)
        return encode_message(message)
    if "event" in facts:
        fields = msgspec.json.decode(facts["event"])
        return msgspec.json.encode({**fields, "detail": msgspec.json.decode(text or "{}")})
    return text.encode()


def renew(delivery: Delivery) -> Delivery:
    """Return a delivery for its next attempt: the attempt's number may stand in its content."""
    template = delivery.facts.get("template")
    if template is None:
        return delivery
    number = decode_message(delivery.content).id if delivery.kind == QUEUE else ""
    text = template.replace(_ATTEMPT, str(delivery.attempt))
    return msgspec.structs.replace(delivery, content=_content(delivery.kind, delivery.facts, text, number))


def letter(delivery: Delivery, answer: Answer, drawn: Drawn) -> Message:
    """Return a dead letter: what the target would have got, and why it didn't."""
    body = decode_message(delivery.content).body if delivery.kind == QUEUE else delivery.content
    ended = exhausted(delivery, answer, drawn)
    told = {
        "ERROR_CODE": _error_code(delivery, answer),
        "ERROR_MESSAGE": answer.reason or "no answer",
        "EXECUTION_ID": delivery.facts["execution"],
        "IS_PAYLOAD_TRUNCATED": "false",
        "SCHEDULED_TIME": delivery.facts["time"],
        "SCHEDULE_ARN": delivery.facts["schedule"],
        "TARGET_ARN": delivery.facts["target"],
        **ended,
    }
    return Message(drawn.id, body, {name: Attribute("String", text.encode()) for name, text in told.items()})


def _error_code(delivery: Delivery, answer: Answer) -> str:
    if answer.status == 404:
        return _GONE.get(delivery.kind, "ResourceNotFoundException")
    return "InvalidParameterValue" if answer.status == 400 else "InternalFailure"


COURIERS: Final = {COURIER: Courier(DEFAULT_RETRY, letter=letter, renew=renew, spread=SPREAD)}
SCHEDULER: Final = Dialect(scheduled=send)
