"""The application as ASGI sees it: gRPC calls go to their own, other requests to the handler that answers HTTP/1.1."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeAlias

from fogbank.wire.http import BODILESS, BODY_BUFFERED_BYTES_MAX, BodyIncompleteError, Request, Response
from fogbank.wire.http1_body import close_stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping

    from fogbank.wire.grpc.calls import GrpcApplication
    from fogbank.wire.http import Handler

Scope: TypeAlias = "MutableMapping[str, Any]"
Event: TypeAlias = "MutableMapping[str, Any]"
Receive: TypeAlias = "Callable[[], Awaitable[Event]]"
Send: TypeAlias = "Callable[[Event], Awaitable[None]]"
Application: TypeAlias = "Callable[[Scope, Receive, Send], Awaitable[None]]"
Headers: TypeAlias = "list[tuple[bytes, bytes]]"

_log = logging.getLogger(__name__)


class Front:
    """Tells calls from other requests; `grpc` makes their application when there is a first one.

    `websocket` is the application of WebSocket connections. They are closed without one, before they are accepted.
    """

    def __init__(
        self,
        handler: Handler,
        grpc: Callable[[], GrpcApplication],
        refuse: Callable[[int, Request], Response],
        websocket: Application | None = None,
    ) -> None:
        self._handler = handler
        self._make_grpc = grpc
        self._refuse = refuse
        self._grpc: GrpcApplication | None = None
        self._websocket = websocket

    def end_streams(self) -> None:
        """End what would go on for as long as clients like."""
        if self._grpc is not None:
            self._grpc.end_streams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what comes in."""
        if scope["type"] == "websocket":
            if self._websocket is None:
                await receive()
                await send({"type": "websocket.close", "code": 1000})
            else:
                await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            if any(
                name == b"content-type" and value.startswith(b"application/grpc") for name, value in scope["headers"]
            ):
                if self._grpc is None:
                    self._grpc = self._make_grpc()
                await self._grpc(scope, receive, send)
            else:
                await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _read_request(scope, receive)
        loop = asyncio.get_running_loop()
        work = loop.create_task(_run(self._handler, request))
        watch = None if request.stream is not None else loop.create_task(_cancel_with_client(receive, work))
        try:
            response = await work
        except (asyncio.CancelledError, BodyIncompleteError):
            if not work.cancelled() and not work.done():
                raise
            return
        except Exception:  # noqa: BLE001 - answered with a 500, and logged
            _log.exception("%s %s failed", request.method, request.raw_path)
            response = self._refuse(500, request)
        finally:
            if watch is not None:
                watch.cancel()
        if isinstance(response.body, bytes):
            await _write_response(response, request.method, send)
        else:
            await self._stream(response, request.method, receive, send)

    async def _stream(self, response: Response, method: str, receive: Receive, send: Send) -> None:
        """Send a streamed reply for as long as the client is there."""
        loop = asyncio.get_running_loop()
        writing = loop.create_task(_write_response(response, method, send))
        watch = loop.create_task(_cancel_with_client(receive, writing))
        try:
            await writing
        except asyncio.CancelledError:
            if not writing.cancelled():
                writing.cancel()
                raise
        finally:
            watch.cancel()
            assert not isinstance(response.body, bytes)
            await close_stream(response.body)


async def _run(handler: Handler, request: Request) -> Response:
    return await handler(request)


async def _cancel_with_client(receive: Receive, work: asyncio.Task[Any]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    work.cancel()


async def _read_request(scope: Scope, receive: Receive) -> Request:
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        headers[name] = headers[name] + b", " + value if name in headers else value
    target: bytes = scope["raw_path"]
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    client = scope.get("client")
    parts: list[bytes] = []
    size = 0
    more = True
    while more and size <= BODY_BUFFERED_BYTES_MAX:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise BodyIncompleteError
        part = event.get("body", b"")
        parts.append(part)
        size += len(part)
        more = event.get("more_body", False)
    body = b"".join(parts)
    stream = _Incoming(body, receive) if more else None
    return Request(
        scope["method"],
        target,
        headers,
        b"" if more else body,
        stream=stream,
        scheme=scope["scheme"],
        client=str(client[0]) if client else "local",
    )


class _Incoming:
    """A body that is still arriving."""

    def __init__(self, begun: bytes, receive: Receive) -> None:
        # ASGI doesn't pass on those of requests.
        self.trailers: dict[bytes, bytes] = {}
        self._begun = begun
        self._receive = receive

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._begun
        more = True
        while more:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise BodyIncompleteError
            yield event.get("body", b"")
            more = event.get("more_body", False)


async def _write_response(response: Response, method: str, send: Send) -> None:
    # Names are lower case in HTTP/2, and what belongs to a connection has no place there.
    headers = [(name.lower(), value) for name, value in response.headers if name.lower() != b"connection"]
    body = response.body
    silent = method == "HEAD" or response.status in BODILESS
    length = response.length if response.length is not None or not isinstance(body, bytes) else len(body)
    if length is not None and response.status not in BODILESS:
        headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if isinstance(body, bytes):
        await send({"type": "http.response.body", "body": b"" if silent else body})
        return
    if not silent:
        async for part in body:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
