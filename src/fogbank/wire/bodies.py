"""Bodies of HTTP messages that are not held in memory at once."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, Self

from fogbank.kernel.clock import wake
from fogbank.wire.http import KIB, BodyIncompleteError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BUFFERED_BYTES_MAX: Final = 256 * KIB


class Flow(Protocol):
    """The side of a connection that a body can hold back."""

    def pause_body(self) -> None:
        """Stop reading from the client."""

    def resume_body(self) -> None:
        """Read on."""


class IncomingBody:
    """A request body that is still arriving; reading pauses while nobody takes what has come. It has one reader.

    `trailers` are the fields that came behind the body, complete once it is; names are lower case.
    """

    def __init__(self, flow: Flow) -> None:
        self.trailers: dict[bytes, bytes] = {}
        self._flow = flow
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._complete = False
        self._broken = False
        self._holding = False
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, part: bytes) -> None:
        """Take over what has arrived."""
        self._parts.append(part)
        self._size += len(part)
        if self._size > BUFFERED_BYTES_MAX and not self._holding:
            self._holding = True
            self._flow.pause_body()
        self._wake()

    def finish(self, *, broken: bool) -> None:
        """Say that nothing more comes; `broken` if that is not the end that the client meant."""
        if not self._complete:
            self._complete = True
            self._broken = broken
            self._let_go()
            self._wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._parts:
            if self._broken:
                msg = "The connection ended before the body was complete."
                raise BodyIncompleteError(msg)
            if self._complete:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        part = self._parts.popleft()
        self._size -= len(part)
        if not self._parts:
            self._let_go()
        return part

    def _let_go(self) -> None:
        if self._holding:
            self._holding = False
            self._flow.resume_body()

    def _wake(self) -> None:
        if self._waiter is not None:
            wake(self._waiter)


class ReplyLengthError(Exception):
    """A streamed reply isn't as long as its head said."""


async def write_stream(
    transport: asyncio.WriteTransport,
    writable: asyncio.Event,
    body: AsyncIterator[bytes],
    length: int | None,
    *,
    chunked: bool,
    silent: bool,
) -> None:
    """Send a streamed body, no faster than the client takes it; `silent` sends nothing, and only closes it."""
    sent = 0
    try:
        if silent:
            return
        async for part in body:
            sent += len(part)
            if length is not None and sent > length:
                raise ReplyLengthError(f"more than {length} bytes")
            if part:
                transport.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
                await writable.wait()
            if transport.is_closing():
                return
        if length is not None and sent != length:
            raise ReplyLengthError(f"{sent} bytes instead of {length}")
        if chunked:
            transport.write(b"0\r\n\r\n")
    finally:
        await close_stream(body)


async def close_stream(body: AsyncIterator[bytes]) -> None:
    """Tell a streamed body that nobody takes any more of it."""
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()
