"""What carries a trigger's events: the trigger's record, its topic and the subscription that pushes to its destination.

All are store operations, parts of others: Eventarc's own, and those that deploy functions with event triggers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.gcp.eventarc.configuration import CLOUD_RUN, FUNCTION, HTTP
from fogbank.clouds.gcp.eventarc.names import TriggerName, shape
from fogbank.clouds.gcp.firestore.events import watches
from fogbank.clouds.gcp.firestore.events.watches import Watch
from fogbank.clouds.gcp.firestore.names import scope_of as firestore_scope
from fogbank.clouds.gcp.locations import scope_key
from fogbank.clouds.gcp.pubsub import topics as pubsub_topics
from fogbank.clouds.gcp.pubsub.carriers import CLOUD_EVENT, Carrier, carrying
from fogbank.clouds.gcp.pubsub.names import TOPICS, read_name
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.clouds.gcp.pubsub.subscriptions import create as subscribe
from fogbank.clouds.gcp.pubsub.subscriptions import remove_if_there
from fogbank.clouds.gcp.refusals import already_exists, not_found
from fogbank.engines.functions import functions
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.engines.messaging import queues, records, topics
from fogbank.engines.messaging.errors import (
    QueueExistsError,
    QueueNotFoundError,
    RecordExistsError,
    RecordNotFoundError,
    TopicNotFoundError,
)
from fogbank.engines.messaging.whole_queues import pushing
from fogbank.wire.grpc.status import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.gcp.pubsub.names import ResourceName
    from fogbank.engines.messaging.records import Record
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Tx

KIND: Final = "eventarc.trigger"
# Google Cloud, "Pub/Sub triggers": a function may take so long; a service has Pub/Sub's default.
FUNCTION_ACK_SECONDS: Final = 600
SERVICE_ACK_SECONDS: Final = 10


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What a trigger's record holds: its message, and whether the topic was made for it."""

    trigger: bytes
    has_own_topic: bool = False


class Stored(NamedTuple):
    """A trigger as stored; `conditions` are codes and messages, by what they are of, of what it can't do without."""

    name: TriggerName
    kept: Kept
    created_us: int
    modified_us: int
    conditions: Mapping[str, tuple[int, str]] = {}


class Drawn(NamedTuple):
    """What a new trigger needs and may not draw itself: an id, and four sequence numbers."""

    uid: str
    record: int
    topic: int
    subscription: int
    watch: int


def draw(ids: Ids) -> Drawn:
    """Draw what a new trigger needs."""
    return Drawn(ids.uuid(), ids.sequence(), ids.sequence(), ids.sequence(), ids.sequence())


async def find(tx: Tx, now_us: int, name: TriggerName) -> Stored:
    """Return a trigger; raises `RecordNotFoundError`."""
    return await _checked(tx, now_us, _stored(await records.find(tx, now_us, name.scope, KIND, name.id)))


async def list_triggers(tx: Tx, now_us: int, scope: str, after: str, limit: int) -> list[Stored]:
    """Return triggers of a project in a region, in the order of their ids, those that follow `after`."""
    found = await records.list_records(tx, now_us, scope, KIND, "", after, limit)
    return [await _checked(tx, now_us, _stored(record)) for record in found]


def _stored(record: Record) -> Stored:
    _realm, project, region = record.scope.split("/")
    kept = msgspec.msgpack.decode(record.body, type=Kept)
    return Stored(TriggerName(project, region, record.name), kept, record.created_us, record.modified_us)


async def _checked(tx: Tx, now_us: int, stored: Stored) -> Stored:
    """Return a trigger with what is missing of its transport."""
    conditions = {}
    topic = topic_of(shape("Trigger").FromString(stored.kept.trigger))
    try:
        await topics.find(tx, now_us, topic.key)
    except TopicNotFoundError:
        conditions["topic"] = (Code.NOT_FOUND.value, f"The topic {topic} was not found.")
    try:
        await queues.find(tx, now_us, stored.name.subscription.key)
    except QueueNotFoundError:
        told = f"The subscription {stored.name.subscription} was not found."
        conditions["subscription"] = (Code.NOT_FOUND.value, told)
    return stored._replace(conditions=conditions)


async def connect(tx: Tx, now_us: int, name: TriggerName, trigger: Any, drawn: Drawn) -> None:
    """Make a complete trigger and what carries its events.

    Raises `TopicNotFoundError` for a topic that it is told of, `GrpcError` for what is there already and for a
    service that isn't there.
    """
    await check_destination(tx, now_us, name, trigger)
    trigger.uid = drawn.uid
    topic = topic_of(trigger)
    has_own_topic = False
    if topic == name.topic:
        made = pubsub_types().message("google.pubsub.v1.Topic")(name=str(topic))
        own = pubsub_topics.configuration(made)
        _, has_own_topic = await topics.create(tx, now_us, topic.key, drawn.topic, own)
    body = msgspec.msgpack.encode(Kept(trigger.SerializeToString(deterministic=True), has_own_topic))
    try:
        await records.add(tx, now_us, name.scope, KIND, name.id, drawn.record, body)
        subscription, config = name.subscription, carrying(_carrier(name, trigger))
        await subscribe(tx, now_us, subscription.key, drawn.subscription, topic.key, str(subscription), config)
    except RecordExistsError:
        raise already_exists(str(name)) from None
    except QueueExistsError:
        raise already_exists(str(name.subscription)) from None
    await _watch(tx, now_us, name, trigger, drawn.watch)


async def _watch(tx: Tx, now_us: int, name: TriggerName, trigger: Any, number: int) -> None:
    """Have the trigger's topic told of documents, if that is what the trigger is for."""
    kind = next(each.value for each in trigger.event_filters if each.attribute == "type")
    if watches.is_document_event(kind):
        database, kind, pattern = watches.read_filters(trigger.event_filters, name.project, "trigger.event_filters")
        watch = Watch(topic_of(trigger).key, kind, pattern, trigger.event_data_content_type, name.region)
        await watches.put(tx, now_us, database, str(name), number, watch)


async def change(tx: Tx, now_us: int, name: TriggerName, trigger: Any) -> None:
    """Change a trigger to a complete one with the same transport; messages that wait go the new way.

    Its subscription is left as it is, and as it may have been set by hand, where nothing of it is to be another.
    """
    await check_destination(tx, now_us, name, trigger)
    record = await records.find(tx, now_us, name.scope, KIND, name.id)
    kept = msgspec.msgpack.decode(record.body, type=Kept)
    before = shape("Trigger").FromString(kept.trigger)
    trigger.uid = before.uid
    body = msgspec.msgpack.encode(Kept(trigger.SerializeToString(deterministic=True), kept.has_own_topic))
    await records.update(tx, now_us, name.scope, KIND, name.id, lambda _: body)
    await watches.remove(tx, now_us, firestore_scope(name.project), str(name))
    await _watch(tx, now_us, name, trigger, record.id)
    carrier = _carrier(name, trigger)
    if carrier == _carrier(name, before):
        return
    try:
        old = await queues.find(tx, now_us, name.subscription.key)
        new = await queues.update(tx, now_us, name.subscription.key, lambda _: carrying(carrier))
    except QueueNotFoundError:
        return
    await pushing.tell(tx, now_us, name.subscription.key, old.config, new.config)


async def disconnect(tx: Tx, now_us: int, name: TriggerName) -> None:
    """Delete a trigger with its subscription, and its topic if that was made for it; raises `RecordNotFoundError`."""
    stored = _stored(await records.find(tx, now_us, name.scope, KIND, name.id))
    await remove_if_there(tx, now_us, name.subscription.key)
    await records.delete(tx, now_us, name.scope, KIND, name.id)
    await watches.remove(tx, now_us, firestore_scope(name.project), str(name))
    if stored.kept.has_own_topic:
        try:
            await pubsub_topics.remove(tx, now_us, name.topic.key)
        except TopicNotFoundError:
            return


async def disconnect_if_there(tx: Tx, now_us: int, name: TriggerName) -> None:
    """Delete a trigger, if there is one of that name."""
    try:
        await disconnect(tx, now_us, name)
    except RecordNotFoundError:
        return


async def check_destination(tx: Tx, now_us: int, name: TriggerName, trigger: Any) -> None:
    """Raise the error for a service that isn't there: a function of the second generation is one, by its name."""
    if trigger.destination.WhichOneof("descriptor") != CLOUD_RUN:
        return
    run = trigger.destination.cloud_run
    try:
        function = await functions.find(tx, now_us, (scope_key(name.project, run.region), run.service))
        is_service = function.config.labels.get("generation") == "2"
    except FunctionNotFoundError:
        is_service = False
    if not is_service:
        raise not_found(f"projects/{name.project}/locations/{run.region}/services/{run.service}")


def topic_of(trigger: Any) -> ResourceName:
    """Return the topic that a complete trigger takes events from."""
    return read_name(trigger.transport.pubsub.topic, TOPICS, "trigger.transport.pubsub.topic")


def _carrier(name: TriggerName, trigger: Any) -> Carrier:
    """Return what a trigger's subscription brings where."""
    destination = trigger.destination
    kind = destination.WhichOneof("descriptor")
    carrier = Carrier(
        name.subscription,
        topic_of(trigger),
        "",
        CLOUD_EVENT,
        retries=not trigger.HasField("retry_policy"),
        ack_seconds=FUNCTION_ACK_SECONDS if kind == FUNCTION else SERVICE_ACK_SECONDS,
        account=trigger.service_account,
    )
    if kind == HTTP:
        return carrier._replace(address=destination.http_endpoint.uri)
    if kind == FUNCTION:
        _, project, _, region, _, service = destination.cloud_function.split("/")
        path = "/"
    else:
        project, region, service = name.project, destination.cloud_run.region, destination.cloud_run.service
        path = "/" + destination.cloud_run.path.lstrip("/")
    address = f"https://{service}.run.app{path}?__GCP_CloudEventsMode=CE_PUBSUB_BINDING"
    return carrier._replace(address=address, function=(scope_key(project, region), service), path=path)
