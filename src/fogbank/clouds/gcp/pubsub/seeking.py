"""Snapshots and Seek of google.pubsub.v1.Subscriber."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.masks import merge
from fogbank.clouds.gcp.paging import page
from fogbank.clouds.gcp.pubsub import topic_log
from fogbank.clouds.gcp.pubsub.configuration import configuration, recall
from fogbank.clouds.gcp.pubsub.names import SNAPSHOTS, read_name, read_new_name, read_project, scope_of
from fogbank.clouds.gcp.pubsub.service import already_exists, not_found
from fogbank.clouds.gcp.pubsub.subscriptions import read
from fogbank.clouds.gcp.pubsub.topics import check_labels
from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.messaging import queues
from fogbank.engines.messaging.errors import SnapshotExistsError, SnapshotNotFoundError
from fogbank.engines.messaging.whole_queues import snapshots
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.gcp.pubsub.service import PubSub
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.whole_queues.snapshots import Snapshot
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

# "google.pubsub.v1", Snapshot.expire_time: seven days at most.
LIVES_SECONDS: Final = 7 * 86_400
_TOPIC: Final = "topic"
_LABEL: Final = "label/"
_MUTABLE: Final = frozenset({"expire_time", "labels"})


async def create_snapshot(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Remember what a subscription hasn't acknowledged."""
    del call
    name = read_new_name(request.name, SNAPSHOTS)
    subscription = read(request.subscription)
    check_labels(request.labels)
    queue = await pubsub.store.read(queues.find, subscription.key)
    labels = _labels(recall(queue.config).topic, request.labels)
    number, expires_us = pubsub.ids.sequence(), pubsub.clock.now() + LIVES_SECONDS * SECOND_US
    try:
        snapshot = await pubsub.store.run(
            snapshots.create, (scope_of(name.project), name.id), number, subscription.key, labels, expires_us
        )
    except SnapshotExistsError:
        raise already_exists(request.name) from None
    return _show(pubsub, snapshot)


async def get_snapshot(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Return a snapshot."""
    del call
    return _show(pubsub, await _find(pubsub, request.snapshot))


async def list_snapshots(pubsub: PubSub, call: Call, request: Any) -> Any:
    """List a project's snapshots."""
    del call
    found = await pubsub.store.read(snapshots.list_snapshots, scope_of(read_project(request.project)))
    shown, token = page([(each.name, each) for each in found], request.page_size, request.page_token)
    response = pubsub.message("ListSnapshotsResponse")(next_page_token=token)
    response.snapshots.extend(_show(pubsub, snapshot) for snapshot in shown)
    return response


async def update_snapshot(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Change a snapshot's labels or when it expires."""
    del call
    name = read_name(request.snapshot.name, SNAPSHOTS, "snapshot.name")
    now_us = pubsub.clock.now()

    def change(snapshot: Snapshot) -> tuple[dict[str, str], int]:
        message = _show(pubsub, snapshot)
        merge(message, request.snapshot, request.update_mask, _MUTABLE)
        check_labels(message.labels)
        expires_us = message.expire_time.seconds * SECOND_US + message.expire_time.nanos // 1_000
        if not now_us < expires_us <= snapshot.created_us + LIVES_SECONDS * SECOND_US:
            raise invalid(
                "snapshot.expire_time", "A snapshot expires in the future, at most 7 days after its creation."
            )
        return _labels(message.topic, message.labels), expires_us

    try:
        snapshot = await pubsub.store.run(snapshots.update, (scope_of(name.project), name.id), change)
    except SnapshotNotFoundError:
        raise not_found(str(name)) from None
    return _show(pubsub, snapshot)


async def delete_snapshot(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Delete a snapshot."""
    del call
    name = read_name(request.snapshot, SNAPSHOTS, "snapshot")

    async def delete(tx: Tx, now_us: int, key: Name) -> None:
        snapshot = await snapshots.delete(tx, now_us, key)
        queue = await queues.find_by_id(tx, now_us, snapshot.queue)
        if queue is not None and not await snapshots.has_any(tx, now_us, queue.id):
            message = recall(queue.config)
            await queues.update(tx, now_us, (queue.scope, queue.name), lambda _: configuration(message))

    try:
        await pubsub.store.run(delete, (scope_of(name.project), name.id))
    except SnapshotNotFoundError:
        raise not_found(str(name)) from None
    return pubsub.types.message("google.protobuf.Empty")()


async def seek(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Go back, or forward, to a time or a snapshot."""
    del call
    name = read(request.subscription)
    target = request.WhichOneof("target")
    if target is None:
        raise invalid("target", "A time or a snapshot to seek to is required.")
    if target == "time":
        at_us = request.time.seconds * SECOND_US + request.time.nanos // 1_000
        await pubsub.store.run(_go_back, name.key, at_us, pubsub.ids.sequence)
        return pubsub.message("SeekResponse")()
    snapshot = await _find(pubsub, request.snapshot)
    queue = await pubsub.store.read(queues.find, name.key)
    if snapshot.labels[_TOPIC] != recall(queue.config).topic:
        raise invalid("snapshot", "The snapshot is of a subscription of another topic.")
    await pubsub.store.run(snapshots.go_back, queue, snapshot)
    return pubsub.message("SeekResponse")()


async def _go_back(tx: Tx, now_us: int, name: Name, at_us: int, draw: Callable[[], int]) -> None:
    queue = await queues.find(tx, now_us, name)
    await queues.go_back(tx, now_us, name, at_us)
    await topic_log.replay(tx, now_us, name, recall(queue.config), at_us, draw)


async def _find(pubsub: PubSub, full_name: str) -> Snapshot:
    name = read_name(full_name, SNAPSHOTS, "snapshot")
    try:
        return await pubsub.store.read(snapshots.find, (scope_of(name.project), name.id))
    except SnapshotNotFoundError:
        raise not_found(full_name) from None


def _labels(topic: str, labels: Any) -> dict[str, str]:
    return {_TOPIC: topic, **{_LABEL + key: value for key, value in labels.items()}}


def _show(pubsub: PubSub, snapshot: Snapshot) -> Any:
    message = pubsub.message("Snapshot")(
        name=f"projects/{snapshot.scope.split('/')[1]}/{SNAPSHOTS}/{snapshot.name}", topic=snapshot.labels[_TOPIC]
    )
    message.expire_time.seconds, micros = divmod(snapshot.expires_us, SECOND_US)
    message.expire_time.nanos = micros * 1_000
    for key, value in snapshot.labels.items():
        if key.startswith(_LABEL):
            message.labels[key.removeprefix(_LABEL)] = value
    return message
