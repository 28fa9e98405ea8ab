"""HTTP/2 on the port that HTTP/1.1 is on, by a client that sends frames."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Self

import pytest

from fogbank.wire.http import Request, Response
from fogbank.wire.http2.exchange import WINDOW_BYTES
from fogbank.wire.http2.front import Front
from fogbank.wire.http2.server import PREFACE, Http2Server
from fogbank.wire.server import HttpServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fogbank.kernel.clock import Clock

DATA, HEADERS, SETTINGS, GOAWAY, WINDOW_UPDATE = 0, 1, 4, 7, 8
END_STREAM, END_HEADERS = 1, 4
SECONDS_MAX = 10


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header(name: bytes, value: bytes) -> bytes:
    """Write a header in the plainest way that HPACK has: literal, never indexed, without Huffman's code."""
    return b"\x10" + bytes([len(name)]) + name + bytes([len(value)]) + value


def head(method: bytes, path: bytes) -> bytes:
    pairs = ((b":method", method), (b":scheme", b"http"), (b":path", path), (b":authority", b"fog.test"))
    return b"".join(header(*pair) for pair in pairs)


class Client:
    """Reads frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.windows = {0: 0, 1: 0}

    async def window(self) -> None:
        """Read until more may be sent."""
        while True:
            raw = await asyncio.wait_for(self.reader.readexactly(9), SECONDS_MAX)
            payload = await self.reader.readexactly(int.from_bytes(raw[:3]))
            if raw[3] == WINDOW_UPDATE:
                self.windows[int.from_bytes(raw[5:])] += int.from_bytes(payload)
                return

    async def data(self) -> bytes:
        """Return the body of the one answer."""
        body = b""
        while True:
            raw = await asyncio.wait_for(self.reader.readexactly(9), SECONDS_MAX)
            size = int.from_bytes(raw[:3])
            payload = await self.reader.readexactly(size)
            if raw[3] == DATA:
                body += payload
            if raw[3] in (DATA, HEADERS) and raw[4] & END_STREAM:
                return body
            if raw[3] == GOAWAY:
                raise ConnectionError(payload)


class Endless:
    """A body that goes on when `more` is set, and knows when nobody takes it any more."""

    def __init__(self) -> None:
        self.more = asyncio.Event()
        self.closed = asyncio.Event()
        self._begun = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._begun:
            await self.more.wait()
        self._begun = True
        return b"part"

    async def aclose(self) -> None:
        self.closed.set()


bodies: list[Endless] = []


async def handle(asked: Request) -> Response:
    body = await asked.read()
    if asked.raw_path == "/endless":
        bodies.append(Endless())
        return Response(200, [], bodies[-1])
    if asked.raw_path == "/stream":

        async def parts() -> AsyncIterator[bytes]:
            for number in range(3):
                yield b"%d" % number * 10_000

        return Response(200, [], parts())
    if asked.raw_path == "/fail":
        raise RuntimeError("nobody foresaw this")
    told = f"{asked.method} {asked.origin}{asked.raw_path}?{asked.raw_query} {len(body)}"
    return Response(200, [(b"Content-Type", b"text/plain")], told.encode())


@pytest.fixture
async def port(clock: Clock) -> AsyncIterator[int]:
    front = Front(handle, lambda: None, lambda status, _: Response(status, [], b"sorry"))
    http2 = Http2Server(front, clock)
    server = HttpServer(handle, clock, others=[(PREFACE, http2.take)])
    yield await server.listen("127.0.0.1", 0)
    await server.close(0)
    await http2.close(1)


async def ask(port: int, method: bytes, path: bytes, body: bytes = b"", pieces: int = 0) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    flags = END_HEADERS if body else END_HEADERS | END_STREAM
    sent = PREFACE + frame(SETTINGS) + frame(HEADERS, flags, 1, head(method, path))
    parts = [body[at : at + 16_384] for at in range(0, len(body), 16_384)]
    for number, part in enumerate(parts):
        sent += frame(DATA, END_STREAM if number == len(parts) - 1 else 0, 1, part)
    for at in range(0, len(sent), pieces or len(sent)):
        writer.write(sent[at : at + (pieces or len(sent))])
        if pieces:
            await asyncio.sleep(0)
    try:
        return await Client(reader, writer).data()
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("pieces", [0, 1, 7])
async def test_requests_reach_the_same_handler(port: int, pieces: int) -> None:
    assert await ask(port, b"GET", b"/a%20b?c=d", pieces=pieces) == b"GET http://fog.test/a%20b?c=d 0"
    assert await ask(port, b"POST", b"/p", b"x" * 30_000, pieces=pieces and 10_000) == b"POST http://fog.test/p? 30000"


async def test_large_bodies_are_streams(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(PREFACE + frame(SETTINGS) + frame(HEADERS, END_HEADERS, 1, head(b"PUT", b"/")))
    client = Client(reader, writer)
    sent = 0
    while sent < 3_000_000:
        writer.write(frame(DATA, 0, 1, b"x" * 10_000))
        sent += 10_000
        # What the stream may send by our settings, and what the connection may.
        while min(client.windows[1] + WINDOW_BYTES, client.windows[0] + 65_535) < sent + 10_000:
            await client.window()
    writer.write(frame(DATA, END_STREAM, 1))
    assert await client.data() == b"PUT http://fog.test/? 3000000"
    writer.close()
    await writer.wait_closed()


async def test_a_streamed_answer(port: int) -> None:
    answer = await ask(port, b"GET", b"/stream")
    assert answer == b"".join(b"%d" % number * 10_000 for number in range(3))


async def test_an_answer_arrives_part_by_part_and_hears_of_its_client_s_end(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(PREFACE + frame(SETTINGS) + frame(HEADERS, END_HEADERS | END_STREAM, 1, head(b"GET", b"/endless")))
    arrived = b""
    while b"part" not in arrived:
        arrived += await asyncio.wait_for(reader.read(1_000), SECONDS_MAX)
    assert not bodies[-1].closed.is_set()
    writer.close()
    await writer.wait_closed()
    await asyncio.wait_for(bodies[-1].closed.wait(), SECONDS_MAX)


async def test_a_handler_that_fails(port: int, caplog: pytest.LogCaptureFixture) -> None:
    assert await ask(port, b"GET", b"/fail") == b"sorry"
    assert "nobody foresaw this" in caplog.text


async def test_what_only_begins_like_the_preface_is_http1(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for byte in b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n":
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    assert (await asyncio.wait_for(reader.readline(), SECONDS_MAX)) == b"HTTP/1.1 200 OK\r\n"
    writer.close()
    await writer.wait_closed()


async def test_frames_that_make_no_sense_end_the_connection(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(PREFACE + b"\xff" * 200)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await Client(reader, writer).data()
    writer.close()
