"""One connection in HTTP/2, the hot path of gRPC: an `asyncio.Protocol` (RFC 9113).

What is answered in one turn of the event loop leaves in one write, together with what other connections answer. Reading
stops while the client doesn't read.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol

from fogbank.wire.connections import server_port
from fogbank.wire.http2 import frames
from fogbank.wire.http2.exchange import WINDOW_BYTES, Application, Exchange
from fogbank.wire.http2.fields import BLOCK_BYTES_MAX, FIELDS_BYTES_MAX, FieldReader, MalformedError
from fogbank.wire.http2.frames import ConnectionBrokenError, ErrorCode
from fogbank.wire.http2.server import PREFACE

if TYPE_CHECKING:
    from collections.abc import Callable

STREAMS_MAX: Final = 256
FRAME_BYTES_MAX: Final = 65_536
# What a client may send on all its streams before any of it is taken, and what is taken before it may send as much.
CONNECTION_WINDOW_BYTES: Final = 16_777_216
_UPDATE_BYTES: Final = CONNECTION_WINDOW_BYTES // 4
# Requests that a client takes back cost work that nobody wants: so many more than those that were answered.
RESETS_MAX: Final = 1_000
# How long a frame, or a request's head, may take from its first byte to its last.
PATIENCE_SECONDS: Final = 30.0
# How long a client may take to read something of what fills its buffers.
REPLY_SECONDS: Final = 60.0
_OURS: Final = frames.settings(
    {
        frames.MAX_CONCURRENT_STREAMS: STREAMS_MAX,
        frames.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
        frames.MAX_FRAME_SIZE: FRAME_BYTES_MAX,
        frames.MAX_HEADER_LIST_SIZE: FIELDS_BYTES_MAX,
    }
) + frames.window_update(0, CONNECTION_WINDOW_BYTES - frames.DEFAULT_WINDOW)

_log = logging.getLogger(__name__)


class ServerSide(Protocol):
    """What a connection needs of the server that it belongs to."""

    application: Application

    def forget(self, connection: Http2Connection) -> None:
        """Take note that a connection is gone."""

    def date(self) -> bytes:
        """Return the value of the Date field, now."""


class Http2Connection(asyncio.Protocol):
    """A client's connection: reads frames, begins exchanges, writes what they answer."""

    def __init__(self, server: ServerSide, transport: asyncio.Transport) -> None:
        self._server = server
        self._application = server.application
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        peer = transport.get_extra_info("peername")
        self.client = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else ("local", 0)
        self.server_port = server_port(transport)
        self.date = server.date
        self._fields = FieldReader()
        self._exchanges: dict[int, Exchange] = {}
        self._last_stream = 0
        # A head whose block is not whole yet: its stream, flags and what there is of it.
        self._open_head: tuple[int, int, bytearray] | None = None
        self._unread = b""
        self._preface_read = False
        self._settings_read = False
        self._frames_read = 0
        self._patience: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        # What is to leave with the next write, and whether that is arranged for.
        self._out: list[bytes] = []
        self._flushing = False
        self._blocked: dict[int, Exchange] = {}
        self.writable = True
        # What the client lets us send in all, at once in a frame, and on a new stream.
        self._window = frames.DEFAULT_WINDOW
        self.frame_bytes_max = frames.DEFAULT_FRAME_BYTES_MAX
        self._first_window = frames.DEFAULT_WINDOW
        # What has come since its window was renewed, and what of it was taken.
        self._received = 0
        self._taken = 0
        self._resets = 0
        self._closing = False
        self._lost = False
        self._read: dict[int, Callable[[int, int, bytes], None]] = {
            frames.DATA: self._data,
            frames.HEADERS: self._headers,
            frames.PRIORITY: self._priority,
            frames.RST_STREAM: self._rst_stream,
            frames.SETTINGS: self._settings,
            frames.PUSH_PROMISE: self._push_promise,
            frames.PING: self._ping,
            frames.GOAWAY: self._goaway,
            frames.WINDOW_UPDATE: self._window_update,
            frames.CONTINUATION: self._continuation,
        }
        self.write(_OURS)

    # What the event loop calls.

    def data_received(self, data: bytes) -> None:
        """Read frames."""
        if self._closing and not self._exchanges:
            return
        try:
            self._unread = self._parse(self._unread + data if self._unread else data)
        except ConnectionBrokenError as error:
            self._break(error)
        except Exception:  # noqa: BLE001 - whatever it is, the connection must end
            _log.exception("a connection in HTTP/2 could not be served")
            self._break(ConnectionBrokenError(ErrorCode.INTERNAL_ERROR, ""))
        if self._patience is None and self._is_waiting() and not self._lost:
            self._patience = self._loop.call_later(PATIENCE_SECONDS, self._check_patience, self._frames_read)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what was being done for the client."""
        self._lost = True
        for timer in (self._patience, self._stuck):
            if timer is not None:
                timer.cancel()
        self._lose_all()
        self._server.forget(self)

    def pause_writing(self) -> None:
        """Let the client read before it asks for more."""
        self.writable = False
        self._stuck = self._loop.call_later(REPLY_SECONDS, self.abort)
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self.writable = True
        if self._stuck is not None:
            self._stuck.cancel()
        if not self._transport.is_closing():
            self._transport.resume_reading()
        self._unblock()

    # What the server calls.

    def close_when_idle(self) -> None:
        """Take no more requests, and close once those under way are answered."""
        if not self._closing:
            self._closing = True
            self.write(frames.go_away(self._last_stream, ErrorCode.NO_ERROR))
        if not self._exchanges:
            self._close()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()

    # What exchanges call.

    def write(self, data: bytes) -> None:
        """Send frames with what else leaves in this turn."""
        self._out.append(data)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self.flush)

    def whole(self, exchange: Exchange, head: bytes, body: bytes, trailers: bytes) -> bytes | None:
        """Return the frames of a whole answer, if there is room for them now."""
        size = len(body)
        bytes_max = self.frame_bytes_max
        if size > self._window or size > exchange.window or max(size, len(head), len(trailers)) > bytes_max:
            return None
        self._window -= size
        exchange.window -= size
        number = exchange.number
        return (
            frames.frame(frames.HEADERS, frames.END_HEADERS, number, head)
            + frames.frame(frames.DATA, 0, number, body)
            + frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, number, trailers)
        )

    def write_part(self, exchange: Exchange, part: bytes) -> int:
        """Send as much of a part as windows have room for; returns how much that was."""
        room = min(self._window, exchange.window, len(part))
        if room <= 0:
            return 0
        self._window -= room
        exchange.window -= room
        bytes_max = self.frame_bytes_max
        for at in range(0, room, bytes_max):
            self.write(frames.frame(frames.DATA, 0, exchange.number, part[at : min(at + bytes_max, room)]))
        return room

    def block(self, exchange: Exchange) -> None:
        """Have an exchange flushed when there may be room again."""
        self._blocked[exchange.number] = exchange

    def renew(self, size: int) -> None:
        """Let the client send as much again."""
        self._taken += size
        if self._taken >= _UPDATE_BYTES:
            self.write(frames.window_update(0, self._taken))
            self._received -= self._taken
            self._taken = 0

    def forget(self, exchange: Exchange) -> None:
        """Take note that an answer is whole."""
        self._exchanges.pop(exchange.number, None)
        self._blocked.pop(exchange.number, None)
        self._resets = max(0, self._resets - 1)
        if self._closing and not self._exchanges:
            self._close()

    # Frames.

    def _parse(self, data: bytes) -> bytes:
        """Read the frames that are whole; returns what is left."""
        at, size = 0, len(data)
        if not self._preface_read:
            if size < len(PREFACE):
                return data
            if not data.startswith(PREFACE):
                raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "no preface")
            self._preface_read = True
            at = len(PREFACE)
        unpack, read = frames.HEAD.unpack_from, self._read
        while size - at >= frames.HEAD_BYTES:
            high, low, kind, flags, stream = unpack(data, at)
            length = high << 8 | low
            if length > FRAME_BYTES_MAX:
                raise ConnectionBrokenError(ErrorCode.FRAME_SIZE_ERROR, f"a frame of {length} bytes")
            begin = at + frames.HEAD_BYTES
            end = begin + length
            if end > size:
                break
            at = end
            self._frames_read += 1
            if self._open_head is not None and kind != frames.CONTINUATION:
                raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "a head is interrupted")
            if not self._settings_read and kind != frames.SETTINGS:
                raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")
            reader = read.get(kind)
            if reader is not None:
                reader(flags, stream & frames.STREAM_MASK, data[begin:end])
        return data[at:]

    def _data(self, flags: int, stream: int, payload: bytes) -> None:
        size = len(payload)
        self._received += size
        if self._received > CONNECTION_WINDOW_BYTES:
            raise ConnectionBrokenError(ErrorCode.FLOW_CONTROL_ERROR, "more data than the connection's window")
        if flags & frames.PADDED:
            payload = frames.unpad(payload, flags & frames.PADDED)
        exchange = self._exchanges.get(stream)
        if exchange is None:
            if stream == 0 or stream > self._last_stream:
                raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "data without a request")
            # Of a request that is over on our side.
            self.renew(size)
            return
        exchange.received += size
        if exchange.received > WINDOW_BYTES:
            raise ConnectionBrokenError(ErrorCode.FLOW_CONTROL_ERROR, "more data than the stream's window")
        if exchange.is_heard:
            self.renew(size)
            self._refuse(exchange, ErrorCode.STREAM_CLOSED)
            return
        if flags & frames.END_STREAM:
            exchange.hear()
            exchange.take(size)
            if payload:
                exchange.receiver.data(payload)
            exchange.receiver.end([])
        elif payload:
            exchange.receiver.data(payload)
            exchange.take(size)
        else:
            exchange.take(size)

    def _headers(self, flags: int, stream: int, payload: bytes) -> None:
        if flags & (frames.PADDED | frames.PRIORITISED):
            payload = frames.unpad(payload, flags)
        if stream == 0 or stream % 2 == 0:
            raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "a request on a stream that isn't the client's")
        if flags & frames.END_HEADERS:
            self._head(flags, stream, payload)
        else:
            self._open_head = (stream, flags, bytearray(payload))

    def _continuation(self, flags: int, stream: int, payload: bytes) -> None:
        if self._open_head is None or self._open_head[0] != stream:
            raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "nothing to continue")
        _, first_flags, block = self._open_head
        block += payload
        if len(block) > BLOCK_BYTES_MAX:
            raise ConnectionBrokenError(ErrorCode.ENHANCE_YOUR_CALM, "the head is too large")
        if flags & frames.END_HEADERS:
            self._open_head = None
            self._head(first_flags, stream, bytes(block))

    def _head(self, flags: int, stream: int, block: bytes) -> None:
        """Begin a request, or end one with its trailers."""
        if stream <= self._last_stream:
            self._trailers(flags, stream, block)
            return
        self._last_stream = stream
        try:
            head = self._fields.head(block)
        except MalformedError:
            self.write(frames.reset(stream, ErrorCode.PROTOCOL_ERROR))
            return
        if self._closing or len(self._exchanges) >= STREAMS_MAX:
            self.write(frames.reset(stream, ErrorCode.REFUSED_STREAM))
            return
        exchange = self._exchanges[stream] = Exchange(self, stream, head, self._first_window)
        if flags & frames.END_STREAM:
            exchange.hear()
        receiver = exchange.receiver = self._application.begin(exchange)
        if flags & frames.END_STREAM:
            receiver.end([])

    def _trailers(self, flags: int, stream: int, block: bytes) -> None:
        fields = self._fields.trailers(block)
        exchange = self._exchanges.get(stream)
        if exchange is None:
            return
        if exchange.is_heard or not flags & frames.END_STREAM:
            self._refuse(exchange, ErrorCode.PROTOCOL_ERROR)
            return
        exchange.hear()
        exchange.receiver.end(fields)

    def _rst_stream(self, flags: int, stream: int, payload: bytes) -> None:
        del flags
        if len(payload) != 4:
            raise ConnectionBrokenError(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM has four bytes")
        if stream == 0 or stream > self._last_stream:
            raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "a reset of nothing")
        exchange = self._exchanges.pop(stream, None)
        self._blocked.pop(stream, None)
        if exchange is None:
            return
        exchange.lose()
        self._resets += 1
        if self._resets > RESETS_MAX:
            raise ConnectionBrokenError(ErrorCode.ENHANCE_YOUR_CALM, "too many requests are taken back")
        if self._closing and not self._exchanges:
            self._close()

    def _settings(self, flags: int, stream: int, payload: bytes) -> None:
        if stream != 0:
            raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "SETTINGS belong to the connection")
        if len(payload) % 6 or (flags & frames.ACK and payload):
            raise ConnectionBrokenError(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS have six bytes each")
        self._settings_read = True
        if flags & frames.ACK:
            return
        for setting, value in frames.read_settings(payload):
            self._apply(setting, value)
        self.write(frames.frame(frames.SETTINGS, frames.ACK, 0))
        self._unblock()

    def _apply(self, setting: int, value: int) -> None:
        if setting == frames.INITIAL_WINDOW_SIZE:
            if value > frames.WINDOW_MAX:
                raise ConnectionBrokenError(ErrorCode.FLOW_CONTROL_ERROR, "the initial window is too large")
            change = value - self._first_window
            self._first_window = value
            for exchange in self._exchanges.values():
                self._widen(exchange, change)
        elif setting == frames.MAX_FRAME_SIZE:
            if not frames.DEFAULT_FRAME_BYTES_MAX <= value <= frames.FRAME_BYTES_LIMIT:
                raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "the size of frames is out of range")
            # Larger ones would make little difference, and let one answer go before all others for longer.
            self.frame_bytes_max = min(value, FRAME_BYTES_MAX)
        elif setting == frames.ENABLE_PUSH and value > 1:
            raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH is 0 or 1")

    def _widen(self, exchange: Exchange, change: int) -> None:
        exchange.window += change
        if exchange.window > frames.WINDOW_MAX:
            raise ConnectionBrokenError(ErrorCode.FLOW_CONTROL_ERROR, "a window is too large")

    def _window_update(self, flags: int, stream: int, payload: bytes) -> None:
        del flags
        if len(payload) != 4:
            raise ConnectionBrokenError(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE has four bytes")
        size = int.from_bytes(payload) & frames.WINDOW_MAX
        if size == 0:
            raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "a window grows by at least one byte")
        if stream == 0:
            self._window += size
            if self._window > frames.WINDOW_MAX:
                raise ConnectionBrokenError(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is too large")
            self._unblock()
            return
        if stream > self._last_stream:
            raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "a window without a request")
        exchange = self._exchanges.get(stream)
        if exchange is not None:
            self._widen(exchange, size)
            if stream in self._blocked:
                self._unblock()

    def _ping(self, flags: int, stream: int, payload: bytes) -> None:
        if stream != 0:
            raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "PING belongs to the connection")
        if len(payload) != 8:
            raise ConnectionBrokenError(ErrorCode.FRAME_SIZE_ERROR, "PING has eight bytes")
        if not flags & frames.ACK:
            self.write(frames.frame(frames.PING, frames.ACK, 0, payload))

    def _priority(self, flags: int, stream: int, payload: bytes) -> None:
        """Take note of nothing: priorities are given up (section 5.3)."""
        del flags
        if stream == 0:
            raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "PRIORITY belongs to a stream")
        if len(payload) != 5:
            raise ConnectionBrokenError(ErrorCode.FRAME_SIZE_ERROR, "PRIORITY has five bytes")

    def _push_promise(self, flags: int, stream: int, payload: bytes) -> None:
        del flags, stream, payload
        raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "clients push nothing")

    def _goaway(self, flags: int, stream: int, payload: bytes) -> None:
        """The client will ask for nothing more; what it has asked for is answered."""
        del flags, payload
        if stream != 0:
            raise ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "GOAWAY belongs to the connection")

    # The way out, and the end.

    def flush(self) -> None:
        """Send what is to leave at the end of this turn, now."""
        self._flushing = False
        out = self._out
        if out and not self._lost:
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))
        out.clear()

    def _unblock(self) -> None:
        for number, exchange in list(self._blocked.items()):
            if not exchange.flush():
                self._blocked.pop(number, None)

    def _break(self, error: ConnectionBrokenError) -> None:
        self._unread = b""
        self._closing = True
        self.write(frames.go_away(self._last_stream, error.code, str(error)))
        self._lose_all()
        self._close()

    def _lose_all(self) -> None:
        exchanges = list(self._exchanges.values())
        self._exchanges.clear()
        self._blocked.clear()
        for exchange in exchanges:
            exchange.lose()

    def _refuse(self, exchange: Exchange, code: ErrorCode) -> None:
        """End a request that the client has broken."""
        self._exchanges.pop(exchange.number, None)
        self._blocked.pop(exchange.number, None)
        exchange.lose()
        self.write(frames.reset(exchange.number, code))

    def _close(self) -> None:
        self.flush()
        self._transport.close()

    def _is_waiting(self) -> bool:
        """Tell whether something has begun that the client has to end."""
        return bool(self._unread) or self._open_head is not None or not self._settings_read

    def _check_patience(self, frames_read: int) -> None:
        self._patience = None
        if self._frames_read == frames_read and self._is_waiting():
            self._break(ConnectionBrokenError(ErrorCode.PROTOCOL_ERROR, "a frame took too long"))
        elif self._is_waiting():
            self._patience = self._loop.call_later(PATIENCE_SECONDS, self._check_patience, self._frames_read)
