"""What the log of requests adds to one, in CPU time: `python -m bench.watching`.

Requests with the log and without it are measured by turns in one run, as `bench.micro` measures them, and the best
turns are compared.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import uvloop

from bench import micro
from bench.http import Client
from fogbank.clouds.aws.watching.front import AwsFront
from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import Ids
from fogbank.wire.watching.faults import Rule
from fogbank.wire.watching.watch import Watch

if TYPE_CHECKING:
    from fogbank.wire.http import Handler

TURNS = 30
BUDGET_US = 5.0


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
    handlers: dict[str, Handler] = {
        "a request": gateway.handle,
        "with the log": lambda request: watch.handle(front, gateway.handle, request),
        "with a fault that is for another service, too": lambda request: struck.handle(front, gateway.handle, request),
    }
    best = dict.fromkeys(handlers, float("inf"))
    for _ in range(TURNS):
        for name, handler in handlers.items():
            best[name] = min(best[name], await micro.feed(handler, clock, send, runs=1, requests=1_500))
    return best


def main() -> None:
    """Print the figures; exits with 1 if the log costs more than it may."""
    best = uvloop.run(measure())
    for name, microseconds in best.items():
        print(f"{microseconds:7.1f} µs  {name}")
    cost = best["with the log"] - best["a request"]
    print(f"{cost:7.1f} µs  what the log costs, of {BUDGET_US:g} µs")
    sys.exit(0 if cost <= BUDGET_US else 1)


if __name__ == "__main__":
    main()
