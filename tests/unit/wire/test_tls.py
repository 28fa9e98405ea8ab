"""TLS: certificates by name, tunnels to the clouds' hosts, and clients that do all of it wrong."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.wire.http import Request, Response
from fogbank.wire.server import HttpServer
from fogbank.wire.tls.authority import CERTIFICATE, KEY, Authority
from fogbank.wire.tls.contexts import CONTEXTS_MAX, Contexts
from fogbank.wire.tls.tunnels import BEGINNING, HEAD_BYTES_MAX, Tunnels

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from fogbank.kernel.clock import Clock


async def tell(request: Request) -> Response:
    body = await request.read()
    text = f"{request.scheme} {request.header(b'host')} {len(body)} {request.client_port != 0}"
    return Response(200, [], text.encode())


class Served:
    def __init__(self, authority: Authority, port: int, tls_port: int, server: HttpServer, tunnels: Tunnels) -> None:
        self.authority = authority
        self.port = port
        self.tls_port = tls_port
        self.server = server
        self.tunnels = tunnels

    @property
    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority.certificate.decode())

    async def ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, body: bytes = b""
    ) -> str:
        head = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.read()
        writer.close()
        return answer.rpartition(b"\r\n\r\n")[2].decode()

    async def tunnel(self, to: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nProxy-Authorization: Basic eDp5\r\n\r\n".encode())
        return reader, writer, await reader.readuntil(b"\r\n\r\n")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("config") / "ca")


@pytest.fixture
async def served(clock: Clock, authority: Authority) -> AsyncIterator[Served]:
    contexts = Contexts(authority, lambda name: name.endswith(".amazonaws.com"))
    tunnels = Tunnels(contexts)
    server = HttpServer(tell, clock, others=[(BEGINNING, tunnels.take)])
    tunnels.connect = server.connect
    port = await server.listen("127.0.0.1", 0)
    tls_port = await server.listen("127.0.0.1", 0, contexts.listening)
    yield Served(authority, port, tls_port, server, tunnels)
    await tunnels.close()
    await server.close(0.1)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("queue.localhost", "queue.localhost"),
        ("deep.down.localhost", "deep.down.localhost"),
        ("fogbank", "fogbank"),
        ("sqs.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"),
    ],
)
async def test_a_certificate_for_each_name(served: Served, name: str, host: str) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", served.tls_port, ssl=served.trusting, server_hostname=name
    )
    assert await served.ask(reader, writer, host, bytes(100_000)) == f"https {host} 100000 True"


async def test_names_that_are_somebody_elses(served: Served) -> None:
    for name in ("example.com", "amazonaws.com.example.org", "xamazonaws.com"):
        with pytest.raises(ConnectionResetError):
            await asyncio.open_connection("127.0.0.1", served.tls_port, ssl=served.trusting, server_hostname=name)


async def test_http2_is_offered_first(served: Served) -> None:
    trusting = served.trusting
    trusting.set_alpn_protocols(["http/1.1", "h2"])
    _, writer = await asyncio.open_connection("localhost", served.tls_port, ssl=trusting)
    chosen: ssl.SSLObject = writer.get_extra_info("ssl_object")
    assert chosen.selected_alpn_protocol() == "h2"
    assert chosen.version() == "TLSv1.3"
    writer.close()


async def test_a_tunnel_leads_here(served: Served) -> None:
    reader, writer, granted = await served.tunnel("sns.eu-west-1.amazonaws.com:443")
    assert granted.startswith(b"HTTP/1.1 200 ")
    await writer.start_tls(served.trusting, server_hostname="sns.eu-west-1.amazonaws.com")
    answer = await served.ask(reader, writer, "sns.eu-west-1.amazonaws.com", b"hello")
    assert answer == "https sns.eu-west-1.amazonaws.com 5 True"
    assert not served.tunnels.connections


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"CONNECT example.com:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT nothing HTTP/1.1\r\n\r\n", b"400"),
        (b"CONNECT a b:1 HTTP/1.1\r\n\r\n", b"400"),
        (b"CONNECT localhost:443 HTTP/1.1\r\n\r\nearly", b"400"),
        (b"CONNECT " + b"x" * HEAD_BYTES_MAX + b" ", b"431"),
    ],
)
async def test_tunnels_that_are_refused(served: Served, sent: bytes, status: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(sent)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"Connection: close" in answer
    writer.close()


async def test_garbage_and_silence_leave_nothing_behind(served: Served) -> None:
    writers = []
    for garbage in (b"\x16\x03\x01\xff\xff" + bytes(600), b"\0" * 50, b"GET / HTTP/1.1\r\n\r\n", b""):
        for port in (served.tls_port, served.port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if port == served.port:
                writer.write(b"CONNECT sqs.amazonaws.com:443 HTTP/1.1\r\n\r\n")
                await reader.readuntil(b"\r\n\r\n")
            writer.write(garbage)
            if not garbage:
                writer.write_eof()
            writers.append((reader, writer))
    for reader, writer in writers:
        await reader.read()
        writer.close()
    _, half = await asyncio.open_connection("127.0.0.1", served.port)
    half.write(b"CONN")
    _, quiet, _ = await served.tunnel("sqs.amazonaws.com:443")
    quiet.transport.abort()
    reader, writer, _ = await served.tunnel("sqs.amazonaws.com:443")
    await writer.start_tls(served.trusting, server_hostname="sqs.amazonaws.com")
    assert await served.ask(reader, writer, "sqs.amazonaws.com") == "https sqs.amazonaws.com 0 True"
    half.write(b"ECT localhost:1 HTTP/1.1\r\n\r\n")
    half.close()
    for _ in range(200):
        if not served.tunnels.connections and not served.server.connections:
            break
        await asyncio.sleep(0.01)
    assert not served.tunnels.connections
    assert not served.server.connections


async def test_a_client_that_closes_one_way_only(served: Served) -> None:
    """TLS has no half-closed connections: the client gets its answer or an end, and no warning is logged."""
    reader, writer = await asyncio.open_connection("localhost", served.tls_port, ssl=served.trusting)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.write(b"GET / HTTP/1.1\r\nHo")
    writer.close()
    with contextlib.suppress(ssl.SSLError):
        # What was half a request is refused behind the client's farewell.
        await writer.wait_closed()


async def test_a_refused_body_over_tls(served: Served) -> None:
    """The rest isn't waited for, since the way out can't be closed alone."""
    reader, writer = await asyncio.open_connection("localhost", served.tls_port, ssl=served.trusting)
    writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n" + bytes(1_000))
    assert (await reader.read()).startswith(b"HTTP/1.1 413")
    writer.close()


def test_the_key_is_its_owners(authority: Authority) -> None:
    authority.path  # noqa: B018 - makes it
    assert stat.S_IMODE((authority.folder / KEY).stat().st_mode) == 0o600
    assert sorted(path.name for path in authority.folder.iterdir()) == sorted([KEY, CERTIFICATE])
    again = Authority(authority.folder)
    assert again.certificate == authority.certificate
    assert b"BEGIN CERTIFICATE" in again.issue(["x.localhost"]).chain


def test_who_makes_it_at_once_gets_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: Authority(tmp_path / "a" / "ca").certificate, range(8)))
    assert len(made) == 1
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["ca"]


def test_contexts_are_bounded(authority: Authority) -> None:
    contexts = Contexts(authority, lambda _name: False)
    first: Any = contexts._find("n0.localhost")
    assert contexts._find("n0.localhost") is first
    for number in range(1, CONTEXTS_MAX + 1):
        contexts._by_name[f"n{number}.localhost"] = first
    contexts._find("last.localhost")
    assert len(contexts._by_name) <= CONTEXTS_MAX + 1
