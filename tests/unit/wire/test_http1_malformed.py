"""What isn't HTTP, or would be read by others as something else, is refused; nothing that is sent does harm."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from fogbank.wire.http import Request, Response
from fogbank.wire.http1 import Patience
from tests.logs import logged_here
from tests.unit.wire.sockets import chunk, request, until

if TYPE_CHECKING:
    from tests.unit.wire.sockets import Serve

SEEDS = range(20)


async def echo(request: Request) -> Response:
    return Response(200, [], f"{request.method} {request.raw_path} ".encode() + await request.read())


HOST = b"Host: x\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        # Requests that two readers would take for different ones (RFC 9112, section 11.2).
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1, 1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0x1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1 1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length : 1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        (
            b"POST / HTTP/1.1\r\n"
            + HOST
            + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: identity\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"A: b\nContent-Length: 1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\n" + HOST + b"\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\n\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"A: b\r\n c: d\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n A: b\r\n" + HOST + b"\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"A: b\x00c\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"A\x00: b\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b": b\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"\xc3\xa9: b\r\n\r\n", 400),
        # Chunks that aren't.
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA : b\r\n\r\n", 400),
        # Hosts and targets.
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET ftp://x/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET nothing HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n", 501),
        # Other versions and other protocols.
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", 505),
        (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
        (b"GET / HTTP/0.9\r\n\r\n", 505),
        (b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTPS/1.1\r\n" + HOST + b"\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"SSH-2.0-OpenSSH_9.0\r\n", 400),
        (b"NONSENSE / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"\x00" * 100, 400),
    ],
)
async def test_refused(serve: Serve, data: bytes, status: int) -> None:
    connect = await serve(echo)
    for before in (b"", request("/before")):
        peer = await connect()
        await peer.send(before + data + request("/after"))
        if before:
            assert (await peer.reply()).body == b"POST /before "
        reply = await peer.reply()
        assert reply.status == status
        assert reply.headers["connection"] == "close"
        # Nothing that follows is taken for a request.
        assert await peer.rest() == b""


async def test_garbage_behind_a_slow_request_leaves_it_alone(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        await asyncio.sleep(0.02)
        return await echo(request)

    peer = await (await serve(handle))()
    await peer.send(request("/a") + request("/b") + b"garbage\r\n\r\n" + request("/c"))
    assert (await peer.reply()).body == b"POST /a "
    assert (await peer.reply()).body == b"POST /b "
    assert (await peer.reply()).status == 400
    assert await peer.rest() == b""


def noise(source: random.Random) -> bytes:
    """Something between a fine request and pure noise."""
    kind = source.randrange(4)
    if kind == 0:
        return source.randbytes(source.randrange(1, 3000))
    if kind == 1:
        body = source.randbytes(source.randrange(0, 2000))
        good = request("/" + "a" * source.randrange(9), body, chunks=source.choice([0, 1, 7, 500]))
    else:
        words = [
            b"GET ",
            b"POST ",
            b"/",
            b" HTTP/1.1",
            b"\r\n",
            b"\n",
            b":",
            b" ",
            b"Host: x",
            b"Content-Length: 5",
            b"0",
        ]
        words += [
            b"Transfer-Encoding: chunked",
            b"Connection: close",
            b"Upgrade: h2c",
            b"Expect: 100-continue",
            b"\r\n\r\n",
        ]
        words += [chunk(b"abc"), b"Connection: Upgrade", b"PRI * HTTP/2.0", b"\x00", b"\xff", b"http://x/"]
        good = b"".join(source.choices(words, k=source.randrange(1, 60)))
    data = bytearray(good)
    for _ in range(source.choice([0, 0, 1, 3, 20])):
        at = source.randrange(len(data))
        data[at : at + source.randrange(2)] = source.randbytes(source.randrange(2))
        if not data:
            return b"\r\n"
    return bytes(data)


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_bytes_hurt_the_server(serve: Serve, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """Never a 5xx, but those that say what isn't implemented; never a hang; never a word in the log."""
    patience = Patience(sweep=0.005, request=0.1, idle=0.1, reply=0.1, half_closed=0.1, linger=0.1)
    source = random.Random(seed)
    connect = await serve(echo, patience)
    for _ in range(15):
        peer = await connect()
        data = b"".join(noise(source) for _ in range(source.randrange(1, 4)))
        step = source.choice([len(data), 1 + len(data) // 5, 100])
        try:
            for at in range(0, len(data), step):
                await peer.send(data[at : at + step])
            if source.random() < 0.5:
                peer.finish()
            received = await peer.rest()
        except ConnectionError:
            continue
        while received:
            head, _, rest = received.partition(b"\r\n\r\n")
            status = int(head[9:12])
            assert status in (100, 200, 400, 408, 413, 417, 431, 501, 505)
            at = head.find(b"Content-Length: ")
            received = rest[int(head[at + 16 :].partition(b"\r\n")[0]) :] if at >= 0 else rest
    await until(lambda: not peer.server.connections)
    assert not logged_here(caplog)
    assert (await (await connect()).ask(request("/alive"))).body == b"POST /alive "
