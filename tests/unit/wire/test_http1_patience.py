"""Clients that are slow, idle, or never stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fogbank.wire.http import MIB, Request, Response
from fogbank.wire.http1 import Patience
from fogbank.wire.http1_reader import HEADER_BYTES_MAX, HEADERS_MAX
from tests.unit.wire.sockets import request, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.unit.wire.sockets import Peer, Serve

# Everything else takes for ever.
NEVER = 1e9
PATIENT = Patience(sweep=0.005, request=NEVER, idle=NEVER, reply=NEVER, half_closed=NEVER, linger=NEVER)


async def ok(request: Request) -> Response:
    await request.read()
    return Response(200, [], b"ok")


async def drip(peer: Peer, data: bytes) -> None:
    """Send a byte now and then."""
    for at in range(len(data)):
        await peer.send(data[at : at + 1])
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("data", [b"POST / HT", request()[:-2], request("/", b"x" * 100)[:-1]])
async def test_a_request_that_never_ends_is_given_up(serve: Serve, data: bytes) -> None:
    peer = await (await serve(ok, PATIENT._replace(request=0.05)))()
    reply = await peer.ask(data)
    assert reply.status == 408
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize("data", [request("/", b"", "A: " + "a" * 1000), request("/", b"x" * 1000)])
async def test_dripping_bytes_gains_no_time(serve: Serve, data: bytes) -> None:
    peer = await (await serve(ok, PATIENT._replace(request=0.05)))()
    dripping = asyncio.create_task(drip(peer, data))
    assert (await peer.reply()).status == 408
    dripping.cancel()


async def test_a_large_body_has_to_move_on(serve: Serve) -> None:
    connect = await serve(ok, PATIENT._replace(request=0.1))
    peer = await connect()
    body = request("/", b"x" * 2 * MIB)
    await peer.send(body[:-10])
    await drip(peer, body[-10:])
    assert (await peer.reply()).status == 200
    peer = await connect()
    assert (await peer.ask(body[:-10])).status == 408
    assert await peer.rest() == b""


async def test_nobody_is_blamed_for_what_the_handler_takes(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        await asyncio.sleep(0.15)
        return await ok(request)

    peer = await (await serve(handle, PATIENT._replace(request=0.05, idle=0.05)))()
    # The handler's own body is held back: it isn't the client's turn.
    assert (await peer.ask(request("/", b"x" * 5 * MIB))).status == 200
    assert (await peer.ask(request("/", b"", "Expect: 100-continue"))).status == 100
    assert (await peer.reply()).status == 200
    # Nor is it while an earlier request delays the invitation.
    await peer.send(request() + request("/", b"", "Expect: 100-continue", "Content-Length: 1"))
    assert (await peer.reply()).status == 200
    assert (await peer.reply()).status == 100
    await peer.send(b"x")
    assert (await peer.reply()).status == 200


async def test_idle_connections_are_closed(serve: Serve) -> None:
    connect = await serve(ok, PATIENT._replace(idle=0.05))
    never_used, used = await connect(), await connect()
    assert (await used.ask(request())).status == 200
    assert await never_used.rest() == b""
    assert await used.rest() == b""
    await until(lambda: not used.server.connections)


async def test_connections_in_use_are_not_idle(serve: Serve) -> None:
    peer = await (await serve(ok, PATIENT._replace(idle=0.1)))()
    for _ in range(10):
        await asyncio.sleep(0.03)
        assert (await peer.ask(request())).status == 200


async def test_a_client_that_takes_nothing_of_its_reply_is_cut_off(serve: Serve) -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            ended.set()

    async def handle(request: Request) -> Response:
        return Response(200, [], endless() if request.path == "/endless" else b"x" * 20 * MIB)

    connect = await serve(handle, PATIENT._replace(reply=0.05))
    peers = [await connect(buffer=4096) for _ in range(2)]
    for peer, path in zip(peers, ("/endless", "/"), strict=True):
        await peer.send(request(path))
    await until(lambda: not peers[0].server.connections)
    await asyncio.wait_for(ended.wait(), 1)


@pytest.mark.parametrize("last", ["", "Connection: close"])
async def test_a_client_that_takes_its_reply_slowly_is_not(serve: Serve, last: str) -> None:
    async def handle(request: Request) -> Response:
        return Response(200, [], b"x" * 2 * MIB)

    peer = await (await serve(handle, PATIENT._replace(reply=0.2, linger=0.01)))(buffer=4096)
    await peer.send(request("/", b"", *filter(None, [last])))
    await peer.head()
    for _ in range(32):
        await asyncio.sleep(0.02)
        await peer.read(MIB // 16)


async def test_a_refused_client_that_goes_on_sending_is_cut_off(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        return Response(403, [])

    peer = await (await serve(handle, PATIENT._replace(linger=0.05)))()
    await peer.send(request("/", b"", "Content-Length: 100000000"))
    assert (await peer.reply()).status == 403
    with pytest.raises(ConnectionError):
        await drip(peer, b"x" * 1000)


async def test_a_client_that_only_half_closes_is_waited_for_a_while(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        await asyncio.sleep(float(request.path[1:]))
        return Response(200, [])

    connect = await serve(handle, PATIENT._replace(half_closed=0.1))
    peer = await connect()
    await peer.send(request("/0.02"))
    peer.finish()
    assert (await peer.reply()).status == 200
    peer = await connect()
    await peer.send(request("/3"))
    peer.finish()
    await until(lambda: not peer.server.connections)


async def test_a_long_reply_to_a_half_closed_client_is_not_cut_off(serve: Serve) -> None:
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(10):
            await asyncio.sleep(0.01)
            yield b"x"

    async def handle(request: Request) -> Response:
        return Response(200, [], slow())

    peer = await (await serve(handle, PATIENT._replace(half_closed=0.03)))()
    await peer.send(request())
    peer.finish()
    assert (await peer.reply()).body == b"x" * 10


@pytest.mark.parametrize(
    "data",
    [
        request("/" + "a" * HEADER_BYTES_MAX * 3),
        request("/", b"", "A: " + "a" * HEADER_BYTES_MAX * 3),
        request("/", b"", "a" * HEADER_BYTES_MAX * 3 + ": a"),
        request("/", b"", *(f"A{number}: {number}" for number in range(HEADERS_MAX + 1))),
        request("/", b"", *("A: b" for _ in range(HEADERS_MAX + 10))),
        request("/", b"", "Transfer-Encoding: chunked") + b"1;" + b"a" * HEADER_BYTES_MAX * 3,
        request("/", b"", "Transfer-Encoding: chunked") + b"0\r\nA: " + b"a" * HEADER_BYTES_MAX * 3,
    ],
)
async def test_heads_are_limited_and_the_client_can_read_the_answer(serve: Serve, data: bytes) -> None:
    connect = await serve(ok)
    for piece in (len(data), 50_000, 1000):
        peer = await connect()
        for at in range(0, len(data), piece):
            await peer.send(data[at : at + piece])
            await asyncio.sleep(0)
        assert (await peer.reply()).status == 431
        assert await peer.rest() == b""


async def test_heads_within_the_limit_pass_however_they_come(serve: Serve) -> None:
    peer = await (await serve(ok))()
    small = request("/", b"body")
    data = (small * 1000 + request("/", b"", "A: " + "a" * (HEADER_BYTES_MAX - 1000))) * 2
    for piece in (len(data), 65_536, 9_999):
        sending = asyncio.create_task(peer.send(data[:piece]))
        for at in range(piece, len(data), piece):
            await sending
            sending = asyncio.create_task(peer.send(data[at : at + piece]))
        for _ in range(2002):
            assert (await peer.reply()).status == 200
        await sending


async def test_of_many_connections_each_gets_its_turn(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fogbank.wire.server.SWEPT_AT_ONCE", 2)
    connect = await serve(ok, Patience(sweep=0.01, idle=0.05))
    peers = [await connect() for _ in range(20)]
    for peer in peers:
        assert await peer.rest() == b""
