"""What is seen of Azure's requests: service, operation, resources; and how each service throttles and fails.

Cosmos DB answers 429 and says in x-ms-retry-after-ms how long to wait
(https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb), Azure Storage 503 ServerBusy
(https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes), Resource Manager 429 and Retry-After
(https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

from fogbank.clouds.azure.hosts import (
    COSMOS_EMULATOR,
    COSMOS_HOSTS,
    COSMOS_TABLE_HOSTS,
    EVENT_GRID_HOSTS,
    QUEUE_HOSTS,
    TABLE_HOSTS,
    is_cosmos,
    is_cosmos_table,
    is_event_grid,
    is_gremlin,
    is_identity,
    is_storage,
    is_table,
)
from fogbank.clouds.azure.watching.operations import arm_operation, cosmos_operation, queue_operation, table_operation
from fogbank.wire.http import Response
from fogbank.wire.watching.model import Seen
from fogbank.wire.watching.showing import header_fields, merged, read_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Request
    from fogbank.wire.watching.model import Refusal

COSMOS: Final = "cosmos"
QUEUES: Final = "queues"
TABLES: Final = "tables"
EVENT_GRID: Final = "eventgrid"
_APP_HOSTS: Final = (".azurewebsites.localhost", ".azurewebsites.net")
# Headers that are parameters.
_SHOWN: Final = (
    b"if-match", b"if-none-match", b"prefer", b"a-im", b"x-ms-max-item-count", b"x-ms-continuation",
    b"x-ms-consistency-level", b"x-ms-session-token", b"x-ms-cosmos-is-batch-request", b"x-ms-documentdb-isquery",
    b"x-ms-documentdb-is-upsert", b"x-ms-documentdb-partitionkey", b"x-ms-documentdb-query-enablecrosspartition",
    b"x-ms-documentdb-pre-trigger-include", b"x-ms-documentdb-post-trigger-include", b"x-ms-indexing-directive",
)  # fmt: skip


class AzureFront:
    """Tells of Azure's requests."""

    cloud = "azure"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def describe(self, request: Request) -> Seen:
        """Say what a request is for."""
        host = request.header(b"host").lower().partition(":")[0]
        segments = [unquote(segment) for segment in request.raw_path.strip("/").split("/") if segment]
        query = {name.lower(): value for name, value in parse_qsl(request.raw_query, keep_blank_values=True)}
        body = b"" if request.stream is not None else request.body
        given = read_body(request.header(b"content-type"), body)
        parameters = merged(query, header_fields(request.headers, _SHOWN), given)
        if is_cosmos(request, host):
            return _cosmos(request, host, segments, parameters)
        for suffix in _APP_HOSTS:
            if host.endswith(suffix):
                return _app(request, host.removesuffix(suffix), segments, parameters)
        if is_event_grid(request, host):
            return _event_grid(host, segments, parameters)
        if is_gremlin(request, host):
            return Seen("gremlin", "Connect", _account(host), (), parameters)
        if is_storage(request, host):
            describe = _table if is_table(request, host) else _queue
            return describe(request, host, segments, (query, parameters))
        if is_identity(request, host):
            return Seen("identity", "GetToken", segments[0] if segments else "", (), parameters)
        return _arm(request, segments, parameters)

    def refuse(self, request: Request, seen: Seen, refusal: Refusal) -> Response:
        """Return a refusal in the form of the service that a request is for."""
        number = self._parts.ids.request()
        if seen.service == COSMOS:
            return _refuse_cosmos(refusal, request.header(b"x-ms-activity-id") or number)
        if seen.service in (QUEUES, TABLES):
            return self._refuse_storage(request, seen.service, refusal, number)
        return _refuse(refusal, number)

    def _refuse_storage(self, request: Request, service: str, refusal: Refusal, number: str) -> Response:
        from fogbank.clouds.azure.storage.answering import refuse_in_xml, told_time  # noqa: PLC0415 - on first use
        from fogbank.clouds.azure.storage.errors import StorageError  # noqa: PLC0415 - as above

        if refusal.throttled:
            error = StorageError(503, "ServerBusy", "The server is busy.")
        else:
            code = refusal.code or "InternalError"
            message = refusal.message or "The server encountered an internal error. Please retry the request."
            error = StorageError(refusal.status or 500, code, message)
        write: Callable[[Request, StorageError, str, str], Response] = refuse_in_xml
        if service == TABLES:
            from fogbank.clouds.azure.tables.errors import refuse as write_odata  # noqa: PLC0415 - as above

            write = write_odata
        response = write(request, error, number, told_time(self._parts))
        response.headers.append((b"x-ms-request-id", number.encode()))
        return response


def _cosmos(request: Request, host: str, segments: list[str], parameters: dict[str, Any]) -> Seen:
    headers = request.headers
    query = b"x-ms-documentdb-isquery" in headers or request.header(b"content-type").startswith("application/query")
    batch = headers.get(b"x-ms-cosmos-is-batch-request", b"").lower() == b"true"
    operation = cosmos_operation(request.method, segments, query=query, batch=batch)
    path = "/".join(segments)
    # A container is found by its own name, also where a document of it is named.
    names = [path, *("/".join(segments[:count]) for count in (4, 2) if len(segments) > count)]
    account = _account(host) if host.endswith(COSMOS_HOSTS) else COSMOS_EMULATOR
    return Seen(COSMOS, operation, account, tuple(name for name in names if name), parameters)


def _app(request: Request, name: str, segments: list[str], parameters: dict[str, Any]) -> Seen:
    if name.endswith(".scm"):
        return Seen(
            "deployment", f"{request.method} /{'/'.join(segments)}", "", (name.removesuffix(".scm"),), parameters
        )
    names = ("/".join([name, *segments]), name)
    return Seen("functions", "Call", "", names, parameters)


def _event_grid(host: str, segments: list[str], parameters: dict[str, Any]) -> Seen:
    label, path = _account(host), segments
    if not host.endswith(EVENT_GRID_HOSTS):
        label, path = (segments[1] if len(segments) > 1 else ""), segments[2:]
    last = path[-1] if path else ""
    action = last.rpartition(":")[2].lower()
    operation = {"events": "PublishEvents", "publish": "PublishCloudEvents", "validate": "ValidateSubscription"}.get(
        action, f"{action[:1].upper()}{action[1:]}CloudEvents" if ":" in last else last
    )
    names = tuple(filter(None, (label, "/".join(path).rpartition(":")[0])))
    return Seen(EVENT_GRID, operation, "", names, parameters)


def _queue(request: Request, host: str, segments: list[str], given: tuple[dict[str, str], dict[str, Any]]) -> Seen:
    query, parameters = given
    account, path = _of_account(host, segments, QUEUE_HOSTS)
    name = (f"{account}/{path[0]}",) if path else ()
    return Seen(QUEUES, queue_operation(request.method, path, query), account, name, parameters)


def _table(request: Request, host: str, segments: list[str], given: tuple[dict[str, str], dict[str, Any]]) -> Seen:
    query, parameters = given
    account, path = _of_account(host, segments, (*TABLE_HOSTS, *COSMOS_TABLE_HOSTS))
    if is_cosmos_table(request, host) and account != COSMOS_EMULATOR and not host.endswith(COSMOS_TABLE_HOSTS):
        # At a port of its own, without the account in the path.
        account, path = COSMOS_EMULATOR, segments
    method = request.header(b"x-http-method").upper() or request.method
    first = path[0] if path else ""
    name, bracket, inner = first.partition("(")
    kind = "service"
    if name == "$batch":
        kind, name = "batch", ""
    elif name.lower() == "tables":
        kind = "table" if bracket else "tables"
        name = inner.strip("')") or str(parameters.get("TableName", ""))
    elif name:
        kind = "entity" if bracket and inner != ")" else "entities"
    conditional = b"if-match" in request.headers
    operation = table_operation(method, kind, query.get("comp", ""), conditional=conditional)
    return Seen(TABLES, operation, account, (f"{account}/{name}",) if name else (), parameters)


def _arm(request: Request, segments: list[str], parameters: dict[str, Any]) -> Seen:
    provider, operation = arm_operation(request.method, segments)
    subscription = segments[1] if len(segments) > 1 and segments[0].lower() == "subscriptions" else ""
    return Seen(provider, operation, subscription, ("/".join(segments),) if segments else (), parameters)


def _account(host: str) -> str:
    return host.partition(".")[0]


def _of_account(host: str, segments: list[str], hosts: tuple[str, ...]) -> tuple[str, list[str]]:
    if host.endswith(hosts):
        return _account(host), segments
    return (segments[0], segments[1:]) if segments else ("", [])


def _refuse_cosmos(refusal: Refusal, activity: str) -> Response:
    from fogbank.clouds.azure.cosmos.errors import CODES, CosmosError, error_body, too_many_requests  # noqa: PLC0415
    from fogbank.clouds.azure.cosmos.service import refuse  # noqa: PLC0415 - loaded on first use

    if refusal.throttled:
        error = too_many_requests()
    else:
        status = refusal.status if refusal.status in CODES else 500
        error = CosmosError(status, refusal.message or "There was an internal error.")
    response = refuse(error, activity)
    if not refusal.throttled and (refusal.status or 500) != error.status:
        response = Response(refusal.status, response.headers, error_body(error, activity))
    response.headers.append((b"x-ms-activity-id", activity.encode("latin-1", "replace")))
    return response


def _refuse(refusal: Refusal, number: str) -> Response:
    """Return the refusal of Resource Manager, whose form the others share."""
    from fogbank.clouds.azure.errors import AzureError, error_response  # noqa: PLC0415 - loaded on first use

    headers = [(b"x-ms-request-id", number.encode())]
    if refusal.throttled:
        headers.append((b"Retry-After", b"1"))
        return error_response(AzureError(429, "TooManyRequests", "The request is being throttled."), headers)
    code = refusal.code or "InternalServerError"
    message = refusal.message or "There was an internal error."
    return error_response(AzureError(refusal.status or 500, code, message), headers)
