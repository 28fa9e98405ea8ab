"""The connections that speak HTTP/2: they come from the listeners that HTTP/1.1 is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.wire.connections import Connections, Dates

if TYPE_CHECKING:
    import asyncio

    from fogbank.kernel.clock import Clock
    from fogbank.wire.http2.connection import Http2Connection
    from fogbank.wire.http2.exchange import Application

GRACE_SECONDS: Final = 5.0
# How every connection in HTTP/2 begins (RFC 9113, section 3.4).
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Http2Server:
    """Takes over connections, and ends them in an orderly way."""

    def __init__(self, application: Application, clock: Clock) -> None:
        self.application = application
        self._connections: Connections[Http2Connection] = Connections()
        self._dates = Dates(clock)
        self._closing = False

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
        await self._connections.close(grace_seconds)

    def forget(self, connection: Http2Connection) -> None:
        """Take note that a connection is gone."""
        self._connections.forget(connection)

    def date(self) -> bytes:
        """Return the value of the Date field, now."""
        return self._dates.now()
