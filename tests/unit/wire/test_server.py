"""The end of a server: requests under way finish, idle connections close, the rest is cut off after the grace."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from fogbank.wire.http import MIB, Request, Response
from fogbank.wire.server import HttpServer
from tests.unit.wire.sockets import request, until

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from tests.unit.wire.sockets import Serve


async def test_an_orderly_end(serve: Serve) -> None:
    go_on = asyncio.Event()

    async def handle(request: Request) -> Response:
        if request.path == "/slow":
            await go_on.wait()
        body = await request.read()
        return Response(200, [], b"%d" % len(body))

    connect = await serve(handle)
    idle, used, busy, sending, pipelining = [await connect() for _ in range(5)]
    assert (await used.ask(request())).status == 200
    await busy.send(request("/slow"))
    await sending.send(request("/", b"x" * 100)[:-1])
    await pipelining.send(request("/slow") + request("/behind"))
    server = busy.server
    await until(lambda: sum(c._current is not None for c in server.connections) == 2)
    closing = asyncio.create_task(server.close(5))
    # Idle connections are closed at once, and nobody gets a new one.
    assert await idle.rest() == b""
    assert await used.rest() == b""
    with pytest.raises(ConnectionError):
        await connect()
    # What has begun is finished, and the client is told that it was the last.
    go_on.set()
    for peer in (busy, pipelining):
        reply = await peer.reply()
        assert reply.status == 200
        assert reply.headers["connection"] == "close"
        assert await peer.rest() == b""
    assert not closing.done()
    await sending.send(b"x")
    reply = await sending.reply()
    assert reply.body == b"100"
    assert reply.headers["connection"] == "close"
    await asyncio.wait_for(closing, 1)


async def test_requests_behind_the_last_answer_are_not_carried_out(serve: Serve) -> None:
    handled: list[str] = []

    async def handle(request: Request) -> Response:
        handled.append(request.path)
        if request.path == "/first":
            peer.server.closing = True
        return Response(200, [])

    peer = await (await serve(handle))()
    await peer.send(request("/first") + request("/second") + request("/third"))
    assert (await peer.reply()).status == 200
    reply = await peer.reply()
    assert reply.headers["connection"] == "close"
    assert await peer.rest() == b""
    assert handled == ["/first", "/second"]


async def test_what_takes_longer_than_the_grace_is_cut_off(serve: Serve) -> None:
    cancelled = 0

    async def handle(request: Request) -> Response:
        nonlocal cancelled
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled += 1
        raise AssertionError

    connect = await serve(handle)
    peers = [await connect() for _ in range(3)]
    for peer in peers:
        await peer.send(request("/", b"x" * 2 * MIB))
    await until(lambda: sum(c._current is not None for c in peers[0].server.connections) == 3)
    await asyncio.wait_for(peers[0].server.close(0.05), 1)
    await until(lambda: cancelled == 3)
    assert not peers[0].server.connections


async def test_a_streamed_reply_may_finish(serve: Serve) -> None:
    async def slow() -> object:
        for _ in range(5):
            yield b"x"
            await asyncio.sleep(0.01)

    async def handle(request: Request) -> Response:
        return Response(200, [], slow())  # type: ignore[arg-type]

    peer = await (await serve(handle))()
    await peer.send(request())
    await peer.head()
    closing = asyncio.create_task(peer.server.close(5))
    parts = [await peer.chunk() for _ in range(6)]
    assert parts == [b"x"] * 5 + [b""]
    assert await peer.rest() == b""
    await closing


async def test_a_server_may_be_closed_twice_or_before_anyone_came(clock: Clock) -> None:
    async def handle(request: Request) -> Response:
        raise AssertionError

    server = HttpServer(handle, clock)
    await server.close()
    await server.close()


async def test_it_listens_on_bound_sockets_and_several_of_them(clock: Clock) -> None:
    async def handle(request: Request) -> Response:
        return Response(200, [], request.client.encode())

    server = HttpServer(handle, clock)
    first = socket.socket()
    first.bind(("127.0.0.1", 0))
    ports = [await server.listen_on(first), await server.listen("127.0.0.1", 0)]
    for port in ports:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("/", b"", "Connection: close"))
        assert (await reader.read()).endswith(b"127.0.0.1")
        writer.close()
    await server.close()
