"""Microsoft.EventGrid's operations by method and path; every other one is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.azure.arm.resources import find_operation
from fogbank.clouds.azure.errors import bad_request, unsupported
from fogbank.clouds.azure.eventgrid import namespaces, topics
from fogbank.clouds.azure.eventgrid.subscriptions import event_subscriptions
from fogbank.clouds.azure.eventgrid.system import system_topics, topic_types

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
OPERATIONS.update({
    ("GET", "systemtopics"): system_topics.list_all,
    ("GET", "systemtopics/"): system_topics.get,
    ("PUT", "systemtopics/"): system_topics.put,
    ("PATCH", "systemtopics/"): system_topics.patch,
    ("DELETE", "systemtopics/"): system_topics.delete,
})  # fmt: skip
# What a subscription may have, too, or nobody has: the event subscriptions of sources, and what sources there are.
WITHOUT_GROUP: Final[dict[tuple[str, str], Run]] = {
    ("GET", "topictypes//eventsubscriptions"): event_subscriptions.list_of_type,
}
OF_NOBODY: Final[dict[tuple[str, str], Run]] = {
    ("GET", "topictypes"): topic_types.list_all,
    ("GET", "topictypes/"): topic_types.get,
    ("GET", "topictypes//eventtypes"): topic_types.list_event_types,
}
for _owner, _table in (
    ("topics//", OPERATIONS),
    ("domains//", OPERATIONS),
    ("domains//topics//", OPERATIONS),
    ("systemtopics//", OPERATIONS),
    ("", WITHOUT_GROUP),
):
    _path = f"{_owner}eventsubscriptions"
    _table.update({
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
            above, below = tuple(path[:place]), tuple(path[place + 2 :])
            if call.provider == "microsoft.eventgrid":
                call = call._replace(path=above + below)
            else:
                call = call._replace(path=below, extends=(call.provider, *above))
            break
    for name in ("$filter", "$top"):
        if name in call.query:
            raise unsupported(f"the parameter {name}")
    if not call.subscription:
        return await find_operation(OF_NOBODY, call, "Microsoft.EventGrid", grouped=False)(parts, call)
    if path and (call.extends or call.path[0].lower() in ("eventsubscriptions", "topictypes")):
        return await find_operation(WITHOUT_GROUP, call, "Microsoft.EventGrid", grouped=False)(parts, call)
    return await find_operation(OPERATIONS, call, "Microsoft.EventGrid")(parts, call)
