"""Amazon SNS cases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from bench.case import Case

if TYPE_CHECKING:
    from bench.case import Work
    from bench.http import Client, Connection


def _sns(client: Client, action: str, **members: str) -> bytes:
    return client.query("sns", urlencode({"Action": action, "Version": "2010-03-31", **members}).encode())


async def publish(client: Client, connection: Connection) -> Work:
    """Publish to a topic that has one queue."""
    created = client.json("sqs", "AmazonSQS.CreateQueue", json.dumps({"QueueName": "bench-sns"}).encode())
    queue = json.loads(await connection.ask(created))["QueueUrl"].rpartition("/")[2]
    answer = (await connection.ask(_sns(client, "CreateTopic", Name="bench"))).decode()
    topic = answer.partition("<TopicArn>")[2].partition("</TopicArn>")[0]
    endpoint = topic.replace(":sns:", ":sqs:").rpartition(":")[0] + f":{queue}"
    await connection.ask(_sns(client, "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=endpoint))
    request = _sns(client, "Publish", TopicArn=topic, Message="x" * 256)

    async def work(connection: Connection) -> int:
        await connection.ask(request)
        return 1

    return work


SNS_CASES = (Case("sns.Publish to 1 queue", publish),)
