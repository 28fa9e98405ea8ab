"""Events as they are published and delivered: Event Grid's own schema, and CloudEvents 1.0.

"Azure Event Grid event schema", "CloudEvents v1.0 schema with Azure Event Grid"; the HTTP binding of CloudEvents for
its three modes: structured, batched, binary.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from fogbank.clouds.azure.eventgrid.errors import EventGridError, invalid, too_large

if TYPE_CHECKING:
    from fogbank.wire.http import Request

EVENT_GRID: Final = "EventGridSchema"
CLOUD_EVENTS: Final = "CloudEventSchemaV1_0"
EVENTS_MAX: Final = 5_000
BYTES_MAX: Final = 1_048_576
CLOUD_EVENT: Final = "application/cloudevents+json"
CLOUD_EVENT_BATCH: Final = "application/cloudevents-batch+json"
_REQUIRED: Final = ("id", "subject", "eventType", "eventTime", "dataVersion")
_REQUIRED_CLOUD: Final = ("id", "source", "type", "specversion")
_MEMBERS: Final = frozenset({*_REQUIRED, "topic", "data", "metadataVersion"})


async def read_events(request: Request, schema: str) -> list[dict[str, Any]]:
    """Return the events that a request publishes to what takes a schema; raises `EventGridError`."""
    body = await request.read(BYTES_MAX)
    kind = request.header(b"content-type").partition(";")[0].strip().lower()
    if schema == CLOUD_EVENTS and b"ce-specversion" in request.headers:
        return [_checked_cloud(_binary(request, body, kind))]
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"This resource is configured to receive events as JSON: {error}") from None
    if schema == EVENT_GRID:
        if kind in (CLOUD_EVENT, CLOUD_EVENT_BATCH) or not isinstance(found, list):
            raise _not_of_schema("EventGridEvent", "an array of events")
        return check_events(found, schema)
    if kind == CLOUD_EVENT and isinstance(found, dict):
        found = [found]
    if kind not in (CLOUD_EVENT, CLOUD_EVENT_BATCH, "application/json") or not isinstance(found, list):
        raise _not_of_schema("CloudEventV10", f"{CLOUD_EVENT} or {CLOUD_EVENT_BATCH}")
    return check_events(found, schema)


def check_events(found: list[Any], schema: str) -> list[dict[str, Any]]:
    """Return events if each is of a schema, and they aren't too many; raises `EventGridError`."""
    checked = _checked if schema == EVENT_GRID else _checked_cloud
    events = [checked(event) for event in found]
    if len(events) > EVENTS_MAX:
        raise too_large(f"The maximum number of events in a batch is {EVENTS_MAX}.")
    return events


def _not_of_schema(schema: str, expected: str) -> EventGridError:
    return invalid(
        f"This resource is configured to receive event in '{schema}' schema. The request received does not conform to"
        f" the expected schema: {expected}."
    )


def _checked(event: Any) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise _not_of_schema("EventGridEvent", "an event is an object")
    for name in _REQUIRED:
        if not isinstance(event.get(name), str) or (name != "dataVersion" and not event[name]):
            raise _not_of_schema("EventGridEvent", f"{name} must be a text")
    unknown = event.keys() - _MEMBERS
    if unknown:
        raise _not_of_schema("EventGridEvent", f"{min(unknown)} is no property of an event")
    if event.get("metadataVersion") not in (None, "1"):
        raise _not_of_schema("EventGridEvent", "metadataVersion must be 1")
    return event


def _checked_cloud(event: Any) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise _not_of_schema("CloudEventV10", "an event is an object")
    for name in _REQUIRED_CLOUD:
        if not isinstance(event.get(name), str) or not event[name]:
            raise _not_of_schema("CloudEventV10", f"{name} must be a text")
    if event["specversion"] != "1.0":
        raise _not_of_schema("CloudEventV10", "specversion must be 1.0")
    if event.get("data") is not None and event.get("data_base64") is not None:
        raise _not_of_schema("CloudEventV10", "data and data_base64 exclude each other")
    return event


def _binary(request: Request, body: bytes, kind: str) -> dict[str, Any]:
    """Return an event whose attributes are headers."""
    event: dict[str, Any] = {
        name[3:].decode(): unquote(value.decode("latin-1"))
        for name, value in request.headers.items()
        if name.startswith(b"ce-")
    }
    if kind:
        event["datacontenttype"] = request.header(b"content-type")
    if not body:
        return event
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return {**event, "data": msgspec.json.decode(body)}
        except msgspec.DecodeError as error:
            raise invalid(f"The data of the event is no JSON: {error}") from None
    if kind.startswith("text/"):
        return {**event, "data": body.decode("utf-8", "replace")}
    return {**event, "data_base64": b64encode(body).decode()}


def completed(event: dict[str, Any], topic: str) -> dict[str, Any]:
    """Return an event of Event Grid's schema with what Event Grid itself says of it."""
    return {**event, "topic": topic, "metadataVersion": "1"}


def as_cloud_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event as a CloudEvent, whichever schema it has."""
    if "specversion" in event:
        return event
    return {
        "id": event["id"],
        "source": event.get("topic") or "",
        "specversion": "1.0",
        "type": event["eventType"],
        "subject": event["subject"],
        "time": event["eventTime"],
        "data": event.get("data"),
    }


def as_event_grid_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event in Event Grid's schema, whichever it has; a CloudEvent comes from another service."""
    if "specversion" not in event:
        return event
    return {
        "id": event["id"],
        "topic": event["source"],
        "subject": event.get("subject") or "",
        "eventType": event["type"],
        "eventTime": event.get("time") or "",
        "data": event.get("data", event.get("data_base64")),
        "dataVersion": "",
        "metadataVersion": "1",
    }
