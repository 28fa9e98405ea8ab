"""Functions' output on its way into the log store: kept back for nobody, written soon after, in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.engines.telemetry import entries
from fogbank.engines.telemetry.model import DEFAULT, LogEntry, LogGroupConfig
from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.engines.telemetry.model import Name
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Printed
    from fogbank.storage import Store

    Keeper = Callable[[Printed, Ids], "Kept"]

# Lines that wait while the store is slow; more push the oldest out.
LINES_WAITING_MAX: Final = 100_000
_log = logging.getLogger(__name__)


class Kept(NamedTuple):
    """What is kept of what was printed, and where; `config` is for a group that isn't there yet."""

    group: Name
    stream: str
    entries: list[LogEntry]
    config: LogGroupConfig = DEFAULT


def plainly(severity_of: Callable[[str], int]) -> Keeper:
    """Return what keeps each line where it was printed, as it is, with what its text says of its severity."""

    def keep(printed: Printed, ids: Ids) -> Kept:
        found = [
            LogEntry(ids.sequence(), line.at_us, line.text, severity_of(line.text), None, printed.invocation)
            for line in printed.lines
        ]
        return Kept(printed.group, printed.stream, found)

    return keep


_AS_IT_IS: Final = plainly(lambda _: 0)


class FunctionLogs:
    """Takes lines at once and writes them, one invocation's at a time.

    `keepers` say by the realm of scopes what is kept of lines.
    """

    def __init__(self, store: Store, ids: Ids, keepers: Mapping[str, Keeper]) -> None:
        self._keepers = keepers
        self._store = store
        self._ids = ids
        self._waiting: deque[Kept] = deque()
        self._lines = 0
        self._news = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()
        self._tasks = Supervisor("function logs")

    @property
    def idle(self) -> bool:
        """Whether everything that was taken is written."""
        return self._written.is_set()

    def start(self) -> None:
        """Begin writing."""
        self._tasks.keep("write", self._write)

    async def close(self) -> None:
        """Write what waits, and stop."""
        await self._written.wait()
        await self._tasks.close()

    def take(self, printed: Printed) -> None:
        """Take lines for a stream of a group; both are made if they aren't there."""
        if not printed.lines:
            return
        kept = self._keepers.get(printed.group[0].partition("/")[0], _AS_IT_IS)(printed, self._ids)
        self._waiting.append(kept)
        self._lines += len(kept.entries)
        while self._lines > LINES_WAITING_MAX and len(self._waiting) > 1:
            lost = self._waiting.popleft()
            self._lines -= len(lost.entries)
            _log.warning("%d lines of %s were dropped: the store is too slow", len(lost.entries), lost.stream)
        self._written.clear()
        self._news.set()

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                group, stream, batch, config = self._waiting[0]
                await self._store.run(entries.append, group, stream, batch, create=True, config=config)
                self._waiting.popleft()
                self._lines -= len(batch)
            self._written.set()
