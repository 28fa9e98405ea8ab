"""What topics, domains and namespaces answer under their own addresses: publishing, pulling, validations."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

from fogbank.clouds.azure.errors import json_response
from fogbank.clouds.azure.eventgrid import access, pulling, topics
from fogbank.clouds.azure.eventgrid.delivering import publications, publish_to_all
from fogbank.clouds.azure.eventgrid.errors import EventGridError, error_response, invalid, too_large
from fogbank.clouds.azure.eventgrid.model import DOMAINS, NAMESPACES, address_of, kind_of, topic_name
from fogbank.clouds.azure.eventgrid.schemas import BYTES_MAX, CLOUD_EVENTS, EVENT_GRID, completed, read_events
from fogbank.clouds.azure.eventgrid.subscriptions import event_subscriptions
from fogbank.clouds.azure.eventgrid.system.sources import SOURCES, scope_of
from fogbank.clouds.azure.hosts import EVENT_GRID_HOSTS
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import KeyedResourceNotFoundError
from fogbank.engines.messaging import publishing
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.storage import StoreUnavailableError
from fogbank.wire.http import BodyIncompleteError, BodyTooLargeError, Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.identity.keyed_resources import KeyedResource
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.wire.http import Request

_log = logging.getLogger(__name__)
EVENTS_PATH: Final = ["api", "events"]


async def handle(parts: Parts, request: Request, host: str) -> Response:
    """Answer a request."""
    number = (b"x-ms-request-id", parts.ids.request().encode())
    try:
        response = await _run(parts, request, host)
    except BodyIncompleteError:
        raise
    except EventGridError as error:
        response = error_response(error)
    except BodyTooLargeError:
        response = error_response(too_large(f"The maximum size of a request is {BYTES_MAX} bytes."))
    except StoreUnavailableError as error:
        _log.error("the store is unavailable: %s", error)
        response = error_response(EventGridError(503, "ServiceUnavailable", f"The store is unavailable: {error}"))
    except Exception:  # noqa: BLE001 - answered, and logged
        _log.exception("%s %s failed", request.method, request.raw_path)
        response = error_response(EventGridError(500, "InternalServerError", "There was an internal error."))
    response.headers.append(number)
    return response


async def _run(parts: Parts, request: Request, host: str) -> Response:
    path = [unquote(segment) for segment in request.raw_path.strip("/").split("/")]
    query = dict(parse_qsl(request.raw_query, keep_blank_values=True))
    if any("\0" in text for text in (*path, *query.values())):
        raise EventGridError(400, "BadRequest", "The request's URL has a character that none may have.")
    for suffix in EVENT_GRID_HOSTS:
        if host.endswith(suffix):
            label = host.removesuffix(suffix)
            break
    else:
        label, path = path[1] if len(path) > 1 else "", path[2:]
    is_validation = [segment.lower() for segment in path[2:]] == ["validate"] and path[
        0
    ].lower() == "eventsubscriptions"
    if is_validation and label.startswith(f"{SOURCES}."):
        return await _validate(parts, scope_of(label.removeprefix(f"{SOURCES}.")), path[1], query)
    try:
        resource = await parts.store.read(keyed_resources.find_at, address_of(label))
    except KeyedResourceNotFoundError:
        raise EventGridError(404, "NotFound", f"There is no topic, domain or namespace {label}.") from None
    if is_validation:
        return await _validate(parts, resource.scope, path[1], query)
    access.check(request, list(resource.config.keys.values()), parts.clock.now())
    if resource.kind == kind_of(NAMESPACES):
        return await _namespace(parts, request, resource, path, query)
    if [segment.lower() for segment in path] != EVENTS_PATH:
        raise EventGridError(404, "NotFound", "The resource has no such path: events are published to /api/events.")
    if request.method != "POST":
        raise EventGridError(405, "MethodNotAllowed", f"Events are published with POST, not {request.method}.")
    events = await read_events(request, topics.schema_of(resource))
    await publish(parts.store, parts.ids, parts.clock.now(), resource, events)
    return Response(200, [])


async def _validate(parts: Parts, scope: str, name: str, query: dict[str, str]) -> Response:
    if not await event_subscriptions.confirm(parts, scope, query.get("subscription", ""), name, query.get("id", "")):
        raise EventGridError(404, "NotFound", "There is no event subscription that waits for this validation.")
    text = b"Webhook successfully validated as a subscription endpoint."
    return Response(200, [(b"Content-Type", b"text/plain; charset=utf-8")], text)


async def _namespace(
    parts: Parts, request: Request, resource: KeyedResource, path: list[str], query: dict[str, str]
) -> Response:
    if request.method == "POST" and path and path[0].lower() == "topics":
        last, _, action = path[-1].rpartition(":")
        if len(path) == 2 and action.lower() == "publish":
            topic = (resource.scope, topic_name(NAMESPACES, resource.name, "topics", last))
            items = publications(parts.ids, parts.clock.now(), await read_events(request, CLOUD_EVENTS))
            try:
                await parts.store.run(publishing.publish, topic, items, parts.ids.sequence)
            except TopicNotFoundError:
                raise EventGridError(404, "NotFound", f"The topic {last} does not exist.") from None
            return json_response(200, {})
        if len(path) == 4 and path[2].lower() == "eventsubscriptions":
            names = (NAMESPACES, resource.name, "topics", path[1], last)
            return await pulling.handle(parts, request, (resource.scope, topic_name(*names)), action.lower(), query)
    raise EventGridError(404, "NotFound", f"Fogbank does not support the operation {request.method} {request.path}.")


async def publish(store: Store, ids: Ids, now_us: int, resource: KeyedResource, events: list[dict[str, Any]]) -> None:
    """Publish events to a topic or domain; raises `EventGridError`."""
    own = topics.id_of(resource)
    schema = topics.schema_of(resource)
    if resource.kind != kind_of(DOMAINS):
        if schema == EVENT_GRID:
            for event in events:
                if event.get("topic") not in (None, "", own):
                    raise invalid(f"The topic of an event must be empty or {own}.")
            events = [completed(event, own) for event in events]
        name = topic_name("topics", resource.name)
        await store.run(publish_to_all, resource.scope, {name: publications(ids, now_us, events)}, ids.sequence)
        return
    # A domain's event says for which of its topics it is.
    by_topic: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        inner = event.get("topic" if schema == EVENT_GRID else "source")
        if not isinstance(inner, str) or not inner or "\0" in inner:
            raise invalid("The topic of an event that is published to a domain must be one of the domain's topics.")
        inner = inner.removeprefix(f"{own}/topics/")
        full = completed(event, f"{own}/topics/{inner}") if schema == EVENT_GRID else event
        by_topic.setdefault(topic_name(DOMAINS, resource.name, "topics", inner), []).append(full)
    name = topic_name(DOMAINS, resource.name)
    batches = {name: publications(ids, now_us, [event for each in by_topic.values() for event in each])}
    batches.update({inner: publications(ids, now_us, each) for inner, each in by_topic.items()})
    await store.run(publish_to_all, resource.scope, batches, ids.sequence)
