"""The threads beside the event loop: one that commits, one that keeps the write-ahead log short."""

from __future__ import annotations

import logging
import sqlite3
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from fogbank.storage.sqlite.tx import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHECKPOINT_SECONDS: Final = 0.1
# Above this many frames (64 MiB) the writer lets one checkpoint finish between two of its batches, so that
# the log starts again from its beginning instead of growing.
WAL_FRAMES_MAX: Final = 16_384

_log = logging.getLogger(__name__)


class Worker:
    """A thread that runs what it is given, one after the other."""

    def __init__(self, name: str) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], None]) -> None:
        """Hand over a piece of work, which must not raise."""
        self._work.put(work)

    def close(self) -> None:
        """Finish what was submitted and end the thread."""
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


class Checkpointer:
    """Copies committed pages from the log into the database file, on a connection and thread of its own.

    It never makes a writer wait (a passive checkpoint takes what it can). Under steady writing it never
    quite catches up; `behind` then asks the writer for a pause.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = threading.Event()
        self._work = threading.Event()
        self._frames = 0
        self._thread = threading.Thread(target=self._run, name="fogbank-checkpoint", daemon=True)
        self._thread.start()

    @property
    def behind(self) -> bool:
        """Whether the log has grown so long that the writer should let a checkpoint finish."""
        return self._frames > WAL_FRAMES_MAX

    def note_commit(self) -> None:
        """Say that there is something to copy."""
        self._work.set()

    def catch_up(self, writer: sqlite3.Connection) -> None:
        """Copy the rest of the log now, on the writer's own connection, between two of its transactions."""
        self._frames = self._checkpoint(writer, "PASSIVE")
        if self._frames > WAL_FRAMES_MAX:
            # All of it is copied: the next write starts at the log's beginning, so it is short again.
            self._frames = 0

    def close(self) -> None:
        """Stop, leaving the log to whoever opens the database next (SQLite replays it)."""
        self._stop.set()
        self._work.set()
        self._thread.join()

    def _run(self) -> None:
        connection = connect(self._path)
        try:
            while not self._stop.is_set():
                self._work.wait()
                self._work.clear()
                try:
                    self._frames = self._checkpoint(connection, "PASSIVE")
                except sqlite3.Error:
                    _log.exception("checkpoint failed; it is tried again")
                self._stop.wait(CHECKPOINT_SECONDS)
            self._checkpoint(connection, "TRUNCATE")
        except sqlite3.Error:
            _log.exception("the last checkpoint failed; the log is replayed when the database is opened again")
        finally:
            connection.close()

    @staticmethod
    def _checkpoint(connection: sqlite3.Connection, mode: str) -> int:
        """Run one checkpoint; returns how many frames of the log are in use (0 when all were copied)."""
        _busy, frames, copied = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return 0 if frames == copied else int(frames)
