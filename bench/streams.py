"""What happens because of a write: from a PutItem's request to the start of the function that its stream triggers."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from typing import TYPE_CHECKING

from bench.case import Case, Timed
from bench.dynamodb import ddb_item
from bench.functions import deploy, request_for

if TYPE_CHECKING:
    from bench.case import Work
    from bench.http import Client, Connection

TABLE = "bench-stream"
MAPPINGS = "/2015-03-31/event-source-mappings"
# Tells us of each invocation over a connection that it keeps.
SOURCE = """
import socket
told = socket.create_connection(("127.0.0.1", {port}))
told.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
def handler(event, context):
    told.sendall(b"." * len(event["Records"]))
"""


async def write_to_start(client: Client, connection: Connection) -> Work:
    """One write at a time, each waited for in the function, which is warm."""
    arrived: asyncio.Queue[int] = asyncio.Queue()

    async def listen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while data := await reader.read(1_024):
                for _ in data:
                    arrived.put_nowait(1)

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await deploy(client, connection, TABLE, SOURCE.format(port=port))
    keys = [{"AttributeName": name, "KeyType": kind} for name, kind in (("pk", "HASH"), ("sk", "RANGE"))]
    table = {
        "TableName": TABLE,
        "KeySchema": keys,
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
    made = json.loads(await connection.ask(_ddb(client, "CreateTable", table)))
    mapping = {
        "EventSourceArn": made["TableDescription"]["LatestStreamArn"],
        "FunctionName": TABLE,
        "StartingPosition": "TRIM_HORIZON",
    }
    await connection.ask(request_for(client, "POST", MAPPINGS, json.dumps(mapping).encode()))
    numbers = itertools.count()

    async def work(connection: Connection) -> Timed:
        put = _ddb(client, "PutItem", {"TableName": TABLE, "Item": ddb_item(next(numbers))})
        began = time.perf_counter()
        answered = asyncio.ensure_future(connection.ask(put))
        await arrived.get()
        seconds = time.perf_counter() - began
        await answered
        return Timed(1, seconds)

    await work(connection)
    # As long as the server lives, the function's connection is to be served.
    work.__dict__["server"] = server
    return work


def _ddb(client: Client, operation: str, members: dict[str, object]) -> bytes:
    return client.json("dynamodb", f"DynamoDB_20120810.{operation}", json.dumps(members).encode())


STREAM_CASES = (Case("ddb.Write to function", write_to_start, budget_ms=10, concurrency=1),)
