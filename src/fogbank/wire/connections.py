"""What servers of both versions of HTTP have in common: open connections, when answers leave, and their date."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from fogbank.kernel.clock import SECOND_US, wake

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock


# So many answers don't wait for more.
TOGETHER_MAX: Final = 32


class Closable(Protocol):
    """A connection as its server ends it."""

    def close_when_idle(self) -> None:
        """Close now, or once what has begun is answered."""

    def abort(self) -> None:
        """Close at once, whatever is under way."""


C = TypeVar("C", bound=Closable)


class Connections(set[C]):
    """The connections that are open."""

    def __init__(self) -> None:
        super().__init__()
        self._gone: asyncio.Future[None] | None = None

    def forget(self, connection: C) -> None:
        """Take note that a connection is gone."""
        self.discard(connection)
        if self._gone is not None and not self:
            wake(self._gone)

    async def close(self, grace_seconds: float) -> None:
        """Let requests under way finish within the grace, then cut off the rest."""
        for connection in list(self):
            connection.close_when_idle()
        if self:
            await asyncio.wait([self._last_gone()], timeout=grace_seconds)
        for connection in list(self):
            connection.abort()
        if self:
            await self._last_gone()

    def _last_gone(self) -> asyncio.Future[None]:
        if self._gone is None or self._gone.done():
            self._gone = asyncio.get_running_loop().create_future()
        return self._gone


def server_port(transport: asyncio.BaseTransport) -> int:
    """Return the port on our side of a connection, 0 where there is none."""
    name = transport.get_extra_info("sockname")
    return int(name[1]) if isinstance(name, tuple) else 0


class Departures:
    """Answers on many connections that leave together, at the end of a turn of the event loop.

    A write to a client that waits has to wake its processor, which costs several times as much as the write itself: 30
    to 45 µs in a virtual machine. Those right behind it find it awake.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []

    def add(self, transport: asyncio.Transport, data: bytes) -> None:
        """Have something written with what else leaves in this turn."""
        waiting = self._waiting
        waiting.append((transport, data))
        if len(waiting) == 1:
            self._loop.call_soon(self.flush)
        elif len(waiting) >= TOGETHER_MAX:
            self.flush()

    def flush(self) -> None:
        """Write all that waits, now: before anything that doesn't go this way."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for transport, data in waiting:
                if not transport.is_closing():
                    transport.write(data)


class Dates:
    """The value of the Date header (RFC 9110, section 5.6.7), put together once a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._date = b""

    def now(self) -> bytes:
        """Return the date of an answer that is given now."""
        second = self._clock.now() // SECOND_US
        if second != self._second:
            self._second = second
            self._date = formatdate(second, usegmt=True).encode()
        return self._date
