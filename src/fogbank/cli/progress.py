"""Showing that a command still works: a line on the terminal, with how far it is or for how long it has been at it.

The line goes to standard error, so that what is printed can be taken by a program, and is gone at the end. Where that
is no terminal, or JSON is asked for, nothing is shown.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from typing import BinaryIO

REDRAWN_SECONDS: Final = 0.1
BAR_CELLS: Final = 24
_TURNS: Final = "|/-\\"
_ERASED: Final = "\r\x1b[K"
# Only one command runs in a process, and one line is shown by it at a time.
_shown: list[Progress] = []


class Progress:
    """`with Progress("Saving x") as progress:` shows that something goes on until the block ends.

    `quiet` shows nothing. With a `total` there is a bar, moved on by `at`; otherwise there are a wheel that turns, and
    what `tell` says.
    """

    def __init__(self, what: str, *, quiet: bool = False, total: int = 0) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._told = ""
        self._showing = not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._showing:
            self._began = time.monotonic()
            self._turn = 0
            self._draw()
            _shown.append(self)
            self._thread = threading.Thread(target=self._redraw, name="fogbank-progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._ended.set()
            self._thread.join()
            self._thread = None
            _shown.remove(self)
            self.erase()

    def at(self, done: int) -> None:
        """Say how much of the total is done."""
        self._done = done

    def tell(self, text: str) -> None:
        """Say how far it is where nobody knows how far it will go; shown at once."""
        self._told = text
        if self._thread is not None:
            self._draw()

    def erase(self) -> None:
        """Take the line away, until it is drawn again."""
        with self._lock:
            sys.stderr.write(_ERASED)
            sys.stderr.flush()

    def _redraw(self) -> None:
        while not self._ended.wait(REDRAWN_SECONDS):
            self._turn += 1
            self._draw()

    def _draw(self) -> None:
        seconds = int(time.monotonic() - self._began)
        told = f"  {self._told}" if self._told else ""
        if self._total and self._done < self._total:
            part = self._done / self._total
            wheel = f"[{'#' * int(part * BAR_CELLS):-<{BAR_CELLS}}] {part:4.0%}"
        else:
            # Also where all is sent, and the answer is waited for.
            wheel = _TURNS[self._turn % len(_TURNS)]
        line = f"{self._what}  {wheel}{told}  {seconds} s"
        with self._lock:
            # A line that is too long would go on in the next one, which nobody takes away.
            sys.stderr.write(f"{_ERASED}{line[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()


class Counted:
    """A file that tells a `Progress` how much of it was read, or written to it."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress
        self._bytes = 0

    def read(self, size: int = -1) -> bytes:
        """Read from the file."""
        part = self._file.read(size)
        self._bytes += len(part)
        self._progress.at(self._bytes)
        return part

    def write(self, part: bytes) -> int:
        """Write to the file."""
        size = self._file.write(part)
        self._bytes += size
        self._progress.tell(in_units(self._bytes))
        return size


def say(text: str) -> None:
    """Print a text at once, also into a pipe; a line that is shown goes on below it."""
    for each in _shown:
        each.erase()
    print(text, flush=True)


def in_units(count: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{count / 1_048_576:.1f} MiB" if count >= 1_048_576 else f"{count / 1_024:.0f} KiB"
