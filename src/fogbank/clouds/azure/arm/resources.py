"""What resources of Azure Resource Manager have in common: how they are named, read and shown, their keys."""

from __future__ import annotations

from base64 import b64encode
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fogbank.clouds.azure.errors import AzureError, bad_request, unsupported
from fogbank.kernel.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence

    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.identity.keyed_resources import KeyedConfig
    from fogbank.kernel.ids import Ids
    from fogbank.wire.http import Response

    Run = Callable[[Parts, ArmCall], Coroutine[object, object, Response]]

KEY_BYTES = 64
# The providers that there are, as ids have them.
PROVIDERS = {
    "microsoft.documentdb": "Microsoft.DocumentDB",
    "microsoft.eventgrid": "Microsoft.EventGrid",
    "microsoft.storage": "Microsoft.Storage",
    "microsoft.web": "Microsoft.Web",
}
_MEMBERS = frozenset({"id", "kind", "location", "name", "properties", "sku", "systemData", "tags", "type", "identity"})


def scope_of(call: ArmCall) -> str:
    """Return the scope of a resource group, or of all of a subscription's as the beginning of theirs."""
    return Scope("azure", call.subscription.lower(), call.group.lower()).key


def find_operation(
    operations: Mapping[tuple[str, str], Run], call: ArmCall, provider: str, *, grouped: bool = True
) -> Run:
    """Return what runs an operation, by method and path; an empty segment of a pattern stands for any name.

    Unless they are not `grouped`, all but lists need a resource group.
    """
    lowered = [segment.lower() for segment in call.path]
    for (method, pattern), run in operations.items():
        wanted = pattern.split("/")
        if method != call.method or len(wanted) != len(lowered):
            continue
        if all(not want or want == have for want, have in zip(wanted, lowered, strict=True)):
            if grouped and not call.group and len(wanted) > 1:
                break
            return run
    what = f"{call.method} {provider}/{'/'.join(call.path)}"
    raise AzureError(400, "BadRequest", f"Fogbank does not support the operation {what}.")


def extends(call: ArmCall) -> bool:
    """Whether a request is for what Event Grid adds to another provider's resource, below that."""
    lowered = [segment.lower() for segment in call.path]
    return any(pair == ("providers", "microsoft.eventgrid") for pair in pairwise(lowered))


def new_key(ids: Ids, count: int = KEY_BYTES) -> str:
    """Return a new key: so many random bytes in base64."""
    return b64encode(ids.bytes(count)).decode()


def read_body(call: ArmCall, properties: Collection[str], refused: Sequence[str] = ()) -> tuple[dict[str, Any], Any]:
    """Return a resource's body and its properties; members that Fogbank doesn't know are refused by name."""
    body = call.body
    if not isinstance(body, dict):
        raise AzureError(400, "InvalidRequestContent", "The request content must be a JSON object.")
    for name, value in body.items():
        if value is not None and (name not in _MEMBERS or name in refused):
            raise unsupported(f"the property {name}")
    given = body.get("properties") or {}
    if not isinstance(given, dict):
        raise bad_request("The property properties must be an object.")
    for name, value in given.items():
        if value is not None and name not in properties:
            raise unsupported(f"the property properties.{name}")
    return body, given


def location_of(body: Mapping[str, Any]) -> str:
    """Return where a resource is to be."""
    location = body.get("location")
    if not isinstance(location, str) or not location:
        raise AzureError(400, "LocationRequired", "The location property is required for this definition.")
    return location.replace(" ", "").lower()


def tags_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Return a resource's tags."""
    tags = body.get("tags") or {}
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise bad_request("The tags must be an object whose values are strings.")
    return tags


def resource_id(scope: str, group: str, kind: str, name: str) -> str:
    """Return the id of a resource; `kind` is provider and type."""
    return f"/subscriptions/{scope.split('/')[1]}/resourceGroups/{group}/providers/{kind}/{name}"


def not_found(call: ArmCall, kind: str, name: str) -> AzureError:
    """Return the error for a resource that isn't there."""
    message = (
        f"The Resource '{kind}/{name}' under resource group '{call.group}' was not found. For more details please go"
        " to https://aka.ms/ARMResourceNotFoundFix"
    )
    return AzureError(404, "ResourceNotFound", message)


def with_key(config: KeyedConfig, name: str, key: str) -> KeyedConfig:
    """Return a configuration in which one key is another."""
    return type(config)({**config.keys, name: key}, config.facts, config.tags)
