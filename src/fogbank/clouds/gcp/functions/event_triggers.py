"""Functions that events set off: which events, and the subscription that brings them.

Google Cloud, "Pub/Sub triggers", "Cloud Pub/Sub triggers (1st gen)": a deployment of the second generation makes an
Eventarc trigger, one of the first a push subscription of its own. Without retries an event whose function fails is
dropped; with them it is tried again for a day.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from fogbank.clouds.gcp.eventarc import transport
from fogbank.clouds.gcp.eventarc.configuration import PUBSUB, complete, show
from fogbank.clouds.gcp.eventarc.names import TriggerName, shape
from fogbank.clouds.gcp.locations import check_region
from fogbank.clouds.gcp.pubsub.carriers import BACKGROUND, Carrier, carrying
from fogbank.clouds.gcp.pubsub.names import SUBSCRIPTIONS, TOPICS, ResourceName, read_name
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.clouds.gcp.pubsub.subscriptions import create, remove_if_there
from fogbank.clouds.gcp.refusals import already_exists, invalid, unsupported
from fogbank.engines.messaging.errors import QueueExistsError, RecordNotFoundError

if TYPE_CHECKING:
    from typing import Any

    from fogbank.clouds.gcp.eventarc.transport import Drawn
    from fogbank.clouds.gcp.functions.service import FunctionName
    from fogbank.engines.functions.model import Function
    from fogbank.storage import Tx

_PUBSUB_1: Final = frozenset({"google.pubsub.topic.publish", "providers/cloud.pubsub/eventTypes/topic.publish"})
RETRY: Final = 2
_RESOURCE: Final = re.compile(r"(?://pubsub\.googleapis\.com/)?(projects/[^/]+/topics/[^/]+)")


class Trigger(NamedTuple):
    """What sets a function off: a topic, whether failures are tried again; and Eventarc's trigger, with its account."""

    topic: ResourceName
    retries: bool
    name: TriggerName | None = None
    account: str = ""


def read_second(message: Any) -> Trigger | None:
    """Read the trigger of a function of the second generation, and fill in what is left out; None for HTTP."""
    if not message.HasField("event_trigger"):
        return None
    trigger = message.event_trigger
    if trigger.event_type != PUBSUB:
        raise unsupported(f"event_trigger.event_type {trigger.event_type!r}; it may be {PUBSUB}")
    if not trigger.pubsub_topic:
        raise invalid("event_trigger.pubsub_topic", "event_trigger.pubsub_topic is required.")
    for field in ("event_filters", "channel", "service"):
        if getattr(trigger, field):
            raise unsupported(f"event_trigger.{field} of Pub/Sub triggers")
    topic = read_name(trigger.pubsub_topic, TOPICS, "event_trigger.pubsub_topic")
    _, project, _, region, _, short = message.name.split("/")
    trigger.trigger_region = trigger.trigger_region or region
    check_region(project, trigger.trigger_region)
    name = TriggerName(project, trigger.trigger_region, f"{short[:56]}-{_digits(message.name)}")
    trigger.trigger = str(name)
    return Trigger(topic, trigger.retry_policy == RETRY, name, trigger.service_account_email)


def _digits(name: str) -> str:
    """Return six digits that are always the same for a function: another region's may have the same id."""
    return f"{crc32(name.encode()) % 1_000_000:06d}"


def read_first(message: Any) -> Trigger | None:
    """Read the trigger of a function of the first generation; None for HTTP."""
    if not message.HasField("event_trigger"):
        return None
    trigger = message.event_trigger
    if trigger.event_type not in _PUBSUB_1:
        raise unsupported(f"event_trigger.event_type {trigger.event_type!r}; it may be google.pubsub.topic.publish")
    match = _RESOURCE.fullmatch(trigger.resource)
    if match is None:
        raise invalid("event_trigger.resource", f"Invalid topic {trigger.resource!r}.")
    trigger.event_type = "google.pubsub.topic.publish"
    trigger.service = trigger.service or "pubsub.googleapis.com"
    topic = read_name(match[1], TOPICS, "event_trigger.resource")
    return Trigger(topic, trigger.failure_policy.HasField("retry"))


def _first_subscription(name: FunctionName) -> ResourceName:
    return ResourceName(name.project, SUBSCRIPTIONS, f"gcf-{name.id}-{name.region}")


async def connect(
    tx: Tx, now_us: int, function: Function, name: FunctionName, trigger: Trigger | None, drawn: Drawn
) -> None:
    """Have a function's events brought, as part of the operation that makes or changes it.

    The second generation's are brought by Eventarc. Raises `TopicNotFoundError`.
    """
    if function.config.labels["generation"] == "1":
        await _connect_first(tx, now_us, function, name, trigger, drawn)
        return
    if trigger is None:
        return
    assert trigger.name is not None
    made = shape("Trigger")(name=str(trigger.name), service_account=trigger.account)
    made.event_filters.add(attribute="type", value=PUBSUB)
    made.destination.cloud_function = str(name)
    made.transport.pubsub.topic = str(trigger.topic)
    if not trigger.retries:
        made.retry_policy.max_attempts = 1
    complete(made, trigger.name)
    try:
        before = await transport.find(tx, now_us, trigger.name)
    except RecordNotFoundError:
        await transport.connect(tx, now_us, trigger.name, made, drawn)
        return
    made.labels.update(show(before).labels)
    await transport.change(tx, now_us, trigger.name, made)


async def _connect_first(
    tx: Tx, now_us: int, function: Function, name: FunctionName, trigger: Trigger | None, drawn: Drawn
) -> None:
    if trigger is None:
        return
    subscription = _first_subscription(name)
    carrier = Carrier(
        subscription,
        trigger.topic,
        f"https://{function.name}.run.app/?__GCP_CloudEventsMode=CE_PUBSUB_BINDING",
        BACKGROUND,
        function=(function.scope, function.name),
        retries=trigger.retries,
        ack_seconds=transport.FUNCTION_ACK_SECONDS,
    )
    key, number = subscription.key, drawn.subscription
    try:
        await create(tx, now_us, key, number, trigger.topic.key, str(subscription), carrying(carrier))
    except QueueExistsError:
        raise already_exists(str(subscription)) from None


async def disconnect(tx: Tx, now_us: int, function: Function, name: FunctionName, after: Trigger | None = None) -> None:
    """Take away what brings a function its events, unless that can bring what it is to have instead."""
    if function.config.labels["generation"] == "1":
        await remove_if_there(tx, now_us, _first_subscription(name).key)
        return
    facts = b64decode(function.config.labels["facts"])
    before = read_second(pubsub_types().message("google.cloud.functions.v2.Function").FromString(facts))
    if before is None:
        return
    assert before.name is not None
    if after is None or (before.name, before.topic) != (after.name, after.topic):
        await transport.disconnect_if_there(tx, now_us, before.name)
