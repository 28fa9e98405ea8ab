"""Subscriptions: the part of google.pubsub.v1.Subscriber that makes, changes and shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.masks import merge
from fogbank.clouds.gcp.paging import read_page_size, read_page_token, write_page_token
from fogbank.clouds.gcp.pubsub import expiring
from fogbank.clouds.gcp.pubsub.carriers import still_carrying
from fogbank.clouds.gcp.pubsub.configuration import complete, configuration, recall, show
from fogbank.clouds.gcp.pubsub.names import SUBSCRIPTIONS, TOPICS, read_name, read_new_name, read_project, scope_of
from fogbank.clouds.gcp.pubsub.service import already_exists
from fogbank.engines.messaging import queues, topics
from fogbank.engines.messaging.delivery_model import QUEUE, endpoint_of
from fogbank.engines.messaging.errors import QueueExistsError, QueueNotFoundError, TopicNotFoundError
from fogbank.engines.messaging.topic_model import SubscriptionConfig
from fogbank.engines.messaging.whole_queues import pushing, snapshots
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.pubsub.names import ResourceName
    from fogbank.clouds.gcp.pubsub.service import PubSub
    from fogbank.engines.messaging.model import Name, Queue, QueueConfig
    from fogbank.storage import Tx
    from fogbank.storage.timers import Timer
    from fogbank.wire.grpc.service import Call

_MUTABLE: Final = frozenset({
    "push_config", "bigquery_config", "cloud_storage_config", "bigtable_config", "ack_deadline_seconds",
    "retain_acked_messages", "message_retention_duration", "labels", "expiration_policy", "dead_letter_policy",
    "retry_policy", "enable_exactly_once_delivery", "message_transforms", "tags",
})  # fmt: skip


async def create_subscription(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Create a subscription of a topic; it gets what is published from then on."""
    del call
    name = read_new_name(request.name, SUBSCRIPTIONS)
    topic = read_name(request.topic, TOPICS, "topic")
    request.ClearField("detached")
    complete(request)
    config = configuration(request)
    try:
        queue = await pubsub.store.run(create, name.key, pubsub.ids.sequence(), topic.key, str(name), config)
    except QueueExistsError:
        raise already_exists(request.name) from None
    return show(queue)


async def create(
    tx: Tx, now_us: int, name: Name, number: int, topic: Name, full_name: str, config: QueueConfig
) -> Queue:
    """Create a subscription: a store operation. Raises `TopicNotFoundError`, `QueueExistsError`."""
    await topics.find(tx, now_us, topic)
    queue, new = await queues.create(tx, now_us, name, number, config)
    if not new:
        raise QueueExistsError(name[1])
    link = SubscriptionConfig(filter=_filter_of(config))
    await topics.subscribe(tx, now_us, topic, full_name, QUEUE, endpoint_of(*name), link)
    await pushing.tell(tx, now_us, name, None, config)
    await expiring.begin(tx, now_us, queue)
    return queue


def _filter_of(config: QueueConfig) -> str:
    return config.labels.get("filter", "")


async def get_subscription(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Return a subscription."""
    del call
    return show(await pubsub.store.read(queues.find, read(request.subscription).key))


async def update_subscription(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Change what the mask names."""
    del call
    name = read(request.subscription.name, "subscription.name")

    async def change(tx: Tx, now_us: int, key: Name) -> Queue:
        before = await queues.find(tx, now_us, key)
        retains = await snapshots.has_any(tx, now_us, before.id)

        def merged(config: QueueConfig) -> QueueConfig:
            message = recall(config)
            merge(message, request.subscription, request.update_mask, _MUTABLE)
            complete(message)
            pushes_elsewhere = any(path.startswith("push_config") for path in request.update_mask.paths)
            changed = configuration(message, retains=retains)
            return still_carrying(config, changed, pushes_elsewhere=pushes_elsewhere)

        queue = await queues.update(tx, now_us, key, merged)
        await pushing.tell(tx, now_us, key, before.config, queue.config)
        await expiring.begin(tx, now_us, queue)
        return queue

    return show(await pubsub.store.run(change, name.key))


async def modify_push_config(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Push to another address, or, without one, let messages be pulled."""
    del call
    update = pubsub.message("UpdateSubscriptionRequest")()
    update.subscription.name = request.subscription
    update.subscription.push_config.CopyFrom(request.push_config)
    update.update_mask.paths.append("push_config")
    await update_subscription(pubsub, _NOBODY, update)
    return pubsub.types.message("google.protobuf.Empty")()


_NOBODY: Any = None


async def list_subscriptions(pubsub: PubSub, call: Call, request: Any) -> Any:
    """List a project's subscriptions."""
    del call
    scope = scope_of(read_project(request.project))
    limit = read_page_size(request.page_size)
    after = read_page_token(request.page_token)
    found = await pubsub.store.read(queues.list_queues, scope, f"{SUBSCRIPTIONS}/", after, limit + 1)
    response = pubsub.message("ListSubscriptionsResponse")()
    response.subscriptions.extend(show(queue) for queue in found[:limit])
    if len(found) > limit:
        response.next_page_token = write_page_token(found[limit - 1].name)
    return response


async def delete_subscription(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Delete a subscription with all that it holds."""
    del call
    await pubsub.store.run(remove, read(request.subscription).key)
    return pubsub.types.message("google.protobuf.Empty")()


async def remove(tx: Tx, now_us: int, key: Name) -> None:
    """Delete a subscription: a store operation."""
    await _remove(tx, now_us, await queues.find(tx, now_us, key))


async def remove_if_there(tx: Tx, now_us: int, key: Name) -> None:
    """Delete a subscription, if there is one of that name: a store operation."""
    try:
        queue = await queues.find(tx, now_us, key)
    except QueueNotFoundError:
        return
    await _remove(tx, now_us, queue)


async def _remove(tx: Tx, now_us: int, queue: Queue) -> None:
    key = (queue.scope, queue.name)
    await _unlink(tx, now_us, recall(queue.config))
    await queues.delete(tx, now_us, key)
    await pushing.tell(tx, now_us, key, queue.config, None)


async def detach_subscription(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Let a subscription get nothing more, and drop what it holds."""
    del call
    name = read(request.subscription)

    async def detach(tx: Tx, now_us: int, key: Name, store: int) -> None:
        queue = await queues.find(tx, now_us, key)
        message = recall(queue.config)
        if message.detached:
            return
        await _unlink(tx, now_us, message)
        message.detached = True
        message.ClearField("push_config")
        await queues.update(tx, now_us, key, lambda _: configuration(message))
        await queues.empty(tx, now_us, key, store)
        await pushing.tell(tx, now_us, key, queue.config, None)

    await pubsub.store.run(detach, name.key, pubsub.ids.sequence())
    return pubsub.message("DetachSubscriptionResponse")()


async def expire(tx: Tx, now_us: int, timer: Timer, _sequence: int) -> int | None:
    """Remove a subscription that wasn't used for its period: what its timer does."""
    try:
        queue = await queues.find(tx, now_us, expiring.read(timer))
    except QueueNotFoundError:
        return None
    due_us = expiring.due_us(queue, now_us)
    if due_us is not None and due_us <= now_us:
        await _remove(tx, now_us, queue)
        return None
    return due_us


async def _unlink(tx: Tx, now_us: int, message: Any) -> None:
    """Take the link from the topic away, if that is still there."""
    try:
        topic = read_name(message.topic, TOPICS, "topic")
    except GrpcError:
        return
    try:
        await topics.unsubscribe(tx, now_us, topic.key[0], message.name)
    except TopicNotFoundError:
        return


def read(name: str, field: str = "subscription") -> ResourceName:
    """Read a subscription's name."""
    return read_name(name, SUBSCRIPTIONS, field)


def refuse_detached(config: QueueConfig) -> None:
    """Raise the error for a subscription that was detached, and for one that pushes."""
    if config.push is not None:
        raise GrpcError(
            Code.FAILED_PRECONDITION,
            "This method is not supported for this subscription type: it pushes its messages.",
        )
    if recall(config).detached:
        raise GrpcError(Code.FAILED_PRECONDITION, "The subscription is detached from its topic.")
