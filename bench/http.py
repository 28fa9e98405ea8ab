"""A closed-loop HTTP load generator: raw sockets, keep-alive, no SDK, so that the server is what is measured."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.case import Timed

if TYPE_CHECKING:
    from bench.case import Work


class RefusedError(Exception):
    """The server answered with an error."""


class Connection(asyncio.Protocol):
    """One keep-alive connection that has one request under way at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._buffer = b""
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._waiter is None:
            return
        after = self._end(end)
        if after is None:
            return
        body = self._buffer[end + 4 : after]
        status = int(self._buffer[9:12])
        self._buffer = self._buffer[after:]
        waiter, self._waiter = self._waiter, None
        waiter.set_result((status, body))

    def _end(self, end: int) -> int | None:
        """Return where the answer whose head ends there ends itself; None if it hasn't come whole."""
        head = self._buffer[:end].lower()
        if b"transfer-encoding: chunked" in head:  # What we measure beside us answers so; the chunks stay as they are.
            last = self._buffer.find(b"0\r\n\r\n", end + 4)
            return last + 5 if last >= 0 else None
        at = head.find(b"content-length:")
        length = int(head[at + 15 : (head + b"\r\n").find(b"\r\n", at)]) if at >= 0 else 0
        whole = end + 4 + length
        return whole if len(self._buffer) >= whole else None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionError("the server closed the connection"))

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the body of the answer; raises `RefusedError` unless it is a success."""
        self._waiter = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        status, body = await self._waiter
        if status >= 300:
            raise RefusedError(f"{status}: {body[:500].decode(errors='replace')}")
        return body


class Client:
    """Builds requests for one endpoint and opens connections to it."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80

    async def connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, self.host, self.port)
        return connection

    def json(self, service: str, target: str, body: bytes, version: str = "1.0") -> bytes:
        """An AWS JSON request with the headers that an SDK sends."""
        headers = f"X-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-{version}\r\n"
        return self.signed("POST", "/", service, headers, body)

    def query(self, service: str, body: bytes) -> bytes:
        """An AWS Query request."""
        return self.signed("POST", "/", service, "Content-Type: application/x-www-form-urlencoded\r\n", body)

    def plain(self, method: str, path: str, body: bytes = b"", kind: str = "application/json", host: str = "") -> bytes:
        """A request without a signature; `host` is the name that the server is to be addressed by."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {host or self.host}:{self.port}\r\nContent-Type: {kind}\r\n"
            f"User-Agent: bench/1\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def signed(self, method: str, path: str, service: str, headers: str, body: bytes) -> bytes:
        """Any AWS request; the signature itself is not a real one."""
        scope = f"000000000000/20261122/us-east-1/{service}/aws4_request"
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{headers}"
            "User-Agent: bench/1 md/Botocore#1.44 ua/2.1 os/linux lang/python\r\nAccept-Encoding: identity\r\n"
            "X-Amz-Date: 20261122T000000Z\r\namz-sdk-invocation-id: 00000000-0000-4000-8000-000000000000\r\n"
            f"amz-sdk-request: attempt=1\r\nAuthorization: AWS4-HMAC-SHA256 Credential={scope},"
            f" SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={'0' * 64}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def load(client: Client, concurrency: int, seconds: float, work: Work) -> tuple[int, float, list[float]]:
    """Repeat `work` on each connection until the time is up.

    Returns how many requests `work` said it made, the seconds that passed, and each turn's latency in seconds.
    """
    connections = [await client.connect() for _ in range(concurrency)]
    latencies: list[float] = []
    made = 0
    start = time.perf_counter()
    end = start + seconds

    async def loop(connection: Connection) -> None:
        nonlocal made
        while (began := time.perf_counter()) < end:
            turn = await work(connection)
            if isinstance(turn, int):
                turn = Timed(turn, time.perf_counter() - began)
            made += turn.count
            latencies.append(turn.seconds)

    await asyncio.gather(*(loop(connection) for connection in connections))
    passed = time.perf_counter() - start
    for connection in connections:
        connection.transport.close()
    return made, passed, latencies
