"""The ASGI application that answers gRPC calls: all four kinds, deadlines, cancellation, rich status.

It knows nothing of the server that it runs under: what it asks for is ASGI 3 with the extension
`http.response.trailers`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from fogbank.wire.grpc.framing import ENCODINGS, MESSAGE_BYTES_MAX, FrameReader, frame
from fogbank.wire.grpc.metadata import read_metadata, read_timeout, to_base64, write_metadata
from fogbank.wire.grpc.service import Call, Method, Methods
from fogbank.wire.grpc.status import Code, GrpcError, percent_encode
from fogbank.wire.grpc.types import DecodeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fogbank.wire.asgi import Headers, Receive, Scope, Send

# So much of a stream waits for whoever takes it before the client has to: one message, or several within these.
MESSAGES_WAITING_MAX: Final = 64
BYTES_WAITING_MAX: Final = 4_194_304
_CONTENT_TYPES: Final = frozenset({b"application/grpc", b"application/grpc+proto"})
_ACCEPTED: Final = (b"grpc-accept-encoding", ",".join(ENCODINGS).encode())
_OK: Final = [(b"grpc-status", b"0")]
_log = logging.getLogger(__name__)


class GrpcApplication:
    """Answers calls of methods."""

    def __init__(self, methods: Methods, bytes_max: int = MESSAGE_BYTES_MAX) -> None:
        self._methods = methods
        self._bytes_max = bytes_max
        self._streams: set[asyncio.Task[Any]] = set()
        self._ending = False

    def end_streams(self) -> None:
        """End answers that go on for as long as their clients like, since the server is about to."""
        self._ending = True
        for task in self._streams:
            task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if scope["method"] != "POST" or kind not in _CONTENT_TYPES:
            await _refuse_http(405 if scope["method"] != "POST" else 415, send)
            return
        requests = _Requests(receive)
        answers = _Answers(self._methods, send)
        try:
            reader = requests.reader = FrameReader(_encoding(headers), self._bytes_max)
            method = self._methods.find(scope["path"])
            call = Call(_origin(scope, headers), read_metadata(scope["headers"]), read_timeout(headers))
        except GrpcError as error:
            await answers.fail(error)
            return
        answers.begin(call, _mirrored(headers))
        if method.quick:
            await _answer_quickly(method, call, reader, receive, answers)
            return
        await self._answer(method, call, requests, answers)

    async def _answer(self, method: Method, call: Call, requests: _Requests, answers: _Answers) -> None:
        """Run a method until it ends, the deadline passes, or the client goes away."""
        task = asyncio.current_task()
        assert task is not None
        pump = asyncio.get_running_loop().create_task(requests.pump(task))
        if method.server_streaming:
            self._streams.add(task)
        try:
            async with asyncio.timeout(call.timeout_seconds):
                await _run(method, call, requests, answers)
        except TimeoutError:
            await answers.fail(GrpcError(Code.DEADLINE_EXCEEDED, "Deadline Exceeded"))
        except asyncio.CancelledError:
            if not requests.gone and not self._ending:
                raise
            task.uncancel()
            if not requests.gone:
                await answers.fail(GrpcError(Code.UNAVAILABLE, "The server is shutting down."))
        except Exception as error:  # noqa: BLE001 - answered in gRPC's form, and logged
            await answers.fail(word(method, error))
        finally:
            self._streams.discard(task)
            pump.cancel()


async def _answer_quickly(method: Method, call: Call, reader: FrameReader, receive: Receive, answers: _Answers) -> None:
    """Run a method that doesn't wait, without watching the client."""
    try:
        found: list[bytes] = []
        more = True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            found += reader.feed(event.get("body", b""))
            more = event.get("more_body", False)
        reader.finish()
        if len(found) != 1:
            raise _not_one(len(found))
        answer = await method.run(method.service.deps, call, _parse(method, found[0]))
    except Exception as error:  # noqa: BLE001 - answered in gRPC's form, and logged
        await answers.fail(word(method, error))
    else:
        await answers.send_only(answer)


def _parse(method: Method, data: bytes) -> Any:
    try:
        return method.request.FromString(data)
    except DecodeError:
        what = method.request.DESCRIPTOR.full_name
        raise GrpcError(Code.INTERNAL, f"The request is not a {what}.") from None


def _not_one(count: int) -> GrpcError:
    return GrpcError(Code.UNIMPLEMENTED, f"This method takes one request message, not {count}.")


async def _run(method: Method, call: Call, requests: _Requests, answers: _Answers) -> None:
    given = requests.parsed(method)
    request = given if method.client_streaming else await _only(given)
    running = method.run(method.service.deps, call, request)
    if method.server_streaming:
        async for answer in running:
            await answers.send(answer)
    else:
        await answers.send(await running)
    await answers.end()


def word(method: Method, error: Exception) -> GrpcError:
    """Say what went wrong as a status; what nobody foresaw is logged."""
    if isinstance(error, GrpcError):
        return error
    worded = method.service.word(error)
    if worded is None:
        _log.error("%s/%s failed", method.service.name, method.name, exc_info=error)
        worded = GrpcError(Code.INTERNAL, "Internal error encountered.")
    return worded


class _Requests:
    """The messages of a call, as they come in."""

    def __init__(self, receive: Receive) -> None:
        self.reader: FrameReader
        self.gone = False
        self._receive = receive
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._ended = False
        self._error: GrpcError | None = None
        self._news = asyncio.Event()
        self._taken = asyncio.Event()

    async def pump(self, caller: asyncio.Task[Any]) -> None:
        """Take in what comes, until the client goes away: then its call is cancelled."""
        while True:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                self.gone = True
                caller.cancel()
                return
            if self._ended:
                continue
            try:
                for message in self.reader.feed(event.get("body", b"")):
                    self._waiting.append(message)
                    self._waiting_bytes += len(message)
                if not event.get("more_body", False):
                    self._ended = True
                    self.reader.finish()
            except GrpcError as error:
                self._error = error
                self._ended = True
            self._news.set()
            while len(self._waiting) > MESSAGES_WAITING_MAX or (
                len(self._waiting) > 1 and self._waiting_bytes > BYTES_WAITING_MAX
            ):
                self._taken.clear()
                await self._taken.wait()

    async def parsed(self, method: Method) -> AsyncIterator[Any]:
        """Yield the requests."""
        while True:
            while self._waiting:
                data = self._waiting.popleft()
                self._waiting_bytes -= len(data)
                self._taken.set()
                yield _parse(method, data)
            if self._error is not None:
                raise self._error
            if self._ended:
                return
            self._news.clear()
            await self._news.wait()


class _Answers:
    """What goes back to the caller."""

    def __init__(self, methods: Methods, send: Send) -> None:
        self._methods = methods
        self._send = send
        self._call: Call | None = None
        self._encoding = "identity"
        self._started = False
        self._over = False

    def begin(self, call: Call, encoding: str) -> None:
        """Take note of whom to answer, and how answers are compressed."""
        self._call = call
        self._encoding = encoding

    async def send(self, message: Any) -> None:
        """Send an answer."""
        await self._start()
        body = frame(message.SerializeToString(), self._encoding)
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def send_only(self, message: Any) -> None:
        """Send the one answer, and end with OK."""
        await self._start()
        body = frame(message.SerializeToString(), self._encoding)
        await self._finish(_OK, body)

    async def end(self) -> None:
        """End with OK."""
        await self._start()
        await self._finish(_OK)

    async def fail(self, error: GrpcError) -> None:
        """End with an error, in the headers if nothing was sent yet (Trailers-Only)."""
        if self._over:
            return
        status = [(b"grpc-status", b"%d" % error.code), (b"grpc-message", percent_encode(error.message))]
        if error.details:
            types = self._methods.types
            rich = types.message("google.rpc.Status")(code=error.code, message=error.message)
            rich.details.extend(types.pack(detail) for detail in error.details)
            status.append((b"grpc-status-details-bin", to_base64(rich.SerializeToString())))
        if self._started:
            await self._finish(status)
            return
        self._over = True
        initial = [] if self._call is None else write_metadata([*self._call.initial, *self._call.trailing])
        headers = [(b"content-type", b"application/grpc"), _ACCEPTED, *initial, *status]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self) -> None:
        if not self._started:
            assert self._call is not None
            self._started = True
            headers = [(b"content-type", b"application/grpc"), _ACCEPTED, *write_metadata(self._call.initial)]
            if self._encoding != "identity":
                headers.append((b"grpc-encoding", self._encoding.encode()))
            await self._send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})

    async def _finish(self, status: Headers, body: bytes = b"") -> None:
        assert self._call is not None
        self._over = True
        await self._send({"type": "http.response.body", "body": body, "more_body": False})
        trailers = [*status, *write_metadata(self._call.trailing)]
        await self._send({"type": "http.response.trailers", "headers": trailers, "more_trailers": False})


async def _only(requests: AsyncIterator[Any]) -> Any:
    """Return the one request of a method that takes one."""
    found = [request async for request in requests]
    if len(found) != 1:
        raise _not_one(len(found))
    return found[0]


def _encoding(headers: Mapping[bytes, bytes]) -> str:
    encoding = headers.get(b"grpc-encoding", b"identity").decode("latin-1")
    if encoding not in ENCODINGS:
        raise GrpcError(Code.UNIMPLEMENTED, f"grpc-encoding {encoding} is not supported; use {', '.join(ENCODINGS)}.")
    return encoding


def _mirrored(headers: Mapping[bytes, bytes]) -> str:
    """Answer in the compression that the client uses itself, if it takes that."""
    encoding = headers.get(b"grpc-encoding", b"identity")
    if encoding == b"identity":
        return "identity"
    accepted = {each.strip() for each in headers.get(b"grpc-accept-encoding", b"").split(b",")}
    return encoding.decode() if encoding in accepted else "identity"


def _origin(scope: Scope, headers: Mapping[bytes, bytes]) -> str:
    return f"{scope['scheme']}://{headers.get(b'host', b'localhost').decode('latin-1')}"


async def _refuse_http(status: int, send: Send) -> None:
    headers = [(b"allow", b"POST")] if status == 405 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
