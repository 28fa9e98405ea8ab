"""AWS Lambda cases: instances that are warm, and instances that have yet to start."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
import time
import zipfile
from typing import TYPE_CHECKING

from bench.case import Case, Timed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.case import Work
    from bench.http import Client, Connection

PATH = "/2015-03-31/functions"
EVENT = json.dumps({"name": "x" * 64}).encode()
SOURCE = "def handler(event, context):\n    return {'name': event['name']}\n"
SDK_SOURCE = f"import boto3\n{SOURCE}"
SLOW_SOURCE = f"import time\n{SOURCE.replace('return', 'time.sleep(0.1); return')}"
BURST = 16
PAUSE_SECONDS = 0.05
# Starting Node.js takes longer, and it is a stem that is ready that is measured.
NODE_PAUSE_SECONDS = 1.0
NODE_SOURCE = "exports.handler = async (event) => ({ name: event.name });\n"


def request_for(client: Client, method: str, path: str, body: bytes = b"") -> bytes:
    return client.signed(method, path, "lambda", "Content-Type: application/json\r\n", body)


async def deploy(client: Client, connection: Connection, name: str, source: str = SOURCE) -> None:
    runtime, file = ("nodejs20.x", "app.js") if source == NODE_SOURCE else ("python3.12", "app.py")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(file, source)
    members = {
        "FunctionName": name,
        "Runtime": runtime,
        "Handler": "app.handler",
        "Role": "arn:aws:iam::000000000000:role/bench",
        "Code": {"ZipFile": base64.b64encode(package.getvalue()).decode()},
    }
    await connection.ask(request_for(client, "POST", PATH, json.dumps(members).encode()))


def invoke_warm(name: str, source: str = SOURCE) -> Callable[[Client, Connection], Awaitable[Work]]:
    """Invoke one function again and again."""

    async def prepare(client: Client, connection: Connection) -> Work:
        await deploy(client, connection, name, source)
        request = request_for(client, "POST", f"{PATH}/{name}/invocations", EVENT)

        async def work(connection: Connection) -> int:
            await connection.ask(request)
            return 1

        return work

    return prepare


def invoke_cold(source: str) -> Callable[[Client, Connection], Awaitable[Work]]:
    """Each turn deploys a function, invokes it for the first time, and deletes it; the invocation is what counts."""

    async def prepare(client: Client, _: Connection) -> Work:
        numbers = itertools.count()

        async def work(connection: Connection) -> Timed:
            name = f"bench-cold-{len(source)}-{next(numbers)}"
            await deploy(client, connection, name, source)
            # Somebody who has just deployed a function takes longer than this to call it.
            await asyncio.sleep(NODE_PAUSE_SECONDS if source == NODE_SOURCE else PAUSE_SECONDS)
            began = time.perf_counter()
            await connection.ask(request_for(client, "POST", f"{PATH}/{name}/invocations", EVENT))
            seconds = time.perf_counter() - began
            await connection.ask(request_for(client, "DELETE", f"{PATH}/{name}"))
            return Timed(1, seconds)

        return work

    return prepare


async def burst(client: Client, _: Connection) -> Work:
    """Each turn deploys a function of 100 ms and invokes it many times at once, from zero instances."""
    numbers = itertools.count()
    connections = [await client.connect() for _ in range(BURST)]

    async def work(connection: Connection) -> Timed:
        name = f"bench-burst-{next(numbers)}"
        await deploy(client, connection, name, SLOW_SOURCE)
        await asyncio.sleep(PAUSE_SECONDS)
        request = request_for(client, "POST", f"{PATH}/{name}/invocations", EVENT)
        began = time.perf_counter()
        await asyncio.gather(*(each.ask(request) for each in connections))
        seconds = time.perf_counter() - began
        await connection.ask(request_for(client, "DELETE", f"{PATH}/{name}"))
        return Timed(BURST, seconds)

    return work


LAMBDA_CASES = (
    Case("lambda.Invoke warm", invoke_warm("bench-warm"), budget_ms=0.8, concurrency=1),
    Case("lambda.Invoke warm@16", invoke_warm("bench-warm-16")),
    Case("lambda.Invoke cold", invoke_cold(SOURCE), budget_ms=6, concurrency=1),
    Case("lambda.Invoke cold, boto3", invoke_cold(SDK_SOURCE), budget_ms=25, concurrency=1),
    Case("lambda.Invoke warm, Node.js", invoke_warm("bench-warm-node", NODE_SOURCE), budget_ms=0.8, concurrency=1),
    Case("lambda.Invoke cold, Node.js", invoke_cold(NODE_SOURCE), budget_ms=12, concurrency=1),
    Case("lambda.Invoke 16 of 100 ms at once, cold", burst, budget_ms=200, concurrency=1),
)
