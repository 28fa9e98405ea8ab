"""AWS Lambda's event source mappings for SQS, through boto3."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_invoke import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer

# Writes each event as a line of JSON into the file that its environment names.
RECORDER = """
    import json, os
    def handler(event, context):
        with open(os.environ["RECORD"], "a") as file:
            file.write(json.dumps(event) + "\\n")
        bodies = [record["body"] for record in event["Records"]]
        if "fail" in bodies:
            raise RuntimeError("as asked")
        return {"batchItemFailures": [
            {"itemIdentifier": record["messageId"]} for record in event["Records"] if record["body"].startswith("bad")
        ]}
"""


class Pipeline:
    """A queue, a function that records its events, and clients for both."""

    def __init__(self, client: Callable[..., Any], record: Path, **queue: str) -> None:
        self.sqs, self.lambda_ = client("sqs"), client("lambda", parameter_validation=False)
        name = "orders.fifo" if queue.get("FifoQueue") else "orders"
        self.url = self.sqs.create_queue(QueueName=name, Attributes=queue)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]
        self.arn = attributes["QueueArn"]
        self.record = record
        deploy(self.lambda_, "f", RECORDER, Environment={"Variables": {"RECORD": str(record)}})

    def connect(self, **settings: Any) -> str:
        reply = self.lambda_.create_event_source_mapping(EventSourceArn=self.arn, FunctionName="f", **settings)
        return reply["UUID"]

    def send(self, *bodies: str, **settings: Any) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **settings)

    def batches(self) -> list[list[dict[str, Any]]]:
        if not self.record.exists():
            return []
        return [json.loads(line)["Records"] for line in self.record.read_text().splitlines()]

    def bodies(self) -> list[list[str]]:
        return [[record["body"] for record in batch] for batch in self.batches()]

    def counts(self) -> tuple[int, int]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        shown = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(shown[names[0]]), int(shown[names[1]])

    def empty(self) -> bool:
        return self.counts() == (0, 0)


@pytest.fixture
def pipeline(client: Callable[..., Any], tmp_path: Path) -> Pipeline:
    return Pipeline(client, tmp_path / "record")


@pytest.fixture
def timed(timed_client: Callable[..., Any], tmp_path: Path) -> Pipeline:
    return Pipeline(timed_client, tmp_path / "record")


def test_a_mapping_is_created_shown_changed_listed_and_deleted(pipeline: Pipeline, account: str) -> None:
    lambda_ = pipeline.lambda_
    made = lambda_.create_event_source_mapping(EventSourceArn=pipeline.arn, FunctionName="f")
    number = made["UUID"]
    assert made["State"] == "Creating"
    shown = lambda_.get_event_source_mapping(UUID=number)
    assert shown["State"] == "Enabled"
    assert shown["BatchSize"] == 10
    assert shown["MaximumBatchingWindowInSeconds"] == 0
    assert shown["EventSourceArn"] == pipeline.arn
    assert shown["FunctionArn"] == f"arn:aws:lambda:us-east-1:{account}:function:f"
    assert shown["EventSourceMappingArn"] == f"arn:aws:lambda:us-east-1:{account}:event-source-mapping:{number}"
    assert abs(shown["LastModified"].timestamp() - time.time()) < 60
    with pytest.raises(lambda_.exceptions.ResourceConflictException, match=number):
        pipeline.connect()
    changed = lambda_.update_event_source_mapping(
        UUID=number, BatchSize=100, MaximumBatchingWindowInSeconds=1, ScalingConfig={"MaximumConcurrency": 2}
    )
    assert (changed["State"], changed["BatchSize"], changed["ScalingConfig"]) == (
        "Updating",
        100,
        {"MaximumConcurrency": 2},
    )
    for wanted in ({}, {"FunctionName": "f"}, {"EventSourceArn": pipeline.arn}):
        assert [each["UUID"] for each in lambda_.list_event_source_mappings(**wanted)["EventSourceMappings"]] == [
            number
        ]
    assert lambda_.list_event_source_mappings(FunctionName="g")["EventSourceMappings"] == []
    lambda_.tag_resource(Resource=shown["EventSourceMappingArn"], Tags={"a": "b"})
    assert lambda_.list_tags(Resource=shown["EventSourceMappingArn"])["Tags"] == {"a": "b"}
    assert lambda_.delete_event_source_mapping(UUID=number)["State"] == "Deleting"
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.get_event_source_mapping(UUID=number)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:missing"}, "NonExistentQueue"),
        ({"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"}, "does not support event sources"),
        ({"EventSourceArn": None}, "Unrecognized event source"),
        ({"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ({"BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 1}, "at 'batchSize' failed to satisfy constraint"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{}"}] * 6}}, "Number of filters exceeds the limit of 5"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"body": "x"}'}]}}, "Invalid filter pattern definition"),
        ({"FilterCriteria": {"Filters": [{}]}}, "Invalid filter pattern definition"),
        ({"ScalingConfig": {"MaximumConcurrency": 1}}, "at 'scalingConfig.maximumConcurrency' failed to satisfy"),
        ({"ScalingConfig": {"MaximumConcurrency": 1001}}, "at 'scalingConfig.maximumConcurrency' failed to satisfy"),
        ({"ProvisionedPollerConfig": {"MinimumPollers": 2}}, "does not support the parameter ProvisionedPollerConfig"),
        ({"DestinationConfig": {}}, "Unsupported DestinationConfig parameter for given event source mapping type"),
        ({"FunctionName": "f:live"}, "Function not found: .*:function:f:live"),
        ({"StartingPosition": "LATEST"}, "Unsupported StartingPosition parameter for given"),
    ],
)
def test_mappings_that_are_refused(pipeline: Pipeline, change: dict[str, Any], match: str) -> None:
    request = {"EventSourceArn": pipeline.arn, "FunctionName": "f"} | change
    with pytest.raises(ClientError, match=match):
        pipeline.lambda_.create_event_source_mapping(
            **{key: value for key, value in request.items() if value is not None}
        )
    assert pipeline.lambda_.list_event_source_mappings()["EventSourceMappings"] == []


def test_a_queue_must_keep_messages_leased_as_long_as_the_function_may_run(pipeline: Pipeline) -> None:
    pipeline.lambda_.update_function_configuration(FunctionName="f", Timeout=31)
    with pytest.raises(ClientError, match="Queue visibility timeout: 30 seconds is less than Function timeout: 31"):
        pipeline.connect()


def test_messages_reach_the_function_as_lambda_s_records(pipeline: Pipeline) -> None:
    pipeline.connect()
    sent = pipeline.sqs.send_message(
        QueueUrl=pipeline.url,
        MessageBody="안녕",
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "값"},
            "blob": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        },
    )
    ((record,),) = wait_for(pipeline.batches)
    attributes = record.pop("attributes")
    assert attributes.keys() == {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert attributes["ApproximateReceiveCount"] == "1"
    assert record.pop("receiptHandle")
    assert record == {
        "messageId": sent["MessageId"],
        "body": "안녕",
        "md5OfBody": sent["MD5OfMessageBody"],
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "messageAttributes": {
            "text": {"stringValue": "값", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
            "blob": {"binaryValue": "AAE=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": pipeline.arn,
        "awsRegion": "us-east-1",
    }
    wait_for(pipeline.empty)


def test_messages_that_waited_are_taken_in_batches(pipeline: Pipeline) -> None:
    pipeline.send(*(f"m{number}" for number in range(7)))
    pipeline.connect(BatchSize=3)
    wait_for(pipeline.empty)
    batches = pipeline.bodies()
    assert sorted(body for batch in batches for body in batch) == [f"m{number}" for number in range(7)]
    assert max(map(len, batches)) <= 3


def test_the_state_says_what_is_being_done(pipeline: Pipeline) -> None:
    number = pipeline.connect(Enabled=False)
    states = [
        pipeline.lambda_.update_event_source_mapping(UUID=number, **change)["State"]
        for change in ({"Enabled": True}, {"BatchSize": 5}, {"Enabled": True}, {"Enabled": False})
    ]
    assert states == ["Enabling", "Updating", "Updating", "Disabling"]
    shown = pipeline.lambda_.get_event_source_mapping(UUID=number)
    assert (shown["State"], shown["StateTransitionReason"]) == ("Disabled", "USER_INITIATED")


def filters(*patterns: Any) -> dict[str, Any]:
    return {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]}}


def test_messages_that_match_no_filter_are_deleted(pipeline: Pipeline) -> None:
    criteria = filters({"body": {"price": [{"numeric": [">", 10]}]}}, {"body": ["plain"]})
    number = pipeline.connect(Enabled=False, **criteria)
    assert pipeline.lambda_.get_event_source_mapping(UUID=number)["FilterCriteria"] == criteria["FilterCriteria"]
    wanted = ['{"price": 11}', "plain", '{"price": 99, "more": true}']
    pipeline.send(*wanted, '{"price": 10}', "other", '{"other": 1}', "[]", '"plain "', "7", '{"price": "x"}')
    pipeline.lambda_.update_event_source_mapping(UUID=number, Enabled=True)
    wait_for(pipeline.empty)
    assert sorted(body for batch in pipeline.bodies() for body in batch) == sorted(wanted)


def test_filters_may_look_at_more_than_the_body(pipeline: Pipeline) -> None:
    number = pipeline.connect(**filters({"messageAttributes": {"kind": {"stringValue": [{"prefix": "good"}]}}}))
    for kind in ("good one", "bad one"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        pipeline.send(kind, MessageAttributes=attributes)
    wait_for(pipeline.empty)
    assert pipeline.bodies() == [["good one"]]
    changed = pipeline.lambda_.update_event_source_mapping(UUID=number, FilterCriteria={"Filters": []})
    assert "FilterCriteria" not in changed
    pipeline.send("bad one")
    wait_for(lambda: pipeline.bodies()[1:] == [["bad one"]])


def test_a_batch_is_filled_with_what_matches(timed: Pipeline, timed_server: ThreadedServer) -> None:
    timed.connect(BatchSize=3, MaximumBatchingWindowInSeconds=5, **filters({"body": [{"prefix": "m"}]}))
    timed.send("m1", "x", "m2", "x")
    timed_server.advance(4)
    assert timed.bodies() == []
    timed.send("x", "m3")
    assert [sorted(batch) for batch in wait_for(timed.bodies)] == [["m1", "m2", "m3"]]
    wait_for(timed.empty)


def test_a_disabled_mapping_takes_nothing_until_it_is_enabled(pipeline: Pipeline) -> None:
    number = pipeline.connect(Enabled=False)
    pipeline.send("m")
    time.sleep(0.3)
    assert pipeline.bodies() == []
    pipeline.lambda_.update_event_source_mapping(UUID=number, Enabled=True)
    assert wait_for(pipeline.bodies) == [["m"]]
    pipeline.lambda_.delete_event_source_mapping(UUID=number)
    pipeline.send("after")
    time.sleep(0.3)
    assert pipeline.bodies() == [["m"]]


def test_the_window_collects_messages_until_it_closes(timed: Pipeline, timed_server: ThreadedServer) -> None:
    timed.connect(BatchSize=100, MaximumBatchingWindowInSeconds=5)
    timed.send("a", "b")
    timed_server.advance(3)
    timed.send("c")
    timed_server.advance(1)
    assert timed.bodies() == []
    timed_server.advance(1)
    assert wait_for(timed.bodies) == [["a", "b", "c"]]


def test_a_batch_that_fails_comes_back_after_the_visibility_timeout(
    timed: Pipeline, timed_server: ThreadedServer
) -> None:
    timed.connect()
    timed.send("fail")
    wait_for(lambda: len(timed.bodies()) == 1 and timed_server.app.runner.running == 0)
    timed_server.advance(29)
    assert len(timed.bodies()) == 1
    timed_server.advance(1)
    wait_for(lambda: len(timed.bodies()) == 2)
    assert timed.batches()[1][0]["attributes"]["ApproximateReceiveCount"] == "2"


def test_messages_that_a_partial_response_names_come_back_alone(timed: Pipeline, timed_server: ThreadedServer) -> None:
    timed.send("good 1", "bad", "good 2")
    timed.connect(FunctionResponseTypes=["ReportBatchItemFailures"])
    wait_for(lambda: timed.counts() == (0, 1))
    timed_server.advance(30)
    wait_for(lambda: len(timed.bodies()) == 2)
    assert timed.bodies() == [["good 1", "bad", "good 2"], ["bad"]]


def test_without_partial_responses_what_the_function_returns_means_nothing(pipeline: Pipeline) -> None:
    pipeline.connect()
    pipeline.send("bad")
    wait_for(pipeline.batches)
    wait_for(pipeline.empty)


def test_messages_that_always_fail_are_dead_lettered(timed: Pipeline, timed_server: ThreadedServer) -> None:
    dead = timed.sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = timed.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    timed.sqs.set_queue_attributes(QueueUrl=timed.url, Attributes={"RedrivePolicy": policy})
    timed.connect()
    timed.send("fail")
    for runs in (1, 2):
        wait_for(lambda runs=runs: len(timed.bodies()) == runs and timed_server.app.runner.running == 0)
        timed_server.advance(30)
    received = wait_for(lambda: timed.sqs.receive_message(QueueUrl=dead).get("Messages"))
    assert [message["Body"] for message in received] == ["fail"]
    assert len(timed.bodies()) == 2


def test_a_fifo_queue_s_groups_reach_the_function_in_order(client: Callable[..., Any], tmp_path: Path) -> None:
    fifo = Pipeline(client, tmp_path / "record", FifoQueue="true", ContentBasedDeduplication="true")
    fifo.connect(BatchSize=2)
    for number in range(10):
        for group in "ab":
            fifo.send(f"{group}{number}", MessageGroupId=group)
    wait_for(fifo.empty)
    handled = [body for batch in fifo.bodies() for body in batch]
    for group in "ab":
        assert [body for body in handled if body[0] == group] == [f"{group}{number}" for number in range(10)]
    assert "MessageGroupId" in fifo.batches()[0][0]["attributes"]


def test_mappings_go_on_after_a_restart(tmp_path: Path, account: str) -> None:
    from fogbank.settings import Settings
    from fogbank.testing.server import ThreadedServer
    from tests.conformance.conftest import boto3_client

    settings = Settings(port=0, data=tmp_path / "data", shared=tmp_path)
    with ThreadedServer(settings) as server:
        pipeline = Pipeline(boto3_client(server, account), tmp_path / "record")
        pipeline.connect()
        pipeline.send("before")
        wait_for(pipeline.bodies)
    with ThreadedServer(settings) as server:
        sqs = boto3_client(server, account)("sqs")
        sqs.send_message(QueueUrl=f"{server.url}/{account}/orders", MessageBody="after")
        wait_for(lambda: pipeline.bodies() == [["before"], ["after"]])


def test_mappings_run_that_are_made_after_a_reset(
    timed_server: ThreadedServer, timed_client: Callable[..., Any], tmp_path: Path
) -> None:
    Pipeline(timed_client, tmp_path / "record").connect()
    timed_server.reset()
    again = Pipeline(timed_client, tmp_path / "record")
    again.connect()
    again.send("a")
    wait_for(lambda: again.bodies() == [["a"]])
