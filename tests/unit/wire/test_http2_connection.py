"""The rules of RFC 9113, one connection at a time, without a network."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.wire.http2 import connection as connections
from fogbank.wire.http2 import frames
from fogbank.wire.http2.connection import PREFACE, STREAMS_MAX
from fogbank.wire.http2.exchange import UNSENT_BYTES_MAX, WINDOW_BYTES
from fogbank.wire.http2.fields import encode_fields, encode_status
from fogbank.wire.http2.frames import ErrorCode, frame
from tests.unit.wire.http2_peer import GREETING, Peer

if TYPE_CHECKING:
    from fogbank.wire.http2.exchange import Exchange

OK = encode_status(200)


class Recorder:
    """Takes requests and keeps what came; answers nothing by itself."""

    def __init__(self) -> None:
        self.exchanges: dict[int, Exchange] = {}
        self.bodies: dict[int, bytes] = {}
        self.ended: dict[int, list[tuple[bytes, bytes]]] = {}
        self.lost: list[int] = []

    def begin(self, exchange: Exchange) -> _Taking:
        self.exchanges[exchange.number] = exchange
        self.bodies[exchange.number] = b""
        return _Taking(self, exchange.number)

    def end_streams(self) -> None:
        pass


class _Taking:
    def __init__(self, recorder: Recorder, number: int) -> None:
        self.recorder, self.number = recorder, number

    def data(self, part: bytes) -> None:
        self.recorder.bodies[self.number] += part

    def end(self, trailers: list[tuple[bytes, bytes]]) -> None:
        self.recorder.ended[self.number] = trailers

    def lost(self) -> None:
        self.recorder.lost.append(self.number)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def peer(recorder: Recorder) -> Peer:
    return Peer(recorder)


def test_the_greeting_is_answered(peer: Peer) -> None:
    peer.read()
    ours, acknowledged = peer.others
    assert ours[:2] == (frames.SETTINGS, 0)
    assert dict(frames.read_settings(ours[2]))[frames.INITIAL_WINDOW_SIZE] == WINDOW_BYTES
    assert acknowledged == (frames.SETTINGS, frames.ACK, b"")
    assert peer.windows[0] > WINDOW_BYTES


def test_requests_with_padding_priority_and_trailers(peer: Peer, recorder: Recorder) -> None:
    block = peer.encoder.encode([(":method", "PUT"), (":scheme", "http"), (":path", "/a?b"), ("x", "1"), ("x", "2")])
    flags = frames.END_HEADERS | frames.PADDED | frames.PRIORITISED
    peer.send(frame(frames.HEADERS, flags, 1, b"\x03" + b"\0" * 5 + block + b"pad"))
    peer.send(frame(frames.DATA, frames.PADDED, 1, b"\x02bodyxx"))
    peer.send(frame(frames.PRIORITY, 0, 7, b"\0" * 5))
    trailers = peer.encoder.encode([("x-sum", "abc")])
    peer.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, trailers))
    head = recorder.exchanges[1].head
    assert (head.method, head.path, head.values) == ("PUT", b"/a?b", {b"x": b"1, 2"})
    assert recorder.bodies[1] == b"body"
    assert recorder.ended[1] == [(b"x-sum", b"abc")]


def test_a_head_in_pieces(peer: Peer, recorder: Recorder) -> None:
    block = peer.encoder.encode([(":method", "GET"), (":scheme", "http"), (":path", "/"), ("x", "y" * 1_000)])
    parts = [frame(frames.HEADERS, frames.END_STREAM, 1, block[:10])]
    parts += [frame(frames.CONTINUATION, 0, 1, block[at : at + 100]) for at in range(10, len(block), 100)]
    for byte in b"".join([*parts, frame(frames.CONTINUATION, frames.END_HEADERS, 1)]):
        peer.send(bytes((byte,)))
    assert recorder.ended == {1: []}
    assert recorder.exchanges[1].head.values[b"x"] == b"y" * 1_000


@pytest.mark.parametrize(
    "fields",
    [
        [(":method", "GET"), (":scheme", "http")],
        [(":method", "GET"), (":scheme", "http"), (":path", "")],
        [(":method", "GET"), (":method", "GET"), (":scheme", "http"), (":path", "/")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":status", "200")],
        [(":method", "GET"), ("x", "y"), (":scheme", "http"), (":path", "/")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("Upper", "case")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("connection", "close")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("te", "gzip")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("x", "a\r\nb: c")],
    ],
)
def test_malformed_heads_are_refused_and_the_next_request_is_not(
    peer: Peer, recorder: Recorder, fields: list[tuple[str, str]]
) -> None:
    flags = frames.END_HEADERS | frames.END_STREAM
    peer.send(frame(frames.HEADERS, flags, 1, peer.encoder.encode(fields)))
    assert peer.read()[1].reset == ErrorCode.PROTOCOL_ERROR
    peer.ask(3)
    assert list(recorder.exchanges) == [3]


HEAD = frame(frames.HEADERS, frames.END_HEADERS, 1, b"\x83\x86\x84")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(frames.DATA, 0, 1, b"x"), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.DATA, 0, 0, b"x"), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.HEADERS, frames.END_HEADERS, 2, b"\x83\x86\x84"), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.HEADERS, frames.END_HEADERS, 0, b"\x83\x86\x84"), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.HEADERS, frames.END_HEADERS, 1, b"\xff\xff\xff\xff\xff"), ErrorCode.COMPRESSION_ERROR),
        (frame(frames.HEADERS, frames.END_HEADERS, 1, b"\xbe"), ErrorCode.COMPRESSION_ERROR),
        (frame(frames.HEADERS, frames.END_HEADERS | frames.PADDED, 1, b"\x09abc"), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.HEADERS, frames.END_HEADERS | frames.PADDED, 1, b""), ErrorCode.FRAME_SIZE_ERROR),
        (frame(frames.HEADERS, 0, 1, b"\x83") + frame(frames.PING, 0, 0, b"8" * 8), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.HEADERS, 0, 1, b"\x83") + frame(frames.CONTINUATION, 0, 3, b""), ErrorCode.PROTOCOL_ERROR),
        (
            frame(frames.HEADERS, 0, 1, b"\x83") + frame(frames.CONTINUATION, 0, 1, b"\0" * 16_000) * 5,
            ErrorCode.ENHANCE_YOUR_CALM,
        ),
        (frame(frames.CONTINUATION, 0, 1, b""), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.RST_STREAM, 0, 1, b"\0" * 4), ErrorCode.PROTOCOL_ERROR),
        (HEAD + frame(frames.RST_STREAM, 0, 1, b"\0"), ErrorCode.FRAME_SIZE_ERROR),
        (frame(frames.SETTINGS, 0, 1, b""), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.SETTINGS, 0, 0, b"x"), ErrorCode.FRAME_SIZE_ERROR),
        (frame(frames.SETTINGS, frames.ACK, 0, b"x" * 6), ErrorCode.FRAME_SIZE_ERROR),
        (frames.settings({frames.INITIAL_WINDOW_SIZE: 2**31}), ErrorCode.FLOW_CONTROL_ERROR),
        (frames.settings({frames.MAX_FRAME_SIZE: 1}), ErrorCode.PROTOCOL_ERROR),
        (frames.settings({frames.ENABLE_PUSH: 2}), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.PING, 0, 0, b"x"), ErrorCode.FRAME_SIZE_ERROR),
        (frame(frames.PING, 0, 1, b"8" * 8), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.PRIORITY, 0, 1, b""), ErrorCode.FRAME_SIZE_ERROR),
        (frame(frames.PRIORITY, 0, 0, b"\0" * 5), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.PUSH_PROMISE, 0, 1, b""), ErrorCode.PROTOCOL_ERROR),
        (frame(frames.GOAWAY, 0, 1, b"\0" * 8), ErrorCode.PROTOCOL_ERROR),
        (frames.window_update(0, 0), ErrorCode.PROTOCOL_ERROR),
        (frames.window_update(1, 1), ErrorCode.PROTOCOL_ERROR),
        (frames.window_update(0, 2**31 - 1), ErrorCode.FLOW_CONTROL_ERROR),
        (HEAD + frames.window_update(1, 2**31 - 1), ErrorCode.FLOW_CONTROL_ERROR),
        (frame(frames.WINDOW_UPDATE, 0, 0, b""), ErrorCode.FRAME_SIZE_ERROR),
        (b"\xff\xff\xff\0\0\0\0\0\0", ErrorCode.FRAME_SIZE_ERROR),
    ],
)
async def test_what_breaks_the_rules_ends_the_connection(recorder: Recorder, sent: bytes, code: ErrorCode) -> None:
    peer = Peer(recorder)
    peer.send(sent)
    assert peer.went_away == code
    assert peer.transport.closing
    # Whatever was under way has heard of it, and what still comes changes nothing.
    assert set(recorder.lost) == set(recorder.exchanges)
    peer.transport.written.clear()
    peer.send(HEAD)
    assert not peer.transport.written


async def test_the_first_frame_is_settings(recorder: Recorder) -> None:
    peer = Peer(recorder, greet=False)
    peer.send(PREFACE + frame(frames.PING, 0, 0, b"8" * 8))
    assert peer.went_away == ErrorCode.PROTOCOL_ERROR
    peer = Peer(recorder, greet=False)
    peer.send(b"GET / HTTP/1.1\r\nHost: somewhere.else\r\n\r\n")
    assert peer.went_away == ErrorCode.PROTOCOL_ERROR


def test_pings_and_unknown_frames(peer: Peer) -> None:
    peer.send(frame(0x20, 0xFF, 5, b"whatever") + frame(frames.PING, 0, 0, b"12345678"))
    peer.send(frame(frames.PING, frames.ACK, 0, b"12345678"))
    peer.read()
    assert peer.others[2:] == [(frames.PING, frames.ACK, b"12345678")]


def test_more_data_than_allowed(peer: Peer, recorder: Recorder) -> None:
    peer.head(1, end=False)
    recorder.exchanges[1].pause_body()
    for _ in range(WINDOW_BYTES // 16_384):
        peer.send(frame(frames.DATA, 0, 1, b"x" * 16_384))
    assert peer.went_away is None
    peer.send(frame(frames.DATA, 0, 1, b"x"))
    assert peer.went_away == ErrorCode.FLOW_CONTROL_ERROR


def test_windows_are_renewed_as_data_is_taken(peer: Peer, recorder: Recorder) -> None:
    peer.read()
    before = peer.windows[0]
    peer.head(1, end=False)
    exchange = recorder.exchanges[1]
    exchange.pause_body()
    for _ in range(WINDOW_BYTES // 16_384):
        peer.send(frame(frames.DATA, 0, 1, b"x" * 16_384))
    peer.read()
    assert 1 not in peer.windows
    exchange.resume_body()
    peer.connection.flush()
    peer.read()
    assert peer.windows[1] == WINDOW_BYTES
    for number in range(4 * WINDOW_BYTES // 16_384):
        peer.send(frame(frames.DATA, 0, 1, b"x" * 16_384))
        assert peer.went_away is None, number
    assert peer.windows[0] > before


def test_answers_wait_for_room(peer: Peer, recorder: Recorder) -> None:
    peer.ask(1)
    exchange = recorder.exchanges[1]
    body = bytes(range(256)) * 400
    exchange.start(OK)
    exchange.send(body)
    exchange.finish(encode_fields([(b"x-sum", b"1")]))
    peer.connection.flush()
    answer = peer.read()[1]
    assert len(answer.data) == frames.DEFAULT_WINDOW
    assert not answer.ended
    # The connection's room alone isn't enough, nor is the stream's.
    peer.send(frames.window_update(0, 10_000))
    assert len(peer.read()[1].data) == frames.DEFAULT_WINDOW
    peer.send(frames.window_update(1, 100_000))
    assert len(peer.read()[1].data) == frames.DEFAULT_WINDOW + 10_000
    peer.send(frames.window_update(0, 100_000))
    answer = peer.read()[1]
    assert answer.data == body
    assert answer.ended
    assert answer.heads[-1] == {"x-sum": "1"}


def test_the_initial_window_changes_that_of_streams_under_way(peer: Peer, recorder: Recorder) -> None:
    peer.send(frames.settings({frames.INITIAL_WINDOW_SIZE: 10}))
    peer.ask(1)
    exchange = recorder.exchanges[1]
    exchange.start(OK)
    exchange.send(b"x" * 100)
    peer.connection.flush()
    assert len(peer.read()[1].data) == 10
    # It may become negative (section 6.9.2).
    peer.send(frames.settings({frames.INITIAL_WINDOW_SIZE: 0}))
    peer.send(frames.window_update(1, 10))
    assert len(peer.read()[1].data) == 10
    peer.send(frames.settings({frames.INITIAL_WINDOW_SIZE: 50}))
    assert len(peer.read()[1].data) == 60


def test_frames_are_no_larger_than_the_client_takes(peer: Peer, recorder: Recorder) -> None:
    peer.send(frames.window_update(0, 1_000_000) + frames.settings({frames.INITIAL_WINDOW_SIZE: 1_000_000}))
    peer.ask(1)
    recorder.exchanges[1].answer(OK, b"x" * 50_000, encode_fields([(b"x-long", b"y" * 20_000)]))
    peer.connection.flush()
    written = bytes(peer.transport.written)
    sizes, at = [], 0
    while at < len(written):
        high, low, kind, *_ = frames.HEAD.unpack_from(written, at)
        sizes.append((kind, high << 8 | low))
        at += 9 + sizes[-1][1]
    assert max(size for _, size in sizes) == frames.DEFAULT_FRAME_BYTES_MAX
    assert sizes[-1][0] == frames.CONTINUATION


async def test_whoever_sends_too_much_waits(peer: Peer, recorder: Recorder) -> None:
    peer.ask(1)
    exchange = recorder.exchanges[1]
    exchange.start(OK)
    sent = 0

    async def send() -> None:
        nonlocal sent
        while sent < 3_000_000 and not exchange.is_over:
            exchange.send(b"x" * 10_000)
            sent += 10_000
            await exchange.drain()
        exchange.finish()

    task = asyncio.create_task(send())
    await peer.turn(1_000)
    assert sent <= frames.DEFAULT_WINDOW + UNSENT_BYTES_MAX + 10_000
    peer.send(frames.window_update(0, 10_000_000) + frames.window_update(1, 1_000_000))
    await peer.turn(1_000)
    held = sent
    assert 1_000_000 < held < 1_500_000
    # A client that goes away lets it go on to its end.
    peer.send(frames.reset(1, ErrorCode.CANCEL))
    await asyncio.wait_for(task, 5)
    assert recorder.lost == [1]


async def test_a_client_that_does_not_read_is_not_read_from(peer: Peer) -> None:
    peer.connection.pause_writing()
    assert not peer.transport.reading
    peer.connection.resume_writing()
    assert peer.transport.reading


def test_too_many_requests_at_once_are_refused(peer: Peer, recorder: Recorder) -> None:
    for number in range(STREAMS_MAX + 1):
        peer.ask(2 * number + 1)
    answers = peer.read()
    assert [number for number, answer in answers.items() if answer.reset is not None] == [2 * STREAMS_MAX + 1]
    assert answers[2 * STREAMS_MAX + 1].reset == ErrorCode.REFUSED_STREAM
    recorder.exchanges[1].answer_with_head(OK)
    peer.ask(2 * STREAMS_MAX + 3)
    assert 2 * STREAMS_MAX + 3 in recorder.exchanges


def test_a_client_that_takes_back_what_it_asks_for_is_let_go(peer: Peer) -> None:
    for number in range(connections.RESETS_MAX + 1):
        assert peer.went_away is None
        peer.ask(2 * number + 1)
        peer.send(frames.reset(2 * number + 1, ErrorCode.CANCEL))
    assert peer.went_away == ErrorCode.ENHANCE_YOUR_CALM


def test_data_behind_the_end(peer: Peer, recorder: Recorder) -> None:
    peer.ask(1, b"all")
    peer.send(frame(frames.DATA, 0, 1, b"more"))
    assert peer.read()[1].reset == ErrorCode.STREAM_CLOSED
    assert recorder.lost == [1]
    peer.ask(3, b"all")
    recorder.exchanges[3].answer_with_head(OK)
    # Of a request that is answered, it may have been under way.
    peer.send(frame(frames.DATA, 0, 3, b"more"))
    assert peer.went_away is None


def test_an_orderly_end(peer: Peer, recorder: Recorder) -> None:
    peer.ask(1)
    peer.connection.close_when_idle()
    peer.connection.flush()
    assert peer.went_away == ErrorCode.NO_ERROR
    assert struct.unpack(">II", peer.others[-1][2])[0] == 1
    assert not peer.transport.closing
    peer.ask(3)
    assert peer.read()[3].reset == ErrorCode.REFUSED_STREAM
    recorder.exchanges[1].answer(OK, b"late", encode_fields([]))
    assert peer.read()[1].data == b"late"
    assert peer.transport.closing


async def test_what_has_begun_has_to_go_on(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 0.02)
    for begun in (GREETING[:30], GREETING + HEAD[:5], GREETING + frame(frames.HEADERS, 0, 1, b"\x83")):
        peer = Peer(recorder, greet=False)
        peer.send(begun)
        await asyncio.sleep(0.06)
        assert peer.transport.closing
    peer = Peer(recorder)
    peer.head(1, end=False)
    await asyncio.sleep(0.06)
    assert not peer.transport.closing


def blocks() -> st.SearchStrategy[bytes]:
    kinds = st.sampled_from([*range(10), 0x20])
    payloads = st.one_of(
        st.binary(max_size=40), st.sampled_from([b"", b"\0" * 4, b"\0" * 5, b"\0" * 8, b"\x83\x86\x84"])
    )
    return st.builds(frame, kinds, st.integers(0, 255), st.integers(0, 9), payloads)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(blocks(), st.binary(max_size=30)), max_size=20), st.integers(1, 50))
async def test_whatever_comes_is_read_or_ends_the_connection(parts: list[bytes], piece: int) -> None:
    recorder = Recorder()
    peer = Peer(recorder)
    data = b"".join(parts)
    for at in range(0, len(data), piece):
        peer.send(data[at : at + piece])
        for exchange in list(recorder.exchanges.values())[-1:]:
            exchange.answer(OK, b"x" * 100, b"")
    peer.connection.flush()
    peer.read()
    peer.connection.connection_lost(None)
    assert peer.gone
    assert peer.went_away != ErrorCode.INTERNAL_ERROR
    # Every request was answered, or has heard that its client is gone.
    assert all(exchange.is_over for exchange in recorder.exchanges.values())
