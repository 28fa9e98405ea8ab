"""What becomes of asynchronous invocations is told, whenever the server is killed."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.conformance.aws.functions import deploy
from tests.e2e.test_pipeline import new_client, new_database
from tests.servers import ServerProcess, wait_until

if TYPE_CHECKING:
    from pathlib import Path

WORKER = """
    def handler(event, context):
        if event["fails"]:
            raise RuntimeError("as asked")
        return event["name"]
"""


def build(server: ServerProcess) -> None:
    lambda_, sqs = new_client(server, "lambda"), new_client(server, "sqs")
    arns = {}
    for name in ("good", "bad"):
        url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "3600"})["QueueUrl"]
        arns[name] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    deploy(lambda_, "f", WORKER)
    lambda_.put_function_event_invoke_config(
        FunctionName="f",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnSuccess": {"Destination": arns["good"]}, "OnFailure": {"Destination": arns["bad"]}},
    )
    lambda_.close()
    sqs.close()


def work(server: ServerProcess, acknowledged: dict[str, bool]) -> None:
    """Invoke until the server is gone."""
    lambda_ = new_client(server, "lambda")
    try:
        while True:
            fails = len(acknowledged) % 3 == 0
            event = json.dumps({"name": str(len(acknowledged)), "fails": fails})
            reply = lambda_.invoke(FunctionName="f", InvocationType="Event", Payload=event)
            acknowledged[reply["ResponseMetadata"]["RequestId"]] = fails
    except (BotoCoreError, ClientError):
        lambda_.close()


def told(sqs: Any, name: str) -> list[str]:
    """Return the ids of the invocations that a queue was told of since the last look."""
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    ids = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        ids += [json.loads(message["Body"])["requestContext"]["requestId"] for message in messages]
    return ids


# botocore leaves the socket of a request open whose server is gone.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["folder", "postgres"])
def test_every_outcome_is_told_once(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    if kind == "folder":
        flags = ["--data", str(tmp_path / "data")]
    else:
        url = request.getfixturevalue("postgres_url")
        flags = ["--database", asyncio.run(new_database(url, "destinations"))]
    acknowledged: dict[str, bool] = {}
    chance = random.Random(7)
    for round_ in range(3):
        with ServerProcess(*flags) as server:
            if round_ == 0:
                build(server)
            thread = threading.Thread(target=work, args=(server, acknowledged))
            before = len(acknowledged)
            thread.start()
            # On a busy machine the client alone takes long to begin.
            wait_until(lambda: len(acknowledged) > before)  # noqa: B023 - waited for at once
            time.sleep(chance.uniform(0.8, 1.6))
            server.kill()
            thread.join()
    with ServerProcess(*flags) as server:
        sqs = new_client(server, "sqs")
        heard: dict[str, list[str]] = {"good": [], "bad": []}

        def complete() -> bool:
            for name in heard:
                heard[name] += told(sqs, name)
            return acknowledged.keys() <= {*heard["good"], *heard["bad"]}

        wait_until(complete, 60)
        sqs.close()
    assert acknowledged
    for name, ids in heard.items():
        assert len(ids) == len(set(ids)), "an outcome was told twice"
        assert all(acknowledged.get(number) in (None, name == "bad") for number in ids)
