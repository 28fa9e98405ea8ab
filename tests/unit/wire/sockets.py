"""A client that sends and sees bytes, so that it can misbehave."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from fogbank.wire.server import HttpServer

SECONDS_MAX = 5.0
Connect = Callable[..., Awaitable["Peer"]]
Serve = Callable[..., Awaitable[Connect]]


class Reply(NamedTuple):
    """What came back; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Peer:
    """One connection. What takes longer than it ever should raises TimeoutError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: HttpServer) -> None:
        self.server = server
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int, server: HttpServer, *, buffer: int | None = None) -> Self:
        """Connect; `buffer` is the size of the socket's receive buffer, bytes."""
        sock = socket.socket()
        if buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        except OSError:
            sock.close()
            raise
        limit = buffer or 2**16
        return cls(*await asyncio.open_connection(sock=sock, limit=limit), server)

    async def send(self, data: bytes) -> None:
        """Send, waiting until it has gone out."""
        self._writer.write(data)
        await asyncio.wait_for(self._writer.drain(), SECONDS_MAX)

    async def ask(self, data: bytes) -> Reply:
        """Send a request and return the answer."""
        await self.send(data)
        return await self.reply()

    async def head(self) -> tuple[int, dict[str, str]]:
        """Read a status line and headers."""
        text = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), SECONDS_MAX)
        line, *rest = text[:-4].decode("latin-1").split("\r\n")
        pairs = [header.split(": ", 1) for header in rest]
        names = [name.lower() for name, _ in pairs]
        assert len(set(names)) == len(names), f"a header stands twice: {names}"
        assert line.startswith("HTTP/1.1 ")
        return int(line[9:12]), dict(zip(names, (value for _, value in pairs), strict=True))

    async def reply(self, *, bodiless: bool = False) -> Reply:
        """Read one answer."""
        status, headers = await self.head()
        if bodiless or status < 200 or status in (204, 304):
            return Reply(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            parts = []
            while part := await self.chunk():
                parts.append(part)
            return Reply(status, headers, b"".join(parts))
        if "content-length" in headers:
            return Reply(status, headers, await self.read(int(headers["content-length"])))
        return Reply(status, headers, await self.rest())

    async def chunk(self) -> bytes:
        """Read one chunk; the last one is empty."""
        size = int(await asyncio.wait_for(self._reader.readuntil(b"\r\n"), SECONDS_MAX), 16)
        return (await self.read(size + 2))[:-2]

    async def read(self, size: int) -> bytes:
        return await asyncio.wait_for(self._reader.readexactly(size), SECONDS_MAX)

    async def rest(self) -> bytes:
        """Read until the server closes."""
        return await asyncio.wait_for(self._reader.read(-1), SECONDS_MAX)

    async def is_silent(self, seconds: float = 0.05) -> bool:
        """Whether nothing comes for a while."""
        try:
            await asyncio.wait_for(self._reader.readexactly(1), seconds)
        except TimeoutError:
            return True
        return False

    def finish(self) -> None:
        """Say that nothing more is sent, and go on reading."""
        self._writer.write_eof()

    def close(self) -> None:
        """Close as a program does that ends."""
        self._writer.close()

    def reset(self) -> None:
        """Close as a machine does that vanishes: the other side gets an error."""
        sock: Any = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; fail if it never does."""
    async with asyncio.timeout(SECONDS_MAX):
        while not condition():  # noqa: ASYNC110 - what is waited for is state, of which nobody tells
            await asyncio.sleep(0.001)


def request(
    target: str = "/", body: bytes = b"", *headers: str, method: str = "POST", version: str = "1.1", chunks: int = 0
) -> bytes:
    """Write a request; with `chunks` the body is sent in that many bytes at a time."""
    lines = [f"{method} {target} HTTP/{version}", "Host: localhost", *headers]
    if chunks:
        lines.append("Transfer-Encoding: chunked")
        body = b"".join(chunk(body[at : at + chunks]) for at in range(0, len(body), chunks)) + b"0\r\n\r\n"
    elif body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
