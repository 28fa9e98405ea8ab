"""Requests in HTTP/2 that aren't gRPC calls: the handler that answers HTTP/1.1 answers them."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from fogbank.wire.bodies import IncomingBody, close_stream
from fogbank.wire.drive import Drive
from fogbank.wire.http import (
    BODILESS,
    BODY_BUFFERED_BYTES_MAX,
    BodyIncompleteError,
    ConnectionDroppedError,
    ReplyBrokenError,
    Request,
)
from fogbank.wire.http2.fields import encode_fields, encode_status
from fogbank.wire.http2.frames import ErrorCode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fogbank.wire.http import Handler, Response
    from fogbank.wire.http2.exchange import Exchange

_log = logging.getLogger(__name__)


class Conversation:
    """A request for the handler: it begins when the body is whole, or too large to wait for the rest of it."""

    def __init__(self, handler: Handler, refuse: Callable[[int, Request], Response], exchange: Exchange) -> None:
        self._handler = handler
        self._refuse = refuse
        self._exchange = exchange
        self._parts: list[bytes] = []
        self._size = 0
        self._stream: IncomingBody | None = None
        self._request: Request | None = None
        self._under_way: Drive[Response] | asyncio.Task[None] | None = None

    def data(self, part: bytes) -> None:
        """Take a part of the body."""
        if self._stream is not None:
            self._stream.feed(part)
            return
        self._parts.append(part)
        self._size += len(part)
        if self._size > BODY_BUFFERED_BYTES_MAX:
            self._stream = IncomingBody(self._exchange)
            for each in self._parts:
                self._stream.feed(each)
            self._parts.clear()
            self._start(b"")

    def end(self, trailers: list[tuple[bytes, bytes]]) -> None:
        """Take note that the body is whole."""
        if self._stream is not None:
            self._stream.trailers.update(trailers)
            self._stream.finish(broken=False)
        else:
            self._start(b"".join(self._parts))

    def lost(self) -> None:
        """Give up what was being done for the client."""
        if self._stream is not None:
            self._stream.finish(broken=True)
        if self._under_way is not None:
            self._under_way.cancel()

    def _start(self, body: bytes) -> None:
        head = self._exchange.head
        address, port = self._exchange.client
        request = self._request = Request(
            head.method,
            head.path,
            dict(head.values),
            body,
            stream=self._stream,
            scheme=head.scheme,
            client=address,
            client_port=port,
            server_port=self._exchange.server_port,
        )
        work = self._handler(request)
        try:
            waits_for = work.send(None)
        except StopIteration as stop:
            self._finished(request, stop.value, None)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - answered with a 500 and logged
            self._finished(request, None, error)
        else:
            done = partial(self._finished, request)
            self._under_way = Drive(work, cast("asyncio.Future[Any]", waits_for), done)

    def _finished(self, request: Request, response: Response | None, error: BaseException | None) -> None:
        self._under_way = None
        exchange = self._exchange
        if exchange.is_over:
            return
        if isinstance(error, asyncio.CancelledError | BodyIncompleteError):
            exchange.break_off(ErrorCode.CANCEL)
            return
        if isinstance(error, ConnectionDroppedError):
            exchange.drop_connection()
            return
        if response is None:
            _log.error("%s %s failed", request.method, request.raw_path, exc_info=error)
            response = self._refuse(500, request)
        body = response.body
        silent = request.method == "HEAD" or response.status in BODILESS
        exchange.start(_head(response, exchange.date()))
        if isinstance(body, bytes):
            exchange.send(b"" if silent else body)
            exchange.finish()
            return
        task = asyncio.get_running_loop().create_task(_write_stream(exchange, body, silent=silent))
        self._under_way = task
        task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._under_way = None
        if task.cancelled():
            self._exchange.break_off(ErrorCode.CANCEL)
        elif (error := task.exception()) is not None:
            if not isinstance(error, ReplyBrokenError):
                _log.error("a streamed reply broke off", exc_info=error)
            self._exchange.break_off(ErrorCode.INTERNAL_ERROR)


def _head(response: Response, date: bytes) -> bytes:
    body = response.body
    # Names are lower case here, and what belongs to a connection has no place.
    fields = [(name.lower(), value) for name, value in response.headers if name.lower() != b"connection"]
    length = response.length if response.length is not None or not isinstance(body, bytes) else len(body)
    if length is not None and response.status not in BODILESS:
        fields.append((b"content-length", b"%d" % length))
    fields.append((b"date", date))
    return encode_status(response.status) + encode_fields(fields)


async def _write_stream(exchange: Exchange, body: AsyncIterator[bytes], *, silent: bool) -> None:
    """Send a streamed reply at the client's pace."""
    try:
        if not silent:
            async for part in body:
                exchange.send(part)
                await exchange.drain()
                if exchange.is_over:
                    return
        exchange.finish()
    finally:
        await close_stream(body)
