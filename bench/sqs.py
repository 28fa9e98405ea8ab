"""Amazon SQS cases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.case import Case

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.case import Work
    from bench.http import Client, Connection

FILL_EXTRA = 30_000


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


SQS_CASES = (
    Case("sqs.SendMessage", sqs_send, 110),
    Case("sqs.SendMessageBatch10", sqs_send_batch, 350),
    Case("sqs.Receive+Delete@1k", sqs_receive_delete(1_000)),
    Case("sqs.Receive+Delete@100k", sqs_receive_delete(100_000)),
)
