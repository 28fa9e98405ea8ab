"""The ways to the server: the same request plain, with TLS, and through the proxy of `fogbank run`.

Each case has one connection at a time; what TLS and the proxy add is the difference between their medians.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.case import Case
from bench.http import Connection

if TYPE_CHECKING:
    from bench.case import Work
    from bench.http import Client

HOST = b"sqs.us-east-1.amazonaws.com"
REQUEST = b"GET /_fogbank/health HTTP/1.1\r\nHost: %b\r\n\r\n"


async def prepare_plain(_client: Client, _connection: Connection) -> Work:
    async def ask(connection: Connection) -> int:
        await connection.ask(REQUEST % b"localhost")
        return 1

    return ask


async def prepare_tls(client: Client, connection: Connection) -> Work:
    return await _tunnel(client.host, client.port, await _trusting(connection))


async def prepare_proxied(client: Client, connection: Connection) -> Work:
    command = [sys.executable, "-m", "fogbank", "run", "--url", f"http://{client.host}:{client.port}"]
    # It runs for as long as its input is open, which is as long as this process.
    running = subprocess.Popen(  # noqa: ASYNC220 - before anything is measured
        [*command, "--", "sh", "-c", "echo $HTTPS_PROXY; cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    proxy = urlsplit(running.stdout.readline().strip())
    return await _tunnel(proxy.hostname or "", proxy.port or 0, await _trusting(connection))


async def _tunnel(host: str, port: int, trusting: ssl.SSLContext) -> Work:
    """Ask through a tunnel: the server's own, or the proxy's that leads to it."""
    loop = asyncio.get_running_loop()
    transport, outer = await loop.create_connection(Connection, host, port)
    await outer.ask(b"CONNECT %b:443 HTTP/1.1\r\nHost: %b:443\r\n\r\n" % (HOST, HOST))
    inner = Connection()
    tls = await loop.start_tls(transport, inner, trusting, server_hostname=HOST.decode())
    assert tls is not None
    inner.connection_made(tls)

    async def ask(_connection: Connection) -> int:
        await inner.ask(REQUEST % HOST)
        return 1

    return ask


async def _trusting(connection: Connection) -> ssl.SSLContext:
    authority = await connection.ask(b"GET /_fogbank/ca HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return ssl.create_default_context(cadata=authority.decode())


WAYS = (
    Case("a request in plain HTTP", prepare_plain, concurrency=1),
    Case("a request over TLS", prepare_tls, concurrency=1),
    Case("a request through fogbank run's proxy", prepare_proxied, concurrency=1),
)
