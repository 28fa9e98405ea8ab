"""Amazon EventBridge cases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.case import Case

if TYPE_CHECKING:
    from bench.case import Work
    from bench.http import Client, Connection

VERSIONS = {"events": "1.1", "sqs": "1.0"}


async def put_events(client: Client, connection: Connection) -> Work:
    """Put an event on the default bus, where one of two rules sends it to one queue."""

    async def call(service: str, target: str, **members: object) -> dict[str, str]:
        answer = await connection.ask(client.json(service, target, json.dumps(members).encode(), VERSIONS[service]))
        told: dict[str, str] = json.loads(answer) if answer else {}
        return told

    await call("sqs", "AmazonSQS.CreateQueue", QueueName="bench-events")
    pattern = json.dumps({"source": ["bench"], "detail": {"n": [{"numeric": [">=", 0]}]}})
    rule = await call("events", "AWSEvents.PutRule", Name="bench", EventPattern=pattern)
    await call("events", "AWSEvents.PutRule", Name="other", EventPattern='{"source": ["other"]}')
    account, region = rule["RuleArn"].split(":")[4], rule["RuleArn"].split(":")[3]
    queue = f"arn:aws:sqs:{region}:{account}:bench-events"
    for name in ("bench", "other"):
        await call("events", "AWSEvents.PutTargets", Rule=name, Targets=[{"Id": "1", "Arn": queue}])
    detail = json.dumps({"n": 1, "text": "x" * 200})
    entry = {"Source": "bench", "DetailType": "tick", "Detail": detail}
    request = client.json("events", "AWSEvents.PutEvents", json.dumps({"Entries": [entry]}).encode(), "1.1")

    async def work(connection: Connection) -> int:
        await connection.ask(request)
        return 1

    return work


EVENT_CASES = (Case("events.PutEvents to 1 queue", put_events),)
