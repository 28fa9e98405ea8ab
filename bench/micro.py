"""CPU time of the parts of a request, without sockets and without other processes: `python -m bench.micro`.

A connection is fed the bytes of a request again and again; its transport keeps nothing. Each figure is the best
of several runs, since whatever else the machine does only ever adds to it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import uvloop

from bench.http import Client
from fogbank.clouds.aws.gateway import AwsGateway
from fogbank.clouds.aws.parts import Parts
from fogbank.clouds.aws.services import aws_services
from fogbank.clouds.aws.sessions import Sessions
from fogbank.engines.messaging.messages import Sent
from fogbank.engines.messaging.receiving import Receiver
from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import Ids
from fogbank.storage import open_store
from fogbank.wire.http import Response
from fogbank.wire.http1 import Connection
from fogbank.wire.server import HttpServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.wire.http import Handler, Request

RUNS = 9
REQUESTS = 4_000


class Transport:
    """Takes everything and keeps the last of it."""

    def __init__(self) -> None:
        self.last = b""
        self.writes = 0

    def write(self, data: bytes) -> None:
        self.last = data
        self.writes += 1

    def get_extra_info(self, name: str) -> tuple[str, int] | None:
        return ("127.0.0.1", 1) if name == "peername" else None

    def is_closing(self) -> bool:
        return False


class StubStore:
    """Answers `run` at once, with what a send returns, and does nothing."""

    generation = 0

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def run(self, *_: object) -> asyncio.Future[Any]:
        done = self._loop.create_future()
        done.set_result([Sent("00000000-0000-4000-8000-000000000000", 1)])
        return done


async def null(_request: Request) -> Response:
    return Response(200, [(b"Content-Type", b"application/x-amz-json-1.0"), (b"x-amzn-RequestId", b"0" * 36)], b"{}")


async def feed(handler: Handler, clock: Clock, data: bytes) -> float:
    """Return the CPU time of one request, µs."""
    server = HttpServer(handler, clock)
    transport = Transport()
    connection = Connection(server)
    connection.connection_made(transport)  # type: ignore[arg-type]
    best = float("inf")
    for _ in range(RUNS):
        transport.writes = 0
        began = time.process_time_ns()
        for number in range(1, REQUESTS + 1):
            connection.data_received(data)
            while transport.writes < number:  # noqa: ASYNC110 - a turn of the loop is what is waited for
                await asyncio.sleep(0)
        best = min(best, (time.process_time_ns() - began) / REQUESTS / 1_000)
    assert b" 200 OK" in transport.last, transport.last
    return best


def make_gateway(store: Any, clock: Clock, ids: Ids) -> AwsGateway:
    nobody: Any = None
    sessions = Sessions(store, clock, ids)
    parts = Parts(store, clock, ids, sessions, Receiver(store, clock, ids), nobody)
    return AwsGateway(aws_services(parts), ids, sessions)


async def measure() -> dict[str, float]:
    clock = Clock()
    ids = Ids(clock)
    client = Client("http://127.0.0.1:4566")
    url = "http://127.0.0.1:4566/000000000000/q"
    send = client.json("sqs", "AmazonSQS.SendMessage", json.dumps({"QueueUrl": url, "MessageBody": "x" * 256}).encode())
    create = client.json("sqs", "AmazonSQS.CreateQueue", json.dumps({"QueueName": "q"}).encode())
    results = {"a null handler": await feed(null, clock, send)}

    stub: Any = StubStore()
    gateway = make_gateway(stub, clock, ids)
    results["the gateway, SQS SendMessage, a stubbed store"] = await feed(gateway.handle, clock, send)

    store = await open_store(clock)
    gateway = make_gateway(store, clock, ids)
    await feed_once(gateway.handle, clock, create)
    results["the gateway, SQS SendMessage, SQLite in memory"] = await feed(gateway.handle, clock, send)
    await store.close()
    return results


async def feed_once(handler: Callable[[Request], Awaitable[Response]], clock: Clock, data: bytes) -> None:
    transport = Transport()
    connection = Connection(HttpServer(handler, clock))  # type: ignore[arg-type]
    connection.connection_made(transport)  # type: ignore[arg-type]
    connection.data_received(data)
    while not transport.writes:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0)


def main() -> None:
    for name, microseconds in uvloop.run(measure()).items():
        print(f"{microseconds:7.1f} µs  {name}")
    sys.exit(0)


if __name__ == "__main__":
    main()
