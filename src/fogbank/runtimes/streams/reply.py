"""Replies that are on their way while the function still works, in parts: from a link to whoever asked for them."""

from __future__ import annotations

import asyncio
from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from fogbank.kernel.clock import wake

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# AWS Lambda Developer Guide, "Response streaming for Lambda functions": 200 MB (it was 20 MB until July 2025).
STREAMED_BYTES_MAX: Final = 200 * 1_048_576
# Beyond it the function waits for its client.
WAITING_BYTES_MAX: Final = 262_144
# The beginning, which whoever notes the invocation gets.
KEPT_BYTES_MAX: Final = 262_144
_NO_HEAD: Final[Mapping[str, Any]] = MappingProxyType({})


class ReplyStream:
    """A reply in parts, with one end for the link (`begin`, `feed`, `finish`), one for the reader (iteration).

    `begun` is done when the function has begun to stream, or won't any more. `kept` is the reply's beginning, `size`
    how long it is so far, in bytes.
    """

    def __init__(self, bytes_max: int = STREAMED_BYTES_MAX, kept_bytes_max: int = KEPT_BYTES_MAX) -> None:
        self.head = _NO_HEAD
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.kept = bytearray()
        self.size = 0
        self._bytes_max = bytes_max
        self._kept_bytes_max = kept_bytes_max
        self._parts: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._streams = False
        self._finished = False
        self._unread = False
        self._reader: asyncio.Future[None] | None = None
        self._go_on: Callable[[], object] | None = None

    @classmethod
    def collecting(cls, bytes_max: int) -> Self:
        """Return one that nobody reads: what comes is kept, all of it."""
        stream = cls(bytes_max, bytes_max)
        stream._unread = True
        return stream

    @property
    def streamed(self) -> int | None:
        """How many bytes came in parts; None if the function hasn't begun to stream."""
        return self.size if self._streams else None

    @property
    def too_large(self) -> bool:
        """Whether more has come than may."""
        return self.size > self._bytes_max

    # The link's end.

    def begin(self, head: Mapping[str, Any]) -> None:
        """Say that the reply comes in parts; `head` is what belongs to it, in the contract's own words."""
        self.head = head
        self._streams = True
        wake(self.begun)

    def feed(self, part: bytes) -> bool:
        """Take a part; False if the next is to wait, as `when_room` tells."""
        self.size += len(part)
        self.kept += part[: self._kept_bytes_max - len(self.kept)]
        if self._unread or self._finished:
            return True
        self._parts.append(part)
        self._waiting_bytes += len(part)
        self._wake_reader()
        return self._waiting_bytes <= WAITING_BYTES_MAX

    def when_room(self, go_on: Callable[[], object]) -> None:
        """Call back once, when the reader has caught up, or nobody reads any more."""
        if self._unread or self._finished or not self._parts:
            go_on()
        else:
            self._go_on = go_on

    def finish(self) -> None:
        """Say that nothing more comes."""
        self._finished = True
        wake(self.begun)
        self._wake_reader()
        self._tell_room()

    # The reader's end.

    def abandon(self) -> None:
        """Read no more; what still comes is thrown away."""
        self._unread = True
        self._parts.clear()
        self._waiting_bytes = 0
        self._wake_reader()
        self._tell_room()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._parts:
            if self._finished or self._unread:
                raise StopAsyncIteration
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        part = self._parts.popleft()
        self._waiting_bytes -= len(part)
        if not self._parts:
            self._tell_room()
        return part

    def _wake_reader(self) -> None:
        if self._reader is not None:
            wake(self._reader)

    def _tell_room(self) -> None:
        go_on, self._go_on = self._go_on, None
        if go_on is not None:
            go_on()
