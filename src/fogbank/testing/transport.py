"""An HTTP session for botocore without a port: requests go to the server's own handler, on its event loop.

Nothing else of a client is different: requests are made, signed and parsed as always. What is left out is the way
through sockets, and what HTTP itself does on it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from urllib3 import HTTPHeaderDict, HTTPResponse

from fogbank.testing.sdks import load
from fogbank.wire.http import Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fogbank.testing.server import ThreadedServer
    from fogbank.wire.http import Response

# Port 0 would be taken for a function that asks; this one nobody can have.
_NO_PORT = 65_536


class DirectSession:
    """What botocore asks of an HTTP session (`botocore.httpsession.URLLib3Session`): `send` and `close`."""

    def __init__(self, server: ThreadedServer) -> None:
        self._server = server
        self._answer: Any = load("botocore.awsrequest", "boto3").AWSResponse

    def send(self, request: Any) -> Any:
        """Answer a prepared request; the body of the answer is a file, as botocore expects it."""
        parts = urlsplit(request.url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        headers = {b"host": parts.netloc.encode()}
        for name, value in request.headers.items():
            headers[name.lower().encode()] = value if isinstance(value, bytes) else str(value).encode()
        body = _read(request.body)
        headers.setdefault(b"content-length", b"%d" % len(body))
        asked = Request(request.method, target.encode(), headers, body, client="127.0.0.1", client_port=_NO_PORT)
        response = self._server.call(self._server.app.handle(asked))
        fields = HTTPHeaderDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
        content = self._body(response, fields)
        raw = HTTPResponse(content, fields, response.status, preload_content=False, decode_content=False)
        return self._answer(request.url, response.status, fields, raw)

    def close(self) -> None:
        """Nothing is open."""

    def _body(self, response: Response, fields: HTTPHeaderDict) -> io.BufferedIOBase:
        if isinstance(response.body, bytes):
            fields.setdefault("content-length", str(len(response.body)))
            return io.BytesIO(response.body)
        return io.BufferedReader(_Parts(self._server, response.body))


class _Parts(io.RawIOBase):
    """A body that comes in parts, read as they come."""

    def __init__(self, server: ThreadedServer, parts: AsyncIterator[bytes]) -> None:
        self._server = server
        self._parts = parts
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            part = self._server.call(self._next())
            if part is None:
                return 0
            self._rest = part
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    async def _next(self) -> bytes | None:
        return await anext(self._parts, None)


def _read(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    data = body.read()
    return data.encode() if isinstance(data, str) else bytes(data)
