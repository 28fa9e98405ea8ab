"""One HTTP/1.1 connection, the hot path: an `asyncio.Protocol`.

Requests of a connection are answered in their order. A handler that never has to wait is run to its end inside
the read callback; one that waits is driven on by what it waits for, and cancelled if the client goes away.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias, cast

from fogbank.wire.bodies import write_stream
from fogbank.wire.connections import server_port
from fogbank.wire.drive import Drive
from fogbank.wire.http import (
    BODILESS,
    BodyIncompleteError,
    ConnectionDroppedError,
    ReplyBrokenError,
    Response,
    Switch,
    encode_head,
)
from fogbank.wire.http1_reader import RequestReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.wire.connections import Connections, Departures
    from fogbank.wire.http import Handler, Request
    from fogbank.wire.http1_reader import Bodies

    Taker: TypeAlias = "Callable[[asyncio.Transport, bytes], None]"

PIPELINED_MAX: Final = 64

_log = logging.getLogger(__name__)


class Patience(NamedTuple):
    """How long a client may take, in seconds; it is looked at every `sweep` seconds.

    `request`: from the first byte of a request to its last, and between the parts of a streamed body. `idle`:
    between requests. `reply`: to take something of a reply that doesn't fit into the connection's buffers.
    `half_closed`: how long a client that sends nothing more gets for a reply, since it may be gone altogether.
    `linger`: how long the rest of what it sends is thrown away after a refusal, so that it can read the answer.
    """

    sweep: float = 1.0
    request: float = 30.0
    idle: float = 75.0
    reply: float = 60.0
    half_closed: float = 1.0
    linger: float = 5.0


class ServerSide(Protocol):
    """What a connection needs of the server that it belongs to."""

    handler: Handler
    patience: Patience
    bodies: Bodies
    closing: bool
    departures: Departures
    connections: Connections[Connection]
    # Who takes over connections that begin with these bytes, with what was read of them.
    others: Sequence[tuple[bytes, Taker]]

    def forget(self, connection: Connection) -> None:
        """Take note that a connection is gone."""

    def date(self) -> bytes:
        """Return the value of the Date header, now."""

    def refusal(self, status: int, request: Request) -> Response:
        """Word the answer to something that never became a request."""


class Connection(asyncio.Protocol):
    """A client's connection: takes requests from its reader, has them handled one by one, writes the replies."""

    def __init__(self, server: ServerSide) -> None:
        self._server = server
        self._handler = server.handler
        self._transport: asyncio.Transport = None  # type: ignore[assignment] # connection_made sets it
        self._loop = asyncio.get_running_loop()
        self._reader = RequestReader(self, server.bodies)
        self._feed = self._look if server.others else self._reader.feed
        self._looked_at = b""
        self._secure = False
        # The request that is being answered, what is being done about it, and those behind it.
        self._current: Request | None = None
        self._under_way: Drive[Response] | asyncio.Task[None] | None = None
        self._replying = False
        self._queue: deque[Request] = deque()
        self._refusal: tuple[int, Request] | None = None
        self._keep_alive = True
        self._invited = False
        self._lost = False
        self._ending = False
        self._half_closed = False
        self._body_full = False
        self._reading = True
        self._writable = asyncio.Event()
        self._writable.set()
        self._answered = 0
        self._waits_for: tuple[str, float, int, int] | None = None
        self._waits_since = 0.0

    @property
    def client_port(self) -> int:
        """The client's port, 0 where that isn't known."""
        return self._reader.port

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = transport  # type: ignore[assignment] # a stream server's transports can read and write
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self._reader.client, self._reader.port = str(peer[0]), int(peer[1])
            self._reader.server_port = server_port(transport)
        else:
            self._reader.client = "local"
        if transport.get_extra_info("sslcontext") is not None:
            self._reader.scheme = "https"
            self._secure = True
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what was being done for the client."""
        self._lost = True
        self._server.forget(self)
        self._queue.clear()
        self._reader.lose()
        self._writable.set()
        if self._under_way is not None:
            self._under_way.cancel()

    def data_received(self, data: bytes) -> None:
        """Read requests; what comes after the last one is thrown away."""
        self._feed(data)

    def eof_received(self) -> bool:
        """Answer what the client asked before it stopped sending, then close."""
        self._half_closed = True
        self._reader.end(status=400)
        # TLS can't be closed one way only.
        return not self._secure and (self._current is not None or bool(self._queue))

    def pause_writing(self) -> None:
        """Note that the client reads more slowly than we write."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Note that the client has caught up."""
        self._writable.set()
        if self._current is None and (self._queue or self._refusal is not None):
            self._next()

    # What the reader and the bodies call.

    @property
    def flow(self) -> Connection:
        """What a body can hold back."""
        return self

    def take(self, request: Request) -> None:
        """Answer a request, or let it wait its turn."""
        if self._current is None and not self._queue and self._writable.is_set():
            self._start(request)
        else:
            self._queue.append(request)
            if request.stream is None:
                # It didn't wait to be invited.
                self._invited = False
            self._regulate()

    def invite(self) -> None:
        """Ask for the body that the client holds back, once everything before it is answered."""
        self._invited = True
        if self._current is None and not self._queue:
            self._continue()

    def refuse(self, status: int, request: Request) -> None:
        """Let a refusal be the last answer, after those to the requests before it."""
        self._refusal = (status, request)
        stream = request.stream
        if self._current is None and not self._queue:
            self._end()
        elif stream is not None and self._queue and self._queue[-1].stream is stream:
            self._queue.pop()
        elif stream is not None and self._current is not None and self._current.stream is stream:
            # The body of the request under way will never be whole: the refusal takes the place of its answer.
            if self._replying or self._under_way is None:
                self._abort()
            else:
                self._under_way.cancel()

    def pause_body(self) -> None:
        """Stop reading until somebody takes what has come."""
        self._body_full = True
        self._regulate()

    def resume_body(self) -> None:
        """Read on."""
        self._body_full = False
        self._regulate()

    # What the server calls.

    def close_when_idle(self) -> None:
        """Close now, or once the requests that have begun are answered."""
        self._keep_alive = False
        if self._current is None and not self._queue and not self._reader.receiving:
            self._end()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._abort()

    def sweep(self, now: float) -> None:
        """End the connection if its client has not moved in time; `now` is the loop's time."""
        waits_for = self._waiting_for()
        if waits_for != self._waits_for:
            self._waits_for = waits_for
            self._waits_since = now
        elif waits_for is not None and now - self._waits_since >= waits_for[1]:
            self._expire(waits_for[0])

    # Requests and responses.

    def _look(self, data: bytes) -> None:
        """Tell by the first bytes whether the connection is for us."""
        data = self._looked_at + data
        self._looked_at = b""
        for beginning, take in self._server.others:
            if data.startswith(beginning):
                self._lost = True
                self._server.forget(self)
                take(self._transport, data)
                return
            if beginning.startswith(data):
                self._looked_at = data
        if not self._looked_at:
            self._feed = self._reader.feed
            self._feed(data)

    def _start(self, request: Request) -> None:
        if self._lost:
            return
        self._current = request
        self._keep_alive = self._keep_alive and request.keep_alive and not self._server.closing
        if self._invited and request.stream is not None:
            self._continue()
        work = self._handler(request)
        try:
            waits_for = work.send(None)
        except StopIteration as stop:
            self._finished(request, stop.value, None)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - answered with a 500 and logged
            self._finished(request, None, error)
        else:
            self._under_way = Drive(work, cast("asyncio.Future[Any]", waits_for), partial(self._finished, request))

    def _finished(self, request: Request, response: Response | None, error: BaseException | None) -> None:
        self._under_way = None
        if self._lost:
            return
        if self._refusal is not None and self._refusal[1].stream is request.stream is not None:
            self._next()
        elif isinstance(error, asyncio.CancelledError | BodyIncompleteError | ConnectionDroppedError):
            self._abort()
        else:
            try:
                if response is None:
                    _log.error("%s %s failed", request.method, request.raw_path, exc_info=error)
                    response = self._server.refusal(500, request)
                self._respond(request, response)
            except Exception:  # noqa: BLE001 - whatever the application returned, the connection must end
                _log.exception("no answer could be written to %s %s", request.method, request.raw_path)
                self._abort()

    def _respond(self, request: Request, response: Response) -> None:
        if request.stream is not None and request.stream is self._reader.stream:
            # The rest of the body, which nobody wants, is still to come, and all else would come behind it.
            self._keep_alive = False
        body, length = response.body, response.length
        silent = request.method == "HEAD" or response.status in BODILESS
        if isinstance(body, bytes):
            length = length if silent and length is not None else len(body)
            head = encode_head(response, self._server.date(), length, request.version, keep_alive=self._keep_alive)
            self._server.departures.add(self._transport, head if silent else head + body)
            self._next()
        else:
            if isinstance(response, Switch):
                self._switch(response)
                return
            chunked = length is None and request.version != "1.0"
            self._keep_alive = self._keep_alive and (chunked or length is not None)
            head = encode_head(response, self._server.date(), length, request.version, keep_alive=self._keep_alive)
            self._write(head)
            self._replying = True
            writing = write_stream(self._transport, self._writable, body, length, chunked=chunked, silent=silent)
            task = self._under_way = self._loop.create_task(writing)
            task.add_done_callback(self._written)

    def _switch(self, response: Switch) -> None:
        """Answer that HTTP is over, and hand the connection over."""
        lines = b"".join([b"%b: %b\r\n" % header for header in response.headers])
        self._write(b"HTTP/1.1 101 Switching Protocols\r\n%b\r\n" % lines)
        self._lost = True
        self._server.forget(self)
        response.begin(self._server, self._transport, self._reader.give_up())

    def _written(self, task: asyncio.Task[None]) -> None:
        self._under_way = None
        if task.cancelled():
            self._abort()
        elif (error := task.exception()) is not None:
            if not isinstance(error, ReplyBrokenError):
                _log.error("a streamed reply broke off", exc_info=error)
            self._abort()
        else:
            self._next()

    def _next(self) -> None:
        """Go on to what the client waits for next."""
        current, self._current = self._current, None
        self._replying = False
        self._answered += 1
        if not self._keep_alive:
            self._end()
        elif current is not None and current.upgrade:
            # Not called from here, as below.
            self._loop.call_soon(self._reader.decline)
        elif self._queue:
            if self._writable.is_set():
                self._current = self._queue.popleft()
                self._regulate()
                # Not called from here, or a long pipeline would grow the stack by a frame for each request.
                self._loop.call_soon(self._start, self._current)
        elif self._refusal is not None or self._half_closed:
            self._end()
        elif self._invited:
            self._continue()

    def _write(self, data: bytes) -> None:
        """Write something at once, behind what was to leave before."""
        self._server.departures.flush()
        self._transport.write(data)

    def _abort(self) -> None:
        """Close at once; what was answered before leaves."""
        self._server.departures.flush()
        self._transport.abort()

    def _continue(self) -> None:
        self._invited = False
        self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _end(self) -> None:
        """Say the last word, if there is one to say, and close."""
        if self._ending or self._transport.is_closing():
            return
        self._ending = True
        self._reader.deaf = True
        self._queue.clear()
        unread = self._reader.receiving and not self._half_closed
        if self._refusal is not None:
            response = self._server.refusal(*self._refusal)
            assert isinstance(response.body, bytes)
            head = encode_head(response, self._server.date(), len(response.body), keep_alive=False)
            self._server.departures.add(self._transport, head + response.body)
        self._server.departures.flush()
        if not unread or self._secure:
            self._transport.close()
            return
        # Closing at once, with something still to be read, could destroy the answer on its way.
        self._body_full = False
        self._regulate()
        self._transport.write_eof()

    # Limits.

    def _regulate(self) -> None:
        """Read from the client, or let it wait."""
        reading = not self._body_full and len(self._queue) < PIPELINED_MAX
        if reading != self._reading and not self._transport.is_closing():
            self._reading = reading
            if reading:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _waiting_for(self) -> tuple[str, float, int, int] | None:
        """Return what the client has to do, how long it may take, and what changes when it has moved."""
        patience, reader = self._server.patience, self._reader
        if self._ending or not self._writable.is_set():
            unsent = self._transport.get_write_buffer_size()
            return ("reply", patience.reply, unsent, 0) if unsent else ("linger", patience.linger, 0, 0)
        if reader.receiving and self._reading and not self._invited:
            return ("request", patience.request, reader.began, 0 if reader.stream is None else reader.body_bytes)
        if self._current is None:
            return ("idle", patience.idle, self._answered, 0)
        if self._half_closed and not self._replying:
            return ("half closed", patience.half_closed, self._answered, 0)
        return None

    def _expire(self, what: str) -> None:
        if what == "request":
            self._reader.end(status=408)
        elif what == "idle":
            self._end()
        else:
            self._abort()
