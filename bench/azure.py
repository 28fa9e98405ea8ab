"""Azure cases: Queue Storage, and Event Grid from a publication's reply to the webhook."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
import time
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from bench.case import Case, Timed

if TYPE_CHECKING:
    from bench.case import Work
    from bench.http import Client, Connection

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
MESSAGE = f"<QueueMessage><MessageText>{'x' * 256}</MessageText></QueueMessage>".encode()
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/bench/providers/Microsoft.EventGrid"
VERSION = "?api-version=2025-02-15"
_numbers = itertools.count(1)


def _storage(client: Client, method: str, path: str, body: bytes = b"") -> bytes:
    """Return a request that is signed as Microsoft's clients sign it."""
    headers = "x-ms-date:Fri, 27 Nov 2026 00:00:00 GMT\nx-ms-version:2026-02-06\n"
    length = str(len(body)) if body else ""
    kind = "application/xml" if body else ""
    signed = f"{method}\n\n\n{length}\n\n{kind}\n\n\n\n\n\n\n{headers}/{ACCOUNT}/{ACCOUNT}/{path}"
    signature = b64encode(hmac.digest(b64decode(KEY), signed.encode(), sha256)).decode()
    lines = headers.replace(":", ": ", 1).replace("version:", "version: ").replace("\n", "\r\n")
    content = f"Content-Type: {kind}\r\n" if kind else ""
    head = (
        f"{method} /{ACCOUNT}/{path} HTTP/1.1\r\nHost: {client.host}:{client.port}\r\n{lines}{content}"
        f"Content-Length: {len(body)}\r\nAuthorization: SharedKey {ACCOUNT}:{signature}\r\n\r\n"
    )
    return head.encode() + body


async def put(client: Client, connection: Connection) -> Work:
    """Put messages of 256 characters into a queue."""
    name = f"bench-{next(_numbers)}"
    await connection.ask(_storage(client, "PUT", name))
    request = _storage(client, "POST", f"{name}/messages", MESSAGE)

    async def work(connection: Connection) -> int:
        await connection.ask(request)
        return 1

    return work


class _Webhook(asyncio.Protocol):
    """A connection to a webhook; `came` are the turns that wait for an event, by its subject."""

    came: dict[str, asyncio.Future[float]] = {}  # noqa: RUF012 - shared by all connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].partition(b"\r\n")[0]) if at >= 0 else 0
        if not separator or len(body) < length:
            return
        self._buffer = b""
        (event,) = json.loads(body)
        answer = b""
        if "validationCode" in event["data"]:
            answer = json.dumps({"validationResponse": event["data"]["validationCode"]}).encode()
        elif event["subject"] in self.came:
            self.came.pop(event["subject"]).set_result(time.perf_counter())
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))


async def to_webhook(client: Client, connection: Connection) -> Work:
    """Publish an event to a topic that has a webhook; from the publication's reply to the webhook's request."""
    server = await asyncio.get_running_loop().create_server(_Webhook, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    topic = f"{GROUP}/topics/bench-{next(_numbers)}"
    body = json.dumps({"location": "westeurope"}).encode()
    endpoint = json.loads(await connection.ask(client.plain("PUT", topic + VERSION, body)))["properties"]["endpoint"]
    key = json.loads(await connection.ask(client.plain("POST", f"{topic}/listKeys{VERSION}")))["key1"]
    destination = {"endpointType": "WebHook", "properties": {"endpointUrl": url}}
    body = json.dumps({"properties": {"destination": destination}}).encode()
    await connection.ask(client.plain("PUT", f"{topic}/eventSubscriptions/bench{VERSION}", body))
    path = "/" + endpoint.partition("://")[2].partition("/")[2]

    async def work(connection: Connection) -> Timed:
        subject = str(next(_numbers))
        event = {"id": subject, "subject": subject, "eventType": "T", "eventTime": "2026-01-01T00:00:00Z",
                 "data": {}, "dataVersion": "1"}  # fmt: skip
        came = _Webhook.came[subject] = asyncio.get_running_loop().create_future()
        request = client.plain("POST", path, json.dumps([event]).encode())
        await connection.ask(request.replace(b"User-Agent", b"aeg-sas-key: %b\r\nUser-Agent" % key.encode(), 1))
        replied = time.perf_counter()
        return Timed(1, max(await came - replied, 1e-6))

    return work


AZURE_CASES = (
    Case("azure.PutMessage to a storage queue", put, budget_us=250),
    Case("azure.Event Grid publish's reply to webhook", to_webhook, budget_ms=5, concurrency=1),
)
