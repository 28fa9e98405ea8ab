"""google.logging.v2.LoggingServiceV2/TailLogEntries: entries as they come in.

Google Cloud, "Method: entries.tail" (https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/tail),
"Live tailing log entries": entries wait for the buffer window, so that late ones don't come out of order. What a look
finds new is what came in since the one before; entries whose own time is longer past than `LOOKBACK_SECONDS` aren't
looked for.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.logging.reading import Selection, in_order, select
from fogbank.clouds.gcp.logging.shapes import time_ns
from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.telemetry import entries
from fogbank.engines.telemetry.model import Place
from fogbank.kernel.clock import SECOND_US
from fogbank.languages.logging_query import PatternError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from fogbank.clouds.gcp.logging.service import Logging
    from fogbank.engines.telemetry.model import Logged, Name
    from fogbank.storage.signals import Listener
    from fogbank.wire.grpc.service import Call

WINDOW_SECONDS: Final = 2
WINDOW_SECONDS_MAX: Final = 60
LOOKBACK_SECONDS: Final = 600
# A transaction that began earlier may be committed later, by so much at the most.
LATE_SECONDS: Final = 30
READ_AT_ONCE: Final = 1_000
# Google Cloud, "Quotas and limits": 60,000 entries a minute of a session; what one look finds beyond is left out.
ENTRIES_PER_LOOK_MAX: Final = 10_000
_RATE_LIMIT: Final = 1
_NS_PER_SECOND: Final = 10**9


async def tail_log_entries(logging: Logging, call: Call, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Yield entries as they come in, until the client is done; it may have said all that it says."""
    del call
    first = await anext(requests, None)
    if first is None:
        return
    selection = select(list(first.resource_names), first.filter)
    window_ns = time_ns(first.buffer_window) if first.HasField("buffer_window") else WINDOW_SECONDS * _NS_PER_SECOND
    if not 0 <= window_ns <= WINDOW_SECONDS_MAX * _NS_PER_SECOND:
        raise invalid("buffer_window", "buffer_window must be between 0 and 60000 milliseconds.")
    more = asyncio.get_running_loop().create_task(_refuse_more(requests))
    try:
        with ExitStack() as stack:
            topics = [entries.topic(source.group) for source in selection.sources]
            listeners = [stack.enter_context(logging.store.signals.listen(topic)) for topic in topics]
            tail = _Tail(logging, selection)
            await tail.look()
            while True:
                await _news(listeners, more)
                if window_ns:
                    await logging.clock.sleep(window_ns / _NS_PER_SECOND)
                for answer in tail.answers(await tail.look()):
                    yield answer
    finally:
        more.cancel()


async def _refuse_more(requests: AsyncIterator[Any]) -> None:
    """Wait for ever, unless the client asks for something else on the same stream."""
    if await anext(requests, None) is not None:
        raise invalid("resource_names", "Fogbank doesn't support changing what a stream of TailLogEntries returns.")
    await asyncio.get_running_loop().create_future()


async def _news(listeners: Sequence[Listener], more: asyncio.Task[None]) -> None:
    """Return once one of the listeners has news; raises what `more` raises."""
    loop = asyncio.get_running_loop()
    waiting = [loop.create_task(listener.wait(None)) for listener in listeners]
    try:
        await asyncio.wait((more, *waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    if more.done():
        more.result()


class _Tail:
    """What one stream has seen."""

    def __init__(self, logging: Logging, selection: Selection) -> None:
        self._logging = logging
        self._selection = selection
        self._matches = selection.matches()
        self._since_us = logging.clock.now() - LATE_SECONDS * SECOND_US
        # By where they stand, when they came in.
        self._seen: dict[tuple[Name, Place], int] = {}

    async def look(self) -> list[Logged]:
        """Return what has come in since the last look."""
        now_us = self._logging.clock.now()
        found: list[Logged] = []
        for source in self._selection.sources:
            beyond = Place(now_us - LOOKBACK_SECONDS * SECOND_US, 0)
            while True:
                read = await self._logging.store.scan(entries.ingested, source, beyond, self._since_us, READ_AT_ONCE)
                for logged in read:
                    if (logged.group, logged.place) not in self._seen:
                        self._seen[logged.group, logged.place] = logged.ingested_us
                        if source.streams is None or logged.stream in source.streams:
                            found.append(logged)
                if len(read) < READ_AT_ONCE:
                    break
                beyond = read[-1].place
        self._since_us = now_us - LATE_SECONDS * SECOND_US
        self._seen = {place: at_us for place, at_us in self._seen.items() if at_us >= self._since_us}
        return found

    def answers(self, found: list[Logged]) -> list[Any]:
        """Return what the client is told of entries: none of those that don't match."""
        try:
            fitting = [logged for logged in found if self._matches is None or self._matches(logged)]
        except PatternError as error:
            raise invalid("filter", f"The filter's regular expression can't be applied: {error}") from None
        kept = fitting[:ENTRIES_PER_LOOK_MAX]
        shown = in_order([self._selection.show(logged) for logged in kept], newest_first=False)
        answers = []
        for start in range(0, len(shown), READ_AT_ONCE):
            answer = self._logging.message("TailLogEntriesResponse")()
            answer.entries.extend(shown[start : start + READ_AT_ONCE])
            answers.append(answer)
        if len(fitting) > len(kept):
            answers[-1].suppression_info.add(reason=_RATE_LIMIT, suppressed_count=len(fitting) - len(kept))
        return answers
