"""The Runtime API of one instance, on a socket of its own.

AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes" (version 2018-06-01): the runtime
asks for the next invocation, and posts its response or error, or an error of its initialisation. Calls out of
turn are answered with 403 InvalidStateTransition.

The port can be reached by whoever is on this machine, so all but the instance's own processes are refused.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakSet

import msgspec

from fogbank.runtimes.link import Delivered
from fogbank.wire.http import BodyTooLargeError, Response
from fogbank.wire.server import HttpServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.kernel.clock import Clock
    from fogbank.runtimes.model import Invocation
    from fogbank.wire.http import Request
    from fogbank.wire.http1 import Connection

RESPONSE_BYTES_MAX: Final = 6 * 1_048_576 + 100
_PREFIX: Final = "/2018-06-01/runtime/"
ERROR_TYPE: Final = re.compile(r"(?:Runtime|Function)\.[A-Z][A-Za-z]+")


class RuntimeEndpoint:
    """Serves one runtime, which handles one invocation at a time; `is_own` tells its processes by address and port."""

    def __init__(self, clock: Clock, is_own: Callable[[str, int], bool]) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = HttpServer(self._handle, clock)
        self._is_own = is_own
        # Connections that were looked at already.
        self._admitted: WeakSet[Connection] = WeakSet()
        self._asking: asyncio.Future[tuple[Mapping[str, str], bytes]] | None = None
        self._current: str | None = None
        self._delivery: asyncio.Future[Delivered] | None = None
        self.port = 0
        # Done when the runtime asks for its first invocation, or reports that it couldn't be initialised.
        self.initialised: asyncio.Future[Delivered | None] = self._loop.create_future()

    @classmethod
    async def opened(cls, clock: Clock, is_own: Callable[[str, int], bool]) -> Self:
        """Listen on a free port of the loopback interface."""
        endpoint = cls(clock, is_own)
        endpoint.port = await endpoint._server.listen("127.0.0.1", 0)
        return endpoint

    async def close(self) -> None:
        """Stop listening and cut the runtime off."""
        await self._server.close(grace_seconds=0)

    def give(self, invocation: Invocation, context: Mapping[str, Any], deadline_ms: int) -> asyncio.Future[Delivered]:
        """Hand an invocation to the runtime, which waits for it; the future is what it makes of it."""
        assert self._current is None
        self._current = invocation.id
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
        if not self._admits(request):
            return _error(403, "Forbidden", "This is the Runtime API of another function")
        if not path.startswith(_PREFIX):
            return _error(404, "NotFound", f"There is nothing at {path}")
        parts = path[len(_PREFIX) :].split("/")
        if request.method == "GET" and parts == ["invocation", "next"]:
            return await self._next()
        if request.method == "POST" and parts == ["init", "error"]:
            return await self._init_error(request)
        if request.method == "POST" and len(parts) == 3 and parts[0] == "invocation":
            if parts[1] != self._current or self._delivery is None:
                return _error(400, "InvalidRequestID", "Invalid request ID")
            if parts[2] == "response":
                return await self._response(request)
            if parts[2] == "error":
                return await self._reported_error(request)
        return _error(404, "NotFound", f"There is nothing at {path}")

    def _admits(self, request: Request) -> bool:
        """Whether a request comes from the instance itself. A connection stays its own, whatever asks over it."""
        port = request.client_port
        connection = next((each for each in self._server.connections if each.client_port == port), None)
        if connection is None:
            return False
        if connection not in self._admitted:
            if not self._is_own(request.client, port):
                return False
            self._admitted.add(connection)
        return True

    async def _next(self) -> Response:
        if self._current is not None and self._waiting_event is None:
            return _error(403, "InvalidStateTransition", "State transition from Ready to Ready failed")
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
        if request.headers.get(b"lambda-runtime-function-response-mode") == b"streaming":
            return _error(400, "InvalidResponseMode", "Fogbank does not support streamed responses")
        try:
            body = await request.read(RESPONSE_BYTES_MAX)
        except BodyTooLargeError:
            size = int(request.header(b"content-length", "0") or 0)
            self._deliver(Delivered(b"", None, max(size, RESPONSE_BYTES_MAX + 1)))
            return _error(
                413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."
            )
        self._deliver(Delivered(body))
        return _accepted()

    async def _reported_error(self, request: Request) -> Response:
        body = await request.read(RESPONSE_BYTES_MAX)
        self._deliver(Delivered(body, _error_type(request)))
        return _accepted()

    async def _init_error(self, request: Request) -> Response:
        if self.initialised.done():
            return _error(403, "InvalidStateTransition", "State transition from Ready to InitError failed")
        body = await request.read(RESPONSE_BYTES_MAX)
        self.initialised.set_result(Delivered(body, _error_type(request)))
        return _accepted()

    def _deliver(self, delivered: Delivered) -> None:
        delivery, self._delivery, self._current = self._delivery, None, None
        if delivery is not None and not delivery.done():
            delivery.set_result(delivered)


def _error_type(request: Request) -> str:
    """Return the type that the runtime names; what isn't of the documented form is `Runtime.Unknown`."""
    named = request.header(b"lambda-runtime-function-error-type")
    return named if ERROR_TYPE.fullmatch(named) else "Runtime.Unknown"


def _accepted() -> Response:
    return Response(202, [(b"Content-Type", b"application/json")], b'{"status":"OK"}\n')


def _error(status: int, kind: str, message: str) -> Response:
    body = msgspec.json.encode({"errorMessage": message, "errorType": kind})
    return Response(status, [(b"Content-Type", b"application/json")], body)
