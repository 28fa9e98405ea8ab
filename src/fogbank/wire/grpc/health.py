"""grpc.health.v1.Health: every service that there is serves (gRPC, "GRPC Health Checking Protocol")."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from fogbank.wire.grpc.service import Call, Service
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from fogbank.wire.grpc.types import Types

NAME = "grpc.health.v1.Health"
_SERVING = 1
_SERVICE_UNKNOWN = 3


class _Health(NamedTuple):
    response: type[Any]
    listing: type[Any]
    names: frozenset[str]


def health_service(types: Types, names: Sequence[str]) -> Service:
    """Return the service; `names` are those that serve, the empty one being the server as a whole."""
    response = types.message("grpc.health.v1.HealthCheckResponse")
    listing = types.message("grpc.health.v1.HealthListResponse")
    deps = _Health(response, listing, frozenset({"", NAME, *names}))
    return Service(NAME, deps, {"Check": _check, "List": _list, "Watch": _watch})


async def _check(health: _Health, _call: Call, request: Any) -> Any:
    if request.service not in health.names:
        raise GrpcError(Code.NOT_FOUND, f"unknown service {request.service}")
    return health.response(status=_SERVING)


async def _list(health: _Health, _call: Call, _request: Any) -> Any:
    listing = health.listing()
    for name in health.names:
        listing.statuses[name].status = _SERVING
    return listing


async def _watch(health: _Health, _call: Call, request: Any) -> AsyncIterator[Any]:
    yield health.response(status=_SERVING if request.service in health.names else _SERVICE_UNKNOWN)
    # It never changes while the server runs; the stream lasts as long as the client likes.
    await asyncio.get_running_loop().create_future()
