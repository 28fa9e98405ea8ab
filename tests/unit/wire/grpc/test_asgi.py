"""Calls as ASGI events: what no proper client sends."""

from __future__ import annotations

import asyncio
import base64
from typing import Any
from urllib.parse import unquote

import pytest

from fogbank.wire.grpc.calls import MESSAGES_WAITING_MAX, GrpcApplication
from fogbank.wire.grpc.framing import frame
from fogbank.wire.grpc.metadata import read_metadata, read_timeout
from fogbank.wire.grpc.service import Methods
from fogbank.wire.grpc.status import GrpcError, percent_encode
from tests.unit.wire.grpc.conftest import Echo, echo_types

HEADERS = {"content-type": "application/grpc", "te": "trailers", "host": "fog.test"}


class Exchange:
    """One call: what was sent, read by its parts."""

    def __init__(self) -> None:
        self.types = echo_types()
        self.echo = Echo(self.types)
        self.application = GrpcApplication(Methods(self.types, [self.echo.service()]), 1_000_000)
        self.sent: list[dict[str, Any]] = []

    async def run(
        self, *bodies: bytes, method: str = "Say", verb: str = "POST", gone: bool = False, **headers: str
    ) -> None:
        events: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
        if gone:
            events.append({"type": "http.disconnect"})
        elif events:
            events[-1]["more_body"] = False
        else:
            events.append({"type": "http.request"})
        given = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "method": verb,
            "path": f"/test.Echo/{method}",
            "scheme": "http",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }

        async def receive() -> dict[str, Any]:
            if events:
                return events.pop(0)
            await asyncio.get_running_loop().create_future()
            raise AssertionError

        async def send(event: Any) -> None:
            self.sent.append(event)

        await asyncio.wait_for(self.application(scope, receive, send), 5)

    @property
    def status(self) -> tuple[str, str]:
        headers = dict(self.sent[0]["headers"])
        for event in self.sent:
            if event["type"] == "http.response.trailers":
                headers |= dict(event["headers"])
        return headers[b"grpc-status"].decode(), unquote(headers.get(b"grpc-message", b"").decode())


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


async def test_in_the_smallest_parts(exchange: Exchange) -> None:
    wire = frame(exchange.echo.text(text="hello").SerializeToString())
    await exchange.run(*(bytes([byte]) for byte in wire), b"")
    assert exchange.status == ("0", "")
    assert exchange.sent[1]["body"] == wire


@pytest.mark.parametrize(
    ("bodies", "headers", "code", "words"),
    [
        ((), {}, "12", "not 0"),
        ((frame(b"") * 2,), {}, "12", "not 2"),
        ((b"\x00\x00\x00",), {}, "13", "in the middle"),
        ((b"\x05\x00\x00\x00\x00",), {}, "13", "0x05"),
        ((b"\x00\x7f\xff\xff\xff",), {}, "8", "larger than max"),
        ((b"\x01\x00\x00\x00\x00",), {}, "13", "grpc-encoding"),
        ((b"\x01\x00\x00\x00\x02xx",), {"grpc_encoding": "gzip"}, "13", "decompressed"),
        ((frame(b""),), {"grpc_encoding": "br"}, "12", "br"),
        ((frame(b""),), {"grpc_timeout": "soon"}, "13", "soon"),
        ((frame(b""),), {"x_bin": "%%"}, "13", "x-bin"),
    ],
)
async def test_malformed_calls(
    exchange: Exchange, bodies: tuple[bytes, ...], headers: dict[str, str], code: str, words: str
) -> None:
    await exchange.run(*bodies, **headers)
    status, message = exchange.status
    assert status == code
    assert words in message
    # Nothing was sent but headers: Trailers-Only.
    assert [event["type"] for event in exchange.sent] == ["http.response.start", "http.response.body"]
    assert exchange.sent[0]["status"] == 200


async def test_what_is_no_call(exchange: Exchange) -> None:
    await exchange.run(verb="GET")
    assert exchange.sent[0]["status"] == 405
    exchange.sent.clear()
    await exchange.run(content_type="application/grpc+json")
    assert exchange.sent[0]["status"] == 415


async def test_a_client_that_goes_away_cancels_its_call(exchange: Exchange) -> None:
    await exchange.run(frame(b""), method="Chat", gone=True)
    assert not [event for event in exchange.sent if event["type"] == "http.response.trailers"]


async def test_a_long_stream_is_not_read_faster_than_it_is_taken(exchange: Exchange) -> None:
    messages = [frame(exchange.echo.text(text="x").SerializeToString())] * (MESSAGES_WAITING_MAX * 10)
    await exchange.run(*messages, method="Join")
    assert exchange.status == ("0", "")
    assert len(exchange.sent[1]["body"]) > len(messages)


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
