"""Event subscriptions of a namespace's topics, which are queues to pull from; those that push are refused by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.arm.resources import not_found
from fogbank.clouds.azure.errors import AzureError, bad_request, json_response, unsupported
from fogbank.clouds.azure.eventgrid import topics
from fogbank.clouds.azure.eventgrid.model import DIALECT, topic_name
from fogbank.clouds.azure.eventgrid.schemas import CLOUD_EVENTS
from fogbank.clouds.azure.eventgrid.subscriptions.event_subscriptions import make_terms
from fogbank.engines.messaging import queues
from fogbank.engines.messaging import topics as engine
from fogbank.engines.messaging.delivery_model import QUEUE, endpoint_of
from fogbank.engines.messaging.errors import QueueNotFoundError, SubscriptionNotFoundError
from fogbank.engines.messaging.model import DeadLetterPolicy, QueueConfig
from fogbank.engines.messaging.topic_model import SubscriptionConfig
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.identity.keyed_resources import KeyedResource
    from fogbank.engines.messaging.topic_model import Subscription
    from fogbank.storage import Tx

_NAME: Final = re.compile(r"[A-Za-z0-9-]{3,50}")
_TYPE: Final = "Microsoft.EventGrid/namespaces/topics/eventSubscriptions"
_PROPERTIES: Final = frozenset({
    "deliveryConfiguration", "eventDeliverySchema", "expirationTimeUtc", "filtersConfiguration", "provisioningState",
    "tags",
})  # fmt: skip
_QUEUE: Final = frozenset({"receiveLockDurationInSeconds", "maxDeliveryCount", "eventTimeToLive"})
_DURATION: Final = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?")
LOCK_SECONDS: Final = 60
DELIVERIES_MAX: Final = 10
DAY_SECONDS: Final = 86_400
RETENTION_SECONDS: Final = 7 * DAY_SECONDS


def _names(call: ArmCall, scope: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the engine's names of a subscription's topic and queue."""
    topic = topic_name(*call.path[:4])
    return (scope, topic), (scope, f"{topic}/{call.path[5].lower()}" if len(call.path) > 5 else "")


def _queue_config(properties: dict[str, Any]) -> QueueConfig:
    delivery = properties.get("deliveryConfiguration") or {}
    mode = delivery.get("deliveryMode", "Queue") if isinstance(delivery, dict) else None
    if mode != "Queue":
        raise unsupported(f"the deliveryMode {mode} of a namespace's event subscription")
    given = delivery.get("queue") or {}
    if not isinstance(given, dict):
        raise bad_request("The queue of the deliveryConfiguration must be an object.")
    told = {name: value for name, value in given.items() if value is not None}
    for name in told:
        if name not in _QUEUE:
            raise unsupported(f"the property deliveryConfiguration.queue.{name}")
    lock = told.get("receiveLockDurationInSeconds", LOCK_SECONDS)
    count = told.get("maxDeliveryCount", DELIVERIES_MAX)
    if type(lock) is not int or not 60 <= lock <= 300:
        raise bad_request("The receiveLockDurationInSeconds must be 60 to 300.")
    if type(count) is not int or not 1 <= count <= 10:
        raise bad_request("The maxDeliveryCount must be 1 to 10.")
    lives = told.get("eventTimeToLive", "P7D")
    match = _DURATION.fullmatch(lives) if isinstance(lives, str) else None
    days, hours, minutes, rest = (int(each or 0) for each in match.groups()) if match else (0, 0, 0, 0)
    seconds = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    if not 60 <= seconds <= RETENTION_SECONDS:
        raise bad_request("The eventTimeToLive must be a duration of a minute to seven days.")
    return QueueConfig(
        lease_seconds=lock,
        retention_seconds=seconds,
        dead_letter=DeadLetterPolicy("", "", count),
        exactly_once=True,
        dedup_window_seconds=0,
        dialect=DIALECT,
    )


def _terms(properties: dict[str, Any]) -> str:
    if (properties.get("eventDeliverySchema") or CLOUD_EVENTS) != CLOUD_EVENTS:
        raise unsupported(f"the eventDeliverySchema {properties['eventDeliverySchema']}")
    told = properties.get("filtersConfiguration") or {}
    if not isinstance(told, dict) or told.keys() - {"filters", "includedEventTypes"}:
        raise unsupported("other properties of filtersConfiguration than filters and includedEventTypes")
    listed = [told.get(name) or [] for name in ("includedEventTypes", "filters")]
    if not all(isinstance(each, list) for each in listed):
        raise bad_request("The includedEventTypes and filters must be lists.")
    fields = {"types": tuple(listed[0]), "advanced": tuple(listed[1]), "schema": CLOUD_EVENTS, "pull": True}
    return make_terms(fields)


async def put_subscription(parts: Parts, call: ArmCall) -> Response:
    """Make a subscription, or change it."""
    resource = await topics.find(parts, call)
    topic, queue = _names(call, resource.scope)
    await topics.find_inner(parts, call, topic)
    if not _NAME.fullmatch(call.path[5]):
        raise bad_request(f"The name '{call.path[5]}' is invalid: 3 to 50 letters, digits and hyphens.")
    properties = (call.body or {}).get("properties") if isinstance(call.body, dict) else None
    if not isinstance(properties, dict):
        raise AzureError(400, "InvalidRequestContent", "The request content must have properties.")
    properties = {name: value for name, value in properties.items() if value is not None}
    for name in properties:
        if name not in _PROPERTIES or name == "expirationTimeUtc":
            raise unsupported(f"the property properties.{name}")
    labels = {
        "name": call.path[5],
        "terms": _terms(properties),
        "properties": msgspec.json.encode(properties).decode(),
    }
    config = SubscriptionConfig(labels=labels)
    found = await parts.store.run(_put, topic, queue, config, _queue_config(properties), parts.ids.sequence())
    return json_response(201, _show(resource, call, found))


async def _put(
    tx: Tx, now_us: int, topic: tuple[str, str], queue: tuple[str, str], config: SubscriptionConfig,
    settings: QueueConfig, sequence: int,
) -> Subscription:  # fmt: skip
    _, made = await queues.create(tx, now_us, queue, sequence, settings)
    if not made:
        await queues.update(tx, now_us, queue, lambda _: settings)
    return await engine.subscribe_as(tx, now_us, topic, queue[1], QUEUE, endpoint_of(*queue), config)


async def _find(parts: Parts, call: ArmCall) -> tuple[KeyedResource, Subscription]:
    resource = await topics.find(parts, call)
    _, queue = _names(call, resource.scope)
    try:
        return resource, await parts.store.read(engine.find_subscription, *queue)
    except SubscriptionNotFoundError:
        raise not_found(call, _TYPE, call.path[5]) from None


async def get_subscription(parts: Parts, call: ArmCall) -> Response:
    """Show a subscription."""
    resource, subscription = await _find(parts, call)
    return json_response(200, _show(resource, call, subscription))


async def list_subscriptions(parts: Parts, call: ArmCall) -> Response:
    """List the subscriptions of a namespace's topic."""
    resource = await topics.find(parts, call)
    topic, _ = _names(call, resource.scope)
    await topics.find_inner(parts, call, topic)
    found = await parts.store.read(engine.subscriptions_of, topic)
    shown = [_show(resource, call, each) for each in found if not each.config.route]
    return json_response(200, {"value": shown})


async def delete_subscription(parts: Parts, call: ArmCall) -> Response:
    """Delete a subscription with its events."""
    resource = await topics.find(parts, call)
    _, queue = _names(call, resource.scope)
    try:
        await parts.store.run(_delete, queue)
    except QueueNotFoundError:
        return Response(204, [])
    return Response(200, [])


async def _delete(tx: Tx, now_us: int, queue: tuple[str, str]) -> None:
    await queues.delete(tx, now_us, queue)
    await engine.unsubscribe(tx, now_us, *queue)


def _show(resource: KeyedResource, call: ArmCall, subscription: Subscription) -> dict[str, Any]:
    labels = subscription.config.labels
    return {
        "id": f"{topics.id_of(resource)}/topics/{call.path[3]}/eventSubscriptions/{labels['name']}",
        "name": labels["name"],
        "type": _TYPE,
        "properties": {
            "eventDeliverySchema": CLOUD_EVENTS,
            **msgspec.json.decode(labels["properties"]),
            "provisioningState": "Succeeded",
        },
    }
