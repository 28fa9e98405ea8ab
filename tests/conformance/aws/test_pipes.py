"""Amazon EventBridge Pipes through boto3: pipes are made, shown, changed, switched, tagged, refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.aws.test_events import Inbox, refusal
from tests.conformance.aws.test_lambda_invoke import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

ROLE = "arn:aws:iam::123456789012:role/pipe"
ZONE = "arn:aws:{}:us-east-1:123456789012:{}"


class Pipeline:
    """A queue, and a pipe from it to another."""

    def __init__(self, client: Callable[..., Any], **attributes: str) -> None:
        self.client = client
        self.pipes = client("pipes", parameter_validation=False)
        suffix = ".fifo" if attributes.get("FifoQueue") else ""
        self.source = Inbox(client, f"source{suffix}", **attributes)
        self.inbox = Inbox(client, "inbox")

    def connect(self, name: str = "p", **settings: Any) -> dict[str, Any]:
        wanted = {"Source": self.source.arn, "Target": self.inbox.arn, "RoleArn": ROLE, **settings}
        made: dict[str, Any] = self.pipes.create_pipe(Name=name, **wanted)
        return made

    def send(self, *bodies: Any, **settings: Any) -> list[str]:
        """Send texts, and all else as JSON; returns the messages' ids."""
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        sqs, url = self.source.sqs, self.source.url
        return [sqs.send_message(QueueUrl=url, MessageBody=text, **settings)["MessageId"] for text in texts]

    def left(self, inbox: Inbox | None = None) -> tuple[int, int]:
        """Return how many messages wait in a queue, and how many are leased; the source's if none is named."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = (inbox or self.source).url
        shown = self.source.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return int(shown[names[0]]), int(shown[names[1]])

    def done(self) -> bool:
        return self.left() == (0, 0)


@pytest.fixture
def pipeline(client: Callable[..., Any]) -> Pipeline:
    return Pipeline(client)


def test_a_pipe_is_made_shown_and_deleted(pipeline: Pipeline, account: str) -> None:
    criteria = {"Filters": [{"Pattern": '{"body": {"a": [1]}}'}]}
    made = pipeline.connect(
        Description="all of it",
        SourceParameters={"FilterCriteria": criteria, "SqsQueueParameters": {"MaximumBatchingWindowInSeconds": 1}},
        TargetParameters={"InputTemplate": "<$.body>"},
        Tags={"team": "a"},
    )
    arn = f"arn:aws:pipes:us-east-1:{account}:pipe/p"
    assert (made["Arn"], made["Name"]) == (arn, "p")
    assert (made["DesiredState"], made["CurrentState"]) == ("RUNNING", "CREATING")
    shown = pipeline.pipes.describe_pipe(Name="p")
    del shown["ResponseMetadata"]
    assert shown.pop("CreationTime") == made["CreationTime"]
    assert shown.pop("LastModifiedTime") == made["LastModifiedTime"]
    assert shown == {
        "Arn": arn,
        "Name": "p",
        "Description": "all of it",
        "DesiredState": "RUNNING",
        "CurrentState": "RUNNING",
        "Source": pipeline.source.arn,
        "SourceParameters": {
            "FilterCriteria": criteria,
            "SqsQueueParameters": {"BatchSize": 10, "MaximumBatchingWindowInSeconds": 1},
        },
        "Target": pipeline.inbox.arn,
        "TargetParameters": {"InputTemplate": "<$.body>"},
        "RoleArn": ROLE,
        "Tags": {"team": "a"},
    }
    code, message = refusal(pipeline.connect)
    assert (code, message) == ("ConflictException", "Pipe p already exists.")
    gone = pipeline.pipes.delete_pipe(Name="p")
    assert (gone["DesiredState"], gone["CurrentState"]) == ("DELETED", "DELETING")
    for what in ("describe_pipe", "delete_pipe", "start_pipe", "stop_pipe"):
        assert refusal(getattr(pipeline.pipes, what), Name="p") == ("NotFoundException", "Pipe p does not exist.")


def test_pipes_are_listed_by_name_state_source_and_target(pipeline: Pipeline) -> None:
    for name in ("a1", "a2", "b1"):
        pipeline.connect(name, DesiredState="STOPPED" if name == "a2" else "RUNNING")

    def names(**wanted: Any) -> list[str]:
        return [each["Name"] for each in pipeline.pipes.list_pipes(**wanted)["Pipes"]]

    assert names() == ["a1", "a2", "b1"]
    assert names(NamePrefix="a") == ["a1", "a2"]
    assert names(DesiredState="RUNNING") == ["a1", "b1"]
    assert names(CurrentState="STOPPED") == ["a2"]
    assert names(SourcePrefix=pipeline.source.arn) == names(TargetPrefix="arn:aws:sqs:") == ["a1", "a2", "b1"]
    assert names(SourcePrefix=pipeline.inbox.arn) == names(TargetPrefix=pipeline.source.arn) == []
    first = pipeline.pipes.list_pipes(Limit=2)
    assert [each["Name"] for each in first["Pipes"]] == ["a1", "a2"]
    assert names(NextToken=first["NextToken"]) == ["b1"]
    assert first["Pipes"][0]["Source"] == pipeline.source.arn
    assert refusal(pipeline.pipes.list_pipes, NextToken="x")[0] == "ValidationException"


def test_a_pipe_is_stopped_and_started(pipeline: Pipeline) -> None:
    pipeline.connect(DesiredState="STOPPED")
    assert pipeline.pipes.describe_pipe(Name="p")["CurrentState"] == "STOPPED"
    pipeline.send("one")
    started = pipeline.pipes.start_pipe(Name="p")
    assert (started["DesiredState"], started["CurrentState"]) == ("RUNNING", "STARTING")
    assert pipeline.pipes.start_pipe(Name="p")["CurrentState"] == "RUNNING"
    wait_for(pipeline.done)
    stopped = pipeline.pipes.stop_pipe(Name="p")
    assert (stopped["DesiredState"], stopped["CurrentState"]) == ("STOPPED", "STOPPING")
    pipeline.send("two")
    assert [body["body"] for body in wait_for(pipeline.inbox.bodies)] == ["one"]
    assert pipeline.left() == (1, 0)


def test_what_is_changed_and_what_stays(pipeline: Pipeline) -> None:
    pipeline.connect(
        DesiredState="STOPPED",
        Description="first",
        SourceParameters={"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}, "SqsQueueParameters": {"BatchSize": 5}},
        TargetParameters={"InputTemplate": '"x"', "SqsQueueParameters": {"MessageGroupId": "g"}},
    )

    def update(**changes: Any) -> dict[str, Any]:
        assert pipeline.pipes.update_pipe(Name="p", RoleArn=ROLE, **changes)["CurrentState"] == "UPDATING"
        shown: dict[str, Any] = pipeline.pipes.describe_pipe(Name="p")
        return shown

    shown = update(SourceParameters={"SqsQueueParameters": {}})
    assert shown["SourceParameters"]["SqsQueueParameters"] == {"BatchSize": 10}, "replaced as a whole"
    assert shown["SourceParameters"]["FilterCriteria"] == {"Filters": [{"Pattern": "{}"}]}
    assert (shown["Description"], shown["TargetParameters"]["InputTemplate"]) == ("first", '"x"')
    shown = update(SourceParameters={"FilterCriteria": {}}, TargetParameters={"InputTemplate": ""}, Description="")
    assert "FilterCriteria" not in shown["SourceParameters"]
    assert shown["TargetParameters"] == {"InputTemplate": "", "SqsQueueParameters": {"MessageGroupId": "g"}}
    topic = pipeline.client("sns").create_topic(Name="t")["TopicArn"]
    shown = update(Target=topic, DesiredState="RUNNING")
    assert (shown["Target"], shown["CurrentState"]) == (topic, "RUNNING")
    assert "SqsQueueParameters" not in shown["TargetParameters"]
    code, message = refusal(pipeline.pipes.update_pipe, Name="q", RoleArn=ROLE)
    assert (code, message) == ("NotFoundException", "Pipe q does not exist.")


def test_tags(pipeline: Pipeline) -> None:
    arn = pipeline.connect(Tags={"a": "1"})["Arn"]
    pipeline.pipes.tag_resource(resourceArn=arn, tags={"b": "2", "a": "3"})
    assert pipeline.pipes.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "3", "b": "2"}
    pipeline.pipes.untag_resource(resourceArn=arn, tagKeys=["a", "c"])
    assert pipeline.pipes.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    assert refusal(pipeline.pipes.list_tags_for_resource, resourceArn=arn + "x")[0] == "NotFoundException"
    assert refusal(pipeline.pipes.list_tags_for_resource, resourceArn=ROLE)[0] == "ValidationException"


def test_a_pipe_without_its_source_says_so(pipeline: Pipeline) -> None:
    arn = pipeline.source.arn.replace(":source", ":later")
    pipeline.connect(Source=arn)
    shown = pipeline.pipes.describe_pipe(Name="p")
    assert (shown["DesiredState"], shown["CurrentState"]) == ("RUNNING", "CREATE_FAILED")
    assert shown["StateReason"] == f"The source queue {arn} does not exist."
    pipeline.pipes.start_pipe(Name="p")
    assert pipeline.pipes.describe_pipe(Name="p")["CurrentState"] == "START_FAILED"
    pipeline.source = Inbox(pipeline.client, "later")
    pipeline.pipes.start_pipe(Name="p")
    shown = pipeline.pipes.describe_pipe(Name="p")
    assert shown["CurrentState"] == "RUNNING"
    assert "StateReason" not in shown
    pipeline.send("x")
    assert wait_for(pipeline.inbox.bodies)[0]["body"] == "x"


BUS = {"Target": ZONE.format("events", "event-bus/default")}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Source": ZONE.format("kinesis", "stream/s")}, "Fogbank does not support sources of kinesis: {Source}."),
        ({"Source": "smk://h:9092"}, "Fogbank does not support the source smk://h:9092."),
        (
            {"SourceParameters": {"KinesisStreamParameters": {"StartingPosition": "LATEST"}}},
            "Fogbank does not support the parameter SourceParameters.KinesisStreamParameters.",
        ),
        ({"Target": ZONE.format("states", "stateMachine:s")}, "Fogbank does not support targets of states: {Target}."),
        (
            {"Enrichment": ZONE.format("states", "stateMachine:s")},
            "Fogbank does not support enrichments of states: {Enrichment}.",
        ),
        (
            {"TargetParameters": {"EcsTaskParameters": {"TaskDefinitionArn": "x"}}},
            "Fogbank does not support the parameter TargetParameters.EcsTaskParameters.",
        ),
        ({"LogConfiguration": {"Level": "OFF"}}, "Fogbank does not support the parameter LogConfiguration."),
        ({"KmsKeyIdentifier": "k"}, "Fogbank does not support the parameter KmsKeyIdentifier."),
        ({"Target": ZONE.format("sns", "t.fifo")}, "FIFO topics can't be targets of pipes: {Target}."),
        (BUS, "The event bus {Target} must be in the account and Region of the pipe."),
        (
            {"TargetParameters": {"LambdaFunctionParameters": {}}},
            "TargetParameters.LambdaFunctionParameters can't be specified for this target.",
        ),
        (
            {"Target": ZONE.format("sqs", "t.fifo")},
            "TargetParameters.SqsQueueParameters.MessageGroupId is required for FIFO queues.",
        ),
        (
            {"TargetParameters": {"SqsQueueParameters": {"MessageDeduplicationId": "x"}}},
            "TargetParameters.SqsQueueParameters.MessageDeduplicationId is for FIFO queues.",
        ),
        (
            {"TargetParameters": {"InputTemplate": "<aws.pipes.colour>"}},
            "TargetParameters.InputTemplate has the unknown variable <aws.pipes.colour>.",
        ),
        (
            {"TargetParameters": {"InputTemplate": "<$.a[>"}},
            "TargetParameters.InputTemplate has the invalid path <$.a[>.",
        ),
        (
            {"EnrichmentParameters": {"InputTemplate": "x"}},
            "EnrichmentParameters.InputTemplate needs an Enrichment.",
        ),
        (
            {"SourceParameters": {"SqsQueueParameters": {"BatchSize": 11}}},
            "BatchSize 11 is larger than the 10 that the enrichment and the target support.",
        ),
        (
            {
                "Target": ZONE.format("events", "api-destination/d/1"),
                "SourceParameters": {"SqsQueueParameters": {"BatchSize": 2}},
            },
            "BatchSize 2 is larger than the 1 that the enrichment and the target support.",
        ),
        (
            {
                "Target": ZONE.format("lambda", "function:f"),
                "SourceParameters": {"SqsQueueParameters": {"BatchSize": 11}},
            },
            "MaximumBatchingWindowInSeconds must be greater than 0 if BatchSize is greater than 10.",
        ),
        (
            {
                "Source": ZONE.format("sqs", "s.fifo"),
                "SourceParameters": {"SqsQueueParameters": {"MaximumBatchingWindowInSeconds": 1}},
            },
            "MaximumBatchingWindowInSeconds is not supported for FIFO queues.",
        ),
        (
            {"SourceParameters": {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}},
            "Invalid filter pattern: {{",
        ),
        (
            {"Source": ""},
            "2 validation errors detected: Value '' at 'source' failed to satisfy constraint: Member must have length",
        ),
    ],
)
def test_what_is_refused(pipeline: Pipeline, changes: dict[str, Any], message: str) -> None:
    code, said = refusal(pipeline.connect, **changes)
    assert code == "ValidationException"
    assert said.startswith(message.format(**changes)), said
    assert pipeline.pipes.list_pipes()["Pipes"] == []


def test_a_reset_removes_pipes(timed_server: ThreadedServer, timed_client: Callable[..., Any]) -> None:
    Pipeline(timed_client).connect()
    timed_server.reset()
    again = Pipeline(timed_client)
    assert again.pipes.list_pipes()["Pipes"] == []
    again.send("stays")
    timed_server.advance(1)
    assert again.left() == (1, 0)
    again.connect()
    wait_for(again.done)
