"""What targets of EventBridge Pipes get of queues' messages: enriched, filtered, transformed; what becomes of failures.

Amazon EventBridge User Guide, "Amazon EventBridge Pipes".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws import test_events_api
from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_events import Inbox
from tests.conformance.aws.test_events_api import Api, connect
from tests.conformance.aws.test_lambda_invoke import wait_for
from tests.conformance.aws.test_pipes import Pipeline
from tests.conformance.conftest import boto3_client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

api = test_events_api.api
ROLE = "arn:aws:iam::123456789012:role/pipe"
START_US = 1_795_348_800_000_000
# Writes what it gets into the file that its environment names; fails, or says which failed, by what bodies say.
RECORDER = """
    import json, os
    def handler(event, context):
        with open(os.environ["RECORD"], "a") as file:
            file.write(json.dumps(event) + "\\n")
        bodies = [each["body"] if isinstance(each, dict) else each for each in event]
        if "fail" in bodies:
            raise RuntimeError("as asked")
        if "text" in bodies:
            return "done"
        return {"batchItemFailures": [{"itemIdentifier": each["messageId"]} for each in event if each["body"] == "bad"]}
"""
ENRICHER = """
    def handler(event, context):
        kind = event[0]["body"] if isinstance(event[0], dict) else event[0]
        if kind == "none":
            return []
        if kind == "one":
            return {"n": 1}
        if kind == "many":
            return [{"n": number} for number in range(11)]
        return [{"n": number, "got": each} for number, each in enumerate(event)]
"""


@pytest.fixture
def pipeline(client: Callable[..., Any]) -> Pipeline:
    return Pipeline(client)


@pytest.fixture
def timed(timed_client: Callable[..., Any]) -> Pipeline:
    return Pipeline(timed_client)


def function(pipeline: Pipeline, record: Path, source: str = RECORDER, name: str = "f") -> str:
    lambda_ = pipeline.client("lambda")
    arn: str = deploy(lambda_, name, source, Environment={"Variables": {"RECORD": str(record)}})["FunctionArn"]
    return arn


def lines(record: Path) -> list[Any]:
    return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


def bodies(record: Path) -> list[list[Any]]:
    return [[each["body"] for each in batch] for batch in lines(record)]


def batches_of(size: int, window: int = 0) -> dict[str, Any]:
    given = {"BatchSize": size, "MaximumBatchingWindowInSeconds": window} if window else {"BatchSize": size}
    return {"SourceParameters": {"SqsQueueParameters": given}}


def test_a_queue_gets_each_message_as_a_record(pipeline: Pipeline, account: str) -> None:
    sent = pipeline.send("one", MessageAttributes={"a": {"DataType": "String", "StringValue": "1"}})
    pipeline.connect()
    (message,) = wait_for(pipeline.inbox.messages)
    assert message["Attributes"]["SenderId"] == "pipes.amazonaws.com"
    record = json.loads(message["Body"])
    assert record.pop("attributes").keys() >= {"ApproximateReceiveCount", "SentTimestamp"}
    assert record.pop("receiptHandle")
    assert record.pop("md5OfMessageAttributes")
    assert record == {
        "messageId": sent[0],
        "body": "one",
        "messageAttributes": {
            "a": {"stringValue": "1", "stringListValues": [], "binaryListValues": [], "dataType": "String"}
        },
        "md5OfBody": "f97c5d29941bfb1b2fdab0874906ab82",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:{account}:source",
        "awsRegion": "us-east-1",
    }
    assert pipeline.done()


def test_messages_that_match_no_filter_are_deleted(pipeline: Pipeline) -> None:
    patterns = [{"body": {"price": [{"numeric": [">", 10]}]}}, {"body": ["plain"]}]
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]}
    pipeline.send({"price": 11}, {"price": 10}, "plain", "other", [1])
    pipeline.connect(SourceParameters={"FilterCriteria": criteria}, TargetParameters={"InputTemplate": "<$.body>"})
    wait_for(pipeline.done)
    assert sorted(message["Body"] for message in pipeline.inbox.messages()) == ['"plain"', '{"price":11}']


@pytest.mark.parametrize(
    ("body", "template", "made"),
    [
        ({"key": "v", "n": [1, 2]}, '{"a": <$.body.key>, "b": "<$.body.key>!", "n": <$.body.n[1]>}', None),
        ("v", '"Hello, <$.body>"', '"Hello, v"'),
        ({"key": "v"}, '"Body is <$.body>"', '"Body is {key:v}"'),
        ({"key": "v"}, "<$.body>", '{"key":"v"}'),
        ({"key": "v"}, "Hello, <$.body.key> <$.body.none>", "Hello, v "),
        ('say "hi"', '{"said": <$.body>}', '{"said": "say \\"hi\\""}'),
        ({"n": [{"a": 1}, {"a": 2}]}, "<$.body.n[*].a>", "[1,2]"),
        ("v", "static", "static"),
        ("v", "<aws.pipes.pipe-name> <b>", "p <b>"),
        ({"key": "v"}, "<aws.pipes.event.json>", "{parsed}"),
        ("v", '{"event": <aws.pipes.event.json>}', '{"event": null}'),
    ],
)
def test_input_templates(pipeline: Pipeline, body: Any, template: str, made: str | None) -> None:
    pipeline.connect(TargetParameters={"InputTemplate": template})
    pipeline.send(body)
    (message,) = wait_for(pipeline.inbox.messages)
    if made is None:
        assert json.loads(message["Body"]) == {"a": "v", "b": "v!", "n": 2}
    elif made == "{parsed}":
        assert json.loads(message["Body"])["body"] == body
    else:
        assert message["Body"] == made


def test_a_pipe_s_own_variables(timed: Pipeline) -> None:
    names = ("pipe-arn", "source-arn", "enrichment-arn", "target-arn", "event.ingestion-time", "event")
    template = "{" + ", ".join(f'"{name}": <aws.pipes.{name}>' for name in names) + "}"
    arn = timed.connect(TargetParameters={"InputTemplate": template})["Arn"]
    timed.send({"a": 1})
    (got,) = wait_for(timed.inbox.bodies)
    assert got.pop("event")["body"] == '{"a": 1}', "the event as it came"
    assert got == {
        "pipe-arn": arn,
        "source-arn": timed.source.arn,
        "enrichment-arn": "",
        "target-arn": timed.inbox.arn,
        "event.ingestion-time": "2026-11-22T12:00:00Z",
    }


def test_a_fifo_queue_gets_its_group_by_a_path(client: Callable[..., Any]) -> None:
    pipeline = Pipeline(client, FifoQueue="true", ContentBasedDeduplication="true")
    target = Inbox(client, "target.fifo", FifoQueue="true")
    ordering = {"MessageGroupId": "$.body.customer", "MessageDeduplicationId": "$.messageId"}
    pipeline.connect(Target=target.arn, TargetParameters={"SqsQueueParameters": ordering})
    for number in range(12):
        pipeline.send({"customer": "ab"[number % 2], "n": number}, MessageGroupId="g")
    got: list[dict[str, Any]] = []
    wait_for(lambda: got.extend(target.messages()) or len(got) == 12)
    for group in "ab":
        mine = [json.loads(each["Body"]) for each in got if each["Attributes"]["MessageGroupId"] == group]
        numbers = [json.loads(each["body"])["n"] for each in mine]
        assert numbers == list(range("ab".index(group), 12, 2))
    assert len({each["Attributes"]["MessageDeduplicationId"] for each in got}) == 12


def test_a_topic_and_a_log_group_are_targets(pipeline: Pipeline, account: str) -> None:
    sns, logs = pipeline.client("sns"), pipeline.client("logs")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=pipeline.inbox.arn, Attributes={"RawMessageDelivery": "true"}
    )
    pipeline.connect("first", Target=topic, TargetParameters={"InputTemplate": "<$.body.text>"})
    pipeline.send({"text": "hello"})
    assert [message["Body"] for message in wait_for(pipeline.inbox.messages)] == ['"hello"']
    pipeline.pipes.delete_pipe(Name="first")
    logs.create_log_group(logGroupName="/g")
    entry = {"LogStreamName": "$.body.stream", "Timestamp": "$.body.at"}
    pipeline.connect(
        Target=f"arn:aws:logs:us-east-1:{account}:log-group:/g",
        TargetParameters={"InputTemplate": "got <$.body.text>", "CloudWatchLogsParameters": entry},
    )
    pipeline.send({"stream": "s", "at": 1_795_000_000_000, "text": "it"})
    (found,) = wait_for(lambda: logs.filter_log_events(logGroupName="/g", startTime=0)["events"])
    assert (found["logStreamName"], found["timestamp"], found["message"]) == ("s", 1_795_000_000_000, "got it")


def test_a_bus_is_a_target(pipeline: Pipeline, account: str) -> None:
    events = pipeline.client("events")
    bus = f"arn:aws:events:us-east-1:{account}:event-bus/default"
    pipeline.connect("plain", Target=bus, DesiredState="STOPPED")
    given = {
        "Source": "$.body.from",
        "DetailType": "order",
        "Resources": ["$.body.arn", "arn:aws:sqs:us-east-1:123456789012:x"],
        "Time": "$.body.at",
    }
    template = {"InputTemplate": '{"price": <$.body.price>}', "EventBridgeEventBusParameters": given}
    pipeline.connect("shaped", Target=bus, TargetParameters=template)
    events.put_rule(Name="all", EventPattern=json.dumps({"account": [account]}))
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": pipeline.inbox.arn}])
    pipeline.send({"from": "shop", "price": 2, "arn": "arn:aws:s3:::b", "at": "2026-01-02T03:04:05Z"})
    (event,) = wait_for(pipeline.inbox.bodies)
    assert (event["source"], event["detail-type"], event["detail"]) == ("shop", "order", {"price": 2})
    assert event["resources"] == ["arn:aws:s3:::b", "arn:aws:sqs:us-east-1:123456789012:x"]
    assert (event["time"], event["account"]) == ("2026-01-02T03:04:05Z", account)
    pipeline.pipes.stop_pipe(Name="shaped")
    pipeline.pipes.start_pipe(Name="plain")
    pipeline.send("x")
    (event,) = wait_for(pipeline.inbox.bodies)
    assert (event["source"], event["detail-type"]) == ("Pipe plain", "Event from aws:sqs")
    assert event["detail"]["body"] == "x"


def test_a_function_gets_a_batch_as_a_list(pipeline: Pipeline, tmp_path: Path) -> None:
    record = tmp_path / "record"
    pipeline.send("a", "b", "text")
    pipeline.connect(Target=function(pipeline, record))
    wait_for(pipeline.done)
    assert bodies(record) == [["a", "b", "text"]]
    pipeline.pipes.update_pipe(Name="p", RoleArn=ROLE, TargetParameters={"InputTemplate": "<$.body>"})
    pipeline.send("plain")
    wait_for(lambda: lines(record)[1:] == [["plain"]])


def test_a_function_that_is_not_waited_for(pipeline: Pipeline, tmp_path: Path) -> None:
    record = tmp_path / "record"
    parameters = {"LambdaFunctionParameters": {"InvocationType": "FIRE_AND_FORGET"}}
    pipeline.connect(Target=function(pipeline, record), TargetParameters=parameters)
    pipeline.send("fail")
    wait_for(lambda: bodies(record) == [["fail"]])
    assert pipeline.done(), "its failure is the function's own affair"


def test_what_a_function_fails_with_comes_back_and_is_buried(
    timed: Pipeline, timed_server: ThreadedServer, tmp_path: Path
) -> None:
    record = tmp_path / "record"
    grave = Inbox(timed.client, "grave")
    redrive = json.dumps({"deadLetterTargetArn": grave.arn, "maxReceiveCount": 2})
    timed.source.sqs.set_queue_attributes(QueueUrl=timed.source.url, Attributes={"RedrivePolicy": redrive})
    timed.send("good", "bad")
    timed.connect(Target=function(timed, record))
    wait_for(lambda: timed.left() == (0, 1))
    assert bodies(record) == [["good", "bad"]]
    timed_server.advance(31)
    wait_for(lambda: len(lines(record)) == 2)
    timed_server.advance(31)
    wait_for(timed.done)
    assert bodies(record)[1:] == [["bad"]]
    assert [message["Body"] for message in grave.messages()] == ["bad"]


def test_an_enrichment_gives_the_events_for_the_target(pipeline: Pipeline, tmp_path: Path) -> None:
    enricher = function(pipeline, tmp_path / "record", ENRICHER, "e")
    pipeline.send("a", {"b": 1})
    pipeline.connect(
        Enrichment=enricher,
        EnrichmentParameters={"InputTemplate": "<$.body>"},
        TargetParameters={"InputTemplate": '{"enriched": <aws.pipes.event.json>, "from": <aws.pipes.enrichment-arn>}'},
    )
    got: list[Any] = []
    wait_for(lambda: got.extend(pipeline.inbox.bodies()) or len(got) == 2)
    events = sorted((each["enriched"] for each in got), key=lambda each: each["n"])
    assert events == [{"n": 0, "got": "a"}, {"n": 1, "got": {"b": 1}}]
    assert got[0]["from"] == enricher
    pipeline.pipes.update_pipe(Name="p", RoleArn=ROLE, TargetParameters={"InputTemplate": ""})
    pipeline.send("none")
    wait_for(pipeline.done)
    pipeline.send("one")
    assert wait_for(pipeline.inbox.bodies) == [{"n": 1}], "nothing came of the one before"
    pipeline.send("many")
    wait_for(lambda: pipeline.left() == (0, 1))
    assert pipeline.inbox.bodies() == [], "more than a queue takes at a time"


def destination(pipeline: Pipeline, url: str, *auth: Any) -> str:
    events = pipeline.client("events")
    connection = connect(events, *auth)
    arn: str = events.create_api_destination(
        Name="d", ConnectionArn=connection, InvocationEndpoint=url, HttpMethod="POST"
    )["ApiDestinationArn"]
    return arn


def test_an_api_destination_is_a_target(timed: Pipeline, timed_server: ThreadedServer, api: Api) -> None:
    given = {
        "PathParameterValues": ["$.body.id"],
        "HeaderParameters": {"X-Kind": "order"},
        "QueryStringParameters": {"n": "$.body.n"},
    }
    timed.connect(
        Target=destination(timed, f"{api.url}/orders/*"),
        TargetParameters={"InputTemplate": '{"id": <$.body.id>}', "HttpParameters": given},
    )
    assert timed.pipes.describe_pipe(Name="p")["SourceParameters"]["SqsQueueParameters"]["BatchSize"] == 1
    api.answers = [500]
    timed.send({"id": "7/8", "n": 3})
    for _ in range(2):
        got = api.next()
        assert (got.method, got.path, got.body) == ("POST", "/orders/7%2F8?n=3", b'{"id": "7/8"}')
        assert got.headers["x-kind"] == "order"
        assert got.headers["authorization"].startswith("Basic ")
        # What failed comes back when its lease is over.
        wait_for(lambda: timed.left()[0] == 0)
        timed_server.advance(31)
    wait_for(timed.done)


def test_an_api_destination_enriches(timed: Pipeline, api: Api) -> None:
    timed.connect(
        Enrichment=destination(timed, f"{api.url}/token"),
        EnrichmentParameters={
            "InputTemplate": "<$.body>",
            "HttpParameters": {"HeaderParameters": {"X-Id": "$.messageId"}},
        },
        TargetParameters={"InputTemplate": '{"token": <$.access_token>}'},
    )
    (sent,) = timed.send({"id": 1})
    assert wait_for(timed.inbox.bodies) == [{"token": "t1"}]
    got = api.next()
    assert (got.body, got.headers["x-id"]) == (b'{"id":1}', sent)


def test_a_token_that_is_not_taken_any_more_is_asked_for_anew(
    timed: Pipeline, timed_server: ThreadedServer, api: Api
) -> None:
    client = {"ClientID": "id", "ClientSecret": "secret"}
    oauth = {"ClientParameters": client, "AuthorizationEndpoint": f"{api.url}/token", "HttpMethod": "POST"}
    api.answers = [401]
    timed.connect(Target=destination(timed, api.url, "OAUTH_CLIENT_CREDENTIALS", {"OAuthParameters": oauth}))
    timed.send("x")
    # The second request waits for its turn, by the destination's rate.
    wait_for(lambda: timed_server.advance(0.1) or api.got.qsize() == 4)
    got = [api.next() for _ in range(4)]
    assert [each.headers.get("authorization") for each in got] == [None, "Bearer t1", None, "Bearer t2"]
    wait_for(timed.done)


def test_an_enrichment_that_fails_sends_nothing(timed: Pipeline, timed_server: ThreadedServer, api: Api) -> None:
    api.answers = [503]
    timed.connect(Enrichment=destination(timed, api.url), TargetParameters={"InputTemplate": "<$.body>"})
    timed.send("x")
    api.next()
    wait_for(lambda: timed.left() == (0, 1))
    assert timed.inbox.bodies() == []
    # What it answers then is empty, so there is nothing to send.
    timed_server.advance(31)
    api.next()
    wait_for(timed.done)
    assert timed.inbox.bodies() == []


def test_what_cannot_be_sent_stays_and_holds_up_its_group(timed_client: Callable[..., Any]) -> None:
    pipeline = Pipeline(timed_client, FifoQueue="true", ContentBasedDeduplication="true")
    parameters = {"SqsQueueParameters": {"MessageGroupId": "$.body.key"}}
    for group, body in (("g", {"n": 1}), ("g", {"key": "k", "n": 2}), ("h", {"key": "k", "n": 3})):
        pipeline.send(body, MessageGroupId=group)
    pipeline.connect(TargetParameters=parameters)
    (record,) = wait_for(pipeline.inbox.bodies)
    assert json.loads(record["body"])["n"] == 3
    assert sum(pipeline.left()) == 2


def test_what_a_target_does_not_take_comes_back_alone(timed: Pipeline) -> None:
    target = Inbox(timed.client, "target.fifo", FifoQueue="true")
    ordering = {"MessageGroupId": "g", "MessageDeduplicationId": "$.body.id"}
    timed.send({"id": "a"}, {"id": ""}, {"id": "c"})
    timed.connect(Target=target.arn, TargetParameters={"SqsQueueParameters": ordering})
    wait_for(lambda: sum(timed.left()) == 1)
    got = [json.loads(body["body"])["id"] for body in target.bodies()]
    assert sorted(got) == ["a", "c"]
    assert timed.left() == (0, 1)


def test_a_target_that_is_gone_loses_nothing(timed: Pipeline, timed_server: ThreadedServer) -> None:
    timed.inbox.sqs.delete_queue(QueueUrl=timed.inbox.url)
    timed.connect()
    timed.send("kept")
    wait_for(lambda: timed.left() == (0, 1))
    timed.inbox = Inbox(timed.client, "inbox")
    timed_server.advance(31)
    assert [body["body"] for body in wait_for(timed.inbox.bodies)] == ["kept"]
    wait_for(timed.done)


def test_nothing_is_lost_over_a_restart_between_receive_and_delivery(tmp_path: Path, account: str) -> None:
    settings = Settings(port=0, data=tmp_path / "data", shared=tmp_path)
    with ThreadedServer(settings, frozen_at_us=START_US, seed=1) as server:
        client = boto3_client(server, account)
        pipeline = Pipeline(client)
        slow = "import time\ndef handler(event, context):\n    time.sleep(60)\n"
        pipeline.connect(Enrichment=deploy(client("lambda"), "e", slow, Timeout=100)["FunctionArn"])
        pipeline.send("one", "two")
        wait_for(lambda: pipeline.left() == (0, 2))
    with ThreadedServer(settings, frozen_at_us=START_US + 60_000_000, seed=2) as server:
        client = boto3_client(server, account)
        # The queues' URLs have another port now.
        again = Pipeline(client)
        again.pipes.update_pipe(Name="p", RoleArn=ROLE, Enrichment="")
        server.advance(31)
        got: list[str] = []
        wait_for(lambda: got.extend(each["body"] for each in again.inbox.bodies()) or len(got) >= 2)
        assert sorted(got) == ["one", "two"]
        wait_for(again.done)


def test_pipes_on_postgres(postgres_url: str, shared: Path, account: str) -> None:
    settings = Settings(port=0, database=postgres_url, shared=shared)
    with ThreadedServer(settings, frozen_at_us=START_US, seed=1) as server:
        server.reset()
        pipeline = Pipeline(boto3_client(server, account))
        pipeline.connect(TargetParameters={"InputTemplate": "<$.body>"})
        pipeline.send({"n": 1}, {"n": 2})
        got: list[Any] = []
        wait_for(lambda: got.extend(pipeline.inbox.bodies()) or len(got) == 2)
        assert sorted(each["n"] for each in got) == [1, 2]
        assert pipeline.done()
        pipeline.pipes.stop_pipe(Name="p")
        assert pipeline.pipes.list_pipes()["Pipes"][0]["CurrentState"] == "STOPPED"
