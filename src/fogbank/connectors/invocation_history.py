"""Every invocation, once it is over, on its way into the history: written soon after, many at a time.

Nobody's reply waits for the store; what is over when the server is killed may be missing from the history.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fogbank.engines.functions import history
from fogbank.engines.functions.history import (
    ALL_SWEPT_EVERY,
    BYTES_SWEPT_EVERY,
    FUNCTION_SWEPT_EVERY,
    KEPT_AT_ONCE,
    PART_BYTES_MAX,
    Content,
    Kept,
    Summary,
)
from fogbank.kernel.tasks import Supervisor
from fogbank.storage.signals import INVOCATION, Happening

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from fogbank.engines.functions.history import Entry
    from fogbank.engines.functions.model import Function, Name
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Invocation, Launch, Line, Outcome
    from fogbank.storage import Store

# How long a record waits for others to be written with, and how long while somebody waits for it.
GATHERED_SECONDS: Final = 0.25
AWAITED_SECONDS: Final = 0.05
# Records that wait while the store is slow, and their size; more push the oldest out.
WAITING_MAX: Final = 10_000
WAITING_BYTES_MAX: Final = 67_108_864
WRITTEN_BYTES_MAX: Final = 4_194_304
# Functions whose records are counted; beyond, counting begins anew.
COUNTED_MAX: Final = 10_000
FLUSH_SECONDS_MAX: Final = 5.0
ABANDONED: Final = "abandoned"
_log = logging.getLogger(__name__)


class InvocationHistory:
    """Takes invocations at once and writes them a little later."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._waiting: deque[Entry] = deque()
        self._waiting_bytes = 0
        self._lost = 0
        self._taken = 0
        self._done = 0
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()
        self._progress: asyncio.Future[None] | None = None
        self._sweeps = _Sweeps()
        self._tasks = Supervisor("invocation history")

    def start(self) -> None:
        """Begin writing."""
        self._tasks.keep("write", self._write)

    async def close(self) -> None:
        """Write what waits, and stop."""
        await self.flush()
        await self._tasks.close()

    async def keep(
        self, function: Function, launch: Launch, invocation: Invocation, source: str, running: Awaitable[Outcome]
    ) -> Outcome:
        """Wait for an invocation's outcome, take note of both, and return it; what is refused isn't noted."""
        began_us = self._clock.now()
        try:
            outcome = await running
        except asyncio.CancelledError:
            self._take(function, launch, invocation, source, began_us, None)
            raise
        self._take(function, launch, invocation, source, began_us, outcome)
        return outcome

    async def flush(self) -> None:
        """Return once everything that was taken before is written, or the store is too slow to wait for it."""
        target = self._taken
        loop = asyncio.get_running_loop()
        ends = loop.time() + FLUSH_SECONDS_MAX
        while self._done < target and (left_s := ends - loop.time()) > 0:
            if self._progress is None:
                self._progress = loop.create_future()
            self._hurry.set()
            await asyncio.wait({self._progress}, timeout=left_s)

    def forget(self) -> None:
        """Drop what isn't written yet."""
        while self._waiting:
            self._drop()
        self._sweeps = _Sweeps()
        self._tell()

    def _take(
        self,
        function: Function,
        launch: Launch,
        invocation: Invocation,
        source: str,
        began_us: int,
        outcome: Outcome | None,
    ) -> None:
        name = (function.scope, function.name)
        summary = _summary(function, launch, invocation, source, began_us, outcome)
        content = _content(invocation, outcome)
        try:
            entry = history.make_entry(self._ids.sequence(), invocation.id, name, summary, content)
        except (TypeError, ValueError):
            _log.exception("the invocation %s of %s can't be kept", invocation.id, function.name)
            return
        self._waiting.append(entry)
        self._waiting_bytes += entry.size
        self._taken += 1
        if len(self._waiting) > WAITING_MAX or self._waiting_bytes > WAITING_BYTES_MAX:
            self._drop()
            if not self._lost:
                _log.warning("the oldest invocations that wait aren't kept: the store is too slow")
            self._lost += 1
        self._news.set()
        if self._store.signals.witnessed:
            kept = Kept(entry.number, invocation.id, function.name, function.scope, summary, content)
            self._store.signals.send(Happening(INVOCATION, *name, kept))

    def _drop(self) -> None:
        entry = self._waiting.popleft()
        self._waiting_bytes -= entry.size
        self._done += 1

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            awaited = self._store.signals.listening(history.topic())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), AWAITED_SECONDS if awaited else GATHERED_SECONDS)
            self._news.clear()
            self._hurry.clear()
            while batch := self._next_batch():
                await self._keep(batch)

    async def _keep(self, batch: list[Entry]) -> None:
        functions, everything = self._sweeps.due(batch)
        try:
            await self._store.run(history.keep, batch, functions, sweep=everything)
        except BaseException:
            # The store is asked again in a while, by the supervisor.
            self._waiting.extendleft(reversed(batch))
            self._waiting_bytes += sum(entry.size for entry in batch)
            self._news.set()
            raise
        self._done += len(batch)
        self._tell()
        if self._lost:
            _log.warning("%d invocations were not kept", self._lost)
            self._lost = 0

    def _tell(self) -> None:
        """Let those who wait for what is written look again."""
        if self._progress is not None:
            self._progress.set_result(None)
            self._progress = None

    def _next_batch(self) -> list[Entry]:
        batch: list[Entry] = []
        size = 0
        while self._waiting and len(batch) < KEPT_AT_ONCE and size < WRITTEN_BYTES_MAX:
            batch.append(self._waiting.popleft())
            size += batch[-1].size
        self._waiting_bytes -= size
        return batch


class _Sweeps:
    """Knows by counting when there may be too much of something: of one function's records, or of all."""

    def __init__(self) -> None:
        # What was there before is not known: the first record counts it.
        self._by_function: dict[Name, int] = {}
        self._records = ALL_SWEPT_EVERY
        self._bytes = 0

    def due(self, batch: Sequence[Entry]) -> tuple[list[Name], bool]:
        """Count records that are about to be kept; return the functions that are due, and whether everything is."""
        counts = self._by_function
        touched = set()
        if len(counts) > COUNTED_MAX:
            counts.clear()
        for entry in batch:
            name = (entry.scope, entry.function)
            touched.add(name)
            counts[name] = counts.get(name, FUNCTION_SWEPT_EVERY) + 1
            self._bytes += entry.size
        self._records += len(batch)
        functions = sorted(name for name in touched if counts[name] >= FUNCTION_SWEPT_EVERY)
        for name in functions:
            counts[name] = 0
        everything = self._records >= ALL_SWEPT_EVERY or self._bytes >= BYTES_SWEPT_EVERY
        if everything:
            self._records = self._bytes = 0
        return functions, everything


def _summary(
    function: Function, launch: Launch, invocation: Invocation, source: str, began_us: int, outcome: Outcome | None
) -> Summary:
    size, version = len(invocation.event), function.version
    if outcome is None:
        return Summary(
            launch.version, launch.contract, source, began_us, ABANDONED, "", 0, 0.0, None, 0, size, 0, version
        )
    return Summary(
        launch.version,
        launch.contract,
        source,
        began_us,
        outcome.ended.value,
        outcome.error_type,
        outcome.status,
        outcome.seconds,
        outcome.init_seconds,
        outcome.peak_bytes,
        size,
        len(outcome.payload) if outcome.streamed is None else outcome.streamed,
        version,
    )


def _content(invocation: Invocation, outcome: Outcome | None) -> Content:
    cut = []
    event = invocation.event
    if len(event) > PART_BYTES_MAX:
        event = event[:PART_BYTES_MAX]
        cut.append("event")
    context = dict(invocation.context)
    if outcome is None:
        return Content(event, context, b"", {}, [], cut)
    payload = outcome.payload
    if len(payload) > PART_BYTES_MAX:
        payload = payload[:PART_BYTES_MAX]
    if len(payload) < (len(outcome.payload) if outcome.streamed is None else outcome.streamed):
        cut.append("payload")
    lines = _last(outcome.lines)
    if len(lines) < len(outcome.lines):
        cut.append("logs")
    return Content(event, context, payload, dict(outcome.head), lines, cut)


def _last(lines: Sequence[Line]) -> list[tuple[int, str]]:
    """Return the last lines that are not too much together: how it ended stands there."""
    size = 0
    for place in range(len(lines) - 1, -1, -1):
        size += len(lines[place].text)
        if size > PART_BYTES_MAX:
            return list(lines[place + 1 :])
    return list(lines)
