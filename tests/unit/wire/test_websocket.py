"""WebSocket: handshakes, messages, ends, limits; wsproto plays the client."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from wsproto.connection import CLIENT, Connection
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from fogbank.wire.http import Response
from fogbank.wire.http1 import Patience
from fogbank.wire.websocket.connection import SocketConnection
from fogbank.wire.websocket.handshake import Limits, accept, is_handshake, subprotocols
from fogbank.wire.websocket.socket import ClosedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.wire.http import Request
    from fogbank.wire.websocket.socket import WebSocket
    from tests.unit.wire.sockets import Peer, Serve

SECONDS_MAX = 5.0
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = (
    b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\nSec-WebSocket-Protocol: one, two\r\n\r\n" % KEY
)
PLAIN = b"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"


class Client:
    """The client's end of a socket."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.frames = Connection(CLIENT)
        self.events: list[Any] = []

    @classmethod
    async def open(cls, peer: Peer, behind: bytes = b"") -> Client:
        await peer.send(HANDSHAKE + behind)
        status, headers = await peer.head()
        assert status == 101
        # The example of RFC 6455, section 1.3.
        assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        return cls(peer)

    async def send(self, *events: Any) -> None:
        await self.peer.send(b"".join([self.frames.send(event) for event in events]))

    async def take(self) -> Any:
        while not self.events:
            data = await asyncio.wait_for(self.peer._reader.read(65_536), SECONDS_MAX)
            self.frames.receive_data(data or None)
            self.events += self.frames.events()
        return self.events.pop(0)

    async def whole(self) -> Any:
        """Return a message put together from its frames."""
        parts = [await self.take()]
        while not parts[-1].message_finished:
            parts.append(await self.take())
        return type(parts[0].data)().join(part.data for part in parts)


async def echo(socket: WebSocket) -> None:
    async for message in socket:
        await socket.send(message)


def answering(session: Callable[[WebSocket], Awaitable[None]], **settings: Any) -> Any:
    async def handler(request: Request) -> Response:
        if is_handshake(request) and request.path != "/plain":
            return accept(request, session, subprotocol=subprotocols(request)[-1], **settings)
        return Response(200, [], request.path.encode())

    return handler


async def test_messages_there_and_back(serve: Serve) -> None:
    connect = await serve(answering(echo))
    client = await Client.open(await connect())
    await client.send(TextMessage("é", message_finished=False), TextMessage(""), BytesMessage(b"\x00" * 70_000))
    assert await client.whole() == "é"
    assert await client.whole() == b"\x00" * 70_000
    await client.send(Ping(b"hello"))
    assert await client.take() == Pong(b"hello")
    await client.send(CloseConnection(4_000, "bye"))
    assert await client.take() == CloseConnection(4_000, "bye")
    assert await client.take() == CloseConnection(1_006, None)


async def test_frames_behind_the_handshake_and_subprotocols(serve: Serve) -> None:
    connect = await serve(answering(echo))
    client = await Client.open(await connect(), Connection(CLIENT).send(TextMessage("early")))
    assert await client.whole() == "early"
    peer = await connect()
    await peer.send(HANDSHAKE)
    assert (await peer.head())[1]["sec-websocket-protocol"] == "two"


async def test_the_end_of_a_session_closes(serve: Serve) -> None:
    async def once(socket: WebSocket) -> None:
        await socket.send(await socket.receive())

    connect = await serve(answering(once))
    client = await Client.open(await connect())
    await client.send(TextMessage("x"))
    assert await client.whole() == "x"
    assert await client.take() == CloseConnection(1_000, "")
    await client.send(CloseConnection(1_000))
    assert await client.peer._reader.read() == b""


async def test_a_session_that_fails(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def failing(_socket: WebSocket) -> None:
        raise ZeroDivisionError

    connect = await serve(answering(failing))
    client = await Client.open(await connect())
    assert (await client.take()).code == 1_011
    assert "a session of a WebSocket failed" in caplog.text


async def test_a_client_that_goes_away(serve: Serve) -> None:
    heard = asyncio.get_running_loop().create_future()

    async def listening(socket: WebSocket) -> None:
        with pytest.raises(ClosedError) as error:
            await socket.receive()
        heard.set_result(error.value.code)
        with pytest.raises(ClosedError):
            await socket.send("x")

    connect = await serve(answering(listening))
    client = await Client.open(await connect())
    client.peer.close()
    assert await asyncio.wait_for(heard, SECONDS_MAX) == 1_006


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 100,
        b"\x81\x01a",  # without a mask
        b"\x89\xff" + b"\x00" * 200,  # a ping that is too long
        b"\x81\x82\x00\x00\x00\x00\xff\xff",  # no UTF-8
        b"\x88\x81\x00\x00\x00\x00a",  # a close with half a code
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_garbage_ends_a_socket(serve: Serve, data: bytes) -> None:
    connect = await serve(answering(echo))
    client = await Client.open(await connect())
    await client.peer.send(data)
    assert (await client.take()).code in (1_002, 1_007)
    other = await Client.open(await connect())
    await other.send(TextMessage("x"))
    assert await other.whole() == "x"


async def test_too_long_a_message(serve: Serve) -> None:
    connect = await serve(answering(echo, limits=Limits(message_bytes_max=1_000)))
    client = await Client.open(await connect())
    await client.send(TextMessage("x" * 1_000))
    assert await client.whole() == "x" * 1_000
    await client.send(BytesMessage(b"x" * 600, message_finished=False), BytesMessage(b"x" * 401))
    assert (await client.take()).code == 1_009


async def test_what_a_session_does_not_take_is_bounded(serve: Serve) -> None:
    go_on = asyncio.Event()
    taken: list[int] = []

    async def slow(socket: WebSocket) -> None:
        await go_on.wait()
        taken.extend([len(message) async for message in socket])

    connect = await serve(answering(slow))
    client = await Client.open(await connect(buffer=4_096))
    message = BytesMessage(b"x" * 1_000_000)
    sending = asyncio.create_task(client.send(*[message] * 30))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(sending), 0.3)
    (connection,) = client.peer.server.sockets
    assert isinstance(connection, SocketConnection)
    assert connection._queued < 4_000_000
    go_on.set()
    await sending
    await client.send(CloseConnection(1_000))
    assert (await client.take()).code == 1_000
    assert taken == [1_000_000] * 30


async def test_a_client_that_does_not_read_holds_the_sender(serve: Serve) -> None:
    sent = 0

    async def pouring(socket: WebSocket) -> None:
        nonlocal sent
        with contextlib.suppress(ClosedError):
            for _ in range(500):
                await socket.send(b"x" * 100_000)
                sent += 1

    connect = await serve(answering(pouring))
    client = await Client.open(await connect(buffer=4_096))
    async with asyncio.timeout(SECONDS_MAX):
        while not sent:  # noqa: ASYNC110 - what is waited for is another task's progress
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert sent < 400
    client.peer.close()


async def test_silence(serve: Serve) -> None:
    connect = await serve(answering(echo), Patience(sweep=0.05, idle=0.4, linger=0.4))
    client = await Client.open(await connect())
    assert await client.take() == Ping(b"")
    await client.send(Pong(b""))
    assert await client.take() == Ping(b"")
    # No sign of life this time.
    assert await client.take() == CloseConnection(1_006, None)


async def test_a_client_that_does_not_answer_a_close(serve: Serve) -> None:
    async def leaving(socket: WebSocket) -> None:
        socket.close(4_001, "enough")

    connect = await serve(answering(leaving), Patience(sweep=0.02, linger=0.1))
    client = await Client.open(await connect())
    assert await client.take() == CloseConnection(4_001, "enough")
    assert await asyncio.wait_for(client.peer._reader.read(), SECONDS_MAX) == b""


async def test_the_end_of_the_server(serve: Serve) -> None:
    connect = await serve(answering(echo))
    client = await Client.open(await connect())
    closing = asyncio.create_task(client.peer.server.close())
    assert (await client.take()).code == 1_001
    await client.send(CloseConnection(1_001))
    await asyncio.wait_for(closing, SECONDS_MAX)
    assert not client.peer.server.sockets


async def test_who_knows_no_sockets_answers_as_ever(serve: Serve) -> None:
    connect = await serve(answering(echo))
    peer = await connect()
    offer = HANDSHAKE.replace(b"/x", b"/plain")
    # Requests behind the offer are answered, and so are many offers in a row.
    await peer.send(offer + PLAIN + offer * 300 + PLAIN)
    for _ in range(303):
        reply = await peer.reply()
        assert (reply.status, reply.body) == (200, b"/plain")
    client = await Client.open(peer)
    await client.send(TextMessage("x"))
    assert await client.whole() == "x"


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 8", 426),
        (b"Sec-WebSocket-Key: " + KEY, b"Sec-WebSocket-Key: ?", 400),
        (b"Sec-WebSocket-Key: " + KEY, b"Sec-WebSocket-Key: YQ==", 400),
    ],
)
async def test_bad_handshakes(serve: Serve, old: bytes, new: bytes, status: int) -> None:
    connect = await serve(answering(echo))
    peer = await connect()
    reply = await peer.ask(HANDSHAKE.replace(old, new))
    assert reply.status == status
    assert reply.headers.get("sec-websocket-version", "13") == "13"
    assert (await peer.ask(PLAIN)).status == 200


async def test_a_handler_that_takes_its_time(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(0.05)
        return accept(request, echo)

    connect = await serve(handler)
    client = await Client.open(await connect(), Connection(CLIENT).send(TextMessage("early")))
    assert await client.whole() == "early"
