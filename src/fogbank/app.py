"""The composition root: puts a server together from its parts, starts them in order, ends them in reverse."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Self

from fogbank.clouds.aws.gateway import AwsGateway
from fogbank.clouds.aws.services import aws_services
from fogbank.connectors.housekeeping import Housekeeping
from fogbank.control.endpoints import Control
from fogbank.engines.messaging.receiving import Receiver
from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import Ids
from fogbank.storage import open_store
from fogbank.storage.folder import DataFolder
from fogbank.wire.server import HttpServer

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from fogbank.settings import Settings
    from fogbank.storage import Store
    from fogbank.wire.http import Request, Response


# So many turns of the event loop without work for the store mean that nothing more comes of what was set off.
QUIET_TURNS: Final = 5


class App:
    """One Fogbank server. `async with App(settings) as app` runs it; `app.port` is where it listens."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, ids: Ids | None = None) -> None:
        self.settings = settings
        self.clock = clock or Clock()
        self.ids = ids or Ids(self.clock)
        self.port = 0
        self.store: Store
        self._aws: AwsGateway
        self._control: Control
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def url(self) -> str:
        """Where the server is reached."""
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"http://{host}:{self.port}"

    def handle(self, request: Request) -> Coroutine[object, object, Response]:
        """Answer any request: our own endpoints by their path, everything else is a cloud's."""
        if request.raw_path.startswith("/_"):
            return self._control.handle(request)
        return self._aws.handle(request)

    async def reset(self) -> None:
        """Delete every resource."""
        await self.store.reset()

    async def settle(self) -> None:
        """Return once nothing is under way that runs without waiting for a client or the clock."""
        quiet_turns = 0
        while quiet_turns < QUIET_TURNS:
            await asyncio.sleep(0)
            quiet_turns = quiet_turns + 1 if self.store.idle else 0
            await self.store.drain()

    async def _start(self) -> None:
        settings = self.settings
        folder = None
        if not settings.memory and settings.database is None:
            folder = self._stack.enter_context(DataFolder(settings.data)).path
        self.store = await open_store(self.clock, folder=folder, url=settings.database)
        self._stack.push_async_callback(self.store.close)
        housekeeping = Housekeeping(self.store, self.clock)
        self._stack.push_async_callback(housekeeping.close)
        receiver = Receiver(self.store, self.clock, self.ids)
        self._aws = AwsGateway(aws_services(self.store, self.clock, self.ids, receiver), self.ids)
        self._control = Control(self.store, self._aws.services)
        housekeeping.start()
        server = HttpServer(self.handle, self.clock, self._aws.refuse)
        self._stack.push_async_callback(server.close)
        self.port = await server.listen(settings.host, settings.port)
