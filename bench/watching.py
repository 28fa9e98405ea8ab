"""What the log of requests adds to one, in CPU time: `python -m bench.watching`.

Requests with the log and without it take turns, a few at a time, so that whatever else the machine does strikes both
alike; the turns that were disturbed least are compared.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import uvloop

from bench import micro
from bench.http import Client
from fogbank.clouds.aws.watching.front import AwsFront
from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import Ids
from fogbank.wire.http1 import Connection
from fogbank.wire.server import HttpServer
from fogbank.wire.watching.faults import Rule
from fogbank.wire.watching.watch import Watch

if TYPE_CHECKING:
    from fogbank.wire.http import Handler

TURNS = 3_000
REQUESTS = 20
# Of a hundred turns, this one from the best.
UNDISTURBED = TURNS // 100
BUDGET_US = 5.0


class Line:
    """A connection that is fed the same request again and again."""

    def __init__(self, handler: Handler, clock: Clock, data: bytes) -> None:
        self.took: list[float] = []
        self._transport = micro.Transport()
        self._connection = Connection(HttpServer(handler, clock))
        self._connection.connection_made(self._transport)  # type: ignore[arg-type]
        self._data = data

    async def turn(self) -> None:
        self._transport.writes = 0
        began = time.process_time_ns()
        for number in range(1, REQUESTS + 1):
            self._connection.data_received(self._data)
            while self._transport.writes < number:  # noqa: ASYNC110 - a turn of the loop is what is waited for
                await asyncio.sleep(0)
        self.took.append((time.process_time_ns() - began) / REQUESTS / 1_000)


async def measure() -> dict[str, float]:
    """Return the CPU time of an SQS SendMessage without a store, µs: bare, logged, and with a fault for others."""
    clock = Clock()
    ids = Ids(clock)
    body = json.dumps({"QueueUrl": "http://127.0.0.1:4566/000000000000/q", "MessageBody": "x" * 256}).encode()
    send = Client("http://127.0.0.1:4566").json("sqs", "AmazonSQS.SendMessage", body)
    stub: Any = micro.StubStore()
    gateway = micro.make_gateway(stub, clock, ids)
    front = AwsFront(ids)
    watch, struck = Watch(clock), Watch(clock)
    struck.faults.add(Rule("error", service="dynamodb"))
    lines = {
        "a request": Line(gateway.handle, clock, send),
        "with the log": Line(lambda request: watch.handle(front, gateway.handle, request), clock, send),
        "with a fault for another service, too": Line(
            lambda request: struck.handle(front, gateway.handle, request), clock, send
        ),
    }
    for _ in range(TURNS):
        for line in lines.values():
            await line.turn()
    return {name: sorted(line.took)[UNDISTURBED] for name, line in lines.items()}


def main() -> None:
    """Print the figures; exits with 1 if the log costs more than it may."""
    took = uvloop.run(measure())
    for name, microseconds in took.items():
        print(f"{microseconds:7.1f} µs  {name}")
    cost = took["with the log"] - took["a request"]
    print(f"{cost:7.1f} µs  what the log costs, of {BUDGET_US:g} µs")
    sys.exit(0 if cost <= BUDGET_US else 1)


if __name__ == "__main__":
    main()
