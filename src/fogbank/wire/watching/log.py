"""The latest requests and what became of them: a bounded list in memory, which whoever wants to may follow.

What a request costs here is the entry alone: it holds the request as it came, and is read when somebody looks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from fogbank.kernel.clock import wake
from fogbank.wire.http import Request
from fogbank.wire.watching.model import Sent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.wire.http import Response
    from fogbank.wire.watching.model import CallFront, Front

# As many as stay in a processor's caches: more would make every request slower.
ENTRIES_MAX: Final = 500
BYTES_MAX: Final = 16 * 1_048_576
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
    cloud: str
    request: Request | Sent
    status: int
    failure: Response | tuple[str, str] | None
    faults: tuple[int, ...]
    body_bytes: int


# As entries are kept. A request is no object of its own here but what it was made of, without the headers that tell
# nothing: many small objects that live on for a thousand requests would cost each request several microseconds, in
# caches that are cold and in collections of garbage.
_Kept: TypeAlias = "tuple[int, int, int, str, Any, Any, Any, Any, Any, int, Any, tuple[int, ...], int]"


class RequestLog:
    """Keeps entries up to a number and a size, the latest ones."""

    def __init__(self, entries_max: int = ENTRIES_MAX, bytes_max: int = BYTES_MAX) -> None:
        self.last = 0
        self._names: dict[str, tuple[bytes, ...]] = {}
        self._kept: deque[_Kept] = deque()
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._waiting: list[asyncio.Future[None]] = []

    def add(
        self,
        times: tuple[int, int],
        front: Front,
        request: Request,
        response: Response | None,
        faults: tuple[int, ...] = (),
    ) -> None:
        """Keep a request and its answer; `times` is when it came, in µs, and what it took, in ns."""
        cloud = front.cloud
        names = front.headers
        if cloud not in self._names:
            self._names[cloud] = names
        # A body that nobody read to its end isn't kept.
        body = b"" if request.stream is not None else request.body
        size = len(body)
        if size > BODY_BYTES_MAX:
            body = body[:BODY_BYTES_MAX]
        status = UNANSWERED if response is None else response.status
        self.last = number = self.last + 1
        kept = (
            number,
            *times,
            cloud,
            request.method,
            request.raw_path,
            request.raw_query,
            tuple(map(request.headers.get, names)),
            body,
            status,
            response if status >= 400 else None,
            faults,
            size,
        )
        self._kept.append(kept)
        self._bytes += min(BODY_BYTES_MAX, size)
        if len(self._kept) > self._entries_max or self._bytes > self._bytes_max or self._waiting:
            self._settle()

    def add_call(
        self,
        times: tuple[int, int],
        front: CallFront,
        sent: Sent,
        outcome: tuple[int, tuple[str, str] | None],
        faults: tuple[int, ...] = (),
    ) -> None:
        """Keep a call over gRPC; `outcome` is its status as HTTP has it, and code and message if it failed."""
        path, fields, message = sent
        size = 0 if message is None else len(message)
        if size > BODY_BYTES_MAX:
            message = None
        self.last = number = self.last + 1
        self._kept.append((number, *times, front.cloud, "", path, "", fields, message, *outcome, faults, size))
        self._bytes += min(BODY_BYTES_MAX, size)
        if len(self._kept) > self._entries_max or self._bytes > self._bytes_max or self._waiting:
            self._settle()

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Yield the entries behind a number, the latest first."""
        for kept in reversed(self._kept):
            if kept[0] <= after:
                return
            yield self._entry(kept)

    def find(self, number: int) -> Entry | None:
        """Return an entry, None if it isn't kept or never was."""
        return next((self._entry(kept) for kept in self._kept if kept[0] == number), None)

    def clear(self) -> None:
        """Forget all entries; numbers go on."""
        self._kept.clear()
        self._bytes = 0

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

    def _settle(self) -> None:
        """Let go of what is too much, and tell those who wait."""
        while len(self._kept) > self._entries_max or self._bytes > self._bytes_max:
            self._bytes -= min(self._kept.popleft()[-1], BODY_BYTES_MAX)
        waiting, self._waiting = self._waiting, []
        for news in waiting:
            wake(news)

    def _entry(self, kept: _Kept) -> Entry:
        number, at_us, took_ns, cloud, method, path, query, values, body, status, failure, faults, size = kept
        request: Request | Sent
        if method:
            target = f"{path}?{query}" if query else path
            named = zip(self._names[cloud], values, strict=True)
            headers = {name: value for name, value in named if value is not None}
            request = Request(method, target.encode("latin-1"), headers, body)
        else:
            request = Sent(path, values, body)
        return Entry(number, at_us, took_ns, cloud, request, status, failure, faults, size)
