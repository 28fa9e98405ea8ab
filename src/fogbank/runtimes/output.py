"""What an instance prints: read from one pipe as lines and as the frames of AWS's runtimes, bounded.

AWS's Python runtime writes whole log records as frames (type, length, time in microseconds, text) to the
descriptor it is given, here the same pipe that carries standard output, so that the order is kept.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

from fogbank.runtimes.model import Line

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.kernel.clock import Clock

READ_BYTES: Final = 65_536
LINE_BYTES_MAX: Final = 262_144
# What one invocation may print; the rest is dropped, and a line says so.
OUTPUT_BYTES_MAX: Final = 4_194_304
_FRAME_MARK: Final = b"\xa5\x5a\x00"
_FRAME_HEAD_BYTES: Final = 16
_DROPPED: Final = f"(more than {OUTPUT_BYTES_MAX} bytes of output in one invocation; the rest was dropped)"


class Output:
    """The reading end of an instance's pipe. `writer` is the descriptor to hand to the process.

    It is -1 where the process has it already, and `reader` is the other end.
    """

    def __init__(self, clock: Clock, reader: int = -1) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._reader, self.writer = (reader, -1) if reader >= 0 else os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        self._buffer = b""
        self._lines: list[Line] = []
        self._bytes = 0
        # Hears of each line as it is read.
        self.listener: Callable[[Line], None] | None = None
        self._loop.add_reader(self._reader, self._read_some)

    def started(self) -> None:
        """Close the writing end, which the process has now."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def take(self) -> list[Line]:
        """Return what was printed since the last call; whatever the process has written by now is in it."""
        while self._read_some():
            pass
        lines, self._lines = self._lines, []
        self._bytes = 0
        return lines

    def close(self) -> list[Line]:
        """Stop reading; returns the rest, an unfinished line included."""
        lines = self.take()
        if self._buffer:
            lines.append(Line(self._clock.now(), self._buffer.decode("utf-8", "replace")))
            self._buffer = b""
        if self._reader >= 0:
            self._loop.remove_reader(self._reader)
            os.close(self._reader)
            self._reader = -1
        if self.writer >= 0:
            self.started()
        return lines

    def _read_some(self) -> bool:
        if self._reader < 0:
            return False
        try:
            data = os.read(self._reader, READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._reader)
            return False
        self._buffer = self._split(self._buffer + data)
        return len(data) == READ_BYTES and self._bytes <= OUTPUT_BYTES_MAX

    def _split(self, data: bytes) -> bytes:
        """Take the complete lines and frames; returns what is left."""
        now_us = self._clock.now()
        at = 0
        while at < len(data):
            if data.startswith(_FRAME_MARK, at):
                end = at + _FRAME_HEAD_BYTES
                length = int.from_bytes(data[at + 4 : at + 8], "big")
                if length > OUTPUT_BYTES_MAX:
                    # Not a frame after all: the function printed something that begins like one.
                    at += len(_FRAME_MARK)
                    continue
                if len(data) < end + length:
                    return data[at:]
                self._keep(now_us, data[end : end + length].rstrip(b"\n"))
                at = end + length
                continue
            newline = data.find(b"\n", at)
            mark = data.find(_FRAME_MARK, at, newline if newline >= 0 else len(data))
            if mark >= 0:
                self._keep(now_us, data[at:mark])
                at = mark
            elif newline >= 0:
                self._keep(now_us, data[at:newline])
                at = newline + 1
            elif len(data) - at > LINE_BYTES_MAX:
                self._keep(now_us, data[at : at + LINE_BYTES_MAX])
                at += LINE_BYTES_MAX
            else:
                return data[at:]
        return b""

    def _keep(self, now_us: int, text: bytes) -> None:
        if self._bytes > OUTPUT_BYTES_MAX:
            return
        self._bytes += len(text) + 1
        if self._bytes > OUTPUT_BYTES_MAX:
            line = Line(now_us, _DROPPED)
        else:
            line = Line(now_us, text.decode("utf-8", "replace"))
        self._lines.append(line)
        if self.listener is not None:
            self.listener(line)
