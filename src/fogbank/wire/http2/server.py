"""The connections that speak HTTP/2: they come from the listeners that HTTP/1.1 is on."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from fogbank.kernel.clock import SECOND_US, wake

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.wire.http2.connection import Http2Connection
    from fogbank.wire.http2.exchange import Application

GRACE_SECONDS: Final = 5.0


class Http2Server:
    """Takes over connections, and ends them in an orderly way."""

    def __init__(self, application: Application, clock: Clock) -> None:
        self.application = application
        self._clock = clock
        self._connections: set[Http2Connection] = set()
        self._closing = False
        self._gone: asyncio.Future[None] | None = None
        self._second = -1
        self._date = b""

    def take(self, transport: asyncio.Transport, begun: bytes) -> None:
        """Go on with a connection whose first bytes were read already."""
        from fogbank.wire.http2.connection import Http2Connection  # noqa: PLC0415 - loaded on first use

        if self._closing:
            transport.close()
            return
        connection = Http2Connection(self, transport)
        self._connections.add(connection)
        transport.set_protocol(connection)
        connection.data_received(begun)

    async def close(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Let calls under way finish within the grace, then cut off the rest."""
        self._closing = True
        self.application.end_streams()
        for connection in list(self._connections):
            connection.close_when_idle()
        if self._connections:
            await asyncio.wait([self._last_gone()], timeout=grace_seconds)
        for connection in list(self._connections):
            connection.abort()
        if self._connections:
            await self._last_gone()

    def forget(self, connection: Http2Connection) -> None:
        """Take note that a connection is gone."""
        self._connections.discard(connection)
        if self._gone is not None and not self._connections:
            wake(self._gone)

    def date(self) -> bytes:
        """Return the value of the Date field, now."""
        second = self._clock.now() // SECOND_US
        if second != self._second:
            self._second = second
            self._date = formatdate(second, usegmt=True).encode()
        return self._date

    def _last_gone(self) -> asyncio.Future[None]:
        if self._gone is None or self._gone.done():
            self._gone = asyncio.get_running_loop().create_future()
        return self._gone
