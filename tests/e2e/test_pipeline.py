"""The whole way, on boto3, under kills: a topic, a queue, a function, a table, and nothing is lost.

Also events that a caller hands to a function and forgets: they are acknowledged, so they happen.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import threading
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cli.running.variables import variables
from tests.servers import ServerProcess, wait_until

if TYPE_CHECKING:
    from pathlib import Path

# boto3 alone takes half a second to be imported; what the function does here needs no SDK.
FUNCTION = """
import json, os, urllib.request

def put(item):
    body = json.dumps({"TableName": "seen", "Item": item}).encode()
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body)
    request.add_header("X-Amz-Target", "DynamoDB_20120810.PutItem")
    request.add_header("Content-Type", "application/x-amz-json-1.0")
    urllib.request.urlopen(request).read()

def handler(event, context):
    names = [event["name"]] if "name" in event else [json.loads(each["body"])["Message"] for each in event["Records"]]
    for name in names:
        put({"id": {"S": name}})
"""


def new_client(server: ServerProcess, service: str) -> Any:
    import boto3

    settings = variables(server.url)
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name=settings["AWS_REGION"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
    )


def build(server: ServerProcess) -> str:
    """Create everything; returns the topic's ARN."""
    keys = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }
    new_client(server, "dynamodb").create_table(TableName="seen", BillingMode="PAY_PER_REQUEST", **keys)
    sqs, sns, functions = (new_client(server, service) for service in ("sqs", "sns", "lambda"))
    url = sqs.create_queue(QueueName="events", Attributes={"VisibilityTimeout": "3"})["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="events")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", FUNCTION)
    functions.create_function(
        FunctionName="note",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/worker",
        Timeout=3,
        Code={"ZipFile": package.getvalue()},
    )
    functions.create_event_source_mapping(EventSourceArn=queue, FunctionName="note")
    return topic


def work(server: ServerProcess, topic: str, prefix: str, acknowledged: set[str]) -> None:
    """Publish and invoke until the server is gone."""
    sns, functions = new_client(server, "sns"), new_client(server, "lambda")
    number = 0
    try:
        while True:
            number += 1
            published, invoked = f"{prefix}-published-{number}", f"{prefix}-invoked-{number}"
            sns.publish(TopicArn=topic, Message=published)
            acknowledged.add(published)
            payload = json.dumps({"name": invoked})
            functions.invoke(FunctionName="note", InvocationType="Event", Payload=payload)
            acknowledged.add(invoked)
    except (BotoCoreError, ClientError):
        pass


def seen(server: ServerProcess) -> set[str]:
    pages = new_client(server, "dynamodb").get_paginator("scan").paginate(TableName="seen", ConsistentRead=True)
    return {item["id"]["S"] for page in pages for item in page["Items"]}


@pytest.fixture(params=["folder", "postgres"])
def flags(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """How the server is told where to keep everything."""
    if request.param == "folder":
        return ["--data", str(tmp_path / "data")]
    url: str = request.getfixturevalue("postgres_url")
    return ["--database", asyncio.run(new_database(url, "pipeline"))]


async def new_database(url: str, name: str) -> str:
    """Make an empty database beside the one at `url`; returns its URL."""
    import asyncpg

    connection = await asyncpg.connect(url)
    await connection.execute(f"DROP DATABASE IF EXISTS {name}")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return url.replace("/postgres?", f"/{name}?")


def test_no_acknowledged_event_is_lost(flags: list[str]) -> None:
    chance = random.Random(7)
    acknowledged: set[str] = set()
    server = ServerProcess(*flags)
    topic = build(server)
    for life in range(3):
        threads = [
            threading.Thread(target=work, args=(server, topic, f"{life}-{each}", acknowledged)) for each in range(2)
        ]
        before = len(acknowledged)
        for thread in threads:
            thread.start()
        # On a busy machine the clients alone take that long to begin.
        wait_until(lambda: len(acknowledged) > before + 4)  # noqa: B023 - waited for at once
        threads[0].join(chance.uniform(0.2, 1.0))
        server.kill()
        for thread in threads:
            thread.join()
        server = ServerProcess(*flags)
    with server:
        assert len(acknowledged) > 10
        wait_until(lambda: acknowledged <= seen(server), seconds=60)
