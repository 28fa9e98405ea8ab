"""Microsoft.EventGrid's operations by method and path; every other one is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.azure.arm.resources import find_operation
from fogbank.clouds.azure.errors import bad_request
from fogbank.clouds.azure.eventgrid import event_subscriptions, namespaces, topics

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.arm.resources import Run
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Response

_NAMESPACE: Final = "namespaces//topics/"
OPERATIONS: Final[dict[tuple[str, str], Run]] = {
    ("GET", "namespaces"): topics.list_all,
    ("GET", "namespaces/"): topics.get,
    ("PUT", "namespaces/"): topics.put,
    ("DELETE", "namespaces/"): topics.delete,
    ("POST", "namespaces//listkeys"): topics.list_keys,
    ("POST", "namespaces//regeneratekey"): topics.regenerate_key,
    ("GET", "namespaces//topics"): topics.list_inner,
    ("GET", _NAMESPACE): topics.get_inner,
    ("PUT", _NAMESPACE): topics.put_inner,
    ("DELETE", _NAMESPACE): topics.delete_inner,
    ("GET", _NAMESPACE + "/eventsubscriptions"): namespaces.list_subscriptions,
    ("GET", _NAMESPACE + "/eventsubscriptions/"): namespaces.get_subscription,
    ("PUT", _NAMESPACE + "/eventsubscriptions/"): namespaces.put_subscription,
    ("DELETE", _NAMESPACE + "/eventsubscriptions/"): namespaces.delete_subscription,
    ("GET", "domains//topics"): topics.list_inner,
    ("GET", "domains//topics/"): topics.get_inner,
    ("PUT", "domains//topics/"): topics.put_inner,
    ("DELETE", "domains//topics/"): topics.delete_inner,
}
for _kind in ("topics", "domains"):
    OPERATIONS.update({
        ("GET", _kind): topics.list_all,
        ("GET", f"{_kind}/"): topics.get,
        ("PUT", f"{_kind}/"): topics.put,
        ("DELETE", f"{_kind}/"): topics.delete,
        ("POST", f"{_kind}//listkeys"): topics.list_keys,
        ("POST", f"{_kind}//regeneratekey"): topics.regenerate_key,
    })  # fmt: skip
for _owner in ("topics/", "domains/", "domains//topics/"):
    _path = f"{_owner}/eventsubscriptions"
    OPERATIONS.update({
        ("GET", _path): event_subscriptions.list_all,
        ("GET", f"{_path}/"): event_subscriptions.get,
        ("PUT", f"{_path}/"): event_subscriptions.put,
        ("PATCH", f"{_path}/"): event_subscriptions.patch,
        ("DELETE", f"{_path}/"): event_subscriptions.delete,
        ("POST", f"{_path}//getfullurl"): event_subscriptions.get_full_url,
        ("POST", f"{_path}//getdeliveryattributes"): event_subscriptions.get_delivery_attributes,
    })  # fmt: skip


async def handle(parts: Parts, call: ArmCall) -> Response:
    """Run the operation that a request asks for, or raise the `AzureError` that it is refused with."""
    path = list(call.path)
    if any("\0" in segment for segment in path):
        raise bad_request("The path has a character that no name may have.")
    for place in range(len(path) - 1):
        if path[place].lower() == "providers" and path[place + 1].lower() == "microsoft.eventgrid":
            # A resource that extends another is addressed below it in two ways.
            call = call._replace(path=(*path[:place], *path[place + 2 :]))
            break
    return await find_operation(OPERATIONS, call, "Microsoft.EventGrid")(parts, call)
