"""How EventBridge delivers: what it tries again, what goes to dead-letter queues, what buses take from elsewhere.

Amazon EventBridge User Guide, "How EventBridge retries delivering events", "Using dead-letter queues to process
undelivered events".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import REALM
from fogbank.clouds.aws.events import schedules
from fogbank.clouds.aws.events.rendering import ARN, RULE_OF, Event, Selection, make_fields
from fogbank.connectors.delivery.couriers import ROUTE, Courier, Dialect
from fogbank.engines.messaging.delivery_model import QUEUE, Retry
from fogbank.engines.messaging.model import Attribute, Message, decode_message
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.aws.events.rendering import Retries
    from fogbank.connectors.delivery.couriers import Answer, Drawn
    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.publishing import Publication

TARGET_COURIER: Final = "events.target"
API_COURIER: Final = "events.api"
REPLAY: Final = "events.replay"
ATTEMPTS_MAX: Final = 185
AGE_SECONDS_MAX: Final = 86_400
# "Exponential back off and jitter": the documentation has no numbers; 185 of these take a day and more.
DELAYS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
SPREAD: Final = 0.25
DEFAULT_RETRY: Final = Retry(DELAYS, ATTEMPTS_MAX + 1, AGE_SECONDS_MAX)


def retry_of(policy: Retries | None) -> Retry | None:
    """Return the retries of a target, None for those that all have."""
    if policy is None:
        return None
    return Retry(DELAYS, policy.MaximumRetryAttempts + 1, policy.MaximumEventAgeInSeconds)


def letter(delivery: Delivery, answer: Answer, drawn: Drawn) -> Message:
    """Return a dead letter: what the target would have got, and why it didn't."""
    body = decode_message(delivery.content).body if delivery.kind == QUEUE else delivery.content
    told = {
        "RULE_ARN": delivery.facts.get(RULE_OF, ""),
        "TARGET_ARN": delivery.facts.get(ARN, ""),
        "ERROR_CODE": error_code(answer),
        "ERROR_MESSAGE": answer.reason or "no answer",
        **exhausted(delivery, answer, drawn),
    }
    attributes = {name: Attribute("String", text.encode()) for name, text in told.items() if text}
    return Message(drawn.id, body, attributes)


def exhausted(delivery: Delivery, answer: Answer, drawn: Drawn) -> dict[str, str]:
    """Return which condition of the retry policy ended the retries, if there were any."""
    retry = delivery.retry or DEFAULT_RETRY
    told = {"RETRY_ATTEMPTS": str(delivery.attempt - 1)}
    if COURIER.final(answer):
        return told
    by_count = retry.attempts_max and delivery.attempt >= retry.attempts_max
    del drawn
    told["EXHAUSTED_RETRY_CONDITION"] = "MaximumRetryAttempts" if by_count else "MaximumEventAgeInSeconds"
    return told


def error_code(answer: Answer) -> str:
    """Return the documentation's word for a failure."""
    if answer.status == 0:
        return "CONNECTION_FAILURE"
    if answer.status == 404:
        return "NO_RESOURCE"
    if answer.status in (401, 403):
        return "NO_PERMISSIONS"
    if answer.status == 429:
        return "THROTTLING"
    return "INVALID_PARAMETER" if answer.status == 400 else "ERROR_FROM_TARGET"


COURIER: Final = Courier(DEFAULT_RETRY, letter=letter, spread=SPREAD)
COURIERS: Final = {TARGET_COURIER: COURIER, schedules.SCHEDULED: Courier(), REPLAY: Courier()}


def to_bus(delivery: Delivery, drawn: Drawn) -> Publication:
    """Return what a bus publishes of a delivery: an event of another bus, of the clock or of an archive."""
    if delivery.courier == ROUTE:
        return _from_cloud_event(delivery, drawn).publication(drawn.sequence, delivery.hops)
    fields: dict[str, Any] = msgspec.json.decode(delivery.content)
    if delivery.courier == schedules.SCHEDULED:
        event = schedules.scheduled_event(delivery, fields, drawn.now_us)
    elif delivery.courier == REPLAY:
        rules = msgspec.json.decode(delivery.facts["rules"])
        chosen = Selection(frozenset(rules) if rules else None)
        event = Event({**fields, "replay-name": delivery.facts["replay"]}, drawn.now_us, selection=chosen)
    else:
        event = Event(fields, drawn.now_us, origin=delivery.facts.get("origin", ""))
    return event.publication(drawn.sequence, delivery.hops)


def _from_cloud_event(delivery: Delivery, drawn: Drawn) -> Event:
    """Return the event that a CloudEvent of another service becomes."""
    sent = msgspec.json.decode(delivery.content)
    data = sent.get("data")
    scope = delivery.endpoint.split("/")
    fields = make_fields(
        drawn.id,
        "/".join((REALM, *scope[1:3])),
        str(sent.get("source", "cloudevents")),
        str(sent.get("type", "CloudEvent")),
        drawn.now_us // SECOND_US * SECOND_US,
        [],
        data if isinstance(data, dict) else {"data": data},
    )
    return Event(fields, drawn.now_us)


EVENTS: Final = Dialect(publication=to_bus, scheduled=schedules.send)
