"""One HTTP/1.1 connection, the hot path: an `asyncio.Protocol` on httptools.

Requests of a connection are answered in their order. A handler that never has to wait is run to its end inside
the read callback; one that waits is driven on by what it waits for, and cancelled if the client goes away.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import httptools

from fogbank.wire.drive import Drive
from fogbank.wire.http import (
    BODILESS,
    BODY_BUFFERED_BYTES_MAX,
    BODY_BYTES_MAX,
    KIB,
    BodyIncompleteError,
    Request,
    Response,
    encode_head,
)
from fogbank.wire.http1_body import IncomingBody, write_chunks

if TYPE_CHECKING:
    from fogbank.wire.http import Handler

HEADER_BYTES_MAX: Final = 64 * KIB
PIPELINED_MAX: Final = 64
IDLE_SECONDS_MAX: Final = 75.0
# A request must arrive, and a streamed body move on, within this time.
RECEIVE_SECONDS_MAX: Final = 30.0
# After a refusal the rest of what the client sends is thrown away this long, so that it can read the answer.
LINGER_SECONDS_MAX: Final = 2.0

_log = logging.getLogger(__name__)


class ServerSide(Protocol):
    """What a connection needs of the server that it belongs to."""

    handler: Handler
    closing: bool
    connections: set[Connection]

    def forget(self, connection: Connection) -> None:
        """Take note that a connection is gone."""

    def date(self) -> bytes:
        """Return the value of the Date header, now."""

    def refusal(self, status: int, request: Request) -> Response:
        """Word the answer to something that never became a request."""


class Connection(asyncio.Protocol):
    """A client's connection; `deadline` is the loop time by which the client must have moved on."""

    def __init__(self, server: ServerSide) -> None:
        self.deadline: float | None = None
        self._server = server
        self._handler = server.handler
        self._transport: asyncio.Transport = None  # type: ignore[assignment] # connection_made sets it
        self._loop = asyncio.get_running_loop()
        self._parser: Any = httptools.HttpRequestParser(self)
        self._client = ""
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._receiving = False
        self._stream: IncomingBody | None = None
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._under_way: Drive[Response] | asyncio.Task[None] | None = None
        self._busy = False
        self._keep_alive = True
        self._refused = False
        self._writable = asyncio.Event()
        self._writable.set()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = transport  # type: ignore[assignment] # a stream server's transports can read and write
        peer = transport.get_extra_info("peername")
        self._client = str(peer[0]) if isinstance(peer, tuple) else "local"
        self._expect_within(IDLE_SECONDS_MAX)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what was being done for the client."""
        self._server.forget(self)
        self._writable.set()
        self._waiting.clear()
        if self._stream is not None:
            self._stream.finish(broken=True)
        if self._under_way is not None:
            self._under_way.cancel()

    def eof_received(self) -> bool:
        """Answer what the client asked before it stopped sending, then close."""
        if self._receiving:
            self._refuse(400)
        self._keep_alive = False
        return self._busy

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived."""
        while not self._refused:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # Offers of another protocol are declined by answering in this one.
                self._parser = httptools.HttpRequestParser(self)
                data = data[upgrade.args[0] :]
                if data:
                    continue
            except httptools.HttpParserError:
                self._refuse(400)
            return

    def pause_writing(self) -> None:
        """Note that the client reads more slowly than we write."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Note that the client has caught up."""
        self._writable.set()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Start a request."""
        self._target = b""
        self._headers = {}
        self._header_bytes = self._body_bytes = 0
        self._body = []
        self._receiving = True
        self._expect_within(RECEIVE_SECONDS_MAX)

    def on_url(self, part: bytes) -> None:
        """Take a part of the request target."""
        self._target += part
        self._count_header(len(part))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count_header(len(name) + len(value))
        name = name.lower()
        if name in self._headers:
            value = self._headers[name] + b", " + value
        self._headers[name] = value

    def on_headers_complete(self) -> None:
        """Decide how the body is received."""
        if self._refused:
            return
        declared = self._headers.get(b"content-length", b"0")
        length = int(declared) if declared.isdigit() else 0
        if length > BODY_BYTES_MAX:
            self._refuse(413)
            return
        if self._headers.get(b"expect", b"").lower() == b"100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if length > BODY_BUFFERED_BYTES_MAX:
            self._begin_stream()

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        if self._refused:
            return
        self._body_bytes += len(part)
        if self._body_bytes > BODY_BYTES_MAX:
            self._refuse(413)
        elif self._stream is not None:
            self._expect_within(RECEIVE_SECONDS_MAX)
            self._stream.feed(part)
        else:
            self._body.append(part)
            if self._body_bytes > BODY_BUFFERED_BYTES_MAX:
                self._begin_stream()

    def on_message_complete(self) -> None:
        """Answer the request, or let it wait its turn."""
        if self._refused:
            return
        self._receiving = False
        self.deadline = None
        if self._stream is not None:
            self._stream.finish(broken=False)
            self._stream = None
        else:
            body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            self._enqueue(self._request(body))

    # What the server and streamed bodies call.

    def close_when_idle(self) -> None:
        """Close now, or once the requests under way are answered."""
        self._keep_alive = False
        if not self._busy:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()

    def expire(self) -> None:
        """End the connection: its client has not moved in time."""
        if self._receiving and not self._refused:
            self._refuse(408)
        else:
            self._transport.abort()

    def pause_body(self) -> None:
        """Stop reading; it isn't the client's turn to move now."""
        self.deadline = None
        self._transport.pause_reading()

    def resume_body(self) -> None:
        """Read on."""
        if not self._transport.is_closing():
            self._expect_within(RECEIVE_SECONDS_MAX)
            self._transport.resume_reading()

    # Requests and responses.

    def _begin_stream(self) -> None:
        stream = self._stream = IncomingBody(self)
        for part in self._body:
            stream.feed(part)
        self._enqueue(self._request(b"", stream))

    def _request(self, body: bytes, stream: IncomingBody | None = None) -> Request:
        method = self._parser.get_method().decode("ascii")
        return Request(method, self._target, self._headers, body, stream=stream, client=self._client)

    def _enqueue(self, request: Request) -> None:
        keep_alive = self._parser.should_keep_alive()
        if not self._busy:
            self._start(request, keep_alive=keep_alive)
            return
        self._waiting.append((request, keep_alive))
        if len(self._waiting) >= PIPELINED_MAX:
            self._transport.pause_reading()

    def _start(self, request: Request, *, keep_alive: bool) -> None:
        self._busy = True
        self._keep_alive = self._keep_alive and keep_alive and not self._server.closing
        work = self._handler(request)
        try:
            waits_for = work.send(None)
        except StopIteration as stop:
            self._respond(request, stop.value)
        except Exception as error:  # noqa: BLE001 - answered with a 500 and logged
            self._crashed(request, error)
        else:
            self._under_way = Drive(work, cast("asyncio.Future[Any]", waits_for), partial(self._finished, request))

    def _finished(self, request: Request, response: Response | None, error: BaseException | None) -> None:
        self._under_way = None
        if response is not None:
            self._respond(request, response)
        elif isinstance(error, asyncio.CancelledError):
            self._transport.abort()
        else:
            assert error is not None
            self._crashed(request, error)

    def _crashed(self, request: Request, error: BaseException) -> None:
        if isinstance(error, BodyIncompleteError):
            self._transport.abort()
            return
        _log.error("%s %s failed", request.method, request.raw_path, exc_info=error)
        self._respond(request, self._server.refusal(500, request))

    def _respond(self, request: Request, response: Response) -> None:
        if self._refused or self._transport.is_closing():
            return
        if request.stream is not None and not request.stream.consumed:
            # The rest of the body is still to come; there is no next request that could be found behind it.
            self._keep_alive = False
        silent = request.method == "HEAD" or response.status in BODILESS
        body = response.body
        length = len(body) if isinstance(body, bytes) else None
        text = encode_head(response, self._server.date(), length, close=not self._keep_alive)
        if isinstance(body, bytes):
            self._transport.write(text if silent else text + body)
            self._next()
        else:
            self._transport.write(text)
            writing = write_chunks(self._transport, self._writable, body, silent=silent)
            task = self._under_way = self._loop.create_task(writing)
            task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._under_way = None
        if task.cancelled():
            self._transport.abort()
        elif (error := task.exception()) is not None:
            _log.error("a streamed response broke off", exc_info=error)
            self._transport.abort()
        else:
            self._next()

    def _next(self) -> None:
        self._busy = False
        if not self._keep_alive and not self._waiting:
            self._linger() if self._receiving else self._transport.close()
        elif self._waiting:
            request, keep_alive = self._waiting.popleft()
            self._transport.resume_reading()
            self._busy = True
            # Not called from here, or a long pipeline would grow the stack by a frame for each request.
            self._loop.call_soon(lambda: self._start(request, keep_alive=keep_alive))
        elif not self._receiving:
            self._expect_within(IDLE_SECONDS_MAX)

    # Limits.

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > HEADER_BYTES_MAX:
            self._refuse(431)

    def _expect_within(self, seconds: float) -> None:
        self.deadline = self._loop.time() + seconds

    def _refuse(self, status: int) -> None:
        """Answer what can't become a request, and close."""
        if self._refused or self._transport.is_closing():
            return
        self._refused = True
        if self._stream is not None:
            self._stream.finish(broken=True)
        if not self._busy:
            response = self._server.refusal(status, Request("POST", self._target or b"/", self._headers))
            assert isinstance(response.body, bytes)
            text = encode_head(response, self._server.date(), len(response.body), close=True)
            self._transport.write(text + response.body)
        elif self._under_way is not None:
            self._under_way.cancel()
        self._linger()

    def _linger(self) -> None:
        """Close for writing, and let the client finish: closing at once could destroy the answer on its way."""
        self._refused = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._expect_within(LINGER_SECONDS_MAX)
