"""Telling of documents that were written: messages to topics, in the transaction of the commit.

What is told is a CloudEvent (https://github.com/googleapis/google-cloudevents, "Firestore": `DocumentEventData` has the
document as it is now as field 1, as it was as field 2, and the mask of what was changed as field 3), which waits in
the trigger's subscription until its destination has taken it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.gcp.firestore.events import watches
from fogbank.clouds.gcp.firestore.events.watches import JSON, STEM
from fogbank.clouds.gcp.firestore.field_paths import write_path
from fogbank.clouds.gcp.firestore.names import Database
from fogbank.clouds.gcp.firestore.rendering import document_bytes
from fogbank.clouds.gcp.firestore.shape import document_type, message_of, path_of
from fogbank.clouds.gcp.pubsub.publish import publication
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.engines.documents.documents import Written
from fogbank.engines.messaging import publishing
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.wire.grpc.encoded import part, timestamp
from fogbank.wire.grpc.types import protobuf_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fogbank.clouds.gcp.firestore.events.watches import Watch
    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.engines.documents.model import Document, Name
    from fogbank.storage import Tx

_SCHEMA: Final = (
    "https://github.com/googleapis/google-cloudevents/blob/main/proto/google/events/cloud/firestore/v1/data.proto"
)


class Event(NamedTuple):
    """A document that was written, at `time_us`; `kind` is created, updated or deleted."""

    database: Database
    kind: str
    path: str
    time_us: int
    value: bytes
    old_value: bytes
    mask: tuple[str, ...]

    def as_protobuf(self) -> bytes:
        """Return the event's data in protobuf's bytes."""
        old = part(2, self.old_value) if self.old_value else b""
        mask = b"".join(part(1, each.encode()) for each in self.mask)
        return (part(1, self.value) if self.value else b"") + old + (part(3, mask) if mask else b"")

    def as_json(self) -> dict[str, Any]:
        """Return the event's data as JSON has it."""
        shown: dict[str, Any] = {}
        for name, data in (("value", self.value), ("oldValue", self.old_value)):
            if data:
                shown[name] = protobuf_types().to_json(document_type().FromString(data))
        if self.mask:
            shown["updateMask"] = {"fieldPaths": list(self.mask)}
        return shown


async def tell(
    tx: Tx, now_us: int, database: Database, written: Sequence[Written], time_us: int, draw: Callable[[], int]
) -> None:
    """Publish what was written to those who watch: a store operation, part of the commit."""
    wanted = await watches.find(tx, now_us, database)
    if not wanted:
        return
    for number, each in enumerate(written):
        event = _event(database, each, time_us)
        if event is None:
            continue
        for watch in wanted:
            if watch.wants(STEM + event.kind, event.path):
                message = publication(_message(watch, event, f"{time_us:x}-{number:x}"), draw(), now_us)
                try:
                    await publishing.publish(tx, now_us, watch.topic, [message], draw)
                except TopicNotFoundError:
                    # Somebody has deleted the trigger's topic.
                    continue


async def tell_expired(
    tx: Tx, now_us: int, name: Name, document: Document, time_us: int, draw: Callable[[], int]
) -> None:
    """Publish that a document's time was over: a store operation, part of its removal."""
    written = Written(document, None)
    await tell(tx, now_us, Database(*name), [written], time_us, draw)


def _event(database: Database, written: Written, time_us: int) -> Event | None:
    before, after = written
    latest = after or before
    if latest is None or before is after:
        return None
    kind = "deleted" if after is None else "created" if before is None else "updated"
    mask: tuple[str, ...] = ()
    if before is not None and after is not None:
        changed = _changed(message_of(before).fields, message_of(after).fields, ())
        mask = tuple(sorted(write_path(path) for path in changed))
    shown = [_shown(database, each) for each in (after, before)]
    return Event(database, kind, path_of(latest), time_us, shown[0], shown[1], mask)


def _shown(database: Database, document: Document | None) -> bytes:
    return b"" if document is None else document_bytes(database, document)


def _changed(before: Any, after: Any, inside: FieldPath) -> Iterator[FieldPath]:
    """Yield the paths of the fields that differ."""
    for name in {*before, *after}:
        path = (*inside, name)
        if name not in before or name not in after:
            yield path
        elif before[name].WhichOneof("value_type") == after[name].WhichOneof("value_type") == "map_value":
            yield from _changed(before[name].map_value.fields, after[name].map_value.fields, path)
        elif before[name] != after[name]:
            yield path


def _message(watch: Watch, event: Event, number: str) -> Any:
    """Return an event as a message whose attributes are the CloudEvent's."""
    time = protobuf_types().message("google.protobuf.Timestamp").FromString(timestamp(event.time_us))
    attributes = {
        "content-type": watch.content_type,
        "ce-specversion": "1.0",
        "ce-id": number,
        "ce-source": f"//firestore.googleapis.com/projects/{event.database.project}/databases/{event.database.id}",
        "ce-type": watch.kind,
        "ce-subject": f"documents/{event.path}",
        "ce-time": time.ToJsonString(),
        "ce-dataschema": _SCHEMA,
        "ce-project": event.database.project,
        "ce-location": watch.location,
        "ce-database": event.database.id,
        "ce-namespace": "(default)",
        "ce-document": event.path,
    }
    data = msgspec.json.encode(event.as_json()) if watch.content_type == JSON else event.as_protobuf()
    return pubsub_types().message("google.pubsub.v1.PubsubMessage")(data=data, attributes=attributes)
