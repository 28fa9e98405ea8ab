"""AWS Lambda's event source mappings for DynamoDB's streams, through boto3."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from fogbank.kernel.clock import SECOND_US
from tests.conformance.aws.dynamodb.test_streams import TABLE, enabled
from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_invoke import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer

# Writes each event as a line of JSON into the file that its environment names; fails, wholly or in part, when told to.
RECORDER = """
    import json, os
    def handler(event, context):
        with open(os.environ["RECORD"], "a") as file:
            file.write(json.dumps(event) + "\\n")
        told = [record["dynamodb"].get("NewImage", {}).get("do", {}).get("S") for record in event["Records"]]
        if "fail" in told:
            raise RuntimeError("as asked")
        return {"batchItemFailures": [
            {"itemIdentifier": record["dynamodb"]["SequenceNumber"]}
            for record, do in zip(event["Records"], told) if do == "skip"
        ]}
"""


class Stream:
    """A table with a stream, a function that records its events, and clients for both."""

    def __init__(self, client: Callable[..., Any], record: Path) -> None:
        self.ddb, self.lambda_ = client("dynamodb"), client("lambda", parameter_validation=False)
        self.sqs = client("sqs")
        made = self.ddb.create_table(**TABLE, StreamSpecification=enabled())
        self.arn = made["TableDescription"]["LatestStreamArn"]
        self.record = record
        deploy(self.lambda_, "f", RECORDER, Environment={"Variables": {"RECORD": str(record)}})

    def connect(self, **settings: Any) -> str:
        request = {"EventSourceArn": self.arn, "FunctionName": "f", "StartingPosition": "TRIM_HORIZON"} | settings
        return self.lambda_.create_event_source_mapping(**request)["UUID"]

    def put(self, *numbers: int, pk: str = "a", do: str = "") -> None:
        for number in numbers:
            item = {"pk": {"S": pk}, "sk": {"N": str(number)}, "do": {"S": do or "go"}}
            self.ddb.put_item(TableName="orders", Item=item)

    def batches(self) -> list[list[dict[str, Any]]]:
        if not self.record.exists():
            return []
        return [json.loads(line)["Records"] for line in self.record.read_text().splitlines()]

    def numbers(self) -> list[list[int]]:
        return [[int(each["dynamodb"]["Keys"]["sk"]["N"]) for each in batch] for batch in self.batches()]

    def queue(self) -> tuple[str, str]:
        """Create a queue; returns its URL and its ARN."""
        url = self.sqs.create_queue(QueueName="lost")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return url, arn

    def lost(self, url: str) -> dict[str, Any]:
        """Wait for what is told of the next batch that is given up."""
        return wait_for(lambda: self.told(url))

    def told(self, url: str) -> dict[str, Any] | None:
        """Return what is told of the next batch that was given up, if anything is."""
        messages = self.sqs.receive_message(QueueUrl=url).get("Messages")
        if not messages:
            return None
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])
        return json.loads(messages[0]["Body"])

    def result(self, number: str) -> str:
        return self.lambda_.get_event_source_mapping(UUID=number)["LastProcessingResult"]


@pytest.fixture
def stream(client: Callable[..., Any], tmp_path: Path) -> Stream:
    return Stream(client, tmp_path / "record")


@pytest.fixture
def timed(timed_client: Callable[..., Any], tmp_path: Path) -> Stream:
    return Stream(timed_client, tmp_path / "record")


def to(arn: str) -> dict[str, Any]:
    return {"DestinationConfig": {"OnFailure": {"Destination": arn}}}


def due_in(server: ThreadedServer, seconds: int) -> int:
    """Wait until something is due in so many seconds, next of all: a window that has begun. Returns when, in µs."""
    ends_us = server.clock.now() + seconds * SECOND_US
    wait_for(lambda: server.clock.next_due_us == ends_us)
    return ends_us


def test_a_mapping_is_created_shown_changed_listed_and_deleted(stream: Stream) -> None:
    number = stream.connect(StartingPosition="LATEST")
    shown = stream.lambda_.get_event_source_mapping(UUID=number)
    wanted = {
        "EventSourceArn": stream.arn,
        "BatchSize": 100,
        "StartingPosition": "LATEST",
        "BisectBatchOnFunctionError": False,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "TumblingWindowInSeconds": 0,
        "DestinationConfig": {"OnFailure": {}},
        "LastProcessingResult": "No records processed",
        "State": "Enabled",
    }
    assert {name: shown[name] for name in wanted} == wanted
    _, queue = stream.queue()
    changes = {
        "BatchSize": 10_000,
        "MaximumRetryAttempts": 3,
        "MaximumRecordAgeInSeconds": 60,
        "ParallelizationFactor": 10,
        "BisectBatchOnFunctionError": True,
        **to(queue),
    }
    changed = stream.lambda_.update_event_source_mapping(UUID=number, **changes)
    assert {name: changed[name] for name in changes} == changes
    listed = stream.lambda_.list_event_source_mappings(EventSourceArn=stream.arn)["EventSourceMappings"]
    assert [each["UUID"] for each in listed] == [number]
    with pytest.raises(stream.lambda_.exceptions.ResourceConflictException, match=number):
        stream.connect()
    assert stream.lambda_.delete_event_source_mapping(UUID=number)["State"] == "Deleting"
    assert stream.connect()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"StartingPosition": None}, "startingPosition"),
        ({"StartingPosition": "AT_TIMESTAMP"}, "Unsupported starting position"),
        ({"MaximumRecordAgeInSeconds": 59}, "MaximumRecordAgeInSeconds must be -1 or at least 60"),
        ({"MaximumRetryAttempts": 10_001}, "maximumRetryAttempts"),
        ({"ParallelizationFactor": 11}, "parallelizationFactor"),
        ({"TumblingWindowInSeconds": 1}, "does not support the parameter TumblingWindowInSeconds"),
        ({"ScalingConfig": {"MaximumConcurrency": 2}}, "Unsupported ScalingConfig parameter"),
        (to("arn:aws:lambda:us-east-1:000000000000:function:f"), "destination ARN .* is invalid"),
        (to("arn:aws:s3:::bucket"), "does not support the destination .*: Amazon S3"),
        ({"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:sqs:us-east-1:000000000000:q"}}}, "OnSuccess"),
        ({"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/orders"}, "Unrecognized event source"),
        (
            {"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/no/stream/2026-01-01T00:00:00.000"},
            "Stream not found",
        ),
    ],
)
def test_mappings_that_are_refused(stream: Stream, change: dict[str, Any], match: str) -> None:
    with pytest.raises(ClientError, match=match):
        stream.connect(**change)
    assert stream.lambda_.list_event_source_mappings()["EventSourceMappings"] == []


def test_records_reach_the_function_in_order(stream: Stream) -> None:
    stream.put(1, 2, 3)
    number = stream.connect(BatchSize=2)
    stream.ddb.delete_item(TableName="orders", Key={"pk": {"S": "a"}, "sk": {"N": "2"}})
    wait_for(lambda: sum(map(len, stream.numbers())) == 4)
    assert [each for batch in stream.numbers() for each in batch] == [1, 2, 3, 2]
    assert max(map(len, stream.numbers())) <= 2
    record = stream.batches()[0][0]
    assert record["eventSourceARN"] == stream.arn
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["NewImage"] == {"pk": {"S": "a"}, "sk": {"N": "1"}, "do": {"S": "go"}}
    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], int)
    assert wait_for(lambda: stream.result(number) == "OK")


def test_from_the_latest_on(stream: Stream) -> None:
    stream.put(1)
    stream.connect(StartingPosition="LATEST")
    stream.put(2)
    assert wait_for(stream.numbers) == [[2]]


def test_only_what_a_filter_lets_through(stream: Stream) -> None:
    pattern = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"N": ["2", "3"]}}}}
    stream.connect(FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    stream.put(1, 2, 3)
    stream.ddb.delete_item(TableName="orders", Key={"pk": {"S": "a"}, "sk": {"N": "2"}})
    wait_for(lambda: sum(map(len, stream.numbers())) == 2)
    time.sleep(0.1)
    assert [each for batch in stream.numbers() for each in batch] == [2, 3]


def test_a_failure_holds_up_what_follows_until_it_is_given_up(stream: Stream) -> None:
    url, queue = stream.queue()
    number = stream.connect(BatchSize=1, MaximumRetryAttempts=1, **to(queue))
    stream.put(1, do="fail")
    stream.put(2)
    told = stream.lost(url)
    wait_for(lambda: len(stream.numbers()) == 3)
    assert stream.numbers() == [[1], [1], [2]]
    sequence = stream.batches()[0][0]["dynamodb"]["SequenceNumber"]
    batch = told.pop("DDBStreamBatchInfo")
    assert batch.pop("shardId").startswith("shardId-")
    assert batch.pop("approximateArrivalOfFirstRecord") == batch.pop("approximateArrivalOfLastRecord")
    assert batch == {
        "startSequenceNumber": sequence,
        "endSequenceNumber": sequence,
        "batchSize": 1,
        "streamArn": stream.arn,
    }
    context = told["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetryAttemptsExhausted", 2)
    assert context["functionArn"].endswith(":function:f")
    assert told["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert told["version"] == "1.0"
    wait_for(lambda: stream.result(number) == "OK")


def test_a_topic_is_told_of_what_was_given_up(client: Callable[..., Any], stream: Stream) -> None:
    url, queue = stream.queue()
    sns = client("sns")
    topic = sns.create_topic(Name="lost")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    stream.connect(MaximumRetryAttempts=0, **to(topic))
    stream.put(1, do="fail")
    assert stream.lost(url)["DDBStreamBatchInfo"]["streamArn"] == stream.arn


def test_a_failing_batch_is_halved(stream: Stream) -> None:
    url, queue = stream.queue()
    stream.put(1, 2)
    stream.put(3, do="fail")
    stream.put(4)
    stream.connect(BisectBatchOnFunctionError=True, MaximumRetryAttempts=0, **to(queue))
    assert stream.lost(url)["DDBStreamBatchInfo"]["batchSize"] == 1
    wait_for(lambda: len(stream.numbers()) == 5)
    assert stream.numbers() == [[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]]


def test_what_a_function_says_it_failed_with_is_where_it_goes_on(stream: Stream) -> None:
    stream.put(1, 2)
    stream.put(3, do="skip")
    stream.put(4)
    stream.connect(FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1)
    wait_for(lambda: len(stream.numbers()) == 2)
    stream.put(5)
    wait_for(lambda: len(stream.numbers()) == 3)
    assert stream.numbers() == [[1, 2, 3, 4], [3, 4], [5]]


def test_lanes_keep_the_order_of_each_key(stream: Stream) -> None:
    keys = [f"k{number}" for number in range(6)]
    stream.put(0, pk="bad", do="fail")
    for number in range(5):
        for key in keys:
            stream.put(number, pk=key)
    stream.connect(ParallelizationFactor=3, BatchSize=2)

    def by_key() -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for record in [record for batch in stream.batches() for record in batch]:
            told = record["dynamodb"]["Keys"]
            found.setdefault(told["pk"]["S"], []).append(int(told["sk"]["N"]))
        return found

    # Those that share the lane of what fails wait for it.
    wait_for(lambda: sum(by_key().get(key) == [0, 1, 2, 3, 4] for key in keys) >= 3)
    assert all(found == sorted(found) for found in by_key().values())


def test_the_window_and_the_age_of_records(timed: Stream, timed_server: ThreadedServer) -> None:
    url, queue = timed.queue()
    number = timed.connect(MaximumBatchingWindowInSeconds=5, MaximumRecordAgeInSeconds=60, **to(queue))
    timed.put(1)
    window_ends = due_in(timed_server, 5)
    timed_server.advance(4)
    timed.put(2)
    # Advancing waits until nothing is under way that needs neither a client nor a later time: the window still stands.
    timed_server.advance(0)
    assert timed_server.clock.next_due_us == window_ends
    assert timed_server.app.runner.running == 0
    assert timed.numbers() == []
    timed_server.advance(1)
    assert wait_for(timed.numbers) == [[1, 2]]
    wait_for(lambda: timed.result(number) == "OK")
    timed.put(3, do="fail")
    due_in(timed_server, 5)
    timed_server.advance(5)
    wait_for(lambda: timed.result(number).startswith("PROBLEM"))
    timed_server.advance(61)
    # A try that was under way meanwhile fails once more first, and is then due again.
    told = wait_for(lambda: timed_server.advance(10) or timed.told(url))
    assert told["requestContext"]["condition"] == "RecordAgeExceeded"
    assert told["requestContext"]["approximateInvokeCount"] >= 1
    timed.put(4)
    wait_for(lambda: timed_server.advance(5) or timed.numbers()[-1] == [4])


def test_a_disabled_mapping_goes_on_where_it_was(stream: Stream) -> None:
    number = stream.connect()
    stream.put(1)
    wait_for(stream.numbers)
    stream.lambda_.update_event_source_mapping(UUID=number, Enabled=False)
    stream.put(2)
    time.sleep(0.1)
    stream.lambda_.update_event_source_mapping(UUID=number, Enabled=True, ParallelizationFactor=3)
    wait_for(lambda: len(stream.numbers()) >= 2)
    stream.lambda_.delete_event_source_mapping(UUID=number)
    stream.put(3)
    time.sleep(0.1)
    assert {each for batch in stream.numbers()[1:] for each in batch} == {2}


def test_mappings_go_on_after_a_restart(tmp_path: Path, account: str) -> None:
    from fogbank.settings import Settings
    from fogbank.testing.server import ThreadedServer
    from tests.conformance.conftest import boto3_client

    settings = Settings(port=0, data=tmp_path / "data", shared=tmp_path)
    with ThreadedServer(settings) as server:
        stream = Stream(boto3_client(server, account), tmp_path / "record")
        number = stream.connect()
        stream.put(1)
        wait_for(lambda: stream.result(number) == "OK")
    with ThreadedServer(settings) as server:
        client = boto3_client(server, account)
        stream.ddb, stream.lambda_ = client("dynamodb"), client("lambda")
        stream.put(2)
        wait_for(lambda: len(stream.numbers()) == 2)
        assert stream.numbers() == [[1], [2]]


def test_streams_and_mappings_on_postgres(postgres_url: str, tmp_path: Path, account: str) -> None:
    from fogbank.settings import Settings
    from fogbank.testing.server import ThreadedServer
    from tests.conformance.aws.dynamodb import test_streams
    from tests.conformance.conftest import boto3_client

    settings = Settings(port=0, database=postgres_url, shared=tmp_path)
    with ThreadedServer(settings) as server:
        server.reset()
        client = boto3_client(server, account)
        ddb, streams = client("dynamodb"), client("dynamodbstreams")
        test_streams.test_records_tell_what_each_write_changed(ddb, streams, test_streams.make(ddb))
        ddb.delete_table(TableName="orders")
        stream = Stream(client, tmp_path / "record")
        url, queue = stream.queue()
        number = stream.connect(BatchSize=1, MaximumRetryAttempts=1, **to(queue))
        stream.put(1, do="fail")
        assert stream.lost(url)["requestContext"]["condition"] == "RetryAttemptsExhausted"
        stream.lambda_.update_event_source_mapping(UUID=number, ParallelizationFactor=2)
        stream.put(2)
        wait_for(lambda: stream.numbers()[-1:] == [[2]])
        ttl, past = {"Enabled": True, "AttributeName": "until"}, str(int(time.time()) - 10)
        ddb.put_item(TableName="orders", Item={"pk": {"S": "a"}, "sk": {"N": "3"}, "until": {"N": past}})
        ddb.put_item(TableName="orders", Item={"pk": {"S": "a"}, "sk": {"N": "4"}, "until": {"N": "5000000000"}})
        ddb.update_time_to_live(TableName="orders", TimeToLiveSpecification=ttl)
        wait_for(lambda: [int(item["sk"]["N"]) for item in ddb.scan(TableName="orders")["Items"]] == [1, 2, 4])


def test_of_two_servers_on_one_database_one_hands_on(postgres_url: str, tmp_path: Path, account: str) -> None:
    from fogbank.settings import Settings
    from fogbank.testing.server import ThreadedServer
    from tests.conformance.conftest import boto3_client

    settings = Settings(port=0, database=postgres_url, shared=tmp_path)
    with ThreadedServer(settings) as other:
        with ThreadedServer(settings) as server:
            server.reset()
            stream = Stream(boto3_client(server, account), tmp_path / "record")
            stream.connect(ParallelizationFactor=2)
            stream.put(*range(5))
            # Whoever has a lane keeps it while the other writes.
            stream.ddb = boto3_client(other, account)("dynamodb")
            stream.put(*range(5, 10))
            wait_for(lambda: sum(map(len, stream.numbers())) >= 10)
        stream.put(10)
        wait_for(lambda: sum(map(len, stream.numbers())) >= 11)
    told = [number for batch in stream.numbers() for number in batch]
    # What was under way when its server stopped may have come once more.
    assert told[:10] == list(range(10))
    assert set(told) == set(range(11))
