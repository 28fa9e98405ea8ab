"""Cosmos DB's operations by method and path ("Azure Cosmos DB REST API"); every other one is refused by name."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote

from fogbank.clouds.azure.cosmos import sessions
from fogbank.clouds.azure.cosmos.access import authorize, writes
from fogbank.clouds.azure.cosmos.calls import JSON, read_call
from fogbank.clouds.azure.cosmos.errors import CosmosError, error_body, owner_not_found, unsupported
from fogbank.clouds.azure.cosmos.items import batches, items
from fogbank.clouds.azure.cosmos.queries import changes, queries
from fogbank.clouds.azure.cosmos.queries.requests import is_query
from fogbank.clouds.azure.cosmos.resources import accounts, conflicts, containers, databases, offers
from fogbank.clouds.azure.cosmos.scripts import definitions as scripts
from fogbank.clouds.azure.cosmos.users import permissions, users
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.storage import StoreUnavailableError
from fogbank.wire.http import BodyIncompleteError, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Request

    Run: TypeAlias = "Callable[[Parts, CosmosCall], Coroutine[object, object, Response]]"

_log = logging.getLogger(__name__)
_BATCH: Final = b"x-ms-cosmos-is-batch-request"
_TRIGGERS: Final = (b"x-ms-documentdb-pre-trigger-include", b"x-ms-documentdb-post-trigger-include")
_DIRECTIVE: Final = b"x-ms-indexing-directive"


async def _post_database(parts: Parts, call: CosmosCall) -> Response:
    return await (databases.query_databases if is_query(call) else databases.create_database)(parts, call)


async def _post_container(parts: Parts, call: CosmosCall) -> Response:
    return await (containers.query_containers if is_query(call) else containers.create_container)(parts, call)


async def _post_user(parts: Parts, call: CosmosCall) -> Response:
    return await (users.query_users if is_query(call) else users.create_user)(parts, call)


async def _post_permission(parts: Parts, call: CosmosCall) -> Response:
    return await (permissions.query_permissions if is_query(call) else permissions.create_permission)(parts, call)


async def _post_conflict(parts: Parts, call: CosmosCall) -> Response:
    if is_query(call):
        return await conflicts.query_conflicts(parts, call)
    raise unsupported(f"the operation POST {call.request.raw_path}")


async def _post_item(parts: Parts, call: CosmosCall) -> Response:
    if is_query(call):
        return await queries.query_items(parts, call)
    if call.is_set(_BATCH):
        return await batches.run_batch(parts, call)
    return await items.create_item(parts, call)


async def _get_items(parts: Parts, call: CosmosCall) -> Response:
    return await (changes.list_changes if call.header(changes.A_IM) else queries.list_items)(parts, call)


async def _execute(parts: Parts, call: CosmosCall) -> Response:
    from fogbank.clouds.azure.cosmos.scripts.procedures import execute  # noqa: PLC0415 - loaded on first use

    return await execute(parts, call)


async def _write_with_triggers(parts: Parts, call: CosmosCall) -> Response:
    from fogbank.clouds.azure.cosmos.scripts.triggers import write_item  # noqa: PLC0415 - loaded on first use

    return await write_item(parts, call)


# Names of resources are left out of paths.
OPERATIONS: Final[dict[tuple[str, str], Run]] = {
    ("GET", ""): accounts.get_account,
    ("GET", "dbs"): databases.query_databases,
    ("POST", "dbs"): _post_database,
    ("GET", "dbs/"): databases.get_database,
    ("DELETE", "dbs/"): databases.delete_database,
    ("GET", "dbs//users"): users.query_users,
    ("POST", "dbs//users"): _post_user,
    ("GET", "dbs//users/"): users.get_user,
    ("PUT", "dbs//users/"): users.replace_user,
    ("DELETE", "dbs//users/"): users.delete_user,
    ("GET", "dbs//users//permissions"): permissions.query_permissions,
    ("POST", "dbs//users//permissions"): _post_permission,
    ("GET", "dbs//users//permissions/"): permissions.get_permission,
    ("PUT", "dbs//users//permissions/"): permissions.replace_permission,
    ("DELETE", "dbs//users//permissions/"): permissions.delete_permission,
    ("GET", "dbs//colls"): containers.query_containers,
    ("POST", "dbs//colls"): _post_container,
    ("GET", "dbs//colls/"): containers.get_container,
    ("PUT", "dbs//colls/"): containers.replace_container,
    ("DELETE", "dbs//colls/"): containers.delete_container,
    ("GET", "dbs//colls//pkranges"): containers.list_ranges,
    ("GET", "dbs//colls//conflicts"): conflicts.query_conflicts,
    ("POST", "dbs//colls//conflicts"): _post_conflict,
    ("GET", "dbs//colls//conflicts/"): conflicts.get_conflict,
    ("DELETE", "dbs//colls//conflicts/"): conflicts.get_conflict,
    ("GET", "dbs//colls//docs"): _get_items,
    ("POST", "dbs//colls//docs"): _post_item,
    ("GET", "dbs//colls//docs/"): items.read_one,
    ("PUT", "dbs//colls//docs/"): items.replace_item,
    ("PATCH", "dbs//colls//docs/"): items.patch_item,
    ("DELETE", "dbs//colls//docs/"): items.delete_item,
    **{("GET", f"dbs//colls//{kind}"): scripts.list_scripts for kind in scripts.KINDS},
    **{("POST", f"dbs//colls//{kind}"): scripts.create_or_query for kind in scripts.KINDS},
    **{("GET", f"dbs//colls//{kind}/"): scripts.get_script for kind in scripts.KINDS},
    **{("PUT", f"dbs//colls//{kind}/"): scripts.replace_script for kind in scripts.KINDS},
    **{("DELETE", f"dbs//colls//{kind}/"): scripts.delete_script for kind in scripts.KINDS},
    ("POST", "dbs//colls//sprocs/"): _execute,
    ("GET", "offers"): offers.query_offers,
    ("POST", "offers"): offers.query_offers,
    ("GET", "offers/"): offers.get_offer,
    ("PUT", "offers/"): offers.replace_offer,
}
_DELETE_PARTITION: Final = ("operations", "partitionkeydelete")


async def handle(parts: Parts, request: Request, host: str) -> Response:
    """Answer a request."""
    activity = request.header(b"x-ms-activity-id") or parts.ids.request()
    try:
        response = await _run(parts, request, host)
    except BodyIncompleteError:
        raise
    except CosmosError as error:
        response = refuse(error, activity)
    except CollectionNotFoundError:
        response = refuse(owner_not_found(), activity)
    except StoreUnavailableError as error:
        _log.error("the store is unavailable: %s", error)
        response = refuse(CosmosError(503, f"The store is unavailable: {error}"), activity)
    except Exception:  # noqa: BLE001 - answered, and logged
        _log.exception("%s %s failed", request.method, request.raw_path)
        response = refuse(CosmosError(500, "There was an internal error."), activity)
    if above := _path_above(request):
        response.headers.append((b"x-ms-alt-content-path", above.encode("latin-1", "replace")))
    response.headers += (
        (b"x-ms-activity-id", activity.encode("latin-1", "replace")),
        (b"x-ms-schemaversion", b"1.18"),
        (b"x-ms-gatewayversion", b"version=2.14.0"),
        (b"x-ms-serviceversion", b"version=2.14.0.0"),
    )
    return response


async def _run(parts: Parts, request: Request, host: str) -> Response:
    call = read_call(request, host, parts.clock.now())
    operation = _operation(call)
    level = await authorize(parts.store, call)
    accounts.check_consistency(call, level)
    if sessions.TOKEN in request.headers and not writes(call):
        await sessions.check(parts.store, call, level)
    if any(call.header(name) for name in _TRIGGERS):
        operation = _write_with_triggers
    if call.header(_DIRECTIVE).lower() == "exclude":
        raise unsupported("the value Exclude of the header x-ms-indexing-directive")
    return await operation(parts, call)


def _operation(call: CosmosCall) -> Run:
    path, method = call.path, call.request.method
    if path[4:] == _DELETE_PARTITION and method == "POST":
        return items.delete_partition
    pattern = "/".join(["" if number % 2 else segment for number, segment in enumerate(path)])
    operation = OPERATIONS.get((method, pattern))
    if operation is None:
        raise unsupported(f"the operation {method} {call.request.raw_path}")
    return operation


def _path_above(request: Request) -> str:
    """Return the path, made of names, of what a resource stands in; "" for nothing."""
    path = request.raw_path.strip("/").split("/")
    above = "/".join(path[: (len(path) - 1) // 2 * 2])
    named = unquote(above)
    # No name may make another line of a header.
    return named if named.isprintable() else above


def refuse(error: CosmosError, activity: str) -> Response:
    """Return the answer to a refused request, but for what every answer has."""
    headers = [JSON, (b"x-ms-request-charge", b"1.00")]
    if error.substatus:
        headers.append((b"x-ms-substatus", b"%d" % error.substatus))
    if error.status == 429:
        headers.append((b"x-ms-retry-after-ms", b"50"))
    if error.status == 401:
        headers.append((b"WWW-Authenticate", b"Basic"))
    return Response(error.status, headers, error_body(error, activity))
