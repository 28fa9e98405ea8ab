"""Servers and raw clients on real sockets; every asynchronous test runs on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import uvloop

from fogbank.wire.server import HttpServer
from tests.unit.wire.sockets import Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from fogbank.kernel.clock import Clock
    from fogbank.wire.http import Handler
    from fogbank.wire.http1 import Patience
    from tests.unit.wire.sockets import Serve


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def serve(clock: Clock) -> AsyncIterator[Serve]:
    """`connect = await serve(handler)` starts a server; `await connect()` opens a connection to it."""
    servers: list[HttpServer] = []
    peers: list[Peer] = []

    async def start(handler: Handler, patience: Patience | None = None) -> Callable[..., object]:
        server = HttpServer(handler, clock, patience=patience)
        servers.append(server)
        port = await server.listen("127.0.0.1", 0)

        async def connect(**settings: object) -> Peer:
            peers.append(await Peer.connect(port, server, **settings))
            return peers[-1]

        return connect

    yield start
    for peer in peers:
        peer.close()
    for server in servers:
        await server.close(0)
