"""The proxy in front of a program: where requests go, what is refused, and peers that are slow or gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fogbank.cli.running.proxy import HEAD_BYTES_MAX, Place, Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

END = b"\r\n\r\n"


class Peer:
    """A server that keeps what it is sent and answers each connection with its name, once that says no more."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.got = b""
        self.port = 0
        self._server: asyncio.Server

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.got = await reader.read()
        writer.write(self.name + b" " + str(len(self.got)).encode())
        writer.close()

    def close(self) -> None:
        self._server.close()


@pytest.fixture
async def cloud() -> AsyncIterator[Peer]:
    peer = Peer(b"cloud")
    await peer.listen()
    yield peer
    peer.close()


@pytest.fixture
async def elsewhere() -> AsyncIterator[Peer]:
    peer = Peer(b"elsewhere")
    await peer.listen()
    yield peer
    peer.close()


class Front:
    def __init__(self, proxy: Proxy, port: int) -> None:
        self.proxy = proxy
        self.port = port

    async def send(self, data: bytes, *, end: bool = True) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        if end:
            writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer


@pytest.fixture(params=[False, True], ids=["online", "offline"])
async def front(cloud: Peer, request: pytest.FixtureRequest) -> AsyncIterator[Front]:
    proxy = Proxy(Place("127.0.0.1", cloud.port), lambda name: name.endswith(".amazonaws.com"), offline=request.param)
    yield Front(proxy, await proxy.listen())
    await proxy.close()


async def test_tunnels_to_clouds_are_the_servers_to_grant(front: Front, cloud: Peer) -> None:
    request = b"CONNECT sqs.amazonaws.com:443 HTTP/1.1\r\nHost: sqs.amazonaws.com:443" + END
    assert await front.send(request + b"more") == b"cloud %d" % (len(request) + 4)
    assert cloud.got == request + b"more"


async def test_other_tunnels_lead_where_they_should(front: Front, elsewhere: Peer) -> None:
    answer = await front.send(b"CONNECT localhost:%d HTTP/1.1" % elsewhere.port + END + b"hello")
    # What is on this machine isn't somewhere else, offline or not.
    assert answer == b"HTTP/1.1 200 Connection Established\r\n\r\nelsewhere 5"
    assert elsewhere.got == b"hello"


async def test_plain_requests_go_one_by_one(front: Front, cloud: Peer, elsewhere: Peer) -> None:
    head = b"POST http://sns.amazonaws.com/a?b HTTP/1.1\r\nHost: sns.amazonaws.com\r\nProxy-Connection: keep-alive\r\n"
    assert (await front.send(head + b"Content-Length: 2" + END + b"{}")).startswith(b"cloud")
    assert cloud.got == head.replace(b"Proxy-Connection: keep-alive\r\n", b"") + (
        b"Content-Length: 2\r\nConnection: close" + END + b"{}"
    )
    target = b"http://127.0.0.1:%d" % elsewhere.port
    assert (await front.send(b"GET " + target + b"?x HTTP/1.1\r\nHost: x" + END)).startswith(b"elsewhere")
    assert elsewhere.got == b"GET /?x HTTP/1.1\r\nHost: x\r\nConnection: close" + END


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1" + END, b"400"),
        (b"\x16\x03\x01" + END, b"400"),
        (b"CONNECT :443 HTTP/1.1" + END, b"400"),
        (b"CONNECT [::1:443 HTTP/1.1" + END, b"400"),
        (b"CONNECT localhost:99999 HTTP/1.1" + END, b"400"),
        (b"GET ftp://localhost/ HTTP/1.1" + END, b"400"),
        (b"CONNECT localhost:1 HTTP/1.1" + END, b"502"),
        (b"GET " + b"x" * HEAD_BYTES_MAX, b"431"),
    ],
)
async def test_what_is_refused(front: Front, sent: bytes, status: bytes) -> None:
    answer = await front.send(sent, end=False)
    assert answer.startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("front", [True], indirect=True)
async def test_offline_means_it(front: Front) -> None:
    for request in (b"CONNECT example.com:443 HTTP/1.1", b"GET http://example.com/ HTTP/1.1"):
        answer = await front.send(request + b"\r\nHost: example.com" + END, end=False)
        assert answer.startswith(b"HTTP/1.1 403")
        assert b"example.com is no cloud's host" in answer
    assert front.proxy.refused == {"example.com"}


@pytest.mark.parametrize("front", [False], indirect=True)
async def test_much_goes_through_and_nothing_stays(front: Front, cloud: Peer) -> None:
    request = b"CONNECT sqs.amazonaws.com:443 HTTP/1.1" + END
    size = 3_000_000
    answers = await asyncio.gather(*(front.send(request + bytes(size)) for _ in range(4)))
    assert answers == [b"cloud %d" % (len(request) + size)] * 4
    _, gone = await asyncio.open_connection("127.0.0.1", front.port)
    gone.write(request)
    gone.transport.abort()
    for _ in range(200):
        if not front.proxy.ends:
            break
        await asyncio.sleep(0.01)
    assert not front.proxy.ends
