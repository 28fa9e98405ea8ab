"""The latest requests and what became of them: a bounded list in memory, which whoever wants to may follow.

What a request costs here is the entry alone: it holds the request as it came, and is read when somebody looks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from fogbank.kernel.clock import wake
from fogbank.wire.http import Request, Response
from fogbank.wire.http1_reader import read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.wire.http import Handler
    from fogbank.wire.watching.model import CallFront, Front, Sent

# As many as stay in a processor's caches: more would make every request slower.
ENTRIES_MAX: Final = 500
# Of one body so much is kept.
BODY_BYTES_MAX: Final = 32_768
# The status of what had no answer, since the client went away or the connection was closed.
UNANSWERED: Final = 0


class Entry(NamedTuple):
    """A request that is over.

    `took_ns` is the time until its answer was there, `status` that of HTTP. `failure` is the answer that says what went
    wrong, or code and message of a call; `faults` are the numbers of the rules that struck it. `body_bytes` is the
    size of its body, of which no more than `BODY_BYTES_MAX` are kept.
    """

    number: int
    at_us: int
    took_ns: int
    front: Front | CallFront
    request: Request | Sent
    status: int
    failure: Response | tuple[str, str] | None
    faults: tuple[int, ...]
    body_bytes: int

    @property
    def cloud(self) -> str:
        """The name of the cloud that was asked."""
        return self.front.cloud


# An entry without its number, which its place tells, and with a body's size only where that isn't its own. A request is
# kept as the bytes that it was read from, where that can be: they go through less memory than what is made of them.
_Asked: TypeAlias = "Request | Sent | bytes"
_Failure: TypeAlias = "Response | tuple[str, str] | None"
_Kept: TypeAlias = "tuple[int, int, Front | CallFront, _Asked, int, _Failure, tuple[int, ...], int]"


class RequestLog:
    """Keeps the latest entries; what one holds is bounded, and so is all of it. `now` tells the time, in µs."""

    def __init__(self, now: Callable[[], int], entries_max: int = ENTRIES_MAX) -> None:
        self.now = now
        self.last = 0
        self._kept: deque[_Kept] = deque(maxlen=entries_max)
        self._append = self._kept.append
        self._waiting: list[asyncio.Future[None]] = []

    async def answer(self, front: Front, handler: Handler, request: Request) -> Response:
        """Have a request answered, and keep it."""
        at_us, began_ns = self.now(), perf_counter_ns()
        try:
            response = await handler(request)
        except BaseException:
            self.add(at_us, perf_counter_ns() - began_ns, front, request, None)
            raise
        took_ns = perf_counter_ns() - began_ns
        status = response.status
        if status >= 400 or request.stream is not None or len(request.body) > BODY_BYTES_MAX or self._waiting:
            self.add(at_us, took_ns, front, request, response)
        else:
            # As `add` does it, without the call.
            self.last += 1
            self._append((at_us, took_ns, front, request.raw or request, status, None, (), -1))
        return response

    def add(
        self,
        at_us: int,
        took_ns: int,
        front: Front,
        request: Request,
        response: Response | None,
        faults: tuple[int, ...] = (),
    ) -> None:
        """Keep a request and its answer, when it came and what it took."""
        self.last += 1
        size = -1
        # A body that nobody read to its end isn't kept.
        if request.stream is not None or len(request.body) > BODY_BYTES_MAX:
            size = 0 if request.stream is not None else len(request.body)
            request = _shortened(request)
        status = UNANSWERED
        failure = None
        if response is not None:
            status = response.status
            if status >= 400:
                failure = _bounded(response)
        self._append((at_us, took_ns, front, request.raw or request, status, failure, faults, size))
        if self._waiting:
            self._tell()

    def add_call(
        self,
        at_us: int,
        took_ns: int,
        front: CallFront,
        sent: Sent,
        status: int,
        failure: tuple[str, str] | None,
        faults: tuple[int, ...],
    ) -> None:
        """Keep a call over gRPC: its status as HTTP has it, and code and message if it failed."""
        self.last += 1
        size = -1
        if sent.message is not None and len(sent.message) > BODY_BYTES_MAX:
            size = len(sent.message)
            sent = sent._replace(message=None)
        self._append((at_us, took_ns, front, sent, status, failure, faults, size))
        if self._waiting:
            self._tell()

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Yield the entries behind a number, the latest first."""
        for number, kept in zip(range(self.last, after, -1), reversed(self._kept), strict=False):
            yield _entry(number, kept)

    def find(self, number: int) -> Entry | None:
        """Return an entry, None if it isn't kept or never was."""
        place = len(self._kept) - 1 - (self.last - number)
        return _entry(number, self._kept[place]) if 0 <= place < len(self._kept) else None

    def clear(self) -> None:
        """Forget all entries; numbers go on."""
        self._kept.clear()

    async def wait(self, after: int, seconds: float) -> None:
        """Return once there is an entry behind a number, or after that real time."""
        if self.last > after:
            return
        loop = asyncio.get_running_loop()
        news: asyncio.Future[None] = loop.create_future()
        self._waiting.append(news)
        late = loop.call_later(seconds, wake, news)
        try:
            await news
        finally:
            late.cancel()
            if news in self._waiting:
                self._waiting.remove(news)

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for news in waiting:
            wake(news)


def _entry(number: int, kept: _Kept) -> Entry:
    at_us, took_ns, front, seen, status, failure, faults, size = kept
    request = read_request(seen) if isinstance(seen, bytes) else seen
    if size < 0:
        body = request.body if isinstance(request, Request) else request.message
        size = len(body or b"")
    return Entry(number, at_us, took_ns, front, request, status, failure, faults, size)


def _shortened(request: Request) -> Request:
    """Return a request with no more of its body than is kept."""
    body = b"" if request.stream is not None else request.body[:BODY_BYTES_MAX]
    query = f"?{request.raw_query}" if request.raw_query else ""
    return Request(request.method, f"{request.raw_path}{query}".encode("latin-1"), request.headers, body)


def _bounded(response: Response) -> Response:
    """Return a refusal without its body if that is a long one, or a stream."""
    if isinstance(response.body, bytes) and len(response.body) <= BODY_BYTES_MAX:
        return response
    return Response(response.status, response.headers)
