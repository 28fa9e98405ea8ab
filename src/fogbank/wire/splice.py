"""Two connections made one: what comes in on either goes out on the other, at the pace of the slower."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# What a client may send before there is somebody to send it to.
WAITING_BYTES_MAX = 262_144


class Splice:
    """A client's connection, on its way to a socket of another server on this machine."""

    def __init__(self, client: asyncio.Transport, begun: bytes, gone: Callable[[Splice], None]) -> None:
        self._gone = gone
        self._client = _End(self, client)
        self._server: _End | None = None
        self._waiting = bytearray(begun)
        client.set_protocol(self._client)

    async def join(self, path: Path) -> None:
        """Connect to the other server; raises `OSError`."""
        if self._client.is_lost():
            return
        loop = asyncio.get_running_loop()
        transport, end = await loop.create_unix_connection(lambda: _End(self), str(path))
        self._server = end
        self._client.other, end.other = end, self._client
        # The client may have gone meanwhile.
        if self._client.is_lost():
            transport.abort()
            return
        transport.write(bytes(self._waiting))
        self._waiting.clear()
        self._client.resume()

    def keep(self, data: bytes) -> None:
        """Take what the client sends meanwhile."""
        self._waiting += data
        if len(self._waiting) > WAITING_BYTES_MAX:
            self._client.pause()

    def abort(self) -> None:
        """End both connections at once."""
        for end in (self._client, self._server):
            if end is not None and end.transport is not None:
                end.transport.abort()

    def lost(self) -> None:
        """Take note that one of the connections is gone: the other goes, too."""
        for end in (self._client, self._server):
            if end is not None and end.transport is not None:
                end.transport.close()
        if self._client.lost and (self._server is None or self._server.lost):
            self._gone(self)


class _End(asyncio.Protocol):
    """One of the two connections."""

    def __init__(self, splice: Splice, transport: asyncio.Transport | None = None) -> None:
        self.transport = transport
        self.other: _End | None = None
        self.lost = False
        self._splice = splice
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self.transport = transport  # type: ignore[assignment] # a stream's transport can read and write

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.lost = True
        self._splice.lost()

    def data_received(self, data: bytes) -> None:
        """Pass on what comes in."""
        other = self.other
        if other is None:
            self._splice.keep(data)
        elif not other.lost:
            assert other.transport is not None
            other.transport.write(data)

    def eof_received(self) -> bool:
        """Pass on that nothing more comes."""
        if self.other is None or self.other.lost:
            return False
        assert self.other.transport is not None
        self.other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        """Let the other side wait while this one is slower."""
        if self.other is not None:
            self.other.pause()

    def resume_writing(self) -> None:
        """Let the other side go on."""
        if self.other is not None:
            self.other.resume()

    def is_lost(self) -> bool:
        """Tell whether the connection is gone."""
        return self.lost

    def pause(self) -> None:
        """Stop reading."""
        if not self._paused and self.transport is not None and not self.transport.is_closing():
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._paused and self.transport is not None and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()
