"""EventBridge Pipes from DynamoDB's streams, through boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws.dynamodb.test_stream_mappings import Stream
from tests.conformance.aws.functions import ROLE, deploy
from tests.conformance.aws.test_events import Inbox
from tests.conformance.aws.test_lambda_invoke import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Says which records it failed with: those that say so.
PICKY = """
    def handler(event, context):
        return {"batchItemFailures": [
            {"itemIdentifier": each["dynamodb"]["SequenceNumber"]}
            for each in event if each["dynamodb"]["NewImage"]["do"]["S"] == "fail"
        ]}
"""


class Piped(Stream):
    """A table with a stream, an inbox, and pipes between them."""

    def __init__(self, client: Callable[..., Any], record: Path) -> None:
        super().__init__(client, record)
        self.client = client
        self.pipes = client("pipes", parameter_validation=False)
        self.inbox = Inbox(client, "target")

    def pipe(self, start: str | None = "TRIM_HORIZON", *, patterns: tuple[Any, ...] = (), **more: Any) -> None:
        stream = {"StartingPosition": start, **more.pop("stream", {})}
        source = {"DynamoDBStreamParameters": {name: each for name, each in stream.items() if each is not None}}
        if patterns:
            source["FilterCriteria"] = {"Filters": [{"Pattern": json.dumps(each)} for each in patterns]}
        request = {"Name": "p", "Source": self.arn, "Target": self.inbox.arn, "RoleArn": ROLE}
        self.pipes.create_pipe(**request | {"SourceParameters": source} | more)


@pytest.fixture
def piped(client: Callable[..., Any], tmp_path: Path) -> Piped:
    return Piped(client, tmp_path / "record")


def test_records_come_to_the_target_filtered_and_in_order(piped: Piped) -> None:
    piped.put(1, 2)
    pattern = {"dynamodb": {"NewImage": {"do": {"S": ["go"]}}}}
    piped.pipe(patterns=(pattern,), TargetParameters={"InputTemplate": '{"n": <$.dynamodb.Keys.sk.N>}'})
    piped.put(3, do="other")
    piped.put(4)
    found: list[Any] = []
    wait_for(lambda: found.extend(piped.inbox.bodies()) or len(found) == 3)
    assert sorted(each["n"] for each in found) == ["1", "2", "4"]
    shown = piped.pipes.describe_pipe(Name="p")
    assert shown["SourceParameters"]["DynamoDBStreamParameters"] == {
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 10,
    }
    changed = {"DynamoDBStreamParameters": {"BatchSize": 5, "ParallelizationFactor": 2}}
    piped.pipes.update_pipe(Name="p", RoleArn=ROLE, SourceParameters=changed)
    shown = piped.pipes.describe_pipe(Name="p")["SourceParameters"]["DynamoDBStreamParameters"]
    assert shown == {"StartingPosition": "TRIM_HORIZON", "BatchSize": 5, "ParallelizationFactor": 2}
    piped.pipes.delete_pipe(Name="p")
    piped.put(5)
    piped.pipe("LATEST", TargetParameters={"InputTemplate": "<$.dynamodb.Keys.sk.N>"})
    piped.put(6)
    assert wait_for(piped.inbox.bodies) == ["6"]


def test_a_bus_and_records_as_they_are(piped: Piped) -> None:
    events = piped.client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"detail-type": ["Event from aws:dynamodb"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": piped.inbox.arn}])
    bus = events.describe_event_bus()["Arn"]
    piped.pipe(Target=bus)
    piped.put(1)
    (event,) = wait_for(piped.inbox.bodies)
    assert event["source"] == "Pipe p"
    assert event["detail"]["eventSourceARN"] == piped.arn
    assert event["detail"]["dynamodb"]["Keys"]["sk"] == {"N": "1"}


def test_what_a_function_fails_with_is_given_up(piped: Piped) -> None:
    url, queue = piped.queue()
    function = deploy(piped.lambda_, "picky", PICKY)["FunctionArn"]
    piped.put(1)
    piped.put(2, do="fail")
    piped.put(3)
    how = {
        "MaximumRetryAttempts": 0,
        "OnPartialBatchItemFailure": "AUTOMATIC_BISECT",
        "DeadLetterConfig": {"Arn": queue},
    }
    piped.pipe(Target=function, stream=how)
    told = piped.lost(url)
    account = piped.arn.split(":")[4]
    assert told["context"] == {
        "partnerResourceArn": f"arn:aws:pipes:us-east-1:{account}:pipe/p",
        "condition": "RetryAttemptsExhausted",
    }
    assert told["DDBStreamBatchInfo"]["batchSize"] == 1
    assert told["DDBStreamBatchInfo"]["streamArn"] == piped.arn


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"start": None},
            "1 validation error detected: Value null at 'sourceParameters.dynamoDBStreamParameters.startingPosition'",
        ),
        (
            {"SourceParameters": {}},
            "SourceParameters.DynamoDBStreamParameters.StartingPosition is required for this source.",
        ),
        ({"stream": {"MaximumRecordAgeInSeconds": 5}}, "MaximumRecordAgeInSeconds must be -1 or at least 60."),
        (
            {"stream": {"DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:000000000000:q.fifo"}}},
            "DeadLetterConfig.Arn arn:aws:sqs:us-east-1:000000000000:q.fifo is not a standard queue or topic.",
        ),
        (
            {"Source": "arn:aws:sqs:us-east-1:000000000000:q"},
            "SourceParameters.DynamoDBStreamParameters can't be specified for this source.",
        ),
        (
            {"Source": "arn:aws:dynamodb:us-east-1:000000000000:table/orders"},
            ("Fogbank does not support sources of dynamodb: arn:aws:dynamodb:us-east-1:000000000000:table/orders."),
        ),
    ],
)
def test_what_is_refused(piped: Piped, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as caught:
        piped.pipe(**change)
    said = caught.value.response["Error"]["Message"]
    assert said.startswith(message), said
    assert piped.pipes.list_pipes()["Pipes"] == []


def test_a_pipe_whose_stream_is_not_there(piped: Piped) -> None:
    missing = f"{piped.arn[:-23]}2026-01-01T00:00:00.000"
    piped.pipe(Source=missing)
    shown = piped.pipes.describe_pipe(Name="p")
    assert (shown["CurrentState"], shown["StateReason"]) == (
        "CREATE_FAILED",
        f"The source stream {missing} does not exist.",
    )
