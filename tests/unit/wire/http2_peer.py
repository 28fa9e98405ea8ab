"""A client's side of a connection in HTTP/2 without a network: it writes frames as they are, and reads what comes."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hpack import Decoder, Encoder

from fogbank.wire.http2 import frames
from fogbank.wire.http2.connection import PREFACE, Http2Connection

if TYPE_CHECKING:
    from fogbank.wire.http2.exchange import Application

GREETING = PREFACE + frames.settings({})
REQUEST = {":method": "POST", ":scheme": "http", ":path": "/", ":authority": "fog.test"}


class Transport:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.closing = False
        self.reading = True

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        return ("127.0.0.1", 4_711)

    def write(self, data: bytes) -> None:
        assert not self.closing
        self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


@dataclass
class Answer:
    """What came back on a stream."""

    heads: list[dict[str, str]] = field(default_factory=list)
    data: bytes = b""
    ended: bool = False
    reset: int | None = None

    @property
    def fields(self) -> dict[str, str]:
        """All fields, the trailers among them."""
        return {name: value for head in self.heads for name, value in head.items()}


class Peer:
    """The client, and the connection that it has."""

    def __init__(self, application: Application, *, greet: bool = True) -> None:
        self.application = application
        self.transport = Transport()
        self.gone = False
        self.connection = Http2Connection(self, self.transport)  # type: ignore[arg-type] # what is used of one
        self.encoder = Encoder()
        self.answers: dict[int, Answer] = {}
        self.others: list[tuple[int, int, bytes]] = []
        self.windows: dict[int, int] = {}
        self._decoder = Decoder()
        if greet:
            self.send(GREETING)

    # What the connection asks of its server.

    def forget(self, _connection: Any) -> None:
        self.gone = True

    def date(self) -> bytes:
        return b"Fri, 27 Nov 2026 00:00:00 GMT"

    # What a test does.

    def send(self, data: bytes) -> None:
        self.connection.data_received(data)

    def ask(self, stream: int, *parts: bytes, end: bool = True, **fields: str) -> None:
        """Send a request; `fields` are added, `_` in their names stands for `-`."""
        self.head(stream, end=end and not parts, **fields)
        for number, part in enumerate(parts):
            last = end and number == len(parts) - 1
            self.send(frames.frame(frames.DATA, frames.END_STREAM if last else 0, stream, part))

    def head(self, stream: int, *, end: bool = True, **fields: str) -> None:
        given = REQUEST | {name.replace("_", "-"): value for name, value in fields.items()}
        pseudo = {name: given.pop(name.strip(":"), value) for name, value in REQUEST.items()}
        given = {name: value for name, value in given.items() if not name.startswith(":")}
        flags = frames.END_HEADERS | (frames.END_STREAM if end else 0)
        self.send(frames.frame(frames.HEADERS, flags, stream, self.encoder.encode(list((pseudo | given).items()))))

    async def turn(self, count: int = 5) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    def read(self) -> dict[int, Answer]:
        """Take in all that was written by the end of this turn."""
        self.connection.flush()
        data = bytes(self.transport.written)
        self.transport.written.clear()
        at = 0
        while at < len(data):
            high, low, kind, flags, stream = frames.HEAD.unpack_from(data, at)
            payload = data[at + 9 : at + 9 + (high << 8 | low)]
            at += 9 + len(payload)
            self._take(kind, flags, stream, payload)
        return self.answers

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        answer = self.answers.setdefault(stream, Answer()) if stream else Answer()
        if kind == frames.DATA:
            answer.data += payload
        elif kind == frames.HEADERS:
            assert flags & frames.END_HEADERS
            answer.heads.append(dict(self._decoder.decode(payload)))
        elif kind == frames.RST_STREAM:
            answer.reset = int.from_bytes(payload)
        elif kind == frames.WINDOW_UPDATE:
            self.windows[stream] = self.windows.get(stream, 0) + int.from_bytes(payload)
        else:
            self.others.append((kind, flags, payload))
        if kind in (frames.DATA, frames.HEADERS) and flags & frames.END_STREAM:
            assert not answer.ended
            answer.ended = True

    @property
    def went_away(self) -> int | None:
        """Why the connection was ended, if it was."""
        self.read()
        codes = [struct.unpack_from(">II", payload)[1] for kind, _, payload in self.others if kind == frames.GOAWAY]
        return codes[-1] if codes else None
