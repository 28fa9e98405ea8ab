"""Archives: what a bus gets is kept in a queue that nobody receives from, for as long as the archive says.

Amazon EventBridge User Guide, "Archiving and replaying events in Amazon EventBridge".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, epoch_seconds, operation
from fogbank.clouds.aws.arns import Arn
from fogbank.clouds.aws.events.errors import invalid
from fogbank.clouds.aws.events.patterns import check_pattern
from fogbank.clouds.aws.events.rendering import ARCHIVE, RULE
from fogbank.clouds.aws.events.service import DIALECT, PAGE_MAX, Events, bus_arn, find_bus, read_bus, read_next
from fogbank.clouds.aws.paging import page
from fogbank.engines.messaging import queues, records, topics
from fogbank.engines.messaging.delivery_model import QUEUE, endpoint_of
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.engines.messaging.model import QueueConfig
from fogbank.engines.messaging.topic_model import Subscription, SubscriptionConfig
from fogbank.storage.leasing import leased_queue

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.records import Record
    from fogbank.storage import Tx

KIND: Final = "events/archive"
FOREVER_SECONDS: Final = 100 * 366 * 86_400
DAY_SECONDS: Final = 86_400
MESSAGE_BYTES_MAX: Final = 4_194_304
_PAGE: Final = 1_000


class Archive(msgspec.Struct, frozen=True, omit_defaults=True):
    """An archive, as its record has it; `bus` is its bus's name in the store."""

    bus: tuple[str, str]
    description: str = ""
    pattern: str = ""
    retention_days: int = 0


_ARCHIVE: Final = msgspec.json.Decoder(Archive)


def read_archive(record: Record) -> Archive:
    """Return the archive of a record."""
    return _ARCHIVE.decode(record.body)


def archive_arn(scope: str, name: str) -> str:
    """Return the ARN of an archive."""
    _realm, account, region = scope.split("/")
    return str(Arn("aws", "events", region, account, f"archive/{name}"))


def queue_of(scope: str, name: str) -> Name:
    """Return the name in the store of the queue that keeps an archive's events: no service lists it."""
    return f"aws-archives/{scope.partition('/')[2]}", name


class CreateArchive(Input):
    """Input of CreateArchive."""

    ArchiveName: str
    EventSourceArn: str
    Description: str | None = None
    EventPattern: str | None = None
    RetentionDays: int = 0


@operation(CreateArchive)
async def create_archive(events: Events, call: Call, request: CreateArchive) -> Reply:
    """Create an archive of a bus; it keeps what comes from then on."""
    bus = read_bus(call, request.EventSourceArn, "EventSourceArn")
    if not request.EventSourceArn.startswith("arn:") or bus[0] != call.scope:
        raise invalid("Parameter EventSourceArn is not valid. Reason: it must be the ARN of an event bus here.")
    if request.EventPattern:
        check_pattern(request.EventPattern)
    archive = Archive(bus, request.Description or "", request.EventPattern or "", request.RetentionDays)
    record = await events.store.run(
        _create, call.scope, request.ArchiveName, archive, events.ids.sequence(), events.ids.sequence()
    )
    return {**_state(record), "CreationTime": epoch_seconds(record.created_us)}


async def _create(tx: Tx, now_us: int, scope: str, name: str, archive: Archive, number: int, other: int) -> Record:
    await find_bus(tx, now_us, archive.bus, other)
    record = await records.add(tx, now_us, scope, KIND, name, number, msgspec.json.encode(archive))
    await queues.create(tx, now_us, queue_of(scope, name), number, _queue(archive))
    await _subscribe(tx, now_us, scope, name, archive)
    return record


async def _subscribe(tx: Tx, now_us: int, scope: str, name: str, archive: Archive) -> None:
    topic = await topics.find(tx, now_us, archive.bus)
    config = SubscriptionConfig(filter=archive.pattern, labels={ARCHIVE: name, RULE: ""})
    endpoint = endpoint_of(*queue_of(scope, name))
    subscription = Subscription(topic.id, f"archive/{name}", *archive.bus, QUEUE, endpoint, config)
    await topics.put_subscription(tx, now_us, subscription)


def _queue(archive: Archive) -> QueueConfig:
    retention_seconds = min(archive.retention_days * DAY_SECONDS or FOREVER_SECONDS, FOREVER_SECONDS)
    return QueueConfig(retention_seconds=retention_seconds, message_bytes_max=MESSAGE_BYTES_MAX, dialect=DIALECT)


class UpdateArchive(Input):
    """Input of UpdateArchive."""

    ArchiveName: str
    Description: str | None = None
    EventPattern: str | None = None
    RetentionDays: int | None = None


@operation(UpdateArchive)
async def update_archive(events: Events, call: Call, request: UpdateArchive) -> Reply:
    """Change what an archive keeps, and for how long."""
    if request.EventPattern:
        check_pattern(request.EventPattern)
    given = {
        "description": request.Description,
        "pattern": request.EventPattern,
        "retention_days": request.RetentionDays,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}

    async def update(tx: Tx, now_us: int) -> Record:
        def rewritten(record: Record) -> bytes:
            return msgspec.json.encode(msgspec.structs.replace(read_archive(record), **changes))

        record = await records.update(tx, now_us, call.scope, KIND, request.ArchiveName, rewritten)
        archive = read_archive(record)
        await _subscribe(tx, now_us, call.scope, request.ArchiveName, archive)
        await queues.update(tx, now_us, queue_of(call.scope, request.ArchiveName), lambda _: _queue(archive))
        return record

    record = await events.store.run(update)
    return {**_state(record), "CreationTime": epoch_seconds(record.created_us)}


class DescribeArchive(Input):
    """Input of DescribeArchive."""

    ArchiveName: str


@operation(DescribeArchive)
async def describe_archive(events: Events, call: Call, request: DescribeArchive) -> Reply:
    """Return all of an archive."""
    record = await events.store.read(records.find, call.scope, KIND, request.ArchiveName)
    archive = read_archive(record)
    shown = _show(record, *await events.store.scan(_measure, call.scope, record.name))
    shown["ArchiveArn"] = archive_arn(call.scope, record.name)
    if archive.description:
        shown["Description"] = archive.description
    if archive.pattern:
        shown["EventPattern"] = archive.pattern
    return shown


class ListArchives(Input):
    """Input of ListArchives."""

    NamePrefix: str | None = None
    EventSourceArn: str | None = None
    State: str | None = None
    NextToken: str | None = None
    Limit: int = PAGE_MAX


@operation(ListArchives)
async def list_archives(events: Events, call: Call, request: ListArchives) -> Reply:
    """List archives in the order of their names, by one of prefix, bus and state."""
    if sum(bool(each) for each in (request.NamePrefix, request.EventSourceArn, request.State)) > 1:
        raise invalid(
            "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix."
        )
    after = read_next(request.NextToken)
    found = await events.store.read(records.list_records, call.scope, KIND, request.NamePrefix or "", after)
    found = [each for each in found if request.EventSourceArn in (None, bus_arn(read_archive(each).bus))]
    if request.State not in (None, "ENABLED"):
        found = []
    measures = {each.name: await events.store.scan(_measure, call.scope, each.name) for each in found[: request.Limit]}
    return page(
        "Archives", found[: request.Limit + 1], request.Limit, lambda each: each.name,
        lambda each: _show(each, *measures[each.name]),
    )  # fmt: skip


class DeleteArchive(Input):
    """Input of DeleteArchive."""

    ArchiveName: str


@operation(DeleteArchive)
async def delete_archive(events: Events, call: Call, request: DeleteArchive) -> Reply:
    """Delete an archive with all that it keeps."""
    name = request.ArchiveName

    async def delete(tx: Tx, now_us: int) -> None:
        archive = read_archive(await records.find(tx, now_us, call.scope, KIND, name))
        await records.delete(tx, now_us, call.scope, KIND, name)
        await queues.delete(tx, now_us, queue_of(call.scope, name))
        try:
            await topics.unsubscribe(tx, now_us, archive.bus[0], f"archive/{name}")
        except TopicNotFoundError:
            return

    await events.store.run(delete)
    return None


async def _measure(tx: Tx, now_us: int, scope: str, name: str) -> tuple[int, int]:
    """Count the events of an archive, and their bytes."""
    queue = await queues.find(tx, now_us, queue_of(scope, name))
    count, size, after = 0, 0, 0
    while found := await leased_queue.peek(tx, now_us, queue.store, _PAGE, after):
        count += len(found)
        size += sum(len(each.message.body) for each in found)
        after = found[-1].message.id
    return count, size


def _state(record: Record) -> dict[str, Any]:
    return {"ArchiveArn": archive_arn(record.scope, record.name), "State": "ENABLED"}


def _show(record: Record, count: int, size: int) -> dict[str, Any]:
    archive = read_archive(record)
    return {
        "ArchiveName": record.name,
        "EventSourceArn": bus_arn(archive.bus),
        "State": "ENABLED",
        "RetentionDays": archive.retention_days,
        "SizeBytes": size,
        "EventCount": count,
        "CreationTime": epoch_seconds(record.created_us),
    }


OPERATIONS: Final = (create_archive, delete_archive, describe_archive, list_archives, update_archive)
