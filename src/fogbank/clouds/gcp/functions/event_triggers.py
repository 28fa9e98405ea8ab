"""Functions that events set off: which events, and the subscription that brings them.

Google Cloud, "Pub/Sub triggers", "Cloud Pub/Sub triggers (1st gen)": a deployment of the second generation makes an
Eventarc trigger, one of the first a push subscription of its own. Without retries an event whose function fails is
dropped; with them it is tried again for a day.
"""

from __future__ import annotations

import re
from base64 import b64decode
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zlib import crc32

from fogbank.clouds.gcp.eventarc import transport
from fogbank.clouds.gcp.eventarc.configuration import PUBSUB, complete, show
from fogbank.clouds.gcp.eventarc.names import TriggerName, shape
from fogbank.clouds.gcp.firestore.events import watches
from fogbank.clouds.gcp.firestore.events.watches import (
    FIRST_GENERATION,
    JSON,
    PROTOBUF,
    Watch,
    is_document_event,
    read_filters,
)
from fogbank.clouds.gcp.firestore.names import read_database, scope_of
from fogbank.clouds.gcp.locations import check_region
from fogbank.clouds.gcp.pubsub import topics as pubsub_topics
from fogbank.clouds.gcp.pubsub.carriers import BACKGROUND, Carrier, carrying
from fogbank.clouds.gcp.pubsub.names import SUBSCRIPTIONS, TOPICS, ResourceName, read_name
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.clouds.gcp.pubsub.subscriptions import create, remove_if_there
from fogbank.clouds.gcp.refusals import already_exists, invalid, unsupported
from fogbank.engines.messaging import topics
from fogbank.engines.messaging.errors import QueueExistsError, RecordNotFoundError, TopicNotFoundError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.eventarc.transport import Drawn
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.functions.service import FunctionName
    from fogbank.engines.functions.model import Function
    from fogbank.storage import Tx

_PUBSUB_1: Final = frozenset({"google.pubsub.topic.publish", "providers/cloud.pubsub/eventTypes/topic.publish"})
RETRY: Final = 2
_DOCUMENTS: Final = re.compile(r"(projects/[^/]+/databases/[^/]+)/documents/(.+)")
_RESOURCE: Final = re.compile(r"(?://pubsub\.googleapis\.com/)?(projects/[^/]+/topics/[^/]+)")


class Watched(NamedTuple):
    """Documents that set off a function of the first generation: of which database, which events of which of them."""

    database: Database
    kind: str
    pattern: str


class Trigger(NamedTuple):
    """What sets a function off: a topic, whether failures are tried again; and Eventarc's trigger, with its account."""

    topic: ResourceName
    retries: bool
    name: TriggerName | None = None
    account: str = ""
    filters: tuple[Any, ...] = ()
    watched: Watched | None = None


def read_second(message: Any) -> Trigger | None:
    """Read the trigger of a function of the second generation, and fill in what is left out; None for HTTP."""
    if not message.HasField("event_trigger"):
        return None
    trigger = message.event_trigger
    is_of_documents = is_document_event(trigger.event_type)
    if trigger.event_type != PUBSUB and not is_of_documents:
        raise unsupported(f"event_trigger.event_type {trigger.event_type!r}; it may be {PUBSUB}, or one of Firestore's")
    if not trigger.pubsub_topic and not is_of_documents:
        raise invalid("event_trigger.pubsub_topic", "event_trigger.pubsub_topic is required.")
    refused = ("pubsub_topic", "channel", "service") if is_of_documents else ("event_filters", "channel", "service")
    for field in refused:
        if getattr(trigger, field):
            raise unsupported(f"event_trigger.{field} of {'Firestore' if is_of_documents else 'Pub/Sub'} triggers")
    _, project, _, region, _, short = message.name.split("/")
    trigger.trigger_region = trigger.trigger_region or region
    check_region(project, trigger.trigger_region)
    name = TriggerName(project, trigger.trigger_region, f"{short[:56]}-{_digits(message.name)}")
    trigger.trigger = str(name)
    filters = [shape("EventFilter")(attribute="type", value=trigger.event_type)]
    if is_of_documents:
        filters += [
            shape("EventFilter")(attribute=each.attribute, value=each.value, operator=each.operator)
            for each in trigger.event_filters
        ]
        read_filters(filters, project, "event_trigger.event_filters")
        topic = name.topic
    else:
        topic = read_name(trigger.pubsub_topic, TOPICS, "event_trigger.pubsub_topic")
    return Trigger(topic, trigger.retry_policy == RETRY, name, trigger.service_account_email, tuple(filters))


def _digits(name: str) -> str:
    """Return six digits that are always the same for a function: another region's may have the same id."""
    return f"{crc32(name.encode()) % 1_000_000:06d}"


def read_first(message: Any) -> Trigger | None:
    """Read the trigger of a function of the first generation; None for HTTP."""
    if not message.HasField("event_trigger"):
        return None
    trigger = message.event_trigger
    if trigger.event_type in FIRST_GENERATION:
        return _read_documents(message)
    if trigger.event_type not in _PUBSUB_1:
        known = ", ".join(["google.pubsub.topic.publish", *FIRST_GENERATION])
        raise unsupported(f"event_trigger.event_type {trigger.event_type!r}; it may be {known}")
    match = _RESOURCE.fullmatch(trigger.resource)
    if match is None:
        raise invalid("event_trigger.resource", f"Invalid topic {trigger.resource!r}.")
    trigger.event_type = "google.pubsub.topic.publish"
    trigger.service = trigger.service or "pubsub.googleapis.com"
    topic = read_name(match[1], TOPICS, "event_trigger.resource")
    return Trigger(topic, trigger.failure_policy.HasField("retry"))


def _read_documents(message: Any) -> Trigger:
    """Read a trigger on documents of a function of the first generation."""
    trigger = message.event_trigger
    match = _DOCUMENTS.fullmatch(trigger.resource)
    if match is None:
        raise invalid("event_trigger.resource", f"Invalid document {trigger.resource!r}.")
    trigger.service = trigger.service or "firestore.googleapis.com"
    database, pattern = match.groups()
    _, project, _, region, _, short = message.name.split("/")
    watched = Watched(read_database(database), FIRST_GENERATION[trigger.event_type], pattern)
    topic = _first_topic(project, region, short)
    return Trigger(topic, trigger.failure_policy.HasField("retry"), watched=watched)


def _first_topic(project: str, region: str, short: str) -> ResourceName:
    """Return the topic that a function's documents are told to."""
    return ResourceName(project, TOPICS, f"gcf-firestore-{short}-{region}")


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
    made.event_filters.extend(trigger.filters)
    if is_document_event(trigger.filters[0].value):
        made.event_data_content_type = PROTOBUF
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
    if trigger.watched is not None:
        database, kind, pattern = trigger.watched
        own = pubsub_types().message("google.pubsub.v1.Topic")(name=str(trigger.topic))
        await topics.create(tx, now_us, trigger.topic.key, drawn.topic, pubsub_topics.configuration(own))
        watch = Watch(trigger.topic.key, kind, pattern, JSON, name.region)
        await watches.put(tx, now_us, database, str(name), drawn.watch, watch)
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
        if await watches.remove(tx, now_us, scope_of(name.project), str(name)):
            topic = _first_topic(name.project, name.region, name.id)
            with suppress(TopicNotFoundError):
                await pubsub_topics.remove(tx, now_us, topic.key)
        return
    facts = b64decode(function.config.labels["facts"])
    before = read_second(pubsub_types().message("google.cloud.functions.v2.Function").FromString(facts))
    if before is None:
        return
    assert before.name is not None
    if after is None or (before.name, before.topic) != (after.name, after.topic):
        await transport.disconnect_if_there(tx, now_us, before.name)
