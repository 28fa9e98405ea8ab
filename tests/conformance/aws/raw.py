"""Requests that no SDK would send, and what came back as an SDK reads it."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from fogbank.wire.http import Response
from tests.unit.wire.aws.sdk import read_error, sdk_model

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer


class Answer(NamedTuple):
    """An answer; code and message are those that botocore finds in it."""

    status: int
    headers: dict[str, str]
    body: bytes
    code: str
    message: str


class Raw:
    """Sends requests to a server, signed (not really) for an account."""

    def __init__(self, server: ThreadedServer, account: str) -> None:
        url = urlsplit(server.url)
        self._connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
        self._account = account

    def close(self) -> None:
        self._connection.close()

    def authorization(self, service: str) -> str:
        scope = f"{self._account}/20261122/us-east-1/{service}/aws4_request"
        return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"

    def stream(self, data: bytes, service: str) -> Answer:
        """Send bytes as they are and nothing more; the answer to the request in them is read as the service's."""
        with socket.create_connection((self._connection.host, self._connection.port), timeout=10) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            reply = http.client.HTTPResponse(sock)
            reply.begin()
            return _answer(service, reply)

    def send(
        self, service: str, method: str, path: str, headers: dict[str, str], body: bytes = b"", *, read_as: str = ""
    ) -> Answer:
        """Send a request, signed unless `headers` have their own, or an empty, Authorization.

        Errors are read as those of the service, or of `read_as`.
        """
        headers = {"Authorization": self.authorization(service), **headers}
        self._connection.request(method, path, body, {k: v for k, v in headers.items() if v})
        return _answer(read_as or service, self._connection.getresponse())

    def call(self, service: str, operation: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        """Call an operation of a service in AWS JSON or Query with any body at all."""
        metadata = sdk_model(service).metadata
        headers = headers or {}
        if metadata["protocol"] == "json":
            target = f"{metadata['targetPrefix']}.{operation}"
            common = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{metadata['jsonVersion']}"}
        else:
            common = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send(service, "POST", "/", common | headers, body)


def _answer(service: str, reply: http.client.HTTPResponse) -> Answer:
    data = reply.read()
    found = dict(reply.getheaders())
    response = Response(reply.status, [(k.encode(), v.encode("latin-1")) for k, v in found.items()], data)
    code = message = ""
    if reply.status >= 400:
        parsed, _ = read_error(service, response)
        code, message = parsed["Error"]["Code"], parsed["Error"]["Message"]
    return Answer(reply.status, {k.lower(): v for k, v in found.items()}, data, code, message)
