"""The messages of a call, as they come in."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from fogbank.kernel.clock import wake
from fogbank.wire.grpc.status import GrpcError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fogbank.wire.bodies import Flow
    from fogbank.wire.grpc.framing import FrameReader

# So much of a stream waits for whoever takes it before the client has to: one message, or several within these.
MESSAGES_WAITING_MAX: Final = 64
BYTES_WAITING_MAX: Final = 4_194_304


class Incoming:
    """Takes what the client sends; has one reader. `caller` is cancelled when the client goes away.

    `first` is the first message, once it was taken.
    """

    def __init__(self, flow: Flow, reader: FrameReader) -> None:
        self.caller: asyncio.Task[Any] | None = None
        self.gone = False
        self.first: bytes | None = None
        self._flow = flow
        self._reader = reader
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._holding = False
        self._ended = False
        self._error: GrpcError | None = None
        self._news: asyncio.Future[None] | None = None

    def data(self, part: bytes) -> None:
        """Take a part of the stream."""
        if self._ended:
            return
        try:
            for message in self._reader.feed(part):
                self._waiting.append(message)
                self._waiting_bytes += len(message)
        except GrpcError as error:
            self._error = error
            self._ended = True
        if self._is_full() and not self._holding:
            self._holding = True
            self._flow.pause_body()
        self._wake()

    def end(self, trailers: list[tuple[bytes, bytes]]) -> None:
        """Take note that the client has sent everything."""
        del trailers
        if self._ended:
            return
        self._ended = True
        try:
            self._reader.finish()
        except GrpcError as error:
            self._error = error
        self._wake()

    def lost(self) -> None:
        """Give up what was being done for the client."""
        self.gone = True
        if self.caller is not None:
            self.caller.cancel()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the messages; raises `GrpcError` behind the last good one."""
        while True:
            while self._waiting:
                message = self._waiting.popleft()
                if self.first is None:
                    self.first = message
                self._waiting_bytes -= len(message)
                if self._holding and not self._is_full():
                    self._holding = False
                    self._flow.resume_body()
                yield message
            if self._error is not None:
                raise self._error
            if self._ended:
                return
            self._news = asyncio.get_running_loop().create_future()
            await self._news

    def _is_full(self) -> bool:
        waiting = len(self._waiting)
        return waiting > MESSAGES_WAITING_MAX or (waiting > 1 and self._waiting_bytes > BYTES_WAITING_MAX)

    def _wake(self) -> None:
        if self._news is not None:
            wake(self._news)
            self._news = None
