"""The inner end of a proxy's tunnels: `CONNECT` to a host that is served here (RFC 9110, section 9.3.6).

After the tunnel is granted the client begins TLS with the host that it believes to be at the other end, and finds us.
Other hosts are refused: a server that passes on what it is sent is for `fogbank run` to be, not for this one.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from fogbank.wire.connections import Connections
from fogbank.wire.server import HANDSHAKE_SECONDS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from fogbank.wire.tls.contexts import Contexts

BEGINNING: Final = b"CONNECT "
HEAD_BYTES_MAX: Final = 16_384
HEAD_SECONDS: Final = 10.0
_END: Final = b"\r\n\r\n"
_REQUEST: Final = re.compile(rb"CONNECT (\[[0-9a-fA-F:.]+\]|[^\s:/]+):(\d{1,5}) HTTP/1\.[01]\r\n")
_GRANTED: Final = b"HTTP/1.1 200 Connection Established\r\n\r\n"


class Tunnels:
    """Takes over connections that begin with `CONNECT`, and hands them on once TLS is established."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        # What speaks HTTP at the end of a tunnel; set before the first one.
        self.connect: Callable[[], asyncio.Protocol]
        self.connections: Connections[Tunnel] = Connections()
        self._closing = False

    def take(self, transport: asyncio.Transport, begun: bytes) -> None:
        """Go on with a connection whose first bytes were read already."""
        if self._closing:
            transport.close()
            return
        tunnel = Tunnel(self, transport)
        self.connections.add(tunnel)
        transport.set_protocol(tunnel)
        tunnel.data_received(begun)

    async def close(self) -> None:
        """Cut off the tunnels that lead nowhere yet."""
        self._closing = True
        await self.connections.close(0)

    def context_for(self, host: str) -> ssl.SSLContext | None:
        """Return with what TLS begins at the end of a tunnel to a host; None for one that isn't served here."""
        return self._contexts.listening if self._contexts.serves(host.lower().rstrip(".")) else None


class Tunnel(asyncio.Protocol):
    """One tunnel, until what it leads to takes over."""

    def __init__(self, tunnels: Tunnels, transport: asyncio.Transport) -> None:
        self._tunnels = tunnels
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._head = b""
        self._patience = self._loop.call_later(HEAD_SECONDS, transport.abort)
        self._handshake: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        """Read the request's head."""
        self._head += data
        end = self._head.find(_END)
        if end < 0:
            if len(self._head) > HEAD_BYTES_MAX:
                self._refuse(b"431 Request Header Fields Too Large", "The head of a request may have 16 KiB.")
            return
        request = _REQUEST.match(self._head)
        if request is None or len(self._head) > end + len(_END):
            # Nobody begins to talk before the tunnel is granted.
            self._refuse(b"400 Bad Request", "This is no request for a tunnel.")
            return
        context = self._tunnels.context_for(request[1].decode("latin-1"))
        if context is None:
            self._refuse(b"403 Forbidden", f"{request[1].decode('latin-1')} is not served here.")
            return
        self._patience.cancel()
        self._transport.write(_GRANTED)
        self._handshake = self._loop.create_task(self._begin_tls(context))

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up."""
        self._patience.cancel()
        self._tunnels.connections.forget(self)

    def close_when_idle(self) -> None:
        """Close: nothing has been asked yet."""
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()
        if self._handshake is not None:
            self._handshake.cancel()

    async def _begin_tls(self, context: ssl.SSLContext) -> None:
        early = _Early()
        try:
            transport = await self._loop.start_tls(
                self._transport, early, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
        except (OSError, asyncio.CancelledError):
            self._transport.abort()
            return
        finally:
            # The transport doesn't tell us any more when it is gone.
            self._tunnels.connections.forget(self)
        if transport is None or early.lost:
            return
        ending = self._tunnels.connect()
        ending.connection_made(transport)
        transport.set_protocol(ending)
        if early.data:
            ending.data_received(early.data)
        if early.ended:
            ending.eof_received()
            transport.close()

    def _refuse(self, status: bytes, reason: str) -> None:
        text = reason.encode("latin-1") + b"\n"
        head = b"HTTP/1.1 %b\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        self._transport.write(head % (status, len(text)) + text)
        self._transport.close()


class _Early(asyncio.Protocol):
    """Keeps what comes with the end of the handshake, until somebody takes over."""

    def __init__(self) -> None:
        self.data = b""
        self.ended = False
        self.lost = False

    def data_received(self, data: bytes) -> None:
        self.data += data

    def eof_received(self) -> None:
        self.ended = True

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.lost = True
