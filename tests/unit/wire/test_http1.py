"""HTTP/1.1 over real sockets: requests, replies, their order and framing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fogbank.wire.http import MIB, ConnectionDroppedError, Request, Response
from fogbank.wire.http1_reader import read_request
from tests.unit.wire.sockets import chunk, request, until

if TYPE_CHECKING:
    from tests.unit.wire.sockets import Serve


async def echo(request: Request) -> Response:
    """Answer with what was asked."""
    body = await request.read()
    text = f"{request.method} {request.raw_path} {request.raw_query} ".encode() + body
    return Response(200, [(b"Content-Type", b"text/plain")], text)


async def slow_or_fast(request: Request) -> Response:
    """Take as long as the path says, in milliseconds."""
    if request.path != "/0":
        await asyncio.sleep(int(request.path[1:]) / 1000)
    return Response(200, [], request.path.encode())


async def test_a_connection_serves_many_requests(serve: Serve) -> None:
    peer = await (await serve(echo))()
    for number in range(3):
        reply = await peer.ask(request(f"/a/{number}?q=1", b"body"))
        assert reply.status == 200
        assert reply.headers["content-length"] == str(len(reply.body))
        assert reply.headers["date"] == "Sun, 22 Nov 2026 12:00:00 GMT"
        assert "connection" not in reply.headers
        assert reply.body == b"POST /a/%d q=1 body" % number


async def test_requests_may_come_byte_by_byte(serve: Serve) -> None:
    peer = await (await serve(echo))()
    for data in (request("/x", b"hello"), request("/x", b"hello", chunks=2)):
        for at in range(len(data)):
            await peer.send(data[at : at + 1])
            await asyncio.sleep(0)
        assert (await peer.reply()).body == b"POST /x  hello"


async def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    peer = await (await serve(slow_or_fast))()
    delays = [5, 0, 0, 1, 0, 3, 0, 0, 2, 1]
    await peer.send(b"".join(request(f"/{delay}") for delay in delays))
    assert [int((await peer.reply()).body[1:]) for _ in delays] == delays


async def test_a_long_pipeline_neither_grows_the_stack_nor_the_memory(serve: Serve) -> None:
    waiting: list[int] = []

    async def handle(request: Request) -> Response:
        (connection,) = peer.server.connections
        waiting.append(len(connection._queue))
        await asyncio.sleep(0)
        return Response(200, [], b"x" * 100)

    peer = await (await serve(handle))()
    count = 20_000
    sending = asyncio.create_task(peer.send(request() * count))
    for _ in range(count):
        assert (await peer.reply()).status == 200
    await sending
    # What one read brings, and the bound that stops the next one.
    assert max(waiting) < 10_000


async def test_replies_that_nobody_reads_hold_back_the_requests_behind_them(serve: Serve) -> None:
    answered = 0

    async def handle(request: Request) -> Response:
        nonlocal answered
        answered += 1
        return Response(200, [], b"x" * 100_000)

    peer = await (await serve(handle))(buffer=4096)
    await peer.send(request() * 200)
    await asyncio.sleep(0.1)
    assert answered < 100
    for _ in range(200):
        assert len((await peer.reply()).body) == 100_000
    assert answered == 200


@pytest.mark.parametrize("size", [0, 1, 1000, MIB, MIB + 1, 3 * MIB])
async def test_chunked_bodies(serve: Serve, size: int) -> None:
    peer = await (await serve(echo))()
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    for chunks in (7 if size < 10_000 else 70_000, size or 1):
        assert (await peer.ask(request("/", body, chunks=chunks))).body == b"POST /  " + body


async def test_trailers_and_chunk_extensions_are_passed_over(serve: Serve) -> None:
    seen: list[Request] = []

    async def handle(request: Request) -> Response:
        seen.append(request)
        return await echo(request)

    peer = await (await serve(handle))()
    body = b'3;name="value"\r\nabc\r\n0\r\nX-Amz-Target: smuggled\r\nX-Other: 1\r\n\r\n'
    reply = await peer.ask(request("/", b"", "Transfer-Encoding: chunked", "X-Amz-Target: real") + body)
    assert reply.body == b"POST /  abc"
    assert seen[0].header(b"x-amz-target") == "real"
    assert b"x-other" not in seen[0].headers


async def test_repeated_headers_are_joined(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        return Response(200, [], request.header(b"x-a").encode())

    peer = await (await serve(handle))()
    assert (await peer.ask(request("/", b"", "X-A: 1", "x-a: 2", "X-a: 3"))).body == b"1, 2, 3"


@pytest.mark.parametrize("size", [3, 2 * MIB])
async def test_the_body_is_invited_if_the_client_waits_for_that(serve: Serve, size: int) -> None:
    peer = await (await serve(echo))()
    body = b"x" * size
    await peer.send(request("/", b"", "Expect: 100-continue", f"Content-Length: {size}"))
    assert (await peer.reply()).status == 100
    await peer.send(body)
    assert (await peer.reply()).body == b"POST /  " + body
    # Not in the middle of other replies, and not if HTTP/1.0 can't know what it means.
    await peer.send(request("/", b"1") + request("/", b"", "Expect: 100-Continue", "Content-Length: 1"))
    assert (await peer.reply()).body == b"POST /  1"
    assert (await peer.reply()).status == 100
    await peer.send(b"2")
    assert (await peer.reply()).body == b"POST /  2"
    reply = await peer.ask(request("/", b"3", "Expect: 100-continue", version="1.0"))
    assert reply.body == b"POST /  3"


async def test_a_slow_request_before_it_delays_the_invitation(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        if request.path != "/":
            return await slow_or_fast(request)
        return await echo(request)

    for size in (1, 2 * MIB):
        peer = await (await serve(handle))()
        await peer.send(request("/20") + request("/", b"", "Expect: 100-continue", f"Content-Length: {size}"))
        assert (await peer.reply()).body == b"/20"
        assert (await peer.reply()).status == 100
        await peer.send(b"x" * size)
        assert (await peer.reply()).body == b"POST /  " + b"x" * size


async def test_a_client_that_does_not_wait_is_not_invited_afterwards(serve: Serve) -> None:
    peer = await (await serve(slow_or_fast))()
    await peer.send(request("/20") + request("/0", b"body", "Expect: 100-continue"))
    assert (await peer.reply()).body == b"/20"
    assert (await peer.reply()).body == b"/0"
    assert await peer.is_silent()


async def test_other_expectations_are_refused(serve: Serve) -> None:
    peer = await (await serve(echo))()
    assert (await peer.ask(request("/", b"x", "Expect: miracles"))).status == 417


async def test_head_gets_the_head_alone(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        if request.path == "/known":
            return Response(200, [], b"", 12345)
        return Response(200, [], b"hello")

    peer = await (await serve(handle))()
    await peer.send(request("/", method="HEAD") + request("/known", method="HEAD") + request("/", method="GET"))
    assert (await peer.reply(bodiless=True)).headers["content-length"] == "5"
    assert (await peer.reply(bodiless=True)).headers["content-length"] == "12345"
    assert (await peer.reply()).body == b"hello"


@pytest.mark.parametrize("status", [204, 304])
async def test_replies_without_a_body_have_no_length(serve: Serve, status: int) -> None:
    async def handle(request: Request) -> Response:
        return Response(status, [], b"never sent")

    peer = await (await serve(handle))()
    for _ in range(2):
        reply = await peer.ask(request())
        assert reply.status == status
        assert "content-length" not in reply.headers
        assert "transfer-encoding" not in reply.headers


async def test_old_clients_get_one_reply(serve: Serve) -> None:
    connect = await serve(echo)
    peer = await connect()
    reply = await peer.ask(b"GET / HTTP/1.0\r\n\r\n")
    assert reply.headers["connection"] == "close"
    assert await peer.rest() == b""
    peer = await connect()
    for _ in range(2):
        reply = await peer.ask(request("/", version="1.0", method="GET")[:-2] + b"Connection: keep-alive\r\n\r\n")
        assert reply.headers["connection"] == "keep-alive"


async def test_connection_close_is_obeyed_whatever_follows(serve: Serve) -> None:
    peer = await (await serve(slow_or_fast))()
    await peer.send(request("/0") + request("/5", b"", "Connection: close") + b"\r\n" + request("/0") + b"garbage")
    assert "connection" not in (await peer.reply()).headers
    reply = await peer.reply()
    assert reply.headers["connection"] == "close"
    assert reply.body == b"/5"
    assert await peer.rest() == b""


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("http://example.com:81/a/b?c=d", "/a/b?c=d", "example.com:81"),
        ("HTTPS://example.com", "/?", "example.com"),
        ("http://example.com?a=b", "/?a=b", "example.com"),
        ("*", "*?", "localhost"),
    ],
)
async def test_targets_in_other_forms(serve: Serve, target: str, path: str, host: str) -> None:
    async def handle(request: Request) -> Response:
        return Response(200, [], f"{request.raw_path}?{request.raw_query} {request.header(b'host')}".encode())

    peer = await (await serve(handle))()
    method = "OPTIONS" if target == "*" else "GET"
    assert (await peer.ask(request(target, method=method))).body == f"{path} {host}".encode()


H2C = (
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
)


@pytest.mark.parametrize("chunks", [0, 3, 400_000])
@pytest.mark.parametrize("size", [0, 10, 2 * MIB])
@pytest.mark.parametrize("pieces", [1, 50, 3000])
async def test_upgrades_are_declined_without_losing_the_body(serve: Serve, chunks: int, size: int, pieces: int) -> None:
    if chunks == 3 and size > 10:
        chunks = 65_537
    peer = await (await serve(echo))()
    body = b"0123456789" * (size // 10)
    data = request("/a", body, *H2C, chunks=chunks) + request("/b", b"next")
    step = len(data) // pieces + 1
    for at in range(0, len(data), step):
        await peer.send(data[at : at + step])
    assert (await peer.reply()).body == b"POST /a  " + body
    assert (await peer.reply()).body == b"POST /b  next"
    assert (await peer.ask(request("/c", b"", *H2C, method="GET"))).body == b"GET /c  "


async def test_an_upgrade_may_ask_to_be_invited_and_to_be_the_last(serve: Serve) -> None:
    peer = await (await serve(echo))()
    await peer.send(
        request("/", b"", "Content-Length: 2", "Expect: 100-continue", *H2C[1:], "Connection: upgrade, close")
    )
    assert (await peer.reply()).status == 100
    await peer.send(b"ok" + request())
    reply = await peer.reply()
    assert reply.body == b"POST /  ok"
    assert reply.headers["connection"] == "close"
    assert await peer.rest() == b""


async def test_half_closed_clients_are_answered(serve: Serve) -> None:
    peer = await (await serve(slow_or_fast))()
    await peer.send(request("/0") + request("/5") + request("/0"))
    peer.finish()
    assert [(await peer.reply()).body for _ in range(3)] == [b"/0", b"/5", b"/0"]
    assert await peer.rest() == b""


@pytest.mark.parametrize("last", [b"", b"garbage\r\n\r\n"])
async def test_half_closed_clients_get_all_their_answers_however_slowly_they_read(serve: Serve, last: bytes) -> None:
    async def handle(request: Request) -> Response:
        return Response(200, [], b"x" * MIB)

    peer = await (await serve(handle))(buffer=4096)
    await peer.send(request() * 20 + last)
    await asyncio.sleep(0.05)
    peer.finish()
    for _ in range(20):
        assert len((await peer.reply()).body) == MIB
    if last:
        assert (await peer.reply()).status == 400
    assert await peer.rest() == b""


@pytest.mark.parametrize("leave", ["close", "reset"])
async def test_a_handler_whose_client_has_gone_is_cancelled(serve: Serve, leave: str) -> None:
    from fogbank.wire.http1 import Patience

    cancelled = asyncio.Event()
    started = asyncio.Event()

    async def handle(request: Request) -> Response:
        started.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    peer = await (await serve(handle, Patience(sweep=0.01, half_closed=0.02)))()
    await peer.send(request() + request())
    await started.wait()
    getattr(peer, leave)()
    await asyncio.wait_for(cancelled.wait(), 2)
    await until(lambda: not peer.server.connections)


async def test_a_handler_that_raises_is_a_500_and_the_connection_goes_on(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(request: Request) -> Response:
        if request.path == "/later":
            await asyncio.sleep(0)
        if request.path == "/none":
            return None  # type: ignore[return-value]
        if request.path == "/nonsense":
            return Response(200, [("text", b"")], b"")  # type: ignore[list-item]
        raise ValueError("for a reason")

    connect = await serve(handle)
    peer = await connect()
    for path in ("/now", "/later", "/none"):
        assert (await peer.ask(request(path))).status == 500
        assert f"POST {path} failed" in caplog.text
    assert "for a reason" in caplog.text
    await peer.send(request("/nonsense"))
    assert await peer.rest() == b""
    assert (await (await connect()).ask(request("/now"))).status == 500


async def test_chunks_of_a_body_that_ends_within_one_read(serve: Serve) -> None:
    peer = await (await serve(echo))()
    body = b"".join(chunk(b"x" * size) for size in range(1, 50))
    data = request("/", b"", "Transfer-Encoding: chunked") + body + b"0\r\n\r\n"
    for _ in range(2):
        assert len((await peer.ask(data)).body) == len(b"POST /  ") + sum(range(1, 50))


async def test_a_request_is_read_again_from_what_it_came_in(serve: Serve) -> None:
    seen: list[Request] = []

    async def keep(request: Request) -> Response:
        seen.append(request)
        return Response(200, [])

    peer = await (await serve(keep))()
    whole = request("/a?b=c", b"body")
    chunked = request("/chunks", b"body", chunks=2)
    for data in (whole, chunked, whole + chunked):
        await peer.send(data)
        await peer.reply()
    await peer.reply()
    again = [read_request(each.raw) for each in seen[:3]]
    assert [(each.method, each.raw_path, each.raw_query, each.headers, each.body) for each in again] == [
        (each.method, each.raw_path, each.raw_query, each.headers, each.body) for each in seen[:3]
    ]
    # Behind another, or in several parts.
    assert seen[3].raw == b""
    await peer.send(whole[:20])
    await asyncio.sleep(0.01)
    await peer.send(whole[20:])
    await peer.reply()
    assert seen[4].raw == b""


async def test_what_is_answered_leaves_before_the_connection_is_cut(serve: Serve) -> None:
    async def answer(request: Request) -> Response:
        if request.path == "/drop":
            raise ConnectionDroppedError
        return Response(200, [], b"whole")

    peer = await (await serve(answer))()
    await peer.send(request("/") + request("/drop"))
    assert (await peer.reply()).body == b"whole"
