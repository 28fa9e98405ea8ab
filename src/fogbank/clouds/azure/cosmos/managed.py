"""What databases, graphs and tables of an account have in common in Azure Resource Manager.

"Azure Cosmos DB resource provider REST API" (https://learn.microsoft.com/rest/api/cosmos-db-resource-provider): a
resource with an id, options for its throughput, and the throughput as a resource of its own below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.arm.resources import not_found, read_body, resource_id, scope_of
from fogbank.clouds.azure.cosmos.access import KIND
from fogbank.clouds.azure.cosmos.errors import CosmosError
from fogbank.clouds.azure.cosmos.items.keys import check_name
from fogbank.clouds.azure.cosmos.resources.definitions import Offer
from fogbank.clouds.azure.cosmos.resources.throughput import LEAST, autoscaling, check_throughput
from fogbank.clouds.azure.errors import AzureError, bad_request, json_response, unsupported
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import KeyedResourceNotFoundError

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.arm.resources import Run
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Response

ACCOUNT: Final = "Microsoft.DocumentDB/databaseAccounts"
_PROPERTIES: Final = ("resource", "options")
_OPTIONS: Final = frozenset({"throughput", "autoscaleSettings"})


def worded(run: Run) -> Run:
    """Return an operation whose account must be there, and which is refused as Azure Resource Manager does."""

    async def checked(parts: Parts, call: ArmCall) -> Response:
        try:
            await parts.store.read(keyed_resources.find, KIND, scope_of(call), call.path[1].lower())
        except KeyedResourceNotFoundError:
            raise not_found(call, ACCOUNT, call.path[1]) from None
        try:
            return await run(parts, call)
        except CosmosError as error:
            raise AzureError(error.status, error.code, error.message) from None
        except CollectionNotFoundError:
            raise AzureError(404, "NotFound", "Owner resource does not exist") from None

    return checked


def read_resource(call: ArmCall, name: str) -> tuple[dict[str, Any], Offer | None]:
    """Return the resource that a body has, whose id must be the name in the path, and its throughput."""
    _body, properties = read_body(call, _PROPERTIES, ("identity", "sku"))
    resource = properties.get("resource")
    if not isinstance(resource, dict):
        raise bad_request("The property properties.resource must be an object.")
    if check_name(resource.get("id")) != name:
        raise bad_request(f"The id of the resource must be its name, {name}.")
    return {key: value for key, value in resource.items() if value is not None}, _read_options(properties)


def check_only_id(resource: dict[str, Any]) -> None:
    """Raise the error for a resource that says more than its id."""
    for name in resource:
        if name != "id":
            raise unsupported(f"the property properties.resource.{name}")


def _read_options(properties: dict[str, Any]) -> Offer | None:
    options = properties.get("options") or {}
    if not isinstance(options, dict):
        raise bad_request("The property properties.options must be an object.")
    for name, value in options.items():
        if name not in _OPTIONS and value is not None:
            raise unsupported(f"the property properties.options.{name}")
    return _read_throughput(options)


def _read_throughput(given: dict[str, Any]) -> Offer | None:
    settings = given.get("autoscaleSettings")
    if settings is not None:
        return autoscaling(settings if isinstance(settings, dict) else {}, 0)
    throughput = given.get("throughput")
    return None if throughput is None else Offer(check_throughput(throughput))


def given_throughput(call: ArmCall) -> Offer:
    """Return the throughput that a body says, or raise the error for none."""
    _body, properties = read_body(call, ("resource",), ("identity", "sku"))
    resource = properties.get("resource")
    offer = _read_throughput(resource) if isinstance(resource, dict) else None
    if offer is None:
        raise bad_request("The property properties.resource must have a throughput or autoscaleSettings.")
    return offer


def shown(call: ArmCall, kind: str, names: tuple[str, ...], resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource; `kind` are the types below the account, `names` theirs."""
    pairs = "/".join(f"{part}/{name}" for part, name in zip(kind.split("/"), names, strict=True))
    return {
        "id": f"{resource_id(scope_of(call), call.group, ACCOUNT, call.path[1])}/{pairs}",
        "name": names[-1],
        "type": f"{ACCOUNT}/{kind}",
        "properties": {"resource": resource},
    }


def no_throughput() -> AzureError:
    """Return the error for a resource that has no throughput of its own."""
    return AzureError(404, "NotFound", "No throughput is provisioned for the resource.")


def throughput_response(call: ArmCall, kinds: tuple[str, ...], offer: Offer | None) -> Response:
    """Return the answer that shows a throughput; `kinds` are the types that the path may have below the account."""
    if offer is None:
        raise no_throughput()
    told: dict[str, Any] = {"throughput": offer.throughput, "minimumThroughput": str(LEAST)}
    if offer.maximum:
        told["autoscaleSettings"] = {"maxThroughput": offer.maximum}
    names = (*call.path[3:-2:2], "default")
    kind = "/".join(kinds[: len(names) - 1]) + "/throughputSettings"
    return json_response(200, shown(call, kind, names, told))
