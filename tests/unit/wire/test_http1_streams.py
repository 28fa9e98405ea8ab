"""Bodies that are never whole in memory, in both directions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fogbank.wire import server
from fogbank.wire.http import (
    BODY_BUFFERED_BYTES_MAX,
    MIB,
    BodyIncompleteError,
    BodyTooLargeError,
    ReplyBrokenError,
    Request,
    Response,
)
from fogbank.wire.http1 import Patience
from fogbank.wire.http1_reader import Bodies
from tests.logs import logged_here
from tests.unit.wire.sockets import chunk, request, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.unit.wire.sockets import Peer, Serve

LARGE = 20 * MIB


async def test_a_slow_handler_holds_back_the_client_and_the_memory(serve: Serve) -> None:
    most = 0
    go_on = asyncio.Event()

    async def handle(request: Request) -> Response:
        nonlocal most
        assert request.stream is not None
        size = 0
        async for part in request.stream:
            await go_on.wait()
            most = max(most, request.stream._size)  # type: ignore[attr-defined]
            size += len(part)
        return Response(200, [], b"%d" % size)

    for chunks in (0, 65_536):
        peer = await (await serve(handle))()
        sending = asyncio.create_task(peer.send(request("/", b"x" * LARGE, chunks=chunks)))
        await asyncio.sleep(0.1)
        assert not sending.done()
        go_on.set()
        assert (await peer.reply()).body == b"%d" % LARGE
        await sending
        assert (await peer.ask(request("/", b"x" * (MIB + 1)))).body == b"%d" % (MIB + 1)
        go_on.clear()
    # What is buffered before a body of unknown length counts as large, and what one read of the socket brings.
    assert most <= BODY_BUFFERED_BYTES_MAX + 300_000


async def test_a_handler_may_read_all_of_a_large_body(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        await asyncio.sleep(0.01)
        body = await request.read()
        assert request.body is body
        assert await request.read() is body
        return Response(200, [], b"%d" % len(body))

    peer = await (await serve(handle))()
    for _ in range(2):
        assert (await peer.ask(request("/", b"x" * 3 * MIB))).body == b"%d" % (3 * MIB)


async def test_reading_may_be_limited(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        try:
            await request.read(1000)
        except BodyTooLargeError as error:
            return Response(413, [], str(error).encode())
        return Response(200, [])

    connect = await serve(handle)
    assert (await (await connect()).ask(request("/", b"x" * 1000))).status == 200
    assert (await (await connect()).ask(request("/", b"x" * 1001))).body == b"The body is larger than 1000 bytes."
    assert (await (await connect()).ask(request("/", b"x" * LARGE))).status == 413


async def test_a_body_that_nobody_reads_does_not_destroy_the_answer(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        return Response(403, [], b"no")

    connect = await serve(handle)
    for chunks in (0, 65_536):
        peer = await connect()
        await peer.send(request("/", b"x" * LARGE, chunks=chunks))
        reply = await peer.reply()
        assert reply.status == 403
        assert reply.headers["connection"] == "close"
        assert await peer.rest() == b""
        # One that has come, read or not, is no reason to close.
        peer = await connect()
        await peer.send(request("/", b"x" * (MIB // 2), chunks=chunks) * 2)
        assert "connection" not in (await peer.reply()).headers
        assert "connection" not in (await peer.reply()).headers


async def test_a_large_body_that_came_whole_but_unread_does_not_hang_the_connection(serve: Serve) -> None:
    async def handle(request: Request) -> Response:
        if request.stream is not None:
            async for _part in request.stream:
                break
            await asyncio.sleep(0.05)
        return Response(200, [])

    peer = await (await serve(handle))()
    for _ in range(3):
        # All of it fits into the buffers on the way, which fills the server's own.
        data = b"".join(chunk(b"x" * 1000) for _ in range(1300))
        await peer.send(request("/", b"", "Transfer-Encoding: chunked") + data + b"0\r\n\r\n")
        reply = await peer.reply()
        assert reply.status == 200
        if "connection" in reply.headers:
            return
        assert (await peer.ask(request())).status == 200


def numbers(count: int) -> AsyncIterator[bytes]:
    async def write() -> AsyncIterator[bytes]:
        for number in range(count):
            yield b"%d," % number
            if number % 10 == 0:
                await asyncio.sleep(0)
            yield b""

    return write()


async def test_streamed_replies_are_chunked_or_as_long_as_they_say(serve: Serve) -> None:
    text = b"".join(b"%d," % number for number in range(100))

    async def handle(request: Request) -> Response:
        length = len(text) if request.path == "/known" else None
        return Response(200, [], numbers(100), length)

    connect = await serve(handle)
    peer = await connect()
    for path in ("/", "/known"):
        reply = await peer.ask(request(path))
        assert reply.body == text
        assert ("content-length" in reply.headers) == (path == "/known")
        await peer.send(request(path, method="HEAD"))
        assert (await peer.reply(bodiless=True)).headers.keys() == reply.headers.keys()
    # HTTP/1.0 has no chunks: the end of the connection is the end of the reply.
    reply = await peer.ask(request("/known", b"", "Connection: keep-alive", version="1.0"))
    assert reply.headers["connection"] == "keep-alive"
    reply = await peer.ask(request("/", b"", "Connection: keep-alive", version="1.0"))
    assert reply.headers["connection"] == "close"
    assert "transfer-encoding" not in reply.headers
    assert reply.body == text


@pytest.mark.parametrize("path", ["/short", "/long", "/raises"])
async def test_a_reply_that_breaks_off_can_not_be_taken_for_whole(
    serve: Serve, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def raises() -> AsyncIterator[bytes]:
        yield b"a"
        raise ValueError("half way")

    async def handle(request: Request) -> Response:
        if request.path == "/raises":
            return Response(200, [], raises())
        return Response(200, [], numbers(3), 5 if request.path == "/long" else 1000)

    peer = await (await serve(handle))()
    await peer.send(request(path) + request(path))
    assert (await peer.head())[0] == 200
    try:
        rest = await peer.rest()
    except ConnectionResetError:
        rest = b""
    # What is too long is cut off where it should have ended.
    assert len(rest) < 10 or path == "/long"
    assert not rest.endswith(b"0\r\n\r\n")
    await until(lambda: "a streamed reply broke off" in caplog.text)


async def test_a_client_that_reads_slowly_holds_back_the_reply(serve: Serve) -> None:
    written = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal written
        while written < LARGE:
            written += 10_000
            yield b"x" * 10_000

    async def handle(request: Request) -> Response:
        return Response(200, [], endless())

    peer = await (await serve(handle))(buffer=4096)
    await peer.send(request())
    await peer.head()
    await asyncio.sleep(0.1)
    assert written < 10 * MIB
    size = 0
    while part := await peer.chunk():
        size += len(part)
    assert size == written


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("pause", [True, False])
async def test_a_reply_is_given_up_when_its_client_vanishes(serve: Serve, leave: str, pause: bool) -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
                if pause:
                    await asyncio.sleep(0.001)
        finally:
            closed.set()

    async def handle(request: Request) -> Response:
        return Response(200, [], endless())

    peer = await (await serve(handle))()
    await peer.send(request())
    await peer.head()
    getattr(peer, leave)()
    await asyncio.wait_for(closed.wait(), 2)
    await until(lambda: not peer.server.connections)


async def read_all(outcome: list[BaseException | bytes], request: Request) -> Response:
    """Read the body and note what came of it."""
    try:
        body = await request.read()
    except BaseException as error:
        outcome.append(error)
        raise
    outcome.append(body)
    return Response(200, [])


def truncated(peer: Peer, how: str) -> None:
    if how == "half-closed":
        peer.finish()
    else:
        getattr(peer, how)()


@pytest.mark.parametrize("how", ["half-closed", "close", "reset"])
@pytest.mark.parametrize("chunks", [0, 65_536])
async def test_a_large_body_that_breaks_off(serve: Serve, how: str, chunks: int) -> None:
    outcome: list[BaseException | bytes] = []
    peer = await (await serve(lambda request: read_all(outcome, request)))()
    await peer.send(request("/", b"x" * 3 * MIB, chunks=chunks)[:-MIB])
    await until(lambda: any(c._current is not None for c in peer.server.connections))
    truncated(peer, how)
    if how == "half-closed":
        assert (await peer.reply()).status == 400
        assert await peer.rest() == b""
    # What the handler waits for is cancelled when the connection is lost, and the handler hears of it a turn later.
    await until(lambda: not peer.server.connections and outcome)
    assert len(outcome) == 1
    assert isinstance(outcome[0], asyncio.CancelledError | BodyIncompleteError)


@pytest.mark.parametrize("chunks", [0, 10])
async def test_a_small_body_that_breaks_off_never_becomes_a_request(serve: Serve, chunks: int) -> None:
    outcome: list[BaseException | bytes] = []
    peer = await (await serve(lambda request: read_all(outcome, request)))()
    await peer.send(request("/", b"x" * 100, chunks=chunks)[:-3])
    peer.finish()
    assert (await peer.reply()).status == 400
    assert await peer.rest() == b""
    assert outcome == []


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused_and_the_client_can_read_the_answer(
    serve: Serve, declared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "DEFAULT_BODIES", Bodies(4 * MIB))
    outcome: list[BaseException | bytes] = []
    connect = await serve(lambda request: read_all(outcome, request))
    peer = await connect()
    # The client sends all of it before it looks for the answer.
    await peer.send(request("/", b"x" * 8 * MIB, chunks=0 if declared else 65_536))
    reply = await peer.reply()
    assert reply.status == 413
    assert reply.headers["connection"] == "close"
    assert await peer.rest() == b""
    assert not any(isinstance(each, bytes) for each in outcome)
    assert len(outcome) == (0 if declared else 1)
    # The answers to what came before are not lost.
    peer = await connect()
    await peer.send(request("/", b"ok") + request("/", b"x" * 8 * MIB, chunks=0 if declared else 65_536))
    assert (await peer.reply()).status == 200
    assert (await peer.reply()).status == 413


@pytest.mark.parametrize("declared", [True, False])
async def test_bodies_of_some_targets_may_be_longer(
    serve: Serve, declared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "DEFAULT_BODIES", Bodies(2 * MIB, longer={b"/long": 4 * MIB}))
    outcome: list[BaseException | bytes] = []
    peer = await (await serve(lambda request: read_all(outcome, request)))()
    for target, size, status in (("/long", 3, 200), ("/other", 1, 200), ("/long", 5, 413)):
        await peer.send(request(target, b"x" * size * MIB, chunks=0 if declared else 65_536))
        assert (await peer.reply()).status == status


async def test_a_body_over_the_limit_behind_a_slow_request(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "DEFAULT_BODIES", Bodies(2 * MIB))
    outcome: list[BaseException | bytes] = []

    async def handle(request: Request) -> Response:
        if request.path == "/slow":
            await asyncio.sleep(0.1)
        return await read_all(outcome, request)

    peer = await (await serve(handle, Patience(linger=1)))()
    await peer.send(request("/slow") + request("/", b"x" * 3 * MIB, chunks=65_536))
    assert (await peer.reply()).status == 200
    assert (await peer.reply()).status == 413
    # Nobody reads a body whose turn has not come, so its length is seen only then.
    assert [type(each) for each in outcome] == [bytes, asyncio.CancelledError]


async def test_a_handler_that_has_begun_to_reply_can_not_be_overruled(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "DEFAULT_BODIES", Bodies(2 * MIB))

    async def back(request: Request) -> AsyncIterator[bytes]:
        assert request.stream is not None
        async for part in request.stream:
            yield part

    async def handle(request: Request) -> Response:
        return Response(200, [], back(request))

    peer = await (await serve(handle))()
    sending = asyncio.create_task(peer.send(request("/", b"x" * 3 * MIB, chunks=65_536)))
    status, _ = await peer.head()
    assert status == 200
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await every_chunk(peer)
    sending.cancel()


async def test_chunks_are_handed_over_at_once_where_that_was_asked_for_trailers_included(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "DEFAULT_BODIES", Bodies(chunks_at_once=True))
    first = asyncio.Event()
    found: list[object] = []

    async def handle(request: Request) -> Response:
        assert request.stream is not None
        found.append(await anext(aiter(request.stream)))
        first.set()
        found.append(await request.stream.__anext__())  # type: ignore[attr-defined]
        with pytest.raises(StopAsyncIteration):
            await request.stream.__anext__()  # type: ignore[attr-defined]
        found.append(dict(request.stream.trailers))
        return Response(200, [], b"done")

    peer = await (await serve(handle))()
    await peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    await asyncio.wait_for(first.wait(), 10)
    assert found == [b"a"]
    assert (await peer.ask(b"1\r\nb\r\n0\r\nX-Own: 1\r\n\r\n")).body == b"done"
    assert found == [b"a", b"b", {b"x-own": b"1"}]


async def test_a_reply_that_can_t_be_brought_to_its_end_breaks_off(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        raise ReplyBrokenError

    async def handle(_: Request) -> Response:
        return Response(200, [], parts())

    peer = await (await serve(handle))()
    await peer.send(request("/"))
    assert (await peer.head())[0] == 200
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await every_chunk(peer)
    assert not logged_here(caplog)


async def every_chunk(peer: Peer) -> None:
    while await peer.chunk():
        pass
