"""Telemetry on its way to one extension: gathered, then posted, or written to a socket, on this machine.

AWS Lambda Developer Guide, "Accessing real-time telemetry data for extensions using the Telemetry API": what is
gathered is sent when it is as much, as large or as old as the subscription says; HTTP gets an array, TCP a line each.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from fogbank.kernel.clock import wake

if TYPE_CHECKING:
    from collections.abc import Sequence

SEND_SECONDS_MAX: Final = 2.0
# What waits while an extension doesn't take it; more pushes the oldest out.
WAITING_BYTES_MAX: Final = 4_194_304
# Tells our own control API that a request was made for a function.
MARK: Final = b"x-fogbank-telemetry"
_HOSTS: Final = frozenset({"sandbox.localdomain", "sandbox", "localhost", "127.0.0.1"})
_PORT_MAX: Final = 65_535


class Buffering(NamedTuple):
    """When what was gathered is sent."""

    items_max: int
    bytes_max: int
    seconds_max: float


class Destination(NamedTuple):
    """Where it is sent: a path for HTTP, None for TCP."""

    port: int
    path: str | None


def read_destination(protocol: str, uri: str, port: int | None) -> Destination | None:
    """Return where a subscription wants to be sent to; None if it may not be sent there."""
    if protocol == "TCP":
        return Destination(port, None) if port is not None and 0 < port <= _PORT_MAX else None
    try:
        parts = urlsplit(uri)
        number = parts.port or 80
    except ValueError:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme != "http" or parts.hostname not in _HOSTS or not path.isascii() or not path.isprintable():
        return None
    return None if " " in path else Destination(number, path)


class Delivery:
    """Sends to one destination for as long as its task runs."""

    def __init__(self, destination: Destination, buffering: Buffering) -> None:
        self._destination = destination
        self._buffering = buffering
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._full: asyncio.Future[None] | None = None
        self._news = asyncio.Event()
        self._sending = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None
        # How many events were lost, and their size, since that was told last.
        self.lost = (0, 0)

    def add(self, event: bytes) -> None:
        """Take an event, encoded."""
        self._waiting.append(event)
        self._waiting_bytes += len(event)
        while self._waiting_bytes > WAITING_BYTES_MAX:
            self._lose([self._waiting.pop(0)])
        self._news.set()
        if self._full is not None and self._is_full():
            wake(self._full)

    async def run(self) -> None:
        """Send what is gathered, again and again."""
        while True:
            await self._news.wait()
            self._full = asyncio.get_running_loop().create_future()
            if not self._is_full():
                await asyncio.wait({self._full}, timeout=self._buffering.seconds_max)
            self._full = None
            await self.flush()

    async def flush(self) -> None:
        """Send what is there now."""
        async with self._sending:
            while self._waiting:
                batch = self._take()
                try:
                    await asyncio.wait_for(self._send(batch), SEND_SECONDS_MAX)
                except (OSError, TimeoutError, EOFError):
                    self._lose(batch)
            self._news.clear()

    def close(self) -> None:
        """Let go of the connection."""
        if self._writer is not None:
            self._writer.transport.abort()

    def _is_full(self) -> bool:
        return len(self._waiting) >= self._buffering.items_max or self._waiting_bytes >= self._buffering.bytes_max

    def _take(self) -> list[bytes]:
        size = count = 0
        for event in self._waiting[: self._buffering.items_max]:
            if count and size + len(event) > self._buffering.bytes_max:
                break
            size += len(event)
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        self._waiting_bytes -= size
        return batch

    def _lose(self, events: Sequence[bytes]) -> None:
        size = sum(map(len, events))
        self.lost = (self.lost[0] + len(events), self.lost[1] + size)
        self._waiting_bytes = sum(map(len, self._waiting))

    async def _send(self, batch: Sequence[bytes]) -> None:
        port, path = self._destination
        if path is None:
            if self._writer is None or self._writer.is_closing():
                _, self._writer = await asyncio.open_connection("127.0.0.1", port)
            self._writer.write(b"".join(event + b"\n" for event in batch))
            await self._writer.drain()
            return
        body = b"[" + b",".join(batch) + b"]"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(
                b"POST %b HTTP/1.1\r\nHost: sandbox.localdomain:%d\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n%b: 1\r\nConnection: close\r\n\r\n" % (path.encode(), port, len(body), MARK)
            )
            writer.write(body)
            await writer.drain()
            if b" 2" not in (await reader.readline())[:12]:
                msg = "it didn't take them"
                raise EOFError(msg)
        finally:
            writer.transport.abort()
