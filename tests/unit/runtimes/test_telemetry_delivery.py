"""Telemetry on its way: gathered by number, size and age, and dropped where nobody takes it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from fogbank.runtimes.lambda_runtime_api.extensions import delivery
from fogbank.runtimes.lambda_runtime_api.extensions.delivery import Buffering, Delivery, Destination, read_destination

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Listener:
    """Takes lines over TCP."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[str] = asyncio.Queue()
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.lines.put_nowait(line.decode().rstrip())
        writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listening = Listener()
    server = await asyncio.start_server(listening.take, "127.0.0.1", 0)
    listening.port = server.sockets[0].getsockname()[1]
    yield listening
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("protocol", "uri", "port", "found"),
    [
        ("HTTP", "http://sandbox.localdomain:8080", None, Destination(8080, "/")),
        ("HTTP", "http://localhost/a?b=c", None, Destination(80, "/a?b=c")),
        ("HTTP", "http://example.com:8080", None, None),
        ("HTTP", "https://localhost:8080", None, None),
        ("HTTP", "http://localhost:99999", None, None),
        ("HTTP", "http://localhost:1/a b", None, None),
        ("HTTP", "http://localhost:1/\u00e4", None, None),
        ("TCP", "", 7000, Destination(7000, None)),
        ("TCP", "", 70_000, None),
        ("TCP", "", None, None),
    ],
)
def test_destinations_are_on_this_machine(protocol: str, uri: str, port: int | None, found: Destination | None) -> None:
    assert read_destination(protocol, uri, port) == found


@pytest.mark.parametrize(
    "buffering", [Buffering(3, 1_000, 3_600), Buffering(100, 3, 3_600), Buffering(100, 100, 0.001)]
)
async def test_what_is_gathered_is_sent_when_it_is_enough_or_old(listener: Listener, buffering: Buffering) -> None:
    sending = Delivery(Destination(listener.port, None), buffering)
    running = asyncio.create_task(sending.run())
    for number in range(3):
        sending.add(b"%d" % number)
    assert [await asyncio.wait_for(listener.lines.get(), 10) for _ in range(3)] == ["0", "1", "2"]
    running.cancel()
    sending.close()


async def test_what_nobody_takes_is_lost_and_counted() -> None:
    unused = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = unused.sockets[0].getsockname()[1]
    unused.close()
    await unused.wait_closed()
    sending = Delivery(Destination(port, "/"), Buffering(10, 1_000, 1))
    sending.add(b"123")
    sending.add(b"4")
    await sending.flush()
    assert sending.lost == (2, 4)


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "WAITING_BYTES_MAX", 10)
    sending = Delivery(Destination(1, "/"), Buffering(10_000, 1_000, 3_600))
    for _ in range(5):
        sending.add(b"1234")
    assert sending.lost == (3, 12)
    assert json.loads(b"[" + b",".join(sending._waiting) + b"]") == [1234, 1234]
