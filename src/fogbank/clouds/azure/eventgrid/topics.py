"""Topics, domains and namespaces, their keys, and the topics within domains and namespaces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.arm.resources import (
    location_of,
    new_key,
    not_found,
    read_body,
    resource_id,
    scope_of,
    tags_of,
    with_key,
)
from fogbank.clouds.azure.errors import AzureError, bad_request, json_response, unsupported
from fogbank.clouds.azure.eventgrid.model import DIALECT, NAMESPACES, TOPICS, address_of, kind_of, topic_name, type_of
from fogbank.clouds.azure.eventgrid.schemas import CLOUD_EVENTS, EVENT_GRID
from fogbank.clouds.azure.hosts import EVENT_GRID_PATH
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import AddressTakenError, KeyedConfig, KeyedResourceNotFoundError
from fogbank.engines.messaging import queues
from fogbank.engines.messaging import topics as engine
from fogbank.engines.messaging.delivery_model import QUEUE, split_endpoint
from fogbank.engines.messaging.errors import QueueNotFoundError, TopicNotFoundError
from fogbank.engines.messaging.topic_model import TopicConfig
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.identity.keyed_resources import KeyedResource
    from fogbank.engines.messaging.topic_model import Topic
    from fogbank.storage import Tx

PROVIDER: Final = "Microsoft.EventGrid"
KEY_NAMES: Final = ("key1", "key2")
KEY_BYTES: Final = 32
LISTED_MAX: Final = 10_000
_NAME: Final = re.compile(r"[A-Za-z0-9-]{3,50}")
_INNER_NAME: Final = re.compile(r"[A-Za-z0-9-]{3,128}")
# What has no consequences on one machine is kept and shown.
_KEPT: Final = frozenset({
    "dataResidencyBoundary", "disableLocalAuth", "endpoint", "eventTypeInfo", "isZoneRedundant", "metricResourceId",
    "minimumTlsVersionAllowed", "provisioningState", "publicNetworkAccess", "topicsConfiguration",
    "autoCreateTopicWithFirstSubscription", "autoDeleteTopicWithLastSubscription", "inputSchema",
})  # fmt: skip
_KEPT_INNER: Final = frozenset({"eventRetentionInDays", "inputSchema", "provisioningState", "publisherType"})


def collection_of(call: ArmCall) -> str:
    """Return the type of what a request's path begins with: topics, domains or namespaces."""
    return call.path[0].lower()


async def find(parts: Parts, call: ArmCall) -> KeyedResource:
    """Return the topic, domain or namespace that a request names, or raise the error for one that isn't there."""
    kind = collection_of(call)
    try:
        return await parts.store.read(keyed_resources.find, kind_of(kind), scope_of(call), call.path[1].lower())
    except KeyedResourceNotFoundError:
        raise not_found(call, f"{PROVIDER}/{type_of(kind_of(kind))}", call.path[1]) from None


def schema_of(resource: KeyedResource) -> str:
    """Return the schema of the events that a topic, domain or namespace takes."""
    if resource.kind == kind_of(NAMESPACES):
        return CLOUD_EVENTS
    schema: str = msgspec.json.decode(resource.config.facts["properties"]).get("inputSchema") or EVENT_GRID
    return schema


def id_of(resource: KeyedResource) -> str:
    """Return a resource's id."""
    kind = type_of(resource.kind)
    facts = resource.config.facts
    return resource_id(resource.scope, facts["group"], f"{PROVIDER}/{kind}", facts["name"])


async def put(parts: Parts, call: ArmCall) -> Response:
    """Make a topic, domain or namespace, or change what is known of it."""
    name, kind = call.path[1], collection_of(call)
    if not _NAME.fullmatch(name):
        raise bad_request(f"The name '{name}' is invalid: 3 to 50 letters, digits and hyphens.")
    body, properties = read_body(call, _KEPT, ("identity",))
    schema = properties.get("inputSchema") or EVENT_GRID
    if schema not in (EVENT_GRID, CLOUD_EVENTS):
        raise unsupported(f"the inputSchema {schema}")
    if "topicSpacesConfiguration" in properties or properties.get("disableLocalAuth") is True:
        raise unsupported("the value true of the property properties.disableLocalAuth")
    location, tags = location_of(body), tags_of(body)
    facts = {
        "name": name,
        "group": call.group,
        "location": location,
        "properties": msgspec.json.encode(properties).decode(),
    }
    keys = {key: new_key(parts.ids, KEY_BYTES) for key in KEY_NAMES}
    address = address_of(f"{name}.{location}-1")
    config = KeyedConfig(keys, facts, tags)
    try:
        await parts.store.run(_create, address, kind, scope_of(call), name, config, parts.ids.sequence())
    except AddressTakenError:
        try:
            known = await find(parts, call)
        except AzureError:
            message = f"The name {name} is already in use in {location}."
            raise AzureError(409, "Conflict", message) from None
        if known.address != address:
            where = known.config.facts["location"]
            raise AzureError(409, "InvalidResourceLocation", f"The resource '{name}' exists in '{where}'.") from None

        def change(config: KeyedConfig) -> KeyedConfig:
            return KeyedConfig(config.keys, facts, tags)

        await parts.store.run(keyed_resources.update, address, change)
    return json_response(201, show(call, await find(parts, call)))


async def _create(
    tx: Tx, now_us: int, address: str, kind: str, scope: str, name: str, config: KeyedConfig, number: int
) -> None:
    await keyed_resources.create(tx, now_us, address, kind_of(kind), scope, name.lower(), config)
    topic = TopicConfig(dialect=DIALECT, dedup_window_seconds=0, labels={"kind": kind})
    await engine.create(tx, now_us, (scope, topic_name(kind, name)), number, topic)


async def get(parts: Parts, call: ArmCall) -> Response:
    """Show a topic, domain or namespace."""
    return json_response(200, show(call, await find(parts, call)))


async def list_all(parts: Parts, call: ArmCall) -> Response:
    """List those of a resource group, or of a subscription."""
    kind, scope = collection_of(call), scope_of(call)
    found = await parts.store.read(keyed_resources.list_resources, kind_of(kind), scope)
    return json_response(200, {"value": [show(call, each) for each in found if not call.group or each.scope == scope]})


async def delete(parts: Parts, call: ArmCall) -> Response:
    """Delete one with all that belongs to it."""
    try:
        resource = await find(parts, call)
    except AzureError:
        return Response(204, [])
    await parts.store.run(_delete, resource)
    return Response(204, [])


async def _delete(tx: Tx, now_us: int, resource: KeyedResource) -> None:
    await keyed_resources.delete(tx, now_us, resource.address)
    own = topic_name(resource.kind.partition("/")[2], resource.name)
    for topic in [own, *(each.name for each in await inner_topics(tx, now_us, resource.scope, own))]:
        await delete_topic(tx, now_us, (resource.scope, topic))


async def delete_topic(tx: Tx, now_us: int, name: tuple[str, str]) -> None:
    """Delete a topic of the engine with its subscriptions, and the queues that are subscriptions themselves."""
    for subscription in await engine.subscriptions_of(tx, now_us, name):
        queue = split_endpoint(subscription.endpoint)
        if subscription.kind == QUEUE and queue[1].startswith(f"{name[1]}/"):
            try:
                await queues.delete(tx, now_us, queue)
            except QueueNotFoundError:
                continue
    await engine.delete(tx, now_us, name)


async def inner_topics(tx: Tx, now_us: int, scope: str, owner: str) -> list[Topic]:
    """Return the topics within a domain or namespace."""
    prefix = f"{owner}/topics/"
    found = await engine.list_topics(tx, now_us, scope, prefix, LISTED_MAX)
    return [topic for topic in found if topic.name.startswith(prefix)]


async def list_keys(parts: Parts, call: ArmCall) -> Response:
    """Show the keys."""
    return json_response(200, dict((await find(parts, call)).config.keys))


async def regenerate_key(parts: Parts, call: ArmCall) -> Response:
    """Replace one of the keys."""
    resource = await find(parts, call)
    name = call.body.get("keyName") if isinstance(call.body, dict) else None
    if name not in KEY_NAMES:
        raise bad_request(f"The keyName must be one of {', '.join(KEY_NAMES)}.")
    key = new_key(parts.ids, KEY_BYTES)
    changed = await parts.store.run(
        keyed_resources.update, resource.address, lambda config: with_key(config, name, key)
    )
    return json_response(200, dict(changed.config.keys))


def show(call: ArmCall, resource: KeyedResource) -> dict[str, Any]:
    """Return a topic, domain or namespace as ARM shows it."""
    kind = resource.kind.partition("/")[2]
    facts = resource.config.facts
    label = resource.address.partition("/")[2]
    origin = f"{call.scheme}://{call.host}{EVENT_GRID_PATH}{label}"
    properties = {**msgspec.json.decode(facts["properties"]), "provisioningState": "Succeeded"}
    if kind == NAMESPACES:
        properties["topicsConfiguration"] = {"hostname": f"{call.host}{EVENT_GRID_PATH}{label}"}
    else:
        properties = {"inputSchema": EVENT_GRID, **properties, "endpoint": f"{origin}/api/events"}
    return {
        "id": id_of(resource),
        "name": facts["name"],
        "type": f"{PROVIDER}/{kind}",
        "location": facts["location"],
        "tags": resource.config.tags,
        "properties": properties,
    }


async def _inner(parts: Parts, call: ArmCall) -> tuple[KeyedResource, tuple[str, str]]:
    resource = await find(parts, call)
    return resource, (resource.scope, topic_name(*call.path[:4]))


async def put_inner(parts: Parts, call: ArmCall) -> Response:
    """Make a topic in a domain or namespace."""
    resource, name = await _inner(parts, call)
    if not _INNER_NAME.fullmatch(call.path[3]):
        raise bad_request(f"The name '{call.path[3]}' is invalid: 3 to 128 letters, digits and hyphens.")
    properties: dict[str, Any] = {}
    if call.body is not None:
        _, properties = read_body(call, _KEPT_INNER, ("identity",))
    if (properties.get("inputSchema") or CLOUD_EVENTS) != CLOUD_EVENTS:
        raise unsupported(f"the inputSchema {properties['inputSchema']} of a namespace's topic")
    days = properties.get("eventRetentionInDays")
    if days is not None and (type(days) is not int or not 1 <= days <= 7):
        raise bad_request("The eventRetentionInDays must be 1 to 7.")
    labels = {"name": call.path[3], "properties": msgspec.json.encode(properties).decode()}
    config = TopicConfig(dialect=DIALECT, dedup_window_seconds=0, labels=labels)
    topic, made = await parts.store.run(engine.create, name, parts.ids.sequence(), config)
    if not made:
        topic = await parts.store.run(engine.update, name, lambda _: config)
    return json_response(201, _show_inner(resource, topic))


async def get_inner(parts: Parts, call: ArmCall) -> Response:
    """Show a topic in a domain or namespace."""
    resource, name = await _inner(parts, call)
    return json_response(200, _show_inner(resource, await find_inner(parts, call, name)))


async def find_inner(parts: Parts, call: ArmCall, name: tuple[str, str]) -> Topic:
    """Return a topic of the engine, or raise the error for one that isn't there."""
    try:
        return await parts.store.read(engine.find, name)
    except TopicNotFoundError:
        raise not_found(call, f"{PROVIDER}/{collection_of(call)}", "/".join(call.path[1:4])) from None


async def list_inner(parts: Parts, call: ArmCall) -> Response:
    """List the topics in a domain or namespace."""
    resource = await find(parts, call)
    own = topic_name(*call.path[:2])
    found = await parts.store.read(inner_topics, resource.scope, own)
    return json_response(200, {"value": [_show_inner(resource, topic) for topic in found]})


async def delete_inner(parts: Parts, call: ArmCall) -> Response:
    """Delete a topic in a domain or namespace."""
    _, name = await _inner(parts, call)
    try:
        await parts.store.run(delete_topic, name)
    except TopicNotFoundError:
        return Response(204, [])
    return Response(200, [])


def _show_inner(resource: KeyedResource, topic: Topic) -> dict[str, Any]:
    kind = resource.kind.partition("/")[2]
    labels = topic.config.labels
    more = {"inputSchema": CLOUD_EVENTS, "eventRetentionInDays": 7, "publisherType": "Custom"}
    properties = msgspec.json.decode(labels.get("properties", "{}"))
    return {
        "id": f"{id_of(resource)}/{TOPICS}/{labels['name']}",
        "name": labels["name"],
        "type": f"{PROVIDER}/{kind}/{TOPICS}",
        "properties": {**(more if kind == NAMESPACES else {}), **properties, "provisioningState": "Succeeded"},
    }
