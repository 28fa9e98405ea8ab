"""Graphs in Azure Resource Manager: databases and graphs of an account, and their throughput.

"Azure Cosmos DB resource provider REST API, Gremlin resources"
(https://learn.microsoft.com/rest/api/cosmos-db-resource-provider/gremlin-resources). A graph is a container, and so it
is seen by the account's own endpoint, too.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.cosmos.calls import DATABASES
from fogbank.clouds.azure.cosmos.calls import scope_of as data_of
from fogbank.clouds.azure.cosmos.managed import (
    check_only_id,
    given_throughput,
    no_throughput,
    read_resource,
    shown,
    throughput_response,
    worded,
)
from fogbank.clouds.azure.cosmos.resources import containers, databases
from fogbank.clouds.azure.cosmos.resources.definitions import read_definition
from fogbank.clouds.azure.errors import AzureError, bad_request, json_response
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.arm.resources import Run
    from fogbank.clouds.azure.cosmos.resources.containers import Container
    from fogbank.clouds.azure.cosmos.resources.databases import Database
    from fogbank.clouds.azure.cosmos.resources.definitions import Definition, Offer
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Name

_KINDS: Final = ("gremlinDatabases", "graphs")
_SYSTEM: Final = frozenset({"_rid", "_ts", "_etag"})
# What no graph may be partitioned by ("Using a partitioned graph in Azure Cosmos DB").
_NO_KEYS: Final = ("/id", "/label")


def _databases(call: ArmCall) -> Name:
    return data_of(call.path[1].lower()), DATABASES


def _graph(call: ArmCall) -> Name:
    return data_of(call.path[1].lower()), f"{call.path[3]}/{call.path[5]}"


def _show_database(call: ArmCall, database: Database) -> dict[str, Any]:
    found = databases.show(database)
    told = {name: found[name] for name in ("id", "_rid", "_ts", "_etag")}
    return shown(call, "gremlinDatabases", (database.name,), told)


def _show_graph(call: ArmCall, container: Container) -> dict[str, Any]:
    found = containers.show(container)
    told = {name: value for name, value in found.items() if not name.startswith("_") or name in _SYSTEM}
    return shown(call, "gremlinDatabases/graphs", (call.path[3], found["id"]), told)


async def put_database(parts: Parts, call: ArmCall) -> Response:
    """Create a database, or leave it as it is."""
    resource, offer = read_resource(call, call.path[3])
    check_only_id(resource)
    found = await parts.store.read(databases.find, _databases(call), call.path[3])
    if found is None:
        first, second = parts.ids.sequences(2)
        found = await parts.store.run(databases.create, _databases(call), call.path[3], (first, second), offer)
    return json_response(200, _show_database(call, found))


async def _database(parts: Parts, call: ArmCall) -> Database:
    found = await parts.store.read(databases.find, _databases(call), call.path[3])
    if found is None:
        raise AzureError(404, "NotFound", f"The database {call.path[3]} was not found.")
    return found


async def get_database(parts: Parts, call: ArmCall) -> Response:
    """Show a database."""
    return json_response(200, _show_database(call, await _database(parts, call)))


async def list_databases(parts: Parts, call: ArmCall) -> Response:
    """List an account's databases."""
    found = await parts.store.read(databases.list_databases, _databases(call))
    return json_response(200, {"value": [_show_database(call, each) for each in found]})


async def delete_database(parts: Parts, call: ArmCall) -> Response:
    """Delete a database with its graphs."""
    if await parts.store.read(databases.find, _databases(call), call.path[3]) is not None:
        await databases.remove(parts, _databases(call), call.path[3])
    return Response(204, [])


async def put_graph(parts: Parts, call: ArmCall) -> Response:
    """Create a graph, or change its indexing policy and its default time to live."""
    resource, offer = read_resource(call, call.path[5])
    for path in (resource.get("partitionKey") or {}).get("paths") or ():
        if path in _NO_KEYS or str(path).count("/") != 1:
            raise bad_request(f"Partition key path {path} is invalid for a graph.")
    wanted = read_definition(resource, parts.clock.now())
    name = _graph(call)
    try:
        changed = await parts.store.run(containers.redefine, name, partial(_redefined, wanted), parts.ids.sequence())
    except CollectionNotFoundError:
        numbers = parts.ids.sequences(3)
        changed = await parts.store.run(containers.create, _databases(call), name, numbers, wanted, offer)
    return json_response(200, _show_graph(call, changed))


def _redefined(wanted: Definition, old: Definition) -> Definition:
    if wanted.partition_key["paths"] != old.partition_key["paths"]:
        raise bad_request("Document collection partition key cannot be changed.")
    changed_us = max(wanted.changed_us, old.changed_us + 1)
    return msgspec.structs.replace(old, indexing=wanted.indexing, ttl=wanted.ttl, changed_us=changed_us)


async def get_graph(parts: Parts, call: ArmCall) -> Response:
    """Show a graph."""
    return json_response(200, _show_graph(call, await parts.store.read(containers.find, _graph(call))))


async def list_graphs(parts: Parts, call: ArmCall) -> Response:
    """List a database's graphs."""
    await _database(parts, call)
    found = await parts.store.read(containers.list_in, _graph_scope(call), call.path[3])
    return json_response(200, {"value": [_show_graph(call, each) for each in found]})


def _graph_scope(call: ArmCall) -> str:
    return data_of(call.path[1].lower())


async def delete_graph(parts: Parts, call: ArmCall) -> Response:
    """Delete a graph."""
    try:
        await parts.store.run(collections.delete, _graph(call))
    except CollectionNotFoundError:
        return Response(204, [])
    return Response(204, [])


def _throughput(call: ArmCall, offer: Offer | None) -> Response:
    return throughput_response(call, _KINDS, offer)


async def get_database_throughput(parts: Parts, call: ArmCall) -> Response:
    """Show a database's throughput."""
    return _throughput(call, (await _database(parts, call)).offer)


async def put_database_throughput(parts: Parts, call: ArmCall) -> Response:
    """Change a database's throughput."""
    offer = given_throughput(call)
    if (await _database(parts, call)).offer is None:
        return _throughput(call, None)
    await parts.store.run(databases.set_offer, _databases(call), call.path[3], offer)
    return _throughput(call, offer)


async def get_graph_throughput(parts: Parts, call: ArmCall) -> Response:
    """Show a graph's throughput."""
    return _throughput(call, (await parts.store.read(containers.find, _graph(call))).definition.offer)


async def put_graph_throughput(parts: Parts, call: ArmCall) -> Response:
    """Change a graph's throughput."""
    offer = given_throughput(call)

    def change(old: Definition) -> Definition:
        if old.offer is None:
            raise no_throughput()
        return msgspec.structs.replace(old, offer=offer)

    return _throughput(call, (await parts.store.run(containers.redefine, _graph(call), change)).definition.offer)


_DATABASE: Final = "databaseaccounts//gremlindatabases/"
_GRAPH: Final = f"{_DATABASE}/graphs/"
_RUNS: Final[dict[tuple[str, str], Callable[[Parts, ArmCall], Coroutine[object, object, Response]]]] = {
    ("GET", _DATABASE.rstrip("/")): list_databases,
    ("GET", _DATABASE): get_database,
    ("PUT", _DATABASE): put_database,
    ("DELETE", _DATABASE): delete_database,
    ("GET", f"{_DATABASE}/throughputsettings/default"): get_database_throughput,
    ("PUT", f"{_DATABASE}/throughputsettings/default"): put_database_throughput,
    ("GET", _GRAPH.rstrip("/")): list_graphs,
    ("GET", _GRAPH): get_graph,
    ("PUT", _GRAPH): put_graph,
    ("DELETE", _GRAPH): delete_graph,
    ("GET", f"{_GRAPH}/throughputsettings/default"): get_graph_throughput,
    ("PUT", f"{_GRAPH}/throughputsettings/default"): put_graph_throughput,
}
OPERATIONS: Final[dict[tuple[str, str], Run]] = {key: worded(run) for key, run in _RUNS.items()}
