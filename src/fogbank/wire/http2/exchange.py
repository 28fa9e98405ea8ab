"""One request and its answer on a connection in HTTP/2: a stream (RFC 9113, section 5)."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from fogbank.kernel.clock import wake
from fogbank.wire.http2.frames import DATA, END_STREAM, ErrorCode, frame, header_frames, reset, window_update

if TYPE_CHECKING:
    from fogbank.wire.http2.connection import Http2Connection
    from fogbank.wire.http2.fields import Head

# What may wait to be sent before whoever sends more has to wait, too.
UNSENT_BYTES_MAX: Final = 262_144
# What a client may send of one body before somebody takes it.
WINDOW_BYTES: Final = 1_048_576
# So much is taken before the client is told that it may send as much again.
_UPDATE_BYTES: Final = WINDOW_BYTES // 4


class Receiver(Protocol):
    """Who takes what a client sends of a request, and hears of its end; called by the connection as it reads."""

    def data(self, part: bytes) -> None:
        """Take a part of the body."""

    def end(self, trailers: list[tuple[bytes, bytes]]) -> None:
        """Take note that the body is whole."""

    def lost(self) -> None:
        """Take note that the client is gone, or wants no answer any more."""


class Application(Protocol):
    """What answers requests."""

    def begin(self, exchange: Exchange) -> Receiver:
        """Take a request whose body, if there is one, is still to come."""

    def end_streams(self) -> None:
        """End answers that would go on for as long as clients like."""


class Exchange:
    """A request, and the way for its answer.

    An answer is a head, parts of a body, and an end with or without trailers; fields are given as they go on the wire.
    All of these may be called when the client is gone, and do nothing then.
    """

    __slots__ = (
        "_answered",
        "_connection",
        "_ending",
        "_heard",
        "_held",
        "_paused",
        "_taken",
        "_unsent",
        "_unsent_bytes",
        "_waiting",
        "head",
        "number",
        "received",
        "receiver",
        "window",
    )  # fmt: skip

    def __init__(self, connection: Http2Connection, number: int, head: Head, window: int) -> None:
        self.head = head
        self.number = number
        self.receiver: Receiver
        # What the client lets us send.
        self.window = window
        # What is still to be sent; the bytes behind it are the trailers, empty for none.
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._ending: bytes | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._connection = connection
        # Whether the request is whole, and whether the answer is.
        self._heard = False
        self._answered = False
        # What has come since the client's window was last renewed: all, what was taken, and what nobody wants yet.
        self.received = 0
        self._taken = 0
        self._held = 0
        self._paused = False

    @property
    def client(self) -> tuple[str, int]:
        """The client's address and port; ("local", 0) where there is none."""
        return self._connection.client

    @property
    def server_port(self) -> int:
        """The port on our side; 0 where there is none."""
        return self._connection.server_port

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be sent."""
        return self._answered

    @property
    def is_heard(self) -> bool:
        """Whether the client has said everything."""
        return self._heard

    def date(self) -> bytes:
        """Return the value of the Date field, now."""
        return self._connection.date()

    # What the application calls.

    def start(self, block: bytes) -> None:
        """Send the head of an answer."""
        if not self._answered:
            self._connection.write(header_frames(self.number, block, 0, self._connection.frame_bytes_max))

    def send(self, data: bytes) -> None:
        """Send a part of the body, now or as soon as the client lets us."""
        if self._answered or not data:
            return
        if not self._unsent:
            sent = self._connection.write_part(self, data)
            if sent == len(data):
                return
            data = data[sent:]
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        self._connection.block(self)

    def finish(self, trailers: bytes = b"") -> None:
        """End the answer, with a block of trailers or none, once all of it is sent."""
        if self._answered or self._ending is not None:
            return
        self._ending = trailers
        if not self._unsent:
            self._end()

    def answer(self, block: bytes, body: bytes, trailers: bytes) -> None:
        """Send a whole answer, which ends with trailers."""
        if self._answered:
            return
        frames = self._connection.whole(self, block, body, trailers)
        if frames is not None:
            self._connection.write(frames)
            self._over()
        else:
            self.start(block)
            self.send(body)
            self.finish(trailers)

    def answer_with_head(self, block: bytes) -> None:
        """Send an answer that is nothing but a head."""
        if not self._answered:
            self._connection.write(header_frames(self.number, block, END_STREAM, self._connection.frame_bytes_max))
            self._over()

    def break_off(self, code: ErrorCode) -> None:
        """End without an answer, or in the middle of it."""
        if not self._answered:
            self._heard = True
            self._connection.write(reset(self.number, code))
            self._over()

    def drop_connection(self) -> None:
        """Close the connection, with all that is under way on it."""
        self._connection.abort()

    async def drain(self) -> None:
        """Return when there is room for more; also when the client is gone."""
        while not self._answered and (self._unsent_bytes > UNSENT_BYTES_MAX or not self._connection.writable):
            if self._waiting is None:
                self._waiting = asyncio.get_running_loop().create_future()
            self._connection.block(self)
            await self._waiting

    def pause_body(self) -> None:
        """Let the client wait with the rest of its body."""
        self._paused = True

    def resume_body(self) -> None:
        """Let the client send on."""
        self._paused = False
        held, self._held = self._held, 0
        if held:
            self.take(held)

    # What the connection calls.

    def take(self, size: int) -> None:
        """Take note of what has come, and let the client send as much again unless it is to wait."""
        if self._paused:
            self._held += size
            return
        self._connection.renew(size)
        self._taken += size
        if self._taken >= _UPDATE_BYTES and not self._heard and not self._answered:
            self._connection.write(window_update(self.number, self._taken))
            self.received -= self._taken
            self._taken = 0

    def hear(self) -> None:
        """Take note that the client has said everything."""
        self._heard = True

    def flush(self) -> bool:
        """Send what windows have room for; tells whether something still waits."""
        unsent = self._unsent
        while unsent:
            part = unsent[0]
            sent = self._connection.write_part(self, part)
            if sent < len(part):
                self._unsent_bytes -= sent
                unsent[0] = part[sent:]
                break
            self._unsent_bytes -= len(part)
            unsent.popleft()
        if not unsent and self._ending is not None and not self._answered:
            self._end()
        if self._unsent_bytes <= UNSENT_BYTES_MAX and self._connection.writable:
            self._wake()
        return bool(unsent) or self._waiting is not None

    def lose(self) -> None:
        """Take note that the client is gone, or wants no answer any more."""
        if not self._answered:
            self._close()
            self.receiver.lost()

    def _end(self) -> None:
        assert self._ending is not None
        connection = self._connection
        if self._ending:
            connection.write(header_frames(self.number, self._ending, END_STREAM, connection.frame_bytes_max))
        else:
            connection.write(frame(DATA, END_STREAM, self.number))
        self._over()

    def _over(self) -> None:
        if not self._heard:
            # Nobody wants the rest of the request (section 8.1).
            self._connection.write(reset(self.number, ErrorCode.NO_ERROR))
        self._close()
        self._connection.forget(self)

    def _close(self) -> None:
        self._answered = True
        self._unsent.clear()
        self._wake()
        self.resume_body()

    def _wake(self) -> None:
        if self._waiting is not None:
            wake(self._waiting)
            self._waiting = None
