"""The latest requests and what became of them: a bounded list in memory, which whoever wants to may follow.

What a request costs here is the entry alone: it holds the request as it came, and is read when somebody looks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.kernel.clock import wake
from fogbank.wire.http import Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.wire.watching.model import CallFront, Front, Sent

ENTRIES_MAX: Final = 1_000
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
    front: Front | CallFront
    request: Request | Sent
    status: int
    failure: Response | tuple[str, str] | None
    faults: tuple[int, ...]
    body_bytes: int


class RequestLog:
    """Keeps entries up to a number and a size, the latest ones."""

    def __init__(self, entries_max: int = ENTRIES_MAX, bytes_max: int = BYTES_MAX) -> None:
        self.last = 0
        self._entries: deque[Entry] = deque()
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
        # A body that nobody read to its end isn't kept.
        size = 0 if request.stream is not None else len(request.body)
        if size > BODY_BYTES_MAX or request.stream is not None:
            request = _shortened(request)
        status = UNANSWERED if response is None else response.status
        failed = response if status >= 400 else None
        self._keep(Entry(self.last + 1, *times, front, request, status, failed, faults, size))

    def add_call(
        self,
        times: tuple[int, int],
        front: CallFront,
        sent: Sent,
        outcome: tuple[int, tuple[str, str] | None],
        faults: tuple[int, ...] = (),
    ) -> None:
        """Keep a call over gRPC; `outcome` is its status as HTTP has it, and code and message if it failed."""
        size = 0 if sent.message is None else len(sent.message)
        if size > BODY_BYTES_MAX:
            sent = sent._replace(message=None)
        self._keep(Entry(self.last + 1, *times, front, sent, *outcome, faults, size))

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Yield the entries behind a number, the latest first."""
        for entry in reversed(self._entries):
            if entry.number <= after:
                return
            yield entry

    def find(self, number: int) -> Entry | None:
        """Return an entry, None if it isn't kept or never was."""
        return next((entry for entry in self._entries if entry.number == number), None)

    def clear(self) -> None:
        """Forget all entries; numbers go on."""
        self._entries.clear()
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

    def _keep(self, entry: Entry) -> None:
        self.last = entry.number
        entries = self._entries
        entries.append(entry)
        self._bytes += min(entry.body_bytes, BODY_BYTES_MAX)
        while len(entries) > self._entries_max or self._bytes > self._bytes_max:
            self._bytes -= min(entries.popleft().body_bytes, BODY_BYTES_MAX)
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for news in waiting:
                wake(news)


def _shortened(request: Request) -> Request:
    """Return a request with no more of its body than is kept."""
    body = b"" if request.stream is not None else request.body[:BODY_BYTES_MAX]
    target = request.raw_path.encode("latin-1")
    if request.raw_query:
        target += b"?" + request.raw_query.encode("latin-1")
    short = Request(request.method, target, request.headers, body, scheme=request.scheme)
    short.version = request.version
    return short
