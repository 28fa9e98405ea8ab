"""Event subscriptions of topics, domains and their topics, system topics and sources: made, changed, shown, deleted."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from fogbank.clouds.azure.arm.resources import not_found
from fogbank.clouds.azure.errors import AzureError, bad_request, json_response, unsupported
from fogbank.clouds.azure.eventgrid import topics
from fogbank.clouds.azure.eventgrid.couriers import ATTEMPTS_MAX, MINUTES_MAX, SECONDS_MAX, retry_of
from fogbank.clouds.azure.eventgrid.model import DIALECT, Terms, prepare, topic_name
from fogbank.clouds.azure.eventgrid.schemas import CLOUD_EVENTS, EVENT_GRID
from fogbank.clouds.azure.eventgrid.subscriptions.destinations import read_destination
from fogbank.clouds.azure.eventgrid.subscriptions.handshakes import shake_hands
from fogbank.clouds.azure.eventgrid.subscriptions.owners import SUBSCRIPTIONS, find_owner, length_of, name_in, of_source
from fogbank.clouds.azure.eventgrid.system import sources
from fogbank.clouds.azure.hosts import EVENT_GRID_PATH
from fogbank.engines.messaging import topics as engine
from fogbank.engines.messaging.delivery_model import HTTP
from fogbank.engines.messaging.errors import SubscriptionNotFoundError, TopicNotFoundError
from fogbank.engines.messaging.topic_model import SubscriptionConfig, TopicConfig
from fogbank.kernel.clock import SECOND_US
from fogbank.languages.eventgrid_filters import FilterError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.eventgrid.subscriptions.destinations import Destination
    from fogbank.clouds.azure.eventgrid.subscriptions.owners import Owner
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.messaging.topic_model import Subscription
    from fogbank.storage import Tx

# How long the URL of a validation may be opened.
VALIDATION_SECONDS: Final = 600
_NAME: Final = re.compile(r"[A-Za-z0-9-]{3,64}")
_PROPERTIES: Final = frozenset({
    "destination", "eventDeliverySchema", "expirationTimeUtc", "filter", "labels", "provisioningState", "retryPolicy",
    "topic",
})  # fmt: skip
_FILTER: Final = frozenset({
    "advancedFilters", "enableAdvancedFilteringOnArrays", "includedEventTypes", "isSubjectCaseSensitive",
    "subjectBeginsWith", "subjectEndsWith",
})  # fmt: skip


async def _find(parts: Parts, call: ArmCall) -> tuple[Owner, Subscription]:
    owner, name = await find_owner(parts, call), name_in(call)
    try:
        return owner, await parts.store.read(engine.find_subscription, owner.topic[0], owner.number(name))
    except SubscriptionNotFoundError:
        raise not_found(call, owner.kind, name) from None


def read_terms(properties: dict[str, Any], schema: str) -> dict[str, Any]:
    """Return what of a subscription's properties its terms have; `schema` is that of its topic."""
    told = properties.get("filter") or {}
    if not isinstance(told, dict):
        raise bad_request("The filter must be an object.")
    for name, value in told.items():
        if name not in _FILTER and value is not None:
            raise unsupported(f"the property filter.{name}")
    wanted = properties.get("eventDeliverySchema") or schema
    if wanted not in (EVENT_GRID, CLOUD_EVENTS):
        raise unsupported(f"the eventDeliverySchema {wanted}")
    if schema == CLOUD_EVENTS and wanted == EVENT_GRID:
        raise AzureError(
            400, "InvalidRequest", "Events that come as CloudEventSchemaV1_0 can't be delivered as EventGridSchema."
        )
    listed = [told.get(name) or [] for name in ("includedEventTypes", "advancedFilters")]
    if not all(isinstance(each, list) for each in listed):
        raise bad_request("The includedEventTypes and advancedFilters must be lists.")
    types = [each for each in listed[0] if each != "All"]
    if not all(isinstance(each, str) for each in types):
        raise bad_request("The includedEventTypes must be texts.")
    texts = {name: told.get(name) or "" for name in ("subjectBeginsWith", "subjectEndsWith")}
    if not all(isinstance(each, str) for each in texts.values()):
        raise bad_request("The subjectBeginsWith and subjectEndsWith must be texts.")
    return {
        "types": tuple(types),
        "begins": texts["subjectBeginsWith"],
        "ends": texts["subjectEndsWith"],
        "case_sensitive": bool(told.get("isSubjectCaseSensitive")),
        "arrays": bool(told.get("enableAdvancedFilteringOnArrays")),
        "advanced": tuple(listed[1]),
        "schema": wanted,
        "expires_us": _expiry(properties.get("expirationTimeUtc")),
    }


def _expiry(value: Any) -> int:
    if value is None:
        return 0
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise bad_request(f"The expirationTimeUtc {value!r} is no time.") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * SECOND_US)


def make_terms(fields: dict[str, Any]) -> str:
    """Return the label of terms, or raise the error for those that can't be."""
    text = msgspec.json.encode(Terms(**fields)).decode()
    try:
        prepare(text)
    except (FilterError, msgspec.ValidationError) as error:
        raise AzureError(400, "InvalidRequest", f"The advancedFilters are invalid: {error}.") from None
    return text


def _policy(properties: dict[str, Any]) -> tuple[int, int]:
    policy = properties.get("retryPolicy") or {}
    if not isinstance(policy, dict):
        raise bad_request("The retryPolicy must be an object.")
    found = []
    for name, high in (("maxDeliveryAttempts", ATTEMPTS_MAX), ("eventTimeToLiveInMinutes", MINUTES_MAX)):
        value = policy.get(name)
        value = high if value is None else value
        if type(value) is not int or not 1 <= value <= high:
            raise AzureError(400, "InvalidRequest", f"The {name} must be 1 to {high}.")
        found.append(value)
    return found[0], found[1]


async def put(parts: Parts, call: ArmCall) -> Response:
    """Make a subscription, or put another in its place."""
    body = call.body if isinstance(call.body, dict) else {}
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise AzureError(400, "InvalidRequestContent", "The request content must have properties.")
    return await _save(parts, call, {name: value for name, value in properties.items() if value is not None})


async def patch(parts: Parts, call: ArmCall) -> Response:
    """Change some of a subscription."""
    if not isinstance(call.body, dict):
        raise AzureError(400, "InvalidRequestContent", "The request content must be a JSON object.")
    _, subscription = await _find(parts, call)
    known = msgspec.json.decode(subscription.config.labels["properties"])
    given = {name: value for name, value in call.body.items() if value is not None}
    return await _save(parts, call, {**known, **given})


async def _save(parts: Parts, call: ArmCall, properties: dict[str, Any]) -> Response:
    for name in properties:
        if name not in _PROPERTIES:
            raise unsupported(f"the property properties.{name}")
    name = name_in(call)
    if not _NAME.fullmatch(name):
        raise bad_request(f"The name '{name}' is invalid: 3 to 64 letters, digits and hyphens.")
    owner = await find_owner(parts, call)
    if not length_of(call):
        await parts.store.read(sources.check, sources.source_of(call))
    destination = read_destination(properties.get("destination"))
    fields = read_terms(properties, owner.schema)
    terms = make_terms({**fields, **destination.terms})
    if fields["expires_us"] and fields["expires_us"] <= parts.clock.now():
        raise AzureError(400, "InvalidRequest", "The expirationTimeUtc must be in the future.")
    policy = _policy(properties)
    code = parts.ids.uuid()
    confirmed = True
    if destination.kind == HTTP:
        url = (
            f"{call.scheme}://{call.host}{EVENT_GRID_PATH}{owner.label}/eventSubscriptions/{name}/validate?id={code}"
            f"&subscription={quote(owner.prefix.partition('/')[2])}"
        )
        confirmed = await shake_hands(parts, destination.endpoint, fields["schema"], owner.id, name, (code, url))
    config = SubscriptionConfig(
        confirmed=confirmed,
        token=code,
        courier=destination.courier,
        retry=retry_of(*policy),
        seconds_max=SECONDS_MAX,
        labels={
            "name": name,
            "terms": terms,
            "properties": msgspec.json.encode(properties).decode(),
            "asked_us": str(parts.clock.now()),
            "source": owner.source,
        },
    )
    number, sequence = owner.number(name), parts.ids.sequence()
    subscription = await parts.store.run(_put, owner.topic, number, destination, config, sequence, owner.name)
    return json_response(201, _show(parts, owner, subscription))


async def _put(
    tx: Tx, now_us: int, topic: tuple[str, str], number: str, to: Destination, config: SubscriptionConfig,
    sequence: int, name: str,
) -> Subscription:  # fmt: skip
    try:
        await engine.find(tx, now_us, topic)
    except TopicNotFoundError:
        # Those of a domain and of sources are made with their first subscription.
        made = TopicConfig(dialect=DIALECT, dedup_window_seconds=0, labels={"name": name})
        await engine.create(tx, now_us, topic, sequence, made)
    return await engine.subscribe_as(tx, now_us, topic, number, to.kind, to.endpoint, config)


async def get(parts: Parts, call: ArmCall) -> Response:
    """Show a subscription."""
    owner, subscription = await _find(parts, call)
    return json_response(200, _show(parts, owner, subscription))


async def list_all(parts: Parts, call: ArmCall) -> Response:
    """List the subscriptions of a topic, a domain or a resource; those of groups with their subscription's."""
    if not length_of(call) and not call.extends:
        return await _list_global(parts, call, "")
    owner = await find_owner(parts, call)
    try:
        found = await parts.store.read(engine.subscriptions_of, owner.topic)
    except TopicNotFoundError:
        found = []
    mine = [each for each in found if each.id.startswith(owner.number("")) and not each.config.route]
    return json_response(200, {"value": [_show(parts, owner, each) for each in mine]})


async def list_of_type(parts: Parts, call: ArmCall) -> Response:
    """List the subscriptions of sources of one type that is in no region."""
    return await _list_global(parts, call, call.path[1].lower())


async def _list_global(parts: Parts, call: ArmCall, topic_type: str) -> Response:
    """List the subscriptions of an Azure subscription and its resource groups, or of one of these."""
    scope, folder = sources.scope_of(call.subscription), topic_name(sources.SOURCES)
    found = await parts.store.read(engine.list_subscriptions, scope, "", topics.LISTED_MAX, folder=folder)
    shown = []
    for each in found:
        source = sources.read_source(each.config.labels["source"])
        owner = of_source(source)
        fits = not topic_type or source.type.lower() == topic_type
        in_group = not call.group or source.topic == sources.source_of(call).topic
        if fits and in_group and source.type != sources.SITE_TYPE and each.id.startswith(owner.number("")):
            shown.append(_show(parts, owner, each))
    return json_response(200, {"value": shown})


async def delete(parts: Parts, call: ArmCall) -> Response:
    """Delete a subscription."""
    owner = await find_owner(parts, call)
    deleted = await parts.store.run(engine.unsubscribe, owner.topic[0], owner.number(name_in(call)))
    return Response(200 if deleted else 204, [])


async def get_full_url(parts: Parts, call: ArmCall) -> Response:
    """Show a webhook's URL with its query, which may have secrets."""
    _, subscription = await _find(parts, call)
    if subscription.kind != HTTP:
        raise bad_request("The destination of the event subscription is no WebHook.")
    return json_response(200, {"endpointUrl": subscription.endpoint})


async def get_delivery_attributes(parts: Parts, call: ArmCall) -> Response:
    """Show the headers that deliveries have, secrets included."""
    _, subscription = await _find(parts, call)
    destination = msgspec.json.decode(subscription.config.labels["properties"])["destination"]
    return json_response(200, {"value": destination["properties"].get("deliveryAttributeMappings") or []})


def _state(config: SubscriptionConfig, now_us: int) -> str:
    if config.confirmed:
        return "Succeeded"
    return "Failed" if _is_too_late(config, now_us) else "AwaitingManualAction"


def _show(parts: Parts, owner: Owner, subscription: Subscription) -> dict[str, Any]:
    labels = subscription.config.labels
    properties = msgspec.json.decode(labels["properties"])
    destination = properties["destination"]
    told = dict(destination.get("properties") or {})
    if subscription.kind == HTTP:
        told["endpointBaseUrl"] = subscription.endpoint.partition("?")[0]
        told.pop("endpointUrl", None)
    told["deliveryAttributeMappings"] = [_hidden(each) for each in told.get("deliveryAttributeMappings") or []]
    terms = msgspec.json.decode(labels["terms"], type=Terms)
    retry = subscription.config.retry
    assert retry is not None
    return {
        "id": f"{owner.below}/{labels['name']}",
        "name": labels["name"],
        "type": owner.kind,
        "properties": {
            **properties,
            "topic": owner.id,
            "provisioningState": _state(subscription.config, parts.clock.now()),
            "eventDeliverySchema": terms.schema,
            "destination": {**destination, "properties": told},
            "retryPolicy": {
                "maxDeliveryAttempts": retry.attempts_max,
                "eventTimeToLiveInMinutes": int(retry.age_seconds_max // 60),
            },
        },
    }


def _hidden(mapping: dict[str, Any]) -> dict[str, Any]:
    properties = mapping.get("properties") or {}
    if not properties.get("isSecret"):
        return mapping
    return {**mapping, "properties": {**properties, "value": "Hidden"}}


def _is_too_late(config: SubscriptionConfig, now_us: int) -> bool:
    """Whether nobody opened the URL of a webhook's validation in time."""
    asked_us = int(config.labels["asked_us"])
    return not config.confirmed and now_us - asked_us > VALIDATION_SECONDS * SECOND_US


async def confirm(parts: Parts, scope: str, owner: str, name: str, code: str) -> bool:
    """Take note that somebody opened the URL of a subscription's validation; False for a wrong one."""
    number = f"{topic_name(*owner.split('/'))}/{SUBSCRIPTIONS}/{name.lower()}"

    def change(config: SubscriptionConfig) -> SubscriptionConfig:
        if config.token != code or _is_too_late(config, parts.clock.now()):
            raise SubscriptionNotFoundError(number)
        return msgspec.structs.replace(config, confirmed=True)

    try:
        await parts.store.run(engine.update_subscription, scope, number, change)
    except SubscriptionNotFoundError:
        return False
    return True
