"""What subscriptions, resource groups and apps emit when Azure Resource Manager has done something.

Microsoft Learn, "Azure Event Grid event schema for resource groups" (…/event-grid/event-schema-resource-groups) and
"Azure App Service as an Event Grid source" (…/event-grid/event-schema-app-service): PUT, PATCH, POST and DELETE make
events, GET makes none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.azure.arm.resources import PROVIDERS
from fogbank.clouds.azure.errors import AzureError
from fogbank.clouds.azure.eventgrid.delivering import publications, publish_to_all
from fogbank.clouds.azure.eventgrid.schemas import completed
from fogbank.clouds.azure.eventgrid.system.sources import read_source, scope_of
from fogbank.clouds.azure.eventgrid.system.topic_types import ACTED, APP_UPDATED, DELETED, WRITTEN
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.arm.telling import Tell
    from fogbank.clouds.azure.eventgrid.system.sources import Source
    from fogbank.clouds.azure.parts import Parts
    from fogbank.storage import Tx
    from fogbank.wire.http import Request

KINDS: Final = {"PUT": WRITTEN, "PATCH": WRITTEN, "DELETE": DELETED, "POST": ACTED}
_VERBS: Final = {"PUT": "write", "PATCH": "write", "DELETE": "delete"}
NO_TENANT: Final = "00000000-0000-0000-0000-000000000000"
_APP_ACTIONS: Final = {"restart": "Restarted", "stop": "Stopped", "start": "Started"}


class Operation(NamedTuple):
    """What a request does: its name, and the resource that it is done to."""

    name: str
    provider: str
    resource: str


def operation_of(call: ArmCall) -> Operation:
    """Return what a request does: `Microsoft.Web/sites/write`, `Microsoft.Web/sites/config/list/action`."""
    resource = f"/subscriptions/{call.subscription}"
    if call.group:
        resource += f"/resourceGroups/{call.group}"
    provider = PROVIDERS[call.provider]
    path = list(call.path)
    for place in range(len(path) - 1):
        if path[place].lower() == "providers":
            # A resource that extends another.
            resource += f"/providers/{provider}/{'/'.join(path[:place])}"
            provider, path = PROVIDERS.get(path[place + 1].lower(), path[place + 1]), path[place + 2 :]
            break
    action = f"{path.pop()}/action" if len(path) % 2 else _VERBS.get(call.method, "action")
    return Operation(
        f"{provider}/{'/'.join(path[::2])}/{action}", provider, f"{resource}/providers/{provider}/{'/'.join(path)}"
    )


def telling(parts: Parts, call: ArmCall, request: Request, number: str) -> Tell:
    """Return the store operation that publishes what a request has done; `number` is the request's own id."""
    events = _resource_events(parts, call, request, number)
    app_event = _app_event(parts, call, request, number)
    always = {source.topic[1]: publications(parts.ids, parts.clock.now(), [event]) for source, event in events}
    with_write = dict(always)
    if app_event is not None:
        source, event = app_event
        with_write[source.topic[1]] = publications(parts.ids, parts.clock.now(), [event])

    async def tell(tx: Tx, now_us: int, *, wrote: bool) -> None:
        batches = with_write if wrote else always
        await publish_to_all(tx, now_us, scope_of(call.subscription), batches, parts.ids.sequence)

    return tell


def _resource_events(parts: Parts, call: ArmCall, request: Request, number: str) -> list[tuple[Source, dict[str, Any]]]:
    operation = operation_of(call)
    origin = f"{call.scheme}://{call.host}"
    query = f"?{request.raw_query}" if request.raw_query else ""
    data = {
        "authorization": {
            "scope": operation.resource,
            "action": operation.name,
            "evidence": {"role": "Subscription Admin"},
        },
        # Nobody's token is read.
        "claims": {},
        "correlationId": number,
        "httpRequest": {
            "clientRequestId": request.header(b"x-ms-client-request-id"),
            "clientIpAddress": request.client,
            "method": call.method,
            "url": f"{origin}{request.raw_path}{query}",
        },
        "resourceProvider": operation.provider,
        "resourceUri": operation.resource,
        "operationName": operation.name,
        "status": "Succeeded",
        "subscriptionId": call.subscription,
        "tenantId": NO_TENANT,
    }
    ids = [f"/subscriptions/{call.subscription}"]
    if call.group:
        ids.append(f"{ids[0]}/resourceGroups/{call.group}")
    event = {"subject": operation.resource, "eventType": KINDS[call.method], "data": data, "dataVersion": "2"}
    return [(source, _event(parts, source, event)) for source in map(read_source, ids)]


def _app_event(parts: Parts, call: ArmCall, request: Request, number: str) -> tuple[Source, dict[str, Any]] | None:
    action = _app_action(call)
    if action is None:
        return None
    try:
        source = read_source(
            f"/subscriptions/{call.subscription}/resourceGroups/{call.group}/providers/Microsoft.Web/sites/{call.path[1]}"
        )
    except AzureError:
        return None
    data = {
        "appEventTypeDetail": {"action": action},
        # The documentation's example has the one, its table and the clients have the other.
        "siteName": source.name,
        "name": source.name,
        "clientRequestId": request.header(b"x-ms-client-request-id"),
        "correlationRequestId": number,
        "requestId": number,
        "address": request.raw_path,
        "verb": call.method,
    }
    subject = f"/Microsoft.Web/sites/{source.name}"
    event = {"subject": subject, "eventType": APP_UPDATED, "data": data, "dataVersion": "1"}
    return source, _event(parts, source, event)


def _app_action(call: ArmCall) -> str | None:
    """Return what a request does to an app that the app tells of; None for everything else."""
    path = [segment.lower() for segment in call.path]
    if call.provider != "microsoft.web" or path[0] != "sites" or not call.group:
        return None
    if call.method == "POST" and len(path) == 3:
        return _APP_ACTIONS.get(path[2])
    if call.method == "PUT" and path[2:] == ["config", "appsettings"]:
        return "ChangedAppSettings"
    properties = call.body.get("properties") if isinstance(call.body, dict) else None
    if not isinstance(properties, dict):
        return None
    config = properties.get("siteConfig") if len(path) == 2 else properties if path[2:] == ["config", "web"] else None
    has_settings = isinstance(config, dict) and config.get("appSettings") is not None
    return "ChangedAppSettings" if call.method in ("PUT", "PATCH") and has_settings else None


def _event(parts: Parts, source: Source, event: dict[str, Any]) -> dict[str, Any]:
    now = datetime.fromtimestamp(parts.clock.now() / SECOND_US, UTC)
    return completed({"id": parts.ids.uuid(), **event, "eventTime": f"{now:%Y-%m-%dT%H:%M:%S.%f}Z"}, source.id)
