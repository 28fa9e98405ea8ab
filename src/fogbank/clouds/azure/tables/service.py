"""Operations on tables by method and path ("Table service REST API"); every other one is refused by name.

What tables of Cosmos DB don't have of them: "Frequently asked questions about Azure Cosmos DB for Table"
(https://learn.microsoft.com/azure/cosmos-db/table/faq).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.azure.hosts import is_cosmos_table
from fogbank.clouds.azure.storage import service_properties
from fogbank.clouds.azure.storage.answering import Form, answer, told_time, worded
from fogbank.clouds.azure.storage.authorizing import authorize
from fogbank.clouds.azure.storage.calls import TABLE, read_call
from fogbank.clouds.azure.storage.errors import StorageError, invalid_value, unsupported
from fogbank.clouds.azure.storage.sas import Needs
from fogbank.clouds.azure.tables import access, batches, entities, queries, tables
from fogbank.clouds.azure.tables.errors import (
    FORBIDDEN,
    ODATA_JSON,
    TABLE_EXISTS,
    TABLE_NOT_FOUND,
    error_json,
    not_implemented,
    refusal,
    refuse,
    refuse_as_cosmos,
)
from fogbank.clouds.azure.tables.multipart import read_request, write_parts
from fogbank.clouds.azure.tables.resources import read_resource
from fogbank.clouds.azure.tables.writing import DELETE_NEEDS, INSERT_NEEDS, UPDATE_NEEDS, UPSERT_NEEDS
from fogbank.engines.documents.errors import CollectionExistsError, CollectionNotFoundError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.clouds.azure.storage.sas import Grant
    from fogbank.clouds.azure.tables.resources import Resource
    from fogbank.wire.http import Request

_READ: Final = Needs("o", "r", "r")
_NOT_IN_COSMOS: Final = {
    "properties": "the properties of the service",
    "stats": "the statistics of the service",
    "acl": "stored access policies",
}
_OPTIONS: Final = frozenset({"$filter", "$select", "$top", "$format"})
_METHOD: Final = b"x-http-method"


class Operation(NamedTuple):
    """What runs an operation on tables, and what a shared access signature must allow for it."""

    run: Callable[[Parts, StorageCall, Resource], Coroutine[object, object, Response]]
    needs: Needs


async def _get_properties(parts: Parts, call: StorageCall, _resource: Resource) -> Response:
    return await service_properties.get_properties(parts, call)


async def _set_properties(parts: Parts, call: StorageCall, _resource: Resource) -> Response:
    return await service_properties.set_properties(parts, call)


async def _get_stats(parts: Parts, call: StorageCall, _resource: Resource) -> Response:
    return await service_properties.get_stats(parts, call)


# By method, kind of resource and the parameter comp.
OPERATIONS: Final = {
    ("GET", "service", "properties"): Operation(_get_properties, Needs("s", "r")),
    ("PUT", "service", "properties"): Operation(_set_properties, Needs("s", "w")),
    ("GET", "service", "stats"): Operation(_get_stats, Needs("s", "r")),
    ("GET", "tables", ""): Operation(tables.list_tables, Needs("c", "l")),
    ("POST", "tables", ""): Operation(tables.create_table, Needs("c", "cw")),
    ("GET", "table", ""): Operation(tables.get_table, Needs("c", "l")),
    ("DELETE", "table", ""): Operation(tables.delete_table, Needs("c", "d")),
    ("GET", "entities", "acl"): Operation(access.get_acl, Needs()),
    ("PUT", "entities", "acl"): Operation(access.set_acl, Needs()),
}
_WRITES: Final = {
    ("POST", "entities"): INSERT_NEEDS,
    ("PUT", "entity"): UPDATE_NEEDS,
    ("MERGE", "entity"): UPDATE_NEEDS,
    ("PATCH", "entity"): UPDATE_NEEDS,
    ("DELETE", "entity"): DELETE_NEEDS,
}
_READS: Final = {"entity": entities.get_entity, "entities": queries.query_entities}
# What the engine refuses, in Azure's words.
_REFUSALS: Final = ((CollectionNotFoundError, refusal(TABLE_NOT_FOUND)), (CollectionExistsError, refusal(TABLE_EXISTS)))
_FORM: Final = Form(b"Windows-Azure-Table/1.0 Microsoft-HTTPAPI/2.0", _REFUSALS, refuse)
_COSMOS_FORM: Final = Form(b"Microsoft-HTTPAPI/2.0", _REFUSALS, refuse_as_cosmos)
_VERSIONS: Final = [(b"X-Content-Type-Options", b"nosniff"), (b"DataServiceVersion", b"3.0;")]


async def handle(parts: Parts, request: Request, host: str) -> Response:
    """Answer a request."""
    form = _COSMOS_FORM if is_cosmos_table(request, host) else _FORM
    response = await answer(parts, request, form, _run(parts, request, host))
    response.headers += _VERSIONS
    return response


async def _run(parts: Parts, request: Request, host: str) -> Response:
    call = read_call(request, host, TABLE)
    resource = read_resource(call)
    if request.method == "OPTIONS":
        if call.cosmos:
            raise not_implemented("cross-origin resource sharing (CORS)")
        raise unsupported("cross-origin resource sharing (CORS)")
    if resource.kind == "batch":
        return await _run_batch(parts, call, host)
    return await _run_one(parts, call, resource)


async def _run_one(parts: Parts, call: StorageCall, resource: Resource) -> Response:
    method, comp = _method(call.request), call.query.get("comp", "")
    for name in call.query:
        if name.startswith("$") and name not in _OPTIONS:
            raise not_implemented(name)
    if method in ("GET", "HEAD") and not comp and resource.kind in _READS:
        grant = await authorize(parts, call, _READ, access.policies_of)
        _check_table(call, grant, resource)
        return await _READS[resource.kind](parts, call, resource, grant)
    needs = _WRITES.get((method, resource.kind))
    if needs is not None and not comp:
        if needs is UPDATE_NEEDS and not call.request.header(b"if-match"):
            needs = UPSERT_NEEDS
        grant = await authorize(parts, call, needs, access.policies_of)
        _check_table(call, grant, resource)
        return await entities.write_entity(parts, call, resource, grant, method)
    operation = _operation(call, resource, method, comp)
    await authorize(parts, call, operation.needs, access.policies_of)
    return await operation.run(parts, call, resource)


def _operation(call: StorageCall, resource: Resource, method: str, comp: str) -> Operation:
    if resource.kind == "service" and call.query.get("restype") != "service":
        raise not_implemented("the service document")
    operation = OPERATIONS.get(("GET" if method == "HEAD" else method, resource.kind, comp))
    if operation is not None and call.cosmos and comp:
        raise not_implemented(_NOT_IN_COSMOS[comp])
    if operation is not None:
        return operation
    if comp and not any(known[1:] == (resource.kind, comp) for known in OPERATIONS):
        raise invalid_value("comp", comp)
    raise StorageError(405, "MethodNotAllowed", "The requested method is not allowed on the specified resource.")


def _method(request: Request) -> str:
    """Return the method that a request has, or that its header says it stands for."""
    given = request.header(_METHOD).upper()
    if not given:
        return request.method
    if request.method != "POST":
        message = "The request uses X-HTTP-Method with an HTTP verb other than POST."
        raise StorageError(400, "XMethodNotUsingPost", message)
    if given not in ("MERGE", "PATCH", "PUT", "DELETE"):
        raise StorageError(400, "XMethodIncorrectValue", "The specified X-HTTP-Method is invalid.")
    return given


def _check_table(call: StorageCall, grant: Grant | None, resource: Resource) -> None:
    """Raise the error for a signature that is for another table."""
    if grant is None or grant.of_account:
        return
    signed = call.query.get("tn", "")
    if signed != resource.table and (call.cosmos or signed.lower() != resource.table.lower()):
        raise refusal(FORBIDDEN)


async def _run_batch(parts: Parts, call: StorageCall, host: str) -> Response:
    """Run a change set, or the one query that stands in its place."""
    grant = await authorize(parts, call, Needs("o", "raud", "raud"), access.policies_of)
    found = await batches.read_batch(call)
    first, content_id = read_request(found[0], call.request)
    if first.method == "GET" and len(found) == 1:
        inner = read_call(first, host, TABLE)
        resource = read_resource(inner)
        if resource.kind not in _READS:
            raise not_implemented(f"GET {first.raw_path} in a batch")
        if grant is not None:
            grant.check(_READ)
        _check_table(call, grant, resource)
        response = await _READS[resource.kind](parts, inner, resource, grant)
        return write_parts(parts.ids.uuid(), [(content_id, response)], changes=False)
    try:
        steps = batches.read_steps(found, call, host, grant)
        _check_table(call, grant, read_resource(steps[0].call))
        return await batches.run_steps(parts, steps)
    except Exception as error:  # noqa: BLE001 - told in the batch's form, and logged unless the engine refuses
        return _refused(parts, call, error)


def _refused(parts: Parts, call: StorageCall, error: Exception) -> Response:
    """Return the answer to a change set of which nothing is done: one answer, to what failed."""
    told = worded(call.request, _FORM, error)
    content_id = error.content_id if isinstance(error, batches.BatchError) else ""
    prefix = "" if isinstance(error, batches.BatchError) else "0:"
    body = error_json(told, parts.ids.request(), told_time(parts), prefix, cosmos=call.cosmos)
    return write_parts(parts.ids.uuid(), [(content_id, Response(told.status, [(b"Content-Type", ODATA_JSON)], body))])
