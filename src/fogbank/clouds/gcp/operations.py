"""google.longrunning.Operations: what became of deployments and the like.

Everything that is asked for is done before its operation is returned; operations are kept for two weeks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.locations import check_region, scope_key
from fogbank.clouds.gcp.paging import read_page_size, read_page_token, write_page_token
from fogbank.clouds.gcp.refusals import invalid, not_found, unsupported
from fogbank.engines.operations import operations
from fogbank.engines.operations.operations import OperationNotFoundError
from fogbank.wire.grpc.service import Service

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.wire.grpc.service import Call
    from fogbank.wire.grpc.status import GrpcError
    from fogbank.wire.grpc.types import Message

# Where operations are whose names say nothing of project and region.
_FLAT_SCOPE: Final = "gcp/-/-"
_PLACED: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)/operations/([^/\0]+)")
_FLAT: Final = re.compile(r"operations/([^/\0]+)")
# Operations on a database are that database's.
_OF_DATABASE: Final = re.compile(r"projects/([^/]+)/databases/([^/]+)/operations/([^/\0]+)")
_PARENT: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)(?:/operations)?")


async def finish(
    parts: Parts, name: str, metadata: Message, *, response: Message | None = None, error: GrpcError | None = None
) -> Any:
    """Keep an operation that is over, with its result or its error, and return it."""
    operation = parts.types.message("google.longrunning.Operation")(name=name, done=True)
    operation.metadata.CopyFrom(parts.types.pack(metadata))
    if error is not None:
        operation.error.code = error.code
        operation.error.message = error.message
        operation.error.details.extend(parts.types.pack(detail) for detail in error.details)
    elif response is not None:
        operation.response.CopyFrom(parts.types.pack(response))
    scope, short = _place(name)
    await parts.store.run(operations.add, scope, short, operation.SerializeToString())
    return operation


def placed_name(parts: Parts, project: str, region: str) -> str:
    """Return a name for an operation of a project in a region."""
    number = parts.ids.hex(6)
    millis = parts.clock.now() // 1_000
    return f"projects/{project}/locations/{region}/operations/operation-{millis}-{number}-{parts.ids.hex(4)}"


def operations_service(parts: Parts) -> Service:
    """Return the service."""
    functions = {
        "GetOperation": _get,
        "ListOperations": _list,
        "WaitOperation": _get,
        "DeleteOperation": _delete,
        "CancelOperation": _cancel,
    }
    return Service("google.longrunning.Operations", parts, functions)


async def _get(parts: Parts, _call: Call, request: Any) -> Any:
    scope, name = _place(request.name)
    try:
        found = await parts.store.read(operations.find, scope, name)
    except OperationNotFoundError:
        raise not_found(request.name) from None
    return parts.types.message("google.longrunning.Operation").FromString(found.body)


async def _list(parts: Parts, _call: Call, request: Any) -> Any:
    match = _PARENT.fullmatch(request.name)
    if match is None:
        raise unsupported(f"ListOperations of {request.name or 'all projects'!r}; name a project's location")
    check_region(match[1], match[2])
    if request.filter:
        raise unsupported("filter in ListOperations")
    limit = read_page_size(request.page_size)
    after = read_page_token(request.page_token)
    found = await parts.store.read(operations.list_operations, scope_key(match[1], match[2]), after, limit + 1)
    response = parts.types.message("google.longrunning.ListOperationsResponse")()
    for each in found[:limit]:
        response.operations.add().MergeFromString(each.body)
    if len(found) > limit:
        response.next_page_token = write_page_token(found[limit - 1].name)
    return response


async def _delete(parts: Parts, _call: Call, request: Any) -> Any:
    scope, name = _place(request.name)
    try:
        await parts.store.run(operations.delete, scope, name)
    except OperationNotFoundError:
        raise not_found(request.name) from None
    return parts.types.message("google.protobuf.Empty")()


async def _cancel(parts: Parts, call: Call, request: Any) -> Any:
    # What is over can't be cancelled, and that is no error (operations.proto).
    await _get(parts, call, request)
    return parts.types.message("google.protobuf.Empty")()


def _place(name: str) -> tuple[str, str]:
    """Return scope key and short name of an operation."""
    placed = _PLACED.fullmatch(name)
    if placed is not None:
        check_region(placed[1], placed[2])
        return scope_key(placed[1], placed[2]), placed[3]
    of_database = _OF_DATABASE.fullmatch(name)
    if of_database is not None:
        return scope_key(of_database[1], f"databases/{of_database[2]}"), of_database[3]
    flat = _FLAT.fullmatch(name)
    if flat is None:
        raise invalid("name", f"Invalid operation resource name {name!r}")
    return _FLAT_SCOPE, flat[1]
