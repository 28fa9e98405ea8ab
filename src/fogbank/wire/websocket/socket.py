"""A socket as a session sees it: messages to take, messages to send, an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from typing import Self

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
NO_STATUS: Final = 1005
ABNORMAL: Final = 1006
TOO_BIG: Final = 1009
INTERNAL_ERROR: Final = 1011


class ClosedError(Exception):
    """The socket is closed; `code` and `reason` are those of the first side that closed it, 1006 for none."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class Line(Protocol):
    """The connection below a socket."""

    async def receive(self) -> str | bytes:
        """Return the next message; raises `ClosedError`."""

    async def send(self, message: str | bytes) -> None:
        """Send a message; raises `ClosedError`."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close."""


class WebSocket:
    """A client's socket. Messages are text (str) or binary (bytes); each has one reader.

    Iterating over a socket yields messages until it is closed.
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    async def receive(self) -> str | bytes:
        """Return the next message; raises `ClosedError` once there is none left."""
        return await self._line.receive()

    async def send(self, message: str | bytes) -> None:
        """Send a message, no faster than the client takes them; raises `ClosedError`."""
        await self._line.send(message)

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close: what the client still sends is thrown away. Closing again does nothing."""
        self._line.close(code, reason)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.receive()
        except ClosedError:
            raise StopAsyncIteration from None
