"""What is measured: each case prepares its resources and gives the work of one turn."""

from __future__ import annotations

import itertools
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bench.http import Client, Connection

Work = Callable[["Connection"], Awaitable[int]]


class Case(NamedTuple):
    """A case: `prepare` returns the work of one turn, which returns how many requests it counts for.

    `budget_us` is the CPU time that one request may cost, None where another measure counts.
    """

    name: str
    prepare: Callable[[Client, Connection], Awaitable[Work]]
    budget_us: float | None = None
    concurrency: int = 16


def _sqs(client: Client, operation: str, **members: object) -> bytes:
    return client.json("sqs", f"AmazonSQS.{operation}", json.dumps(members).encode())


async def _queue(client: Client, connection: Connection, name: str) -> str:
    body = await connection.ask(_sqs(client, "CreateQueue", QueueName=name))
    return json.loads(body)["QueueUrl"]


async def sqs_send(client: Client, connection: Connection) -> Work:
    url = await _queue(client, connection, "bench-send")
    request = _sqs(client, "SendMessage", QueueUrl=url, MessageBody="x" * 256)

    async def work(connection: Connection) -> int:
        await connection.ask(request)
        return 1

    return work


async def sqs_send_batch(client: Client, connection: Connection) -> Work:
    url = await _queue(client, connection, "bench-batch")
    entries = [{"Id": str(number), "MessageBody": "x" * 256} for number in range(10)]
    request = _sqs(client, "SendMessageBatch", QueueUrl=url, Entries=entries)

    async def work(connection: Connection) -> int:
        await connection.ask(request)
        return 1

    return work


def sqs_receive_delete(depth: int) -> Callable[[Client, Connection], Awaitable[Work]]:
    """Receive and delete one message, from a queue that is kept at `depth` by sending one for each."""

    async def prepare(client: Client, connection: Connection) -> Work:
        url = await _queue(client, connection, f"bench-receive-{depth}")
        entries = [{"Id": str(number), "MessageBody": "x" * 256} for number in range(10)]
        fill = _sqs(client, "SendMessageBatch", QueueUrl=url, Entries=entries)
        # Room for what the run itself takes out.
        for _ in range((depth + FILL_EXTRA) // 10):
            await connection.ask(fill)
        receive = _sqs(client, "ReceiveMessage", QueueUrl=url)

        async def work(connection: Connection) -> int:
            message = json.loads(await connection.ask(receive))["Messages"][0]
            delete = _sqs(client, "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            await connection.ask(delete)
            return 1

        return work

    return prepare


FILL_EXTRA = 30_000


def _ddb(client: Client, operation: str, **members: object) -> bytes:
    return client.json("dynamodb", f"DynamoDB_20120810.{operation}", json.dumps(members).encode())


def ddb_item(number: int) -> dict[str, object]:
    """An item of 1 KB with a few attributes of the usual types."""
    return {
        "pk": {"S": f"customer#{number % 1000:06d}"},
        "sk": {"S": f"order#{number:010d}"},
        "status": {"S": "shipped"},
        "total": {"N": "129.95"},
        "count": {"N": "3"},
        "gift": {"BOOL": False},
        "tags": {"SS": ["express", "fragile"]},
        "address": {"M": {"city": {"S": "Seoul"}, "zip": {"S": "04524"}}},
        "lines": {"L": [{"M": {"sku": {"S": "A-1"}, "quantity": {"N": "2"}}}, {"S": "note"}]},
        "text": {"S": "x" * 800},
    }


async def _table(client: Client, connection: Connection, name: str) -> None:
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    await connection.ask(
        _ddb(
            client,
            "CreateTable",
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )
    )


async def ddb_put(client: Client, connection: Connection) -> Work:
    await _table(client, connection, "bench-put")
    requests = [_ddb(client, "PutItem", TableName="bench-put", Item=ddb_item(number)) for number in range(10_000)]
    turn = itertools.cycle(requests)

    async def work(connection: Connection) -> int:
        await connection.ask(next(turn))
        return 1

    return work


async def ddb_get(client: Client, connection: Connection) -> Work:
    await _table(client, connection, "bench-get")
    requests = []
    for number in range(1_000):
        item = ddb_item(number)
        await connection.ask(_ddb(client, "PutItem", TableName="bench-get", Item=item))
        requests.append(_ddb(client, "GetItem", TableName="bench-get", Key={"pk": item["pk"], "sk": item["sk"]}))
    turn = itertools.cycle(requests)

    async def work(connection: Connection) -> int:
        await connection.ask(next(turn))
        return 1

    return work


CASES = (
    Case("sqs.SendMessage", sqs_send, 110),
    Case("sqs.SendMessageBatch10", sqs_send_batch, 350),
    Case("sqs.Receive+Delete@1k", sqs_receive_delete(1_000)),
    Case("sqs.Receive+Delete@100k", sqs_receive_delete(100_000)),
    Case("ddb.PutItem1KB", ddb_put, 130),
    Case("ddb.GetItem", ddb_get, 90),
)
