"""Calls that no proper client makes, and what becomes of calls whose clients or servers go away."""

from __future__ import annotations

import base64
from urllib.parse import unquote

import pytest

from fogbank.wire.grpc.calls import GrpcApplication
from fogbank.wire.grpc.framing import frame
from fogbank.wire.grpc.incoming import MESSAGES_WAITING_MAX
from fogbank.wire.grpc.metadata import read_metadata, read_timeout
from fogbank.wire.grpc.service import Methods
from fogbank.wire.grpc.status import GrpcError, percent_encode
from fogbank.wire.http2 import frames
from fogbank.wire.http2.exchange import WINDOW_BYTES
from tests.unit.wire.grpc.conftest import Echo, echo_types
from tests.unit.wire.http2_peer import Answer, Peer

HEADERS = {"content_type": "application/grpc", "te": "trailers"}


class Caller:
    """A client of the echo service; its methods `Say` and `Quick` are the same but for how they are run."""

    def __init__(self) -> None:
        self.types = echo_types()
        self.echo = Echo(self.types)
        self.peers: list[Peer] = []

    def connect(self, *, quick: bool = False) -> Peer:
        service = self.echo.service()
        if quick:
            service = service._replace(quick=frozenset({"Say", "Fail", "Break"}))
        self.peers.append(Peer(GrpcApplication(Methods(self.types, [service]), 1_000_000)))
        return self.peers[-1]

    async def call(self, *bodies: bytes, method: str = "Say", quick: bool = False, **headers: str) -> Answer:
        peer = self.connect(quick=quick)
        peer.ask(1, *bodies, **({"path": f"/test.Echo/{method}"} | HEADERS | headers))
        await peer.turn(10)
        return peer.read()[1]


def status(answer: Answer) -> tuple[str, str]:
    return answer.fields["grpc-status"], unquote(answer.fields.get("grpc-message", ""))


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.mark.parametrize("quick", [True, False])
async def test_in_the_smallest_parts(caller: Caller, quick: bool) -> None:
    wire = frame(caller.echo.text(text="hello").SerializeToString())
    answer = await caller.call(*(bytes([byte]) for byte in wire), b"", quick=quick)
    assert status(answer) == ("0", "")
    assert answer.data == wire
    assert answer.ended
    assert answer.reset is None


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    ("bodies", "headers", "code", "words"),
    [
        ((), {}, "12", "not 0"),
        ((frame(b"") * 2,), {}, "12", "not 2"),
        ((frame(b""), frame(b"")), {}, "12", "not 2"),
        ((b"\x00\x00\x00",), {}, "13", "in the middle"),
        ((frame(b""), b"\x00\x00\x00"), {}, "13", "in the middle"),
        ((b"\x05\x00\x00\x00\x00",), {}, "13", "0x05"),
        ((b"\x00\x7f\xff\xff\xff",), {}, "3", "Request payload size exceeds the limit"),
        ((b"\x01\x00\x00\x00\x00",), {}, "13", "grpc-encoding"),
        ((b"\x01\x00\x00\x00\x02xx",), {"grpc_encoding": "gzip"}, "13", "decompressed"),
        ((frame(b"\xff"),), {}, "13", "test.Text"),
        ((frame(b""),), {"grpc_encoding": "br"}, "12", "br"),
        ((frame(b""),), {"grpc_timeout": "soon"}, "13", "soon"),
        ((frame(b""),), {"x_bin": "%%"}, "13", "x-bin"),
        ((frame(b""),), {"path": "/test.Echo/Nothing"}, "12", "Nothing"),
        ((frame(b""),), {"path": "/nonsense"}, "12", "nonsense"),
    ],
)
async def test_malformed_calls(
    caller: Caller, bodies: tuple[bytes, ...], headers: dict[str, str], code: str, words: str, quick: bool
) -> None:
    answer = await caller.call(*bodies, quick=quick, **headers)
    found, message = status(answer)
    assert found == code
    assert words in message
    # Nothing was sent but a head: Trailers-Only.
    assert len(answer.heads) == 1
    assert not answer.data
    assert answer.ended
    assert answer.fields[":status"] == "200"


async def test_what_is_no_call(caller: Caller) -> None:
    assert (await caller.call(method="Say", content_type="application/grpc+json")).fields[":status"] == "415"
    peer = caller.connect()
    peer.head(1, end=False, method="GET", **HEADERS)
    await peer.turn()
    answer = peer.read()[1]
    assert answer.fields[":status"] == "405"
    # The client hasn't said everything, and nobody wants the rest.
    assert answer.reset == 0


async def test_a_head_that_comes_again_is_read_once_and_is_the_same(caller: Caller) -> None:
    peer = caller.connect(quick=True)
    wire = frame(caller.echo.text(text="again").SerializeToString())
    for stream in range(1, 40, 2):
        peer.ask(stream, wire, path="/test.Echo/Say", x_name="value", **HEADERS)
    await peer.turn()
    answers = peer.read()
    assert len(answers) == 20
    assert all(status(answer) == ("0", "") and answer.data == wire for answer in answers.values())
    assert [value for name, value in caller.echo.metadata if name == "x-name"] == ["value"]
    # What a method adds to its own call is added to no other.
    assert {len(answer.fields["x-origin"]) for answer in answers.values()} == {len("http://fog.test")}


@pytest.mark.parametrize("quick", [True, False])
async def test_methods_that_fail(caller: Caller, quick: bool, caplog: pytest.LogCaptureFixture) -> None:
    wire = frame(caller.echo.text(text="no").SerializeToString())
    assert status(await caller.call(wire, method="Fail", quick=quick)) == ("9", "no")
    assert status(await caller.call(wire, method="Break", quick=quick)) == ("13", "Internal error encountered.")
    assert "nobody foresaw this" in caplog.text


async def test_a_client_that_goes_away_cancels_its_call(caller: Caller) -> None:
    for connection_ends in (True, False):
        caller.echo.cancelled.clear()
        peer = caller.connect()
        peer.ask(1, frame(b""), path="/test.Echo/Wait", **HEADERS)
        await peer.turn()
        assert caller.echo.waiting.is_set()
        if connection_ends:
            peer.connection.connection_lost(None)
        else:
            peer.send(frames.reset(1, frames.ErrorCode.CANCEL))
        await peer.turn()
        assert caller.echo.cancelled.is_set()
        assert 1 not in peer.read()


async def test_a_long_stream_is_not_read_faster_than_it_is_taken(caller: Caller) -> None:
    messages = [frame(caller.echo.text(text="x").SerializeToString())] * (MESSAGES_WAITING_MAX * 10)
    answer = await caller.call(*messages, method="Join")
    assert status(answer) == ("0", "")
    assert len(answer.data) > len(messages)


async def test_a_stream_that_nobody_takes_stops_its_client(caller: Caller) -> None:
    peer = caller.connect()
    peer.head(1, end=False, path="/test.Echo/Chat", **HEADERS)
    part = frame(caller.echo.text(text="x" * 15_000).SerializeToString())
    # The answers have no room: nobody takes requests once so many answers wait.
    sent = 0
    while sent + len(part) <= WINDOW_BYTES + peer.windows.get(1, 0):
        peer.send(frames.frame(frames.DATA, 0, 1, part))
        sent += len(part)
        assert sent < 10 * WINDOW_BYTES
        await peer.turn(3)
        peer.read()
    renewed = peer.windows[1]
    # Once there is room for answers, the client gets room for what was taken.
    peer.send(frames.window_update(0, 10_000_000) + frames.window_update(1, 10_000_000))
    await peer.turn(600)
    assert peer.read()[1].data.count(b"X" * 15_000) == sent // len(part)
    assert peer.windows[1] > renewed


@pytest.mark.parametrize(
    ("text", "seconds"), [("1H", 3600), ("2M", 120), ("3S", 3), ("4m", 0.004), ("5u", 5e-6), ("99999999n", 0.099999999)]
)
def test_timeouts(text: str, seconds: float) -> None:
    assert read_timeout({b"grpc-timeout": text.encode()}) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "S", "-1S", "123456789S", "1s", "1.5S"])
def test_malformed_timeouts(text: str) -> None:
    with pytest.raises(GrpcError):
        read_timeout({b"grpc-timeout": text.encode()})


def test_binary_metadata_with_and_without_padding_and_joined() -> None:
    padded = base64.b64encode(b"a")
    found = read_metadata([(b"x-bin", padded + b"," + padded.rstrip(b"=")), (b":path", b"/"), (b"grpc-timeout", b"1S")])
    assert found == [("x-bin", b"a"), ("x-bin", b"a")]


def test_percent_encoding() -> None:
    assert percent_encode("a%b\nü~") == b"a%25b%0A%C3%BC~"


async def test_streams_end_when_the_server_does(caller: Caller) -> None:
    peer = caller.connect()
    peer.ask(1, frame(b""), path="/test.Echo/Endless", **HEADERS)
    await peer.turn(10)
    assert peer.read()[1].heads
    peer.application.end_streams()
    await peer.turn(10)
    assert status(peer.read()[1]) == ("14", "The server is shutting down.")
