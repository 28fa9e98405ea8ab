"""System topics: what makes the events of one source a resource that can be managed.

Microsoft Learn, "System topics in Azure Event Grid" (https://learn.microsoft.com/azure/event-grid/system-topics): one
source has one at most; those of subscriptions and resource groups are in the location "global".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.arm.resources import location_of, read_body, scope_of, tags_of
from fogbank.clouds.azure.errors import AzureError, bad_request, json_response, unsupported
from fogbank.clouds.azure.eventgrid import topics
from fogbank.clouds.azure.eventgrid.model import SYSTEM_TOPICS, kind_of
from fogbank.clouds.azure.eventgrid.subscriptions.owners import SUBSCRIPTIONS, prefix_of
from fogbank.clouds.azure.eventgrid.system import sources
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import AddressTakenError, KeyedConfig, KeyedResourceNotFoundError
from fogbank.engines.messaging import topics as engine
from fogbank.engines.messaging.delivery_model import endpoint_of
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.eventgrid.system.sources import Source
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.identity.keyed_resources import KeyedResource
    from fogbank.storage import Tx

KIND: Final = kind_of(SYSTEM_TOPICS.lower())
_NAME: Final = re.compile(r"[A-Za-z0-9-]{3,128}")
_PROPERTIES: Final = frozenset({"metricResourceId", "provisioningState", "source", "topicType"})


async def put(parts: Parts, call: ArmCall) -> Response:
    """Make a system topic, or change its tags."""
    name = call.path[1]
    if not _NAME.fullmatch(name):
        raise bad_request(f"The name '{name}' is invalid: 3 to 128 letters, digits and hyphens.")
    body, properties = read_body(call, _PROPERTIES, ("identity", "kind", "sku"))
    location, tags = location_of(body), tags_of(body)
    _check_type(properties.get("topicType"))
    source = sources.read_source(properties.get("source"))
    if str(properties["topicType"]).lower() != source.type.lower():
        message = f"The topicType {properties['topicType']} is not that of the source {source.id}: {source.type}."
        raise AzureError(400, "InvalidRequest", message)
    facts = {
        "name": name,
        "group": call.group,
        "location": location,
        "source": source.id,
        "type": source.type,
        "metric": parts.ids.uuid(),
    }
    config = KeyedConfig({}, facts, tags)
    try:
        resource = await parts.store.run(_save, source, scope_of(call), name.lower(), config)
    except AddressTakenError:
        message = (
            f"There is an existing tracked system topic for the given source {source.id}. Only one system topic is"
            " allowed per source."
        )
        raise AzureError(400, "InvalidRequest", message) from None
    return json_response(201, _show(resource))


def _check_type(topic_type: Any) -> None:
    if not isinstance(topic_type, str) or not topic_type:
        raise AzureError(400, "InvalidRequest", "The topicType is required.")
    if topic_type.lower() not in (each.lower() for each in sources.TYPES):
        raise unsupported(f"the topicType {topic_type}: those that are there are {', '.join(sources.TYPES)}")


async def _save(tx: Tx, now_us: int, source: Source, scope: str, name: str, config: KeyedConfig) -> KeyedResource:
    location = await sources.check(tx, now_us, source)
    if config.facts["location"] != location:
        message = f"A system topic of the type {source.type} must be in the location of its source: {location}."
        raise AzureError(400, "InvalidRequest", message)
    try:
        known = await keyed_resources.find(tx, now_us, KIND, scope, name)
    except KeyedResourceNotFoundError:
        await keyed_resources.create(tx, now_us, _address(source), KIND, scope, name, config)
        return await keyed_resources.find(tx, now_us, KIND, scope, name)
    if known.address != _address(source):
        message = f"The source of the system topic {known.config.facts['name']} can't be changed."
        raise AzureError(400, "InvalidRequest", message)
    return await keyed_resources.update(
        tx, now_us, known.address, lambda before: KeyedConfig({}, before.facts, config.tags)
    )


def _address(source: Source) -> str:
    """Return an address that one system topic alone can have; nobody calls it there."""
    return f"{KIND}/{endpoint_of(*source.topic)}"


async def patch(parts: Parts, call: ArmCall) -> Response:
    """Change a system topic's tags."""
    body, _ = read_body(call, (), ("identity", "kind", "sku", "location", "properties"))
    resource = await topics.find(parts, call)
    if "tags" in body:
        tags = tags_of(body)
        resource = await parts.store.run(
            keyed_resources.update, resource.address, lambda before: KeyedConfig({}, before.facts, tags)
        )
    return json_response(201, _show(resource))


async def get(parts: Parts, call: ArmCall) -> Response:
    """Show a system topic."""
    return json_response(200, _show(await topics.find(parts, call)))


async def list_all(parts: Parts, call: ArmCall) -> Response:
    """List those of a resource group, or of a subscription."""
    scope = scope_of(call)
    found = await parts.store.read(keyed_resources.list_resources, KIND, scope)
    return json_response(200, {"value": [_show(each) for each in found if not call.group or each.scope == scope]})


async def delete(parts: Parts, call: ArmCall) -> Response:
    """Delete a system topic with its event subscriptions."""
    try:
        resource = await topics.find(parts, call)
    except AzureError:
        return Response(204, [])
    await parts.store.run(_delete, resource)
    return Response(200, [])


async def _delete(tx: Tx, now_us: int, resource: KeyedResource) -> None:
    await keyed_resources.delete(tx, now_us, resource.address)
    source = sources.read_source(resource.config.facts["source"])
    prefix = f"{prefix_of(source, topics.id_of(resource))}/{SUBSCRIPTIONS}/"
    try:
        found = await engine.subscriptions_of(tx, now_us, source.topic)
    except TopicNotFoundError:
        return
    for subscription in found:
        if subscription.id.startswith(prefix):
            await engine.unsubscribe(tx, now_us, subscription.scope, subscription.id)


def _show(resource: KeyedResource) -> dict[str, Any]:
    facts = resource.config.facts
    return {
        "id": topics.id_of(resource),
        "name": facts["name"],
        "type": f"{topics.PROVIDER}/{SYSTEM_TOPICS}",
        "location": facts["location"],
        "tags": resource.config.tags,
        "properties": {
            "provisioningState": "Succeeded",
            "source": facts["source"],
            "topicType": facts["type"],
            "metricResourceId": facts["metric"],
        },
    }
