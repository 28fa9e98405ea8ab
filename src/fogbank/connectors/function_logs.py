"""Functions' output on its way into the log store: kept back for nobody, written soon after, in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from fogbank.engines.telemetry import entries
from fogbank.engines.telemetry.model import LogEntry
from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Line
    from fogbank.storage import Store

    LineReader = Callable[[str], tuple[int, dict[str, Any] | None]]

# Lines that wait while the store is slow; more push the oldest out.
LINES_WAITING_MAX: Final = 100_000
_log = logging.getLogger(__name__)


class FunctionLogs:
    """Takes lines at once and writes them, one invocation's at a time.

    `readers` tell severity and fields of lines, in the realms of scopes where lines have them.
    """

    def __init__(self, store: Store, ids: Ids, readers: Mapping[str, LineReader]) -> None:
        self._readers = readers
        self._store = store
        self._ids = ids
        self._waiting: deque[tuple[tuple[str, str], str, list[LogEntry]]] = deque()
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

    def take(self, group: tuple[str, str], stream: str, lines: Sequence[Line]) -> None:
        """Take lines for a stream of a group (scope and name); both are made if they aren't there."""
        if not lines:
            return
        reader = self._readers.get(group[0].partition("/")[0])
        batch = [
            LogEntry(self._ids.sequence(), line.at_us, line.text, *(() if reader is None else reader(line.text)))
            for line in lines
        ]
        self._waiting.append((group, stream, batch))
        self._lines += len(batch)
        while self._lines > LINES_WAITING_MAX and len(self._waiting) > 1:
            _, lost_from, lost = self._waiting.popleft()
            self._lines -= len(lost)
            _log.warning("%d lines of %s were dropped: the store is too slow", len(lost), lost_from)
        self._written.clear()
        self._news.set()

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                group, stream, batch = self._waiting[0]
                await self._store.run(entries.append, group, stream, batch, create=True)
                self._waiting.popleft()
                self._lines -= len(batch)
            self._written.set()
