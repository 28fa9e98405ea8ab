"""A connection that has become a WebSocket, on wsproto: frames, back-pressure, the closing handshake, its limits.

What a session hasn't taken is bounded: beyond that, and while the client doesn't take what is sent to it, nothing is
read. A client that is silent is asked for a sign of life (a ping), and cut off if it gives none.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from wsproto.connection import SERVER, Connection, ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from fogbank.kernel.clock import wake
from fogbank.wire.websocket.socket import (
    ABNORMAL,
    GOING_AWAY,
    INTERNAL_ERROR,
    NO_STATUS,
    NORMAL,
    TOO_BIG,
    ClosedError,
    WebSocket,
)

if TYPE_CHECKING:
    from wsproto.events import Event

    from fogbank.wire.connections import Connections
    from fogbank.wire.http1 import Patience
    from fogbank.wire.websocket.handshake import Limits, Session

REASON_BYTES_MAX: Final = 123
_log = logging.getLogger(__name__)


def size_of(message: str | bytes) -> int:
    """Return how many bytes a message has on the wire."""
    return len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())


class Owner(Protocol):
    """What a socket needs of the server that it belongs to."""

    patience: Patience
    closing: bool
    sockets: Connections[SocketConnection]


class SocketConnection(asyncio.Protocol):
    """One socket: takes frames from the transport and hands messages to its session, and the other way."""

    def __init__(self, owner: Owner, session: Session, limits: Limits) -> None:
        self._owner = owner
        self._session = session
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport = None  # type: ignore[assignment] # take_over sets it
        self._frames = Connection(SERVER)
        self._task: asyncio.Task[None] | None = None
        # Messages that are complete, the parts of the one that isn't yet, and how long they are together.
        self._messages: deque[str | bytes] = deque()
        self._queued = 0
        self._parts: list[str | bytes] = []
        self._size = 0
        self._taker: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._reading = True
        self._ended: ClosedError | None = None
        self._lost = False
        # When something was heard last, and since when something is waited for.
        self._heard = self._loop.time()
        self._asked = False
        self._unsent = (0, self._heard)

    def take_over(self, transport: asyncio.Transport, begun: bytes) -> None:
        """Go on with a connection whose handshake is over; `begun` is what the client has sent behind it."""
        self._transport = transport
        transport.set_protocol(self)
        self._owner.sockets.add(self)
        self._task = self._loop.create_task(self._run())
        transport.resume_reading()
        if self._owner.closing:
            self.close_when_idle()
            transport.close()
        elif begun:
            self.data_received(begun)

    async def _run(self) -> None:
        """Run the session to its end, and close."""
        try:
            await self._session(WebSocket(self))
        except ClosedError:
            self.close(NORMAL, "")
        except asyncio.CancelledError:
            self.close(GOING_AWAY, "")
        except Exception:  # noqa: BLE001 - told to the client, and logged
            _log.exception("a session of a WebSocket failed")
            self.close(INTERNAL_ERROR, "")
        else:
            self.close(NORMAL, "")

    # What the event loop calls.

    def data_received(self, data: bytes) -> None:
        """Take frames; what is no frame ends the socket."""
        if self._ended is None:
            self._heard, self._asked = self._loop.time(), False
        if self._frames.state not in (ConnectionState.OPEN, ConnectionState.LOCAL_CLOSING):
            return
        self._frames.receive_data(data)
        for event in self._frames.events():
            if isinstance(event, CloseConnection):
                self._take_close(event)
                return
            if isinstance(event, Ping):
                self._write(event.response())
            elif isinstance(event, TextMessage | BytesMessage) and self._ended is None:
                self._take_part(event)
        self._regulate()

    def eof_received(self) -> bool:
        """Take note that the client sends nothing more, which without a close frame is no orderly end."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End the session."""
        self._lost = True
        self._end(ABNORMAL, "")
        self._writable.set()
        assert self._task is not None
        # The socket is gone with its session, which hears of it where it takes or sends.
        self._task.add_done_callback(lambda _task: self._owner.sockets.forget(self))
        if self._owner.closing:
            self._task.cancel()

    def pause_writing(self) -> None:
        """Note that the client reads more slowly than we write."""
        self._writable.clear()
        self._regulate()

    def resume_writing(self) -> None:
        """Note that the client has caught up."""
        self._writable.set()
        self._regulate()

    # What the session calls.

    async def receive(self) -> str | bytes:
        """Return the next message; raises `ClosedError` once there is none left."""
        while not self._messages:
            if self._ended is not None:
                raise ClosedError(self._ended.code, self._ended.reason)
            self._taker = self._loop.create_future()
            await self._taker
        message = self._messages.popleft()
        self._queued -= size_of(message)
        self._regulate()
        return message

    async def send(self, message: str | bytes) -> None:
        """Send a message, no faster than the client takes them; raises `ClosedError`."""
        await self._writable.wait()
        if self._ended is not None:
            raise ClosedError(self._ended.code, self._ended.reason)
        self._write(TextMessage(message) if isinstance(message, str) else BytesMessage(message))

    def close(self, code: int, reason: str) -> None:
        """Say that this side closes, and wait for the other side's word; what it still sends is thrown away."""
        if self._ended is not None:
            return
        self._end(code, reason)
        self._heard = self._loop.time()
        short = reason.encode()[:REASON_BYTES_MAX].decode("utf-8", "ignore")
        self._write(CloseConnection(code, short))
        self._regulate()

    # What the server calls.

    def close_when_idle(self) -> None:
        """Tell the client that the server goes away."""
        self.close(GOING_AWAY, "")

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def sweep(self, now: float) -> None:
        """Ask a client that is silent for a sign of life, and cut off one that gives none; `now` is the loop's time."""
        if self._lost:
            return
        patience = self._owner.patience
        unsent = self._transport.get_write_buffer_size()
        if unsent != self._unsent[0]:
            self._unsent = (unsent, now)
        elif unsent and now - self._unsent[1] >= patience.reply:
            self._transport.abort()
            return
        silent = now - self._heard
        if self._ended is not None:
            if silent >= patience.linger:
                self._transport.abort()
        elif self._reading and silent >= (self._limits.silence_seconds or patience.idle):
            if self._asked:
                self._transport.abort()
            else:
                self._asked, self._heard = True, now
                self._write(Ping())

    # Messages and their ends.

    def _take_part(self, event: TextMessage | BytesMessage) -> None:
        data = event.data if isinstance(event.data, str) else bytes(event.data)
        if data:
            self._parts.append(data)
            self._size += size_of(data)
        if self._size > self._limits.message_bytes_max:
            self._parts.clear()
            self.close(TOO_BIG, f"A message may have {self._limits.message_bytes_max} bytes.")
        elif event.message_finished:
            empty = data[:0]
            message = empty.join(self._parts) if self._parts else empty  # type: ignore[arg-type] # all are of one kind
            self._parts.clear()
            self._size = 0
            self._messages.append(message)
            self._queued += size_of(message)
            self._wake()

    def _take_close(self, event: CloseConnection) -> None:
        """Answer the client's close, or take its answer to ours; then the connection is over."""
        if self._frames.state is ConnectionState.CLOSED:
            self._transport.close()
            return
        code = event.code or NO_STATUS
        self._end(code, event.reason or "")
        self._write(CloseConnection(NORMAL, "") if code == NO_STATUS else CloseConnection(code, event.reason))
        self._transport.close()

    def _end(self, code: int, reason: str) -> None:
        if self._ended is None:
            self._ended = ClosedError(code, reason)
        self._wake()

    def _wake(self) -> None:
        if self._taker is not None:
            wake(self._taker)

    def _write(self, event: Event) -> None:
        if self._lost or self._transport.is_closing():
            return
        try:
            self._transport.write(self._frames.send(event))
        except LocalProtocolError:
            # The closing handshake has gone on meanwhile.
            return

    def _regulate(self) -> None:
        """Read from the client, or let it wait."""
        limits = self._limits
        has_room = self._queued < limits.queued_bytes_max and len(self._messages) < limits.queued_messages_max
        reading = self._ended is not None or (has_room and self._writable.is_set())
        if reading != self._reading and not self._transport.is_closing():
            self._reading = reading
            if reading:
                self._heard = self._loop.time()
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()
