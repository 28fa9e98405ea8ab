"""The whole state of a server: going back to a snapshot, and emptying it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from bench.case import Case, Timed
from bench.dynamodb import ddb_item

if TYPE_CHECKING:
    from bench.case import Work
    from bench.http import Client, Connection

TABLE = "bench-state"
QUEUE = "bench-state"
ITEMS = 10_000
MESSAGES = 10_000
RESOURCES = 100
ACCOUNT = "000000000000"


def call(client: Client, service: str, target: str, members: dict[str, object]) -> bytes:
    return client.json(service, target, json.dumps(members).encode())


async def restore(client: Client, connection: Connection) -> Work:
    """Go back to 10,000 items and 10,000 messages."""
    await connection.ask(client.plain("POST", "/_fogbank/reset"))
    schema = {
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    await connection.ask(call(client, "dynamodb", "DynamoDB_20120810.CreateTable", schema))
    for start in range(0, ITEMS, 25):
        puts = [{"PutRequest": {"Item": {**ddb_item(start + n), "id": {"S": str(start + n)}}}} for n in range(25)]
        await connection.ask(
            call(client, "dynamodb", "DynamoDB_20120810.BatchWriteItem", {"RequestItems": {TABLE: puts}})
        )
    await connection.ask(call(client, "sqs", "AmazonSQS.CreateQueue", {"QueueName": QUEUE}))
    url = f"http://{client.host}:{client.port}/{ACCOUNT}/{QUEUE}"
    entries = [{"Id": str(n), "MessageBody": "x" * 256} for n in range(10)]
    for _ in range(0, MESSAGES, 10):
        await connection.ask(call(client, "sqs", "AmazonSQS.SendMessageBatch", {"QueueUrl": url, "Entries": entries}))
    await connection.ask(client.plain("PUT", "/_fogbank/snapshots/bench"))
    again = client.plain("POST", "/_fogbank/snapshots/bench/restore")

    async def work(connection: Connection) -> int:
        await connection.ask(again)
        return 1

    return work


async def reset(client: Client, connection: Connection) -> Work:
    """Empty a server that has 100 queues."""
    await connection.ask(client.plain("POST", "/_fogbank/reset"))

    async def work(connection: Connection) -> Timed:
        for number in range(RESOURCES):
            await connection.ask(call(client, "sqs", "AmazonSQS.CreateQueue", {"QueueName": f"{QUEUE}-{number}"}))
        began = time.perf_counter()
        await connection.ask(client.plain("POST", "/_fogbank/reset"))
        return Timed(1, time.perf_counter() - began)

    return work


# These come last: nothing that others have made is there afterwards.
STATE_CASES = (
    Case("state.Restore 10,000 items and messages", restore, budget_ms=150, concurrency=1),
    Case("state.Reset 100 resources", reset, budget_ms=20, concurrency=1),
)
