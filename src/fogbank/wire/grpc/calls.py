"""Calls of gRPC on exchanges of HTTP/2: all four kinds, deadlines, cancellation, rich status."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from fogbank.wire.drive import Drive
from fogbank.wire.grpc.answers import Answers, refuse_http
from fogbank.wire.grpc.framing import ENCODINGS, MESSAGE_BYTES_MAX, FrameReader, whole
from fogbank.wire.grpc.incoming import Incoming
from fogbank.wire.grpc.metadata import Metadata, read_metadata, read_timeout
from fogbank.wire.grpc.service import Call, Method, Methods
from fogbank.wire.grpc.status import Code, GrpcError
from fogbank.wire.grpc.types import DecodeError
from fogbank.wire.http import ConnectionDroppedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.wire.grpc.watching import CallWatch, Noting
    from fogbank.wire.http2.exchange import Exchange, Receiver
    from fogbank.wire.http2.fields import Head

_CONTENT_TYPES: Final = frozenset({b"application/grpc", b"application/grpc+proto"})
_log = logging.getLogger(__name__)


class _Facts(NamedTuple):
    """What the head of a call says: the same head says the same again."""

    method: Method
    origin: str
    metadata: Metadata
    timeout_seconds: float | None
    encoding: str
    answer_encoding: str


class GrpcApplication:
    """Answers calls of methods; `watch` notes them, if it is there."""

    def __init__(self, methods: Methods, bytes_max: int = MESSAGE_BYTES_MAX, watch: CallWatch | None = None) -> None:
        self._methods = methods
        self._bytes_max = bytes_max
        self._watch = watch
        self._streams: set[asyncio.Task[Any]] = set()
        self._ending = False

    def end_streams(self) -> None:
        """End answers that go on for as long as their clients like, since the server is about to."""
        self._ending = True
        for task in self._streams:
            task.cancel()

    def begin(self, exchange: Exchange) -> Receiver:
        """Take a call."""
        head = exchange.head
        watch = self._watch
        noting = None if watch is None else watch.begin(head)
        facts = head.notes
        if facts is None:
            kind = head.values.get(b"content-type", b"").partition(b";")[0].strip().lower()
            if head.method != "POST" or kind not in _CONTENT_TYPES:
                refuse_http(exchange, 405 if head.method != "POST" else 415)
                return _Nobody()
            try:
                facts = head.notes = self._read(head)
            except GrpcError as error:
                Answers(exchange, self._methods.types).fail(error)
                if noting is not None:
                    noting.end(None, error)
                return _Nobody()
        call = Call(facts.origin, facts.metadata, facts.timeout_seconds)
        answers = Answers(exchange, self._methods.types, call, facts.answer_encoding)
        if facts.method.quick and (watch is None or not watch.strikes):
            return _Quick(facts, call, answers, self._bytes_max, noting)
        requests = Incoming(exchange, FrameReader(facts.encoding, self._bytes_max))
        if watch is None or noting is None:
            work = self._answer(facts.method, call, requests, answers)
        else:
            work = self._answer_watched(facts.method, call, requests, answers, (exchange, noting, watch.strikes))
        task = asyncio.get_running_loop().create_task(work)
        requests.caller = task
        if facts.method.server_streaming:
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        return requests

    def _read(self, head: Head) -> _Facts:
        values = head.values
        return _Facts(
            self._methods.find(head.path.decode("latin-1")),
            f"{head.scheme}://{values.get(b'host', b'localhost').decode('latin-1')}",
            read_metadata(head.fields),
            read_timeout(values),
            _encoding(values),
            _mirrored(values),
        )

    async def _answer(
        self, method: Method, call: Call, requests: Incoming, answers: Answers, noting: Noting | None = None
    ) -> GrpcError | None:
        """Run a method until it ends, the deadline passes, or the client goes away; returns what it failed with."""
        failure = None
        try:
            async with asyncio.timeout(call.timeout_seconds):
                await _run(method, call, requests, answers, noting)
        except TimeoutError:
            failure = GrpcError(Code.DEADLINE_EXCEEDED, "Deadline Exceeded")
        except asyncio.CancelledError:
            if requests.gone:
                return GrpcError(Code.CANCELLED, "The client went away.")
            if not self._ending:
                raise
            failure = GrpcError(Code.UNAVAILABLE, "The server is shutting down.")
        except ConnectionDroppedError:
            raise
        except Exception as error:  # noqa: BLE001 - answered in gRPC's form, and logged
            failure = word(method, error)
        if failure is not None:
            answers.fail(failure)
        return failure

    async def _answer_watched(
        self,
        method: Method,
        call: Call,
        requests: Incoming,
        answers: Answers,
        seen: tuple[Exchange, Noting, bool],
    ) -> None:
        """Run a method, as it may be struck, and note what has become of it."""
        exchange, noting, strikes = seen
        failure: BaseException | None = None
        try:
            failure = await self._answer(method, call, requests, answers, noting if strikes else None)
        except ConnectionDroppedError as error:
            failure = error
            exchange.drop_connection()
        except asyncio.CancelledError as error:
            failure = error
            raise
        finally:
            noting.end(requests.first, failure)


class _Nobody:
    """Who takes what comes of a request that is answered already."""

    def data(self, part: bytes) -> None:
        """Drop it."""

    def end(self, trailers: list[tuple[bytes, bytes]]) -> None:
        """Go on."""

    def lost(self) -> None:
        """Go on."""


class _Quick:
    """A call of a method that doesn't wait: it runs to its end without a task and without watching the client."""

    __slots__ = ("_answers", "_bytes_max", "_call", "_drive", "_facts", "_found", "_message", "_noting", "_reader")

    def __init__(self, facts: _Facts, call: Call, answers: Answers, bytes_max: int, noting: Noting | None) -> None:
        self._facts = facts
        self._noting = noting
        self._call = call
        self._answers = answers
        self._bytes_max = bytes_max
        self._message: bytes | None = None
        self._reader: FrameReader | None = None
        self._found: list[bytes] = []
        self._drive: Drive[Any] | None = None

    def data(self, part: bytes) -> None:
        """Take a part of the request: mostly there is but one, and it is whole."""
        if self._reader is None:
            if self._message is None:
                self._message = whole(part, self._bytes_max)
                if self._message is not None:
                    return
            self._reader = FrameReader(self._facts.encoding, self._bytes_max)
        if self._answers.over:
            return
        try:
            if self._message is not None:
                self._found.append(self._message)
                self._message = None
            self._found += self._reader.feed(part)
        except GrpcError as error:
            self._answers.fail(error)

    def end(self, trailers: list[tuple[bytes, bytes]]) -> None:
        """Run the method."""
        del trailers
        if self._answers.over:
            return
        method = self._facts.method
        try:
            work = method.run(method.service.deps, self._call, _parse(method, self._only()))
            waits_for = work.send(None)
        except StopIteration as stop:
            self._done(stop.value, None)
        except Exception as error:  # noqa: BLE001 - answered in gRPC's form, and logged
            self._done(None, error)
        else:
            self._drive = Drive(work, cast("asyncio.Future[Any]", waits_for), self._done)

    def lost(self) -> None:
        """Go on to the end, unless that may take long."""
        if self._call.waits and self._drive is not None:
            self._drive.cancel()

    def _only(self) -> bytes:
        if self._message is not None:
            return self._message
        if self._reader is not None:
            self._reader.finish()
        if len(self._found) != 1:
            raise _not_one(len(self._found))
        return self._found[0]

    def _done(self, answer: Any, error: BaseException | None) -> None:
        failure = None
        if isinstance(error, Exception):
            failure = word(self._facts.method, error)
        elif error is not None:
            failure = GrpcError(Code.UNAVAILABLE, "The server is shutting down.")
        if failure is not None:
            self._answers.fail(failure)
        else:
            self._answers.send_only(answer)
        if self._noting is not None:
            message = self._message if self._message is not None else next(iter(self._found), None)
            self._noting.end(message, failure)


async def _run(method: Method, call: Call, requests: Incoming, answers: Answers, noting: Noting | None = None) -> None:
    request: Any
    if noting is not None and method.client_streaming:
        await noting.strike(None)
    if method.client_streaming:
        request = _parsed(method, requests)
    else:
        found = [message async for message in requests]
        if len(found) != 1:
            raise _not_one(len(found))
        request = _parse(method, found[0])
        if noting is not None:
            await noting.strike(found[0])
    running = method.run(method.service.deps, call, request)
    if method.server_streaming:
        async with aclosing(running):
            async for answer in running:
                answers.send(answer)
                await answers.drain()
        if noting is not None and noting.dropped:
            raise ConnectionDroppedError
        answers.end()
    else:
        answer = await running
        if noting is not None and noting.dropped:
            raise ConnectionDroppedError
        answers.send_only(answer)


async def _parsed(method: Method, requests: Incoming) -> Any:
    async for message in requests:
        yield _parse(method, message)


def _parse(method: Method, data: bytes) -> Any:
    try:
        return method.request.FromString(data)
    except DecodeError:
        what = method.request.DESCRIPTOR.full_name
        raise GrpcError(Code.INTERNAL, f"The request is not a {what}.") from None


def _not_one(count: int) -> GrpcError:
    return GrpcError(Code.UNIMPLEMENTED, f"This method takes one request message, not {count}.")


def word(method: Method, error: Exception) -> GrpcError:
    """Say what went wrong as a status; what nobody foresaw is logged."""
    if isinstance(error, GrpcError):
        return error
    worded = method.service.word(error)
    if worded is None:
        _log.error("%s/%s failed", method.service.name, method.name, exc_info=error)
        worded = GrpcError(Code.INTERNAL, "Internal error encountered.")
    return worded


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
