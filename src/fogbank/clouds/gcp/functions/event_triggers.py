"""Functions that events set off: which events, and the subscription that brings them.

Google Cloud, "Pub/Sub triggers", "Cloud Pub/Sub triggers (1st gen)": a deployment makes a push subscription of the
topic. Without retries an event whose function fails is dropped; with them it is tried again for a day.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.clouds.gcp.pubsub.configuration import complete, configuration
from fogbank.clouds.gcp.pubsub.names import SUBSCRIPTIONS, TOPICS, ResourceName, read_name
from fogbank.clouds.gcp.pubsub.pushes import BACKGROUND, CLOUD_EVENT, FORM, FUNCTION
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.clouds.gcp.pubsub.subscriptions import create, remove_if_there
from fogbank.clouds.gcp.refusals import invalid, unsupported
from fogbank.engines.messaging.delivery_model import endpoint_of
from fogbank.engines.messaging.model import DeadLetterPolicy, PushPolicy

if TYPE_CHECKING:
    from typing import Any

    from fogbank.clouds.gcp.functions.service import FunctionName
    from fogbank.engines.functions.model import Function
    from fogbank.engines.messaging.model import QueueConfig
    from fogbank.storage import Tx

PUBSUB: Final = "google.cloud.pubsub.topic.v1.messagePublished"
_PUBSUB_1: Final = frozenset({"google.pubsub.topic.publish", "providers/cloud.pubsub/eventTypes/topic.publish"})
RETRY: Final = 2
_RETENTION_SECONDS: Final = 86_400
_ACK_SECONDS: Final = 600
_RESOURCE: Final = re.compile(r"(?://pubsub\.googleapis\.com/)?(projects/[^/]+/topics/[^/]+)")


class Trigger(NamedTuple):
    """What sets a function off: a topic, in which form, and whether failures are tried again."""

    topic: ResourceName
    form: str
    retries: bool


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
    region, project, short = message.name.split("/")[3], message.name.split("/")[1], message.name.rpartition("/")[2]
    trigger.trigger_region = trigger.trigger_region or region
    trigger.trigger = f"projects/{project}/locations/{trigger.trigger_region}/triggers/{short}-000000"
    return Trigger(topic, CLOUD_EVENT, trigger.retry_policy == RETRY)


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
    return Trigger(topic, BACKGROUND, trigger.failure_policy.HasField("retry"))


def subscription_of(name: FunctionName, generation: str) -> ResourceName:
    """Return the name of the subscription that brings a function its events."""
    short = f"gcf-{name.id}-{name.region}" if generation == "1" else f"eventarc-{name.region}-{name.id}-000000-sub-000"
    return ResourceName(name.project, SUBSCRIPTIONS, short)


async def connect(
    tx: Tx, now_us: int, function: Function, name: FunctionName, trigger: Trigger | None, number: int
) -> None:
    """Have a function's events brought, as part of the operation that makes or changes it.

    Raises `TopicNotFoundError`.
    """
    subscription = subscription_of(name, function.config.labels["generation"])
    await remove_if_there(tx, now_us, subscription.key)
    if trigger is not None:
        config = _configuration(function, subscription, trigger)
        await create(tx, now_us, subscription.key, number, trigger.topic.key, str(subscription), config)


async def disconnect(tx: Tx, now_us: int, name: FunctionName, generation: str) -> None:
    """Take away what brings a function its events."""
    await remove_if_there(tx, now_us, subscription_of(name, generation).key)


def _configuration(function: Function, subscription: ResourceName, trigger: Trigger) -> QueueConfig:
    message = pubsub_types().message("google.pubsub.v1.Subscription")(
        name=str(subscription), topic=str(trigger.topic), ack_deadline_seconds=_ACK_SECONDS
    )
    message.push_config.push_endpoint = f"https://{function.name}.run.app/?__GCP_CloudEventsMode=CE_PUBSUB_BINDING"
    message.message_retention_duration.seconds = _RETENTION_SECONDS
    message.expiration_policy.SetInParent()
    if trigger.retries:
        message.retry_policy.minimum_backoff.seconds = 10
        message.retry_policy.maximum_backoff.seconds = 600
    complete(message)
    config = configuration(message)
    endpoint = FUNCTION + endpoint_of(function.scope, function.name)
    return msgspec.structs.replace(
        config,
        push=PushPolicy(endpoint, _ACK_SECONDS),
        labels={**config.labels, FORM: trigger.form},
        # Nowhere: dropped after the first attempt.
        dead_letter=None if trigger.retries else DeadLetterPolicy("", "", 1),
    )
