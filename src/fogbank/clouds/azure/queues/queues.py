"""Queues: create, list, delete, metadata."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.storage.accounts import scope_of
from fogbank.clouds.azure.storage.documents import xml_response
from fogbank.clouds.azure.storage.errors import StorageError, invalid_value, out_of_range, text_of
from fogbank.engines.messaging import queues
from fogbank.engines.messaging.model import QueueConfig
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.engines.messaging.model import Name

DIALECT: Final = "storage-queue"
LISTED_MAX: Final = 5_000
METADATA_BYTES_MAX: Final = 8_192
MESSAGE_BYTES_MAX: Final = 65_536
# Messages have lives of their own, which may be without end: a hundred years.
RETENTION_SECONDS: Final = 3_155_760_000
_NAME: Final = re.compile(r"[a-z0-9](?:-?[a-z0-9])*")
_METADATA: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_META: Final = b"x-ms-meta-"
NEW_QUEUE: Final = QueueConfig(
    retention_seconds=RETENTION_SECONDS, message_bytes_max=MESSAGE_BYTES_MAX, dialect=DIALECT, dedup_window_seconds=0
)


def name_of(call: StorageCall) -> Name:
    """Return the engine's name of the queue that a request is for ("Naming queues and metadata")."""
    name = call.path[0]
    check_name(name)
    return scope_of(call.account), name


def check_name(name: str) -> None:
    """Raise the error for what is no name of a queue."""
    if not 3 <= len(name) <= 63:
        raise StorageError(400, "OutOfRangeInput", "The specified resource name length is not within the permissible"
                           " limits.")  # fmt: skip
    if not _NAME.fullmatch(name):
        raise StorageError(400, "InvalidResourceName", "The specified resource name contains invalid characters.")


def read_metadata(call: StorageCall) -> dict[str, str]:
    """Return the metadata that a request's headers have."""
    found = {}
    for name, value in call.request.headers.items():
        if not name.startswith(_META):
            continue
        key = name[len(_META) :].decode("latin-1")
        if not key:
            raise StorageError(400, "EmptyMetadataKey", "The key for one of the metadata key-value pairs is empty.")
        if not _METADATA.fullmatch(key):
            message = "The metadata specified is invalid. It has characters that are not permitted."
            raise StorageError(400, "InvalidMetadata", message)
        found[key] = value.decode("latin-1")
    if sum(len(key) + len(value) for key, value in found.items()) > METADATA_BYTES_MAX:
        message = "The size of the specified metadata exceeds the maximum size permitted."
        raise StorageError(400, "MetadataTooLarge", message)
    return found


async def create_queue(parts: Parts, call: StorageCall) -> Response:
    """Create a queue; one of that name is left as it is, if its metadata are the same."""
    metadata = read_metadata(call)
    config = msgspec.structs.replace(NEW_QUEUE, tags=metadata)
    queue, created = await parts.store.run(queues.create, name_of(call), parts.ids.sequence(), config)
    if created:
        return Response(201, [])
    if queue.config.tags != metadata:
        raise StorageError(409, "QueueAlreadyExists", "The specified queue already exists.")
    return Response(204, [])


async def delete_queue(parts: Parts, call: StorageCall) -> Response:
    """Delete a queue with its messages."""
    await parts.store.run(queues.delete, name_of(call))
    return Response(204, [])


async def get_metadata(parts: Parts, call: StorageCall) -> Response:
    """Show a queue's metadata, and how many messages it has."""
    name = name_of(call)
    queue = await parts.store.read(queues.find, name)
    counts = await parts.store.scan(queues.counts, name)
    headers = [(_META + key.encode("latin-1"), value.encode("latin-1")) for key, value in queue.config.tags.items()]
    headers.append((b"x-ms-approximate-messages-count", str(sum(counts)).encode()))
    return Response(200, headers)


async def set_metadata(parts: Parts, call: StorageCall) -> Response:
    """Replace a queue's metadata."""
    metadata = read_metadata(call)

    def change(config: QueueConfig) -> QueueConfig:
        return msgspec.structs.replace(config, tags=metadata)

    await parts.store.run(queues.update, name_of(call), change)
    return Response(204, [])


async def list_queues(parts: Parts, call: StorageCall) -> Response:
    """List queues in the order of their names, page by page."""
    query = call.query
    prefix, marker = query.get("prefix", ""), query.get("marker", "")
    for name in ("prefix", "marker"):
        if "\0" in query.get(name, ""):
            raise invalid_value(name, "")
    limit = read_number(query, "maxresults", 1, LISTED_MAX)
    include = {word for word in query.get("include", "").lower().split(",") if word}
    if include - {"metadata"}:
        raise invalid_value("include", query["include"])
    after = marker.rpartition("/")[2]
    count = LISTED_MAX if limit is None else limit
    found = await parts.store.read(queues.list_queues, scope_of(call.account), prefix, after, count + 1)
    shown = []
    for queue in found[:count]:
        metadata = ""
        if "metadata" in include:
            pairs = [f"<{key}>{text_of(value)}</{key}>" for key, value in queue.config.tags.items()]
            metadata = f"<Metadata>{''.join(pairs)}</Metadata>"
        shown.append(f"<Queue><Name>{queue.name}</Name>{metadata}</Queue>")
    more = f"/{call.account}/{found[count - 1].name}" if len(found) > count else ""
    echoed = [("Prefix", prefix), ("Marker", marker), ("MaxResults", "" if limit is None else str(limit))]
    told = "".join(f"<{tag}>{text_of(value)}</{tag}>" for tag, value in echoed if value)
    endpoint = text_of(f"{call.request.origin}/{call.account}")
    return xml_response(
        200,
        f'<EnumerationResults ServiceEndpoint="{endpoint}">{told}<Queues>{"".join(shown)}</Queues>'
        f"<NextMarker>{more}</NextMarker></EnumerationResults>",
    )


def read_number(query: dict[str, str], name: str, low: int, high: int) -> int | None:
    """Return a number in the query, None if it isn't there."""
    text = query.get(name)
    if text is None or text == "":
        return None
    try:
        value = int(text)
    except ValueError:
        raise invalid_value(name, text, "It must be an integer.") from None
    if not low <= value <= high:
        raise out_of_range(name, value, low, high)
    return value
