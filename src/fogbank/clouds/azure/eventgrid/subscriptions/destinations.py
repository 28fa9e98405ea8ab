"""Where an event subscription delivers: webhooks, functions, storage queues; others are refused by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from fogbank.clouds.azure.errors import AzureError, bad_request, unsupported
from fogbank.clouds.azure.eventgrid.couriers import HTTP as HTTP_COURIER
from fogbank.clouds.azure.eventgrid.couriers import RESOURCE
from fogbank.clouds.azure.functions.apps import key_of
from fogbank.clouds.azure.queues.queues import check_name
from fogbank.clouds.azure.storage.accounts import scope_of
from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.engines.messaging.delivery_model import CALL, HTTP, QUEUE, endpoint_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_FUNCTION: Final = re.compile(
    r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.Web/sites/([^/]+)/functions/([^/]+)",
    re.IGNORECASE,
)
_ACCOUNT: Final = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Storage/storageAccounts/([^/]+)", re.IGNORECASE
)
_BATCH: Final = {"maxEventsPerBatch": (1, 5_000), "preferredBatchSizeInKilobytes": (1, 1_024)}
_WEBHOOK: Final = frozenset({
    "endpointUrl", "endpointBaseUrl", "maxEventsPerBatch", "preferredBatchSizeInKilobytes", "deliveryAttributeMappings",
    "minimumTlsVersionAllowed",
})  # fmt: skip
_OF_FUNCTION: Final = frozenset({
    "resourceId", "maxEventsPerBatch", "preferredBatchSizeInKilobytes", "deliveryAttributeMappings",
})  # fmt: skip
_OF_QUEUE: Final = frozenset({"resourceId", "queueName", "queueMessageTimeToLiveInSeconds"})
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_HEADERS_MAX: Final = 10


class Destination(NamedTuple):
    """Where and by which rules it is delivered; `terms` are what of it the subscription's terms have."""

    kind: str
    endpoint: str
    courier: str
    terms: dict[str, Any]


def read_destination(value: Any) -> Destination:
    """Return what a subscription's `destination` says, or raise the `AzureError` that it is refused with."""
    if not isinstance(value, dict) or not isinstance(value.get("endpointType"), str):
        raise bad_request("The destination must be an object with an endpointType.")
    read = _READERS.get(value["endpointType"].lower())
    if read is None:
        raise unsupported(f"the endpointType {value['endpointType']}")
    properties = value.get("properties") or {}
    if not isinstance(properties, dict):
        raise bad_request("The destination's properties must be an object.")
    return read({name: each for name, each in properties.items() if each is not None})


def _known(properties: Mapping[str, Any], known: frozenset[str]) -> None:
    for name in properties:
        if name not in known:
            raise unsupported(f"the property destination.properties.{name}")


def _batching(properties: Mapping[str, Any]) -> dict[str, Any]:
    found = []
    for (name, (low, high)), default in zip(_BATCH.items(), (1, 64), strict=True):
        value = properties.get(name, default)
        if type(value) is not int or not low <= value <= high:
            raise bad_request(f"The {name} must be {low} to {high}.")
        found.append(value)
    return {"batch_max": found[0], "batch_kib": found[1]}


def _webhook(properties: Mapping[str, Any]) -> Destination:
    _known(properties, _WEBHOOK)
    url = properties.get("endpointUrl")
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise AzureError(400, "InvalidRequest", "The endpointUrl must be an absolute URL.")
    terms = {**_batching(properties), "headers": _headers(properties.get("deliveryAttributeMappings") or [])}
    return Destination(HTTP, str(url), HTTP_COURIER, terms)


def _headers(mappings: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(mappings, list) or len(mappings) > _HEADERS_MAX:
        raise bad_request(f"The deliveryAttributeMappings must be a list of at most {_HEADERS_MAX}.")
    found = []
    for mapping in mappings:
        name = mapping.get("name") if isinstance(mapping, dict) else None
        properties = mapping.get("properties") or {} if isinstance(mapping, dict) else {}
        if not isinstance(name, str) or not _HEADER.fullmatch(name) or not isinstance(properties, dict):
            raise bad_request("A delivery attribute mapping needs a name that is one of a header.")
        if name.lower().startswith("aeg-") or name.lower() in ("content-type", "content-length", "host"):
            raise bad_request(f"The name {name} of a delivery attribute mapping is reserved.")
        kind = str(mapping.get("type", "")).lower()
        if kind == "static" and isinstance(properties.get("value"), str):
            value = properties["value"]
            if "\r" in value or "\n" in value:
                raise bad_request(f"The value of the delivery attribute mapping {name} can't be that of a header.")
            found.append({"name": name, "value": value, "secret": bool(properties.get("isSecret"))})
        elif kind == "dynamic" and isinstance(properties.get("sourceField"), str):
            found.append({"name": name, "field": properties["sourceField"]})
        else:
            raise bad_request(f"The delivery attribute mapping {name} must be Static with a value, or Dynamic with a"
                              " sourceField.")  # fmt: skip
    return tuple(found)


def _function(properties: Mapping[str, Any]) -> Destination:
    _known(properties, _OF_FUNCTION)
    match = _FUNCTION.fullmatch(str(properties.get("resourceId", "")))
    if match is None:
        raise bad_request("The resourceId must be that of a function of an app.")
    if properties.get("deliveryAttributeMappings"):
        raise unsupported("deliveryAttributeMappings of functions")
    terms = {**_batching(properties), "function": match[4]}
    return Destination(CALL, endpoint_of(*key_of(match[1], match[2], match[3])), RESOURCE, terms)


def _queue(properties: Mapping[str, Any]) -> Destination:
    _known(properties, _OF_QUEUE)
    match = _ACCOUNT.fullmatch(str(properties.get("resourceId", "")))
    name = properties.get("queueName")
    if match is None or not isinstance(name, str):
        raise bad_request("A StorageQueue needs the resourceId of a storage account, and a queueName.")
    try:
        check_name(name)
    except StorageError as error:
        raise bad_request(error.message) from None
    lives = properties.get("queueMessageTimeToLiveInSeconds", 0)
    if type(lives) is not int or lives < -1:
        raise bad_request("The queueMessageTimeToLiveInSeconds must be -1 or a number of seconds.")
    return Destination(QUEUE, endpoint_of(scope_of(match[1]), name), RESOURCE, {"lives_seconds": lives})


_READERS: Final = {"webhook": _webhook, "azurefunction": _function, "storagequeue": _queue}
