"""The door of Gremlin's protocol: a WebSocket at /gremlin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.azure.cosmos.calls import EMULATOR
from fogbank.clouds.azure.gremlin.session import GremlinSession
from fogbank.clouds.azure.hosts import GREMLIN_HOSTS
from fogbank.wire.http import Response
from fogbank.wire.websocket.handshake import Limits, accept, is_handshake

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Request

# "Azure Cosmos DB service quotas", "Gremlin-specific limits": idle connection timeout. Clients that keep connections in
# a pool don't answer pings meanwhile.
_LIMITS: Final = Limits(silence_seconds=3_600)
PATHS: Final = frozenset({"/gremlin", "/gremlin/", "/"})


async def handle(parts: Parts, request: Request, host: str) -> Response:
    """Make a request's connection a client's socket."""
    if request.raw_path not in PATHS:
        return Response(404, [])
    if not is_handshake(request):
        return Response(400, [(b"Content-Type", b"text/plain")], b"Gremlin is spoken over WebSocket.\n")
    account = EMULATOR
    for suffix in GREMLIN_HOSTS:
        if host.endswith(suffix):
            account = host.removesuffix(suffix)
            break
    return accept(request, GremlinSession(parts, account).talk, limits=_LIMITS)
