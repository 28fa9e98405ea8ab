"""Bodies of HTTP/1.1 messages that are not held in memory at once."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

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
    """A request body that is still arriving; reading pauses while nobody takes what has come."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._complete = False
        self._broken = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def consumed(self) -> bool:
        """Whether all of it has come and was taken."""
        return self._complete and not self._parts

    def feed(self, part: bytes) -> None:
        """Take over what has arrived."""
        self._parts.append(part)
        self._size += len(part)
        if self._size > BUFFERED_BYTES_MAX:
            self._flow.pause_body()
        self._wake()

    def finish(self, *, broken: bool) -> None:
        """Say that nothing more comes; `broken` if that is not the end that the client meant."""
        if not self._complete:
            self._complete = True
            self._broken = broken
            self._wake()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the parts as they come."""
        while True:
            while self._parts:
                part = self._parts.popleft()
                self._size -= len(part)
                yield part
            if self._complete:
                break
            self._flow.resume_body()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._broken:
            msg = "The connection ended before the body was complete."
            raise BodyIncompleteError(msg)

    def _wake(self) -> None:
        if self._waiter is not None:
            wake(self._waiter)


async def write_chunks(
    transport: asyncio.WriteTransport, writable: asyncio.Event, body: AsyncIterator[bytes], *, silent: bool
) -> None:
    """Send a body of unknown length in chunks, no faster than the client takes them."""
    async for part in body:
        if part and not silent:
            transport.write(b"%x\r\n%b\r\n" % (len(part), part))
        await writable.wait()
        if transport.is_closing():
            return
    if not silent:
        transport.write(b"0\r\n\r\n")
