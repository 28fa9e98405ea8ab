"""Topics: google.pubsub.v1.Publisher without Publish."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.masks import merge
from fogbank.clouds.gcp.paging import page, read_page_size, read_page_token, write_page_token
from fogbank.clouds.gcp.pubsub import topic_log
from fogbank.clouds.gcp.pubsub.names import (
    DELETED_TOPIC,
    SNAPSHOTS,
    TOPICS,
    read_name,
    read_new_name,
    read_project,
    scope_of,
)
from fogbank.clouds.gcp.pubsub.schemas.topics import check_settings
from fogbank.clouds.gcp.pubsub.service import DIALECT, FACTS, PACKAGE, already_exists
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.clouds.gcp.refusals import invalid, unsupported
from fogbank.engines.messaging import queues, topics
from fogbank.engines.messaging.delivery_model import split_endpoint
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.engines.messaging.topic_model import TopicConfig
from fogbank.engines.messaging.whole_queues import snapshots

if TYPE_CHECKING:
    from fogbank.clouds.gcp.pubsub.service import PubSub
    from fogbank.engines.messaging.model import Name, QueueConfig
    from fogbank.engines.messaging.topic_model import Subscription, Topic
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

# A label of topics whose messages are checked.
SCHEMA: Final = "schema"
RETENTION_SECONDS: Final = (600, 31 * 86_400)
_MUTABLE: Final = frozenset(
    {"labels", "message_storage_policy", "message_retention_duration", "schema_settings", "kms_key_name", "tags"}
    | {"ingestion_data_source_settings", "message_transforms"}
)


async def create_topic(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Create a topic."""
    del call
    name = read_new_name(request.name, TOPICS)
    _check(request)
    if request.HasField("schema_settings"):
        await check_settings(pubsub, request.schema_settings)
    config = configuration(request)
    retention = request.message_retention_duration.seconds

    async def create(tx: Tx, now_us: int, number: int, log: int) -> tuple[Topic, bool]:
        topic, new = await topics.create(tx, now_us, name.key, number, config)
        if new:
            await topic_log.keep(tx, now_us, name.key, log, retention)
        return topic, new

    topic, new = await pubsub.store.run(create, pubsub.ids.sequence(), pubsub.ids.sequence())
    if not new:
        raise already_exists(request.name)
    return show(pubsub, topic)


async def update_topic(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Change what the mask names."""
    del call
    name = read_name(request.topic.name, TOPICS, "topic.name")
    if request.topic.HasField("schema_settings"):
        await check_settings(pubsub, request.topic.schema_settings)

    def change(config: TopicConfig) -> TopicConfig:
        message = pubsub.message("Topic").FromString(b64decode(config.labels[FACTS]))
        merge(message, request.topic, request.update_mask, _MUTABLE)
        _check(message)
        return msgspec.structs.replace(configuration(message), tags=config.tags)

    async def update(tx: Tx, now_us: int, log: int) -> Topic:
        topic = await topics.update(tx, now_us, name.key, change)
        retention = show(pubsub, topic).message_retention_duration.seconds
        await topic_log.keep(tx, now_us, name.key, log, retention)
        return topic

    return show(pubsub, await pubsub.store.run(update, pubsub.ids.sequence()))


async def get_topic(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Return a topic."""
    del call
    return show(pubsub, await pubsub.store.read(topics.find, read_name(request.topic, TOPICS, "topic").key))


async def list_topics(pubsub: PubSub, call: Call, request: Any) -> Any:
    """List a project's topics."""
    del call
    scope = scope_of(read_project(request.project))
    limit = read_page_size(request.page_size)
    after = read_page_token(request.page_token) or f"{TOPICS}/"
    found = await pubsub.store.read(topics.list_topics, scope, after, limit + 1)
    response = pubsub.message("ListTopicsResponse")()
    response.topics.extend(show(pubsub, topic) for topic in found[:limit])
    if len(found) > limit:
        response.next_page_token = write_page_token(found[limit - 1].name)
    return response


async def list_topic_subscriptions(pubsub: PubSub, call: Call, request: Any) -> Any:
    """List the names of a topic's subscriptions."""
    del call
    found = await pubsub.store.read(topics.subscriptions_of, read_name(request.topic, TOPICS, "topic").key)
    named = sorted((each.id, each.id) for each in found if _is_subscription(each))
    shown, token = page(named, request.page_size, request.page_token)
    return pubsub.message("ListTopicSubscriptionsResponse")(subscriptions=shown, next_page_token=token)


async def list_topic_snapshots(pubsub: PubSub, call: Call, request: Any) -> Any:
    """List the names of the snapshots of a topic's subscriptions."""
    del call
    name = read_name(request.topic, TOPICS, "topic")
    await pubsub.store.read(topics.find, name.key)
    found = await pubsub.store.read(snapshots.list_snapshots, scope_of(name.project))
    named = [
        (f"projects/{name.project}/{SNAPSHOTS}/{each.name}",) * 2 for each in found if each.labels["topic"] == str(name)
    ]
    shown, token = page(sorted(named), request.page_size, request.page_token)
    return pubsub.message("ListTopicSnapshotsResponse")(snapshots=shown, next_page_token=token)


async def delete_topic(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Delete a topic; its subscriptions stay, without one."""
    del call
    await pubsub.store.run(remove, read_name(request.topic, TOPICS, "topic").key)
    return pubsub.types.message("google.protobuf.Empty")()


async def remove(tx: Tx, now_us: int, key: Name) -> None:
    """Delete a topic: a store operation. Raises `TopicNotFoundError`."""
    for subscription in await topics.subscriptions_of(tx, now_us, key):
        if _is_subscription(subscription):
            try:
                await queues.update(tx, now_us, split_endpoint(subscription.endpoint), _without_topic)
            except QueueNotFoundError:
                continue
    await topic_log.drop(tx, now_us, key)
    await topics.delete(tx, now_us, key)


def _without_topic(config: QueueConfig) -> QueueConfig:
    message = pubsub_types().message(f"{PACKAGE}.Subscription").FromString(b64decode(config.labels[FACTS]))
    message.topic = DELETED_TOPIC
    return msgspec.structs.replace(config, labels={**config.labels, **keep(message)})


def _is_subscription(subscription: Subscription) -> bool:
    """Whether it is one of Pub/Sub's, no route to another service, and not the topic's own log."""
    return not subscription.config.route and subscription.id.startswith("projects/")


def configuration(message: Any) -> TopicConfig:
    """Return what the engine is told of a topic."""
    labels = keep(message)
    if message.schema_settings.schema:
        labels[SCHEMA] = "yes"
    return TopicConfig(dedup_window_seconds=0, labels=labels, dialect=DIALECT)


def keep(message: Any) -> dict[str, str]:
    """Return the labels that hold a resource as the API has it."""
    return {FACTS: b64encode(message.SerializeToString(deterministic=True)).decode()}


def show(pubsub: PubSub, topic: Topic) -> Any:
    """Return a topic as the API shows it."""
    message = pubsub.message("Topic").FromString(b64decode(topic.config.labels[FACTS]))
    message.state = 1
    return message


def _check(message: Any) -> None:
    for field in ("ingestion_data_source_settings", "message_transforms", "kms_key_name", "tags"):
        value = getattr(message, field)
        if value if field != "ingestion_data_source_settings" else message.HasField(field):
            raise unsupported(f"{field} of topics")
    if message.HasField("message_retention_duration"):
        check_duration("message_retention_duration", message.message_retention_duration, *RETENTION_SECONDS)
    check_labels(message.labels)
    message.ClearField("state")
    message.ClearField("satisfies_pzs")


def check_duration(field: str, duration: Any, least: float, most: float) -> float:
    """Return a duration in seconds; raises `GrpcError` where it may not be that."""
    seconds = duration.seconds + duration.nanos / 1e9
    if not least <= seconds <= most:
        raise invalid(field, f"The value for {field} is out of range. You passed {seconds:g}s; it must be between"
                             f" {least:g}s and {most:g}s.")  # fmt: skip
    return float(seconds)


def check_labels(labels: Any) -> None:
    """Raise the error for labels that there may not be ("Labels": at most 64, of lower-case letters and the like)."""
    if len(labels) > 64:
        raise invalid("labels", f"There may be at most 64 labels, not {len(labels)}.")
    for key, value in labels.items():
        if not (0 < len(key) <= 63 and len(value) <= 63) or key != key.lower() or value != value.lower():
            raise invalid("labels", f"Invalid label {key!r}: {value!r}.")
