"""Azure's front door: management by path, apps and their deployment services by host name."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from fogbank.clouds.azure.hosts import is_cosmos, is_event_grid, is_gremlin, is_identity, is_storage
from fogbank.engines.functions.entrances import addresses
from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from fogbank.clouds.azure.front import Front
    from fogbank.clouds.azure.functions.indexing import Indexer
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Request, Response

APP_HOSTS: Final = (".azurewebsites.localhost", ".azurewebsites.net")
ARM_HOSTS: Final = frozenset({"management.azure.com", "management.azure.localhost"})
APPS: Final = "azure/"
# What belongs to no subscription.
_PROVIDERS: Final = "/providers/microsoft."


class AzureGateway:
    """Answers Azure's requests; what it takes is loaded when the first one comes, or if there are apps already."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tasks = Supervisor("azure")
        self._indexer: Indexer | None = None

    def start(self) -> None:
        """Begin: index what was left unindexed, and run what is to run when hosts start."""
        self._tasks.keep("look", self._look)

    async def close(self) -> None:
        """Stop."""
        await self._tasks.close()
        if self._indexer is not None:
            await self._indexer.close()

    def claims(self, request: Request) -> bool:
        """Whether a request is for Azure."""
        path = request.raw_path[:15].lower()
        if path in ("/subscriptions", "/subscriptions/") or request.raw_path[:21].lower() == _PROVIDERS:
            return True
        host = _host(request)
        return (
            is_cosmos(request, host)
            or host.endswith(APP_HOSTS)
            or host in ARM_HOSTS
            or is_event_grid(request, host)
            or is_storage(request, host)
            or is_identity(request, host)
            or is_gremlin(request, host)
        )

    def handle(self, request: Request) -> Coroutine[object, object, Response]:
        """Answer a request in the form of what it is for."""
        host = _host(request)
        if is_cosmos(request, host):
            return self._cosmos(request, host)
        for suffix in APP_HOSTS:
            if host.endswith(suffix):
                return self._front.serve(request, host.removesuffix(suffix))
        if is_event_grid(request, host):
            return self._event_grid(request, host)
        if is_gremlin(request, host):
            return self._gremlin(request, host)
        if is_storage(request, host):
            return self._storage(request, host)
        if is_identity(request, host):
            return self._identity(request)
        return self._front.manage(request)

    async def _event_grid(self, request: Request, host: str) -> Response:
        from fogbank.clouds.azure.eventgrid import endpoints  # noqa: PLC0415 - loaded on first use

        return await endpoints.handle(self._parts, request, host)

    async def _cosmos(self, request: Request, host: str) -> Response:
        from fogbank.clouds.azure.cosmos import service  # noqa: PLC0415 - loaded on first use

        return await service.handle(self._parts, request, host)

    async def _identity(self, request: Request) -> Response:
        from fogbank.clouds.azure.identity import endpoints  # noqa: PLC0415 - loaded on first use

        return await endpoints.handle(self._parts, request)

    async def _gremlin(self, request: Request, host: str) -> Response:
        from fogbank.clouds.azure.gremlin import service  # noqa: PLC0415 - loaded on first use

        return await service.handle(self._parts, request, host)

    async def _storage(self, request: Request, host: str) -> Response:
        from fogbank.clouds.azure.storage import dispatch  # noqa: PLC0415 - loaded on first use

        return await dispatch.handle(self._parts, request, host)

    @cached_property
    def _front(self) -> Front:
        from fogbank.clouds.azure.front import Front  # noqa: PLC0415 - loaded on first use

        return Front(self._parts, self._load_indexer())

    def _load_indexer(self) -> Indexer:
        if self._indexer is None:
            from fogbank.clouds.azure.functions.indexing import Indexer  # noqa: PLC0415 - loaded on first use

            self._indexer = Indexer(self._parts)
        return self._indexer

    async def _look(self) -> None:
        if await self._parts.store.read(addresses.list_names, APPS, ("", ""), 1):
            await self._load_indexer().look()


def _host(request: Request) -> str:
    """Return the host that a request names, without the port, in small letters."""
    return request.header(b"host").lower().partition(":")[0]
