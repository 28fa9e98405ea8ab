"""A server: listening sockets, their connections, and an orderly end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from fogbank.wire.connections import Connections, Dates, Departures
from fogbank.wire.http import Request, Response
from fogbank.wire.http1 import Connection, Patience
from fogbank.wire.http1_reader import Bodies

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Sequence

    from fogbank.kernel.clock import Clock
    from fogbank.wire.http import Handler
    from fogbank.wire.http1 import Taker
    from fogbank.wire.websocket.connection import SocketConnection

BACKLOG: Final = 1_024
# So many connections are looked at in one sweep, or as many as it takes to see all within so many sweeps: thousands
# that only wait shall cost next to nothing.
SWEPT_AT_ONCE: Final = 500
SWEEPS_MAX: Final = 10
HANDSHAKE_SECONDS: Final = 15.0
DEFAULT_BODIES: Final = Bodies()


class HttpServer:
    """Answers HTTP/1.1 on any number of sockets with one handler.

    `refuse` words answers to what never became a request (status and what is known of the request); `patience`
    is real time, whatever the clock says. `others` take over connections that begin with certain bytes: those of
    HTTP/2, or of tunnels. `bodies` says how those of requests are received.
    """

    def __init__(
        self,
        handler: Handler,
        clock: Clock,
        refuse: Callable[[int, Request], Response] | None = None,
        patience: Patience | None = None,
        others: Sequence[tuple[bytes, Taker]] = (),
        bodies: Bodies | None = None,
    ) -> None:
        self.handler = handler
        self.bodies = bodies or DEFAULT_BODIES
        self.patience = patience or Patience()
        self.others = others
        self.closing = False
        self.connections: Connections[Connection] = Connections()
        self.sockets: Connections[SocketConnection] = Connections()
        self.departures = Departures()
        self._dates = Dates(clock)
        self._refuse = refuse
        self._loop = asyncio.get_running_loop()
        self._listeners: list[asyncio.Server] = []
        self._sweeping: asyncio.TimerHandle | None = None
        self._unswept: list[Connection | SocketConnection] = []

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen on an address, with TLS if there is a context; port 0 takes a free one. Returns the port."""
        patience = None if tls is None else HANDSHAKE_SECONDS
        return self._listen(
            await self._loop.create_server(
                self.connect, host, port, backlog=BACKLOG, ssl=tls, ssl_handshake_timeout=patience
            )
        )

    async def listen_on(self, sock: socket.socket) -> int:
        """Listen on a bound socket."""
        return self._listen(await self._loop.create_server(self.connect, sock=sock, backlog=BACKLOG))

    async def close(self, grace_seconds: float = 5.0) -> None:
        """Stop listening, let requests under way finish within the grace, then cut off the rest."""
        self.closing = True
        for listener in self._listeners:
            listener.close()
        await asyncio.gather(self.connections.close(grace_seconds), self.sockets.close(grace_seconds))
        if self._sweeping is not None:
            self._sweeping.cancel()

    def connect(self) -> Connection:
        """Return what serves a connection that begins."""
        return Connection(self)

    def forget(self, connection: Connection) -> None:
        """Take note that a connection is gone."""
        self.connections.forget(connection)

    def date(self) -> bytes:
        """Return the value of the Date header, now."""
        return self._dates.now()

    def refusal(self, status: int, request: Request) -> Response:
        """Word the answer to something that never became a request."""
        return Response(status, []) if self._refuse is None else self._refuse(status, request)

    def _listen(self, listener: asyncio.Server) -> int:
        self._listeners.append(listener)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(self.patience.sweep, self._sweep)
        return int(listener.sockets[0].getsockname()[1])

    def _sweep(self) -> None:
        """Expire connections whose clients have not moved in time; of very many, some are looked at each time."""
        now = self._loop.time()
        if not self._unswept:
            self._unswept = [*self.connections, *self.sockets]
        count = max(SWEPT_AT_ONCE, (len(self.connections) + len(self.sockets)) // SWEEPS_MAX)
        for connection in self._unswept[-count:]:
            if connection in self.connections or connection in self.sockets:
                connection.sweep(now)
        del self._unswept[-count:]
        self._sweeping = self._loop.call_later(self.patience.sweep, self._sweep)
