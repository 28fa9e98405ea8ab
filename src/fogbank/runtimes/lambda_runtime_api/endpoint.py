"""The Runtime API of one instance, on a socket of its own.

AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes" (version 2018-06-01): the runtime
asks for the next invocation, and posts its response or error, or an error of its initialisation. Calls out of
turn are answered with 403 InvalidStateTransition.

The port can be reached by whoever is on this machine, so all but the instance's own processes are refused.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from binascii import Error as Base64Error
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from fogbank.kernel.clock import wake
from fogbank.runtimes.lambda_runtime_api.own_callers import OwnCallers
from fogbank.runtimes.lambda_runtime_api.replies import accepted, error
from fogbank.runtimes.link import Delivered
from fogbank.runtimes.streams.reply import STREAMED_BYTES_MAX, ReplyStream
from fogbank.wire.http import BodyIncompleteError, BodyTooLargeError, Response
from fogbank.wire.http1 import Patience
from fogbank.wire.http1_reader import Bodies
from fogbank.wire.server import HttpServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fogbank.kernel.clock import Clock
    from fogbank.runtimes.contract import IsOwn
    from fogbank.runtimes.link import Companions
    from fogbank.runtimes.model import Invocation
    from fogbank.wire.http import Handler, Request

RESPONSE_BYTES_MAX: Final = 6 * 1_048_576 + 100
_PREFIX: Final = "/2018-06-01/runtime/"
# A streamed response may be long, and rest for as long as an invocation may take.
BODIES: Final = Bodies(bytes_max=2 * STREAMED_BYTES_MAX, chunks_at_once=True)
PATIENCE: Final = Patience(request=1_000.0)
_ERROR_TYPE: Final = b"lambda-runtime-function-error-type"
_ERROR_BODY: Final = b"lambda-runtime-function-error-body"
ERROR_TYPE: Final = re.compile(r"(?:Runtime|Function)\.[A-Z][A-Za-z]+")


class RuntimeEndpoint:
    """Serves one runtime, which handles one invocation at a time; `is_own` tells its processes by address and port."""

    def __init__(self, clock: Clock, is_own: IsOwn) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = HttpServer(self._handle, clock, patience=PATIENCE, bodies=BODIES)
        self._own = OwnCallers(self._server, is_own)
        self._asking: asyncio.Future[tuple[Mapping[str, str], bytes]] | None = None
        self._current: str | None = None
        self._delivery: asyncio.Future[Delivered] | None = None
        self._reply: ReplyStream | None = None
        self._streaming = False
        # Who answers other APIs on the same port.
        self.beside: Handler | None = None
        self.port = 0
        # Done when the runtime asks for its first invocation, or reports that it couldn't be initialised.
        self.initialised: asyncio.Future[Delivered | None] = self._loop.create_future()

    @classmethod
    async def opened(cls, clock: Clock, is_own: IsOwn) -> Self:
        """Listen on a free port of the loopback interface."""
        endpoint = cls(clock, is_own)
        endpoint.port = await endpoint._server.listen("127.0.0.1", 0)
        return endpoint

    @property
    def companions(self) -> Companions | None:
        """There are none that it knows of."""
        return None

    async def close(self) -> None:
        """Stop listening and cut the runtime off."""
        await self._server.close(grace_seconds=0)

    def give(self, invocation: Invocation, context: Mapping[str, Any], deadline_ms: int) -> asyncio.Future[Delivered]:
        """Hand an invocation to the runtime, which waits for it; the future is what it makes of it."""
        assert self._current is None
        self._current = invocation.id
        self._reply = invocation.reply
        event = invocation.event
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            **context,
        }
        self._delivery = self._loop.create_future()
        if self._asking is not None:
            asking, self._asking = self._asking, None
            asking.set_result((headers, event))
        else:
            # It has just posted its last response, and will ask in a moment.
            self._waiting_event = (headers, event)
        return self._delivery

    _waiting_event: tuple[Mapping[str, str], bytes] | None = None

    async def _handle(self, request: Request) -> Response:
        path = request.raw_path
        if not self._own.include(request):
            return error(403, "Forbidden", "This is the Runtime API of another function")
        if not path.startswith(_PREFIX):
            if self.beside is not None:
                return await self.beside(request)
            return error(404, "NotFound", f"There is nothing at {path}")
        parts = path[len(_PREFIX) :].split("/")
        if request.method == "GET" and parts == ["invocation", "next"]:
            return await self._next()
        if request.method == "POST" and parts == ["init", "error"]:
            return await self._init_error(request)
        if request.method == "POST" and len(parts) == 3 and parts[0] == "invocation":
            if parts[1] != self._current or self._delivery is None:
                return error(400, "InvalidRequestID", "Invalid request ID")
            if parts[2] == "response":
                return await self._response(request)
            if parts[2] == "error":
                return await self._reported_error(request)
        return error(404, "NotFound", f"There is nothing at {path}")

    async def _next(self) -> Response:
        if self._current is not None and self._waiting_event is None:
            return error(403, "InvalidStateTransition", "State transition from Ready to Ready failed")
        if not self.initialised.done():
            self.initialised.set_result(None)
        if self._waiting_event is not None:
            headers, event = self._waiting_event
            self._waiting_event = None
        else:
            self._asking = self._loop.create_future()
            headers, event = await self._asking
        fields = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        return Response(200, [(b"Content-Type", b"application/json"), *fields], event)

    async def _response(self, request: Request) -> Response:
        mode = request.headers.get(b"lambda-runtime-function-response-mode")
        if mode is not None:
            if mode.lower() != b"streaming":
                return error(400, "InvalidFunctionResponseMode", "Invalid function response mode")
            return await self._streamed_response(request)
        try:
            body = await request.read(RESPONSE_BYTES_MAX)
        except BodyTooLargeError:
            size = int(request.header(b"content-length", "0") or 0)
            self._deliver(Delivered(b"", None, max(size, RESPONSE_BYTES_MAX + 1)))
            return error(
                413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."
            )
        self._deliver(Delivered(body, head={"content_type": request.header(b"content-type")}))
        return accepted()

    async def _streamed_response(self, request: Request) -> Response:
        """Pass a response on while it arrives; what its trailers say decides how it ended.

        AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes", "Response streaming".
        """
        if self._streaming:
            return error(403, "InvalidStateTransition", "State transition from Invocation-response failed")
        reply = self._reply or ReplyStream.collecting(RESPONSE_BYTES_MAX)
        reply.begin({"content_type": request.header(b"content-type")})
        delivery = self._delivery
        self._streaming = True
        try:
            async for part in _parts(request):
                if not reply.feed(part):
                    room = self._loop.create_future()
                    reply.when_room(partial(wake, room))
                    await room
                if reply.too_large:
                    break
        except (BodyIncompleteError, asyncio.CancelledError):
            # The runtime's connection is gone.
            if delivery is self._delivery:
                self._deliver(Delivered(_truncated(), "Runtime.TruncatedResponse"))
            raise
        finally:
            self._streaming = False
        if delivery is not self._delivery:
            return error(400, "InvalidRequestID", "Invalid request ID")
        if reply.too_large:
            self._deliver(Delivered(b"", None, too_large=reply.size))
            return error(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size.")
        self._deliver(_ending(request, reply))
        return accepted()

    async def _reported_error(self, request: Request) -> Response:
        body = await request.read(RESPONSE_BYTES_MAX)
        self._deliver(Delivered(body, _error_type(request)))
        return accepted()

    async def _init_error(self, request: Request) -> Response:
        if self.initialised.done():
            return error(403, "InvalidStateTransition", "State transition from Ready to InitError failed")
        body = await request.read(RESPONSE_BYTES_MAX)
        self.initialised.set_result(Delivered(body, _error_type(request)))
        return accepted()

    def _deliver(self, delivered: Delivered) -> None:
        delivery, self._delivery, self._current = self._delivery, None, None
        self._reply = None
        if delivery is not None and not delivery.done():
            delivery.set_result(delivered)


async def _parts(request: Request) -> AsyncIterator[bytes]:
    if request.stream is None:
        yield request.body
    else:
        async for part in request.stream:
            yield part


def _ending(request: Request, reply: ReplyStream) -> Delivered:
    """Return what became of a response that was streamed: an error, if its trailers have one."""
    trailers = {} if request.stream is None else request.stream.trailers
    kind = trailers.get(_ERROR_TYPE)
    if kind is None:
        return Delivered(bytes(reply.kept), head=reply.head)
    try:
        body = b64decode(trailers.get(_ERROR_BODY, b""), validate=True)
    except (Base64Error, ValueError):
        body = b""
    named = kind.decode("latin-1")
    return Delivered(body or msgspec.json.encode({"errorType": named, "errorMessage": ""}), _known_type(named))


def _truncated() -> bytes:
    message = "The response ended before it was complete."
    return msgspec.json.encode({"errorType": "Runtime.TruncatedResponse", "errorMessage": message})


def _error_type(request: Request) -> str:
    """Return the type that the runtime names."""
    return _known_type(request.header(_ERROR_TYPE))


def _known_type(named: str) -> str:
    """Return an error's type; what isn't of the documented form is `Runtime.Unknown`."""
    return named if ERROR_TYPE.fullmatch(named) else "Runtime.Unknown"
