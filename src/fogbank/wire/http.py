"""The typed boundary between servers and the application: `handle(Request) -> Response`.

Bodies are bytes where they are small and streams where they are not, in both directions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeAlias
from urllib.parse import unquote

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

KIB: Final = 1_024
MIB: Final = 1_024 * KIB
# A body up to this size is complete when the handler is called; a larger one arrives as a stream.
BODY_BUFFERED_BYTES_MAX: Final = MIB
BODY_BYTES_MAX: Final = 128 * MIB

REASONS: Final = {
    100: b"Continue", 101: b"Switching Protocols",
    200: b"OK", 201: b"Created", 202: b"Accepted", 204: b"No Content", 206: b"Partial Content",
    301: b"Moved Permanently", 302: b"Found", 304: b"Not Modified", 307: b"Temporary Redirect",
    400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden", 404: b"Not Found", 405: b"Method Not Allowed",
    408: b"Request Timeout", 409: b"Conflict", 410: b"Gone", 411: b"Length Required",
    412: b"Precondition Failed", 413: b"Content Too Large", 415: b"Unsupported Media Type",
    416: b"Range Not Satisfiable", 417: b"Expectation Failed", 422: b"Unprocessable Content",
    424: b"Failed Dependency", 426: b"Upgrade Required", 429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error", 501: b"Not Implemented", 502: b"Bad Gateway", 503: b"Service Unavailable",
    504: b"Gateway Timeout", 505: b"HTTP Version Not Supported",
}  # fmt: skip


BODILESS: Final = frozenset({204, 304})


class BodyTooLargeError(Exception):
    """The body is longer than the reader allows. `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit} bytes.")
        self.limit = limit


class BodyIncompleteError(Exception):
    """The client went away, or broke the framing, before the body was complete."""


class ConnectionDroppedError(Exception):
    """Raised by a handler whose client is to see the connection close instead of an answer."""


class ReplyBrokenError(Exception):
    """Raised by a streamed reply that can't be brought to its end: the client is to see that something is missing."""


class BodyStream(Protocol):
    """A body that is still arriving."""

    @property
    def trailers(self) -> Mapping[bytes, bytes]:
        """The fields that came behind it, once it is complete; names are lower case."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the parts as they come; raises `BodyIncompleteError` if the rest never does."""


class Request:
    """One HTTP request. Header names are lower case; a repeated header's values are joined by commas.

    `version` is that of HTTP, `keep_alive` whether the client wants to go on with the connection; `upgrade`, whether it
    wants to go on in WebSocket. `client` is its address and `client_port` its port, 0 where that isn't known;
    `server_port` is ours. `raw` is what the request was read from, behind which more may stand; nothing where it came
    in several parts.
    """

    __slots__ = (
        "_body", "client", "client_port", "headers", "keep_alive", "method", "raw", "raw_path", "raw_query", "scheme",
        "server_port", "stream", "upgrade", "version",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        target: bytes,
        headers: dict[bytes, bytes],
        body: bytes = b"",
        *,
        stream: BodyStream | None = None,
        scheme: str = "http",
        client: str = "",
        client_port: int = 0,
        server_port: int = 0,
    ) -> None:
        self.method = method
        self.headers = headers
        path, _, query = target.partition(b"?")
        self.raw_path = path.decode("latin-1")
        self.raw_query = query.decode("latin-1")
        self._body = body
        self.stream = stream
        self.scheme = scheme
        self.client = client
        self.client_port = client_port
        self.server_port = server_port
        self.version = "1.1"
        self.keep_alive = True
        self.upgrade = False
        self.raw = b""

    @property
    def path(self) -> str:
        """The path with its percent escapes resolved."""
        return unquote(self.raw_path) if "%" in self.raw_path else self.raw_path

    @property
    def body(self) -> bytes:
        """The complete body; for one that may be streamed use `read`."""
        assert self.stream is None, "this body is a stream"
        return self._body

    def header(self, name: bytes, default: str = "") -> str:
        """Return a header's value as text."""
        value = self.headers.get(name)
        return default if value is None else value.decode("latin-1")

    @property
    def origin(self) -> str:
        """Scheme and host as the client addressed them, for URLs in replies."""
        return f"{self.scheme}://{self.header(b'host', 'localhost')}"

    async def read(self, limit: int = BODY_BYTES_MAX) -> bytes:
        """Return the whole body, or raise `BodyTooLargeError`."""
        if self.stream is not None:
            parts = []
            size = 0
            async for part in self.stream:
                size += len(part)
                if size > limit:
                    raise BodyTooLargeError(limit)
                parts.append(part)
            self._body = b"".join(parts)
            self.stream = None
        elif len(self._body) > limit:
            raise BodyTooLargeError(limit)
        return self._body


class Response:
    """One HTTP response. The server adds Date, Content-Length or Transfer-Encoding, and Connection.

    `length` is that of a stream where it is known, or of the body that the reply to a HEAD leaves out; bytes. A stream
    that has a method `aclose` is told by it that no more is taken, which may be before anything was.
    """

    __slots__ = ("body", "headers", "length", "status")

    def __init__(
        self,
        status: int,
        headers: list[tuple[bytes, bytes]],
        body: bytes | AsyncIterator[bytes] = b"",
        length: int | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.length = length


class Switch(Response):
    """The response that ends HTTP on a connection: `begin` takes over, with what came behind the request.

    As a body it has none.
    """

    __slots__ = ("begin",)

    def __init__(
        self,
        headers: list[tuple[bytes, bytes]],
        begin: Callable[[Any, asyncio.Transport, bytes], None],
    ) -> None:
        super().__init__(101, headers, self)
        self.begin = begin

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


_STATUS_LINES: Final = {status: b"HTTP/1.1 %d %b\r\nDate: " % (status, reason) for status, reason in REASONS.items()}
_CLOSE: Final = b"Connection: close\r\n\r\n"
_KEEP: Final = b"Connection: keep-alive\r\n\r\n"


def encode_head(
    response: Response, date: bytes, length: int | None, version: str = "1.1", *, keep_alive: bool
) -> bytes:
    """Write the status line and headers; a `length` of None announces chunks, where `version` knows them."""
    status = response.status
    parts = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\nDate: " % status, date]
    for name, value in response.headers:
        parts += (b"\r\n", name, b": ", value)
    if length is not None:
        parts.append(b"\r\n" if status in BODILESS else b"\r\nContent-Length: %d\r\n" % length)
    else:
        parts.append(b"\r\nTransfer-Encoding: chunked\r\n" if version != "1.0" else b"\r\n")
    parts.append(b"\r\n" if keep_alive and version != "1.0" else _KEEP if keep_alive else _CLOSE)
    return b"".join(parts)


class Gateway(Protocol):
    """A cloud's front door."""

    def claims(self, request: Request) -> bool:
        """Tell by host, path and headers whether a request is for this cloud."""

    def handle(self, request: Request) -> Coroutine[object, object, Response]:
        """Answer a request in the cloud's own form, errors included."""


Handler: TypeAlias = "Callable[[Request], Coroutine[object, object, Response]]"
