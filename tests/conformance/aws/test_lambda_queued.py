"""AWS Lambda's asynchronous invocations through boto3: retries, age, destinations, dead letters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_functions import ECHO, refused
from tests.conformance.aws.test_lambda_invoke import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer

# Notes that it was run, and fails if it is told to.
WORKER = """
    import os
    def handler(event, context):
        with open(os.environ["RECORD"], "a") as file:
            file.write("run\\n")
        if "fail" in event:
            raise ValueError(event["fail"])
        return {"done": event.get("name")}
"""


class Desk:
    """A function, and queues and a topic that may be told of its outcomes, on a server whose clock stands still."""

    def __init__(self, client: Callable[..., Any], server: ThreadedServer, account: str, record: Path) -> None:
        self.lambda_, self.sqs, self.sns = client("lambda"), client("sqs"), client("sns")
        self.server, self.account, self.record = server, account, record
        self.function = deploy(
            self.lambda_, "f", WORKER, Timeout=900, Environment={"Variables": {"RECORD": str(record)}}
        )["FunctionArn"]
        for name in ("good", "bad", "dead"):
            self.sqs.create_queue(QueueName=name)

    def arn(self, name: str, service: str = "sqs") -> str:
        return f"arn:aws:{service}:us-east-1:{self.account}:{name}"

    def send(self, event: dict[str, Any], **settings: Any) -> str:
        reply = self.lambda_.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps(event), **settings)
        return reply["ResponseMetadata"]["RequestId"]

    def runs(self) -> int:
        return len(self.record.read_text().split()) if self.record.exists() else 0

    def ran(self, count: int) -> None:
        wait_for(lambda: self.runs() == count and self.server.app.runner.running == 0)
        self.server.advance(0)

    def received(self, name: str) -> list[dict[str, Any]]:
        url = self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        return self.sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10).get(
            "Messages", []
        )

    def told(self, name: str) -> dict[str, Any]:
        (message,) = wait_for(lambda: self.received(name))
        return json.loads(message["Body"])


@pytest.fixture
def desk(timed_client: Callable[..., Any], timed_server: ThreadedServer, account: str, tmp_path: Path) -> Desk:
    return Desk(timed_client, timed_server, account, tmp_path / "record")


# Settings


def test_settings_are_put_updated_listed_and_deleted(desk: Desk) -> None:
    lambda_ = desk.lambda_
    lambda_.publish_version(FunctionName="f")
    lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    missing = lambda_.exceptions.ResourceNotFoundException
    with pytest.raises(missing, match=r":function:f:\$LATEST doesn't have an EventInvokeConfig"):
        lambda_.get_function_event_invoke_config(FunctionName="f")
    made = lambda_.put_function_event_invoke_config(
        FunctionName="f",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnSuccess": {"Destination": desk.arn("good")}},
    )
    made.pop("ResponseMetadata")
    assert made.pop("LastModified").timestamp() == desk.server.clock.now() / 1e6
    assert made == {
        "FunctionArn": f"{desk.function}:$LATEST",
        "MaximumRetryAttempts": 1,
        "DestinationConfig": {"OnSuccess": {"Destination": desk.arn("good")}, "OnFailure": {}},
    }
    changed = lambda_.update_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=60)
    assert (changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]) == (1, 60)
    again = lambda_.put_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=61)
    assert "MaximumRetryAttempts" not in again
    assert again["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    for qualifier in ("1", "live"):
        lambda_.put_function_event_invoke_config(FunctionName="f", Qualifier=qualifier, MaximumRetryAttempts=0)
    pages = list(
        lambda_.get_paginator("list_function_event_invoke_configs").paginate(
            FunctionName="f", PaginationConfig={"PageSize": 2}
        )
    )
    listed = [each["FunctionArn"] for page in pages for each in page["FunctionEventInvokeConfigs"]]
    assert listed == [f"{desk.function}:{qualifier}" for qualifier in ("$LATEST", "1", "live")]
    lambda_.delete_function_event_invoke_config(FunctionName="f", Qualifier="live")
    for call in (lambda_.get_function_event_invoke_config, lambda_.delete_function_event_invoke_config):
        with pytest.raises(missing, match=":function:f:live doesn't have an EventInvokeConfig"):
            call(FunctionName="f", Qualifier="live")
    with pytest.raises(missing, match="doesn't have an EventInvokeConfig"):
        lambda_.update_function_event_invoke_config(FunctionName="f:live", MaximumRetryAttempts=0)
    with pytest.raises(missing, match="The function doesn't exist"):
        lambda_.put_function_event_invoke_config(FunctionName="f", Qualifier="7", MaximumRetryAttempts=0)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({}, "You must specify at least one of error handling or destination setting"),
        ({"MaximumRetryAttempts": 3}, "at 'maximumRetryAttempts' failed to satisfy constraint"),
        ({"MaximumEventAgeInSeconds": 59}, "at 'maximumEventAgeInSeconds' failed to satisfy constraint"),
        ({"MaximumEventAgeInSeconds": 21601}, "at 'maximumEventAgeInSeconds' failed to satisfy constraint"),
        ("arn:aws:events:us-east-1:000000000000:event-bus/default", "does not support the destination .*EventBridge"),
        ("arn:aws:s3:::bucket", "does not support the destination .*Amazon S3"),
        ("arn:aws:dynamodb:us-east-1:000000000000:table/t", "The destination ARN .*table/t is invalid"),
        ("arn:aws:sqs:us-east-1:000000000000:q.fifo", "The destination ARN .*q.fifo is invalid"),
        ("arn:aws:lambda:us-east-1:ACCOUNT:function:f:live", "You can't specify the function as a destination for"),
        ("nonsense", "at 'destinationConfig.onFailure.destination' failed to satisfy constraint"),
    ],
)
def test_settings_that_are_refused(
    client: Callable[..., Any], account: str, settings: dict[str, Any] | str, match: str
) -> None:
    lambda_ = client("lambda", parameter_validation=False)
    deploy(lambda_, "f", ECHO)
    if isinstance(settings, str):
        settings = {"DestinationConfig": {"OnFailure": {"Destination": settings.replace("ACCOUNT", account)}}}
    with refused(match):
        lambda_.put_function_event_invoke_config(FunctionName="f", **settings)
    assert lambda_.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"] == []


# Outcomes


def test_a_success_is_told_as_documented(desk: Desk) -> None:
    desk.lambda_.put_function_event_invoke_config(
        FunctionName="f",
        DestinationConfig={
            "OnSuccess": {"Destination": desk.arn("good")},
            "OnFailure": {"Destination": desk.arn("bad")},
        },
    )
    number = desk.send({"name": "값"})
    assert desk.told("good") == {
        "version": "1.0",
        "timestamp": "2026-11-22T12:00:00.000Z",
        "requestContext": {
            "requestId": number,
            "functionArn": f"{desk.function}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"name": "값"},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"done": "값"},
    }
    assert desk.received("bad") == []


def test_a_failure_is_told_after_a_minute_and_two_more(desk: Desk) -> None:
    desk.lambda_.put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnFailure": {"Destination": desk.arn("bad")}}
    )
    desk.lambda_.update_function_configuration(FunctionName="f", DeadLetterConfig={"TargetArn": desk.arn("dead")})
    number = desk.send({"fail": "as asked"})
    for runs, seconds in ((1, 60), (2, 120)):
        desk.ran(runs)
        desk.server.advance(seconds - 1)
        assert desk.runs() == runs
        desk.server.advance(1)
    desk.ran(3)
    told = desk.told("bad")
    assert told["requestContext"] == {
        "requestId": number,
        "functionArn": f"{desk.function}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert told["timestamp"] == "2026-11-22T12:03:00.000Z"
    assert told["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert told["responsePayload"]["errorType"] == "ValueError"
    (dead,) = wait_for(lambda: desk.received("dead"))
    assert json.loads(dead["Body"]) == {"fail": "as asked"}
    assert dead["MessageAttributes"] == {
        "RequestID": {"StringValue": number, "DataType": "String"},
        "ErrorCode": {"StringValue": "200", "DataType": "Number"},
        "ErrorMessage": {"StringValue": "as asked", "DataType": "String"},
    }


def test_an_alias_s_own_settings_count_for_what_is_sent_to_it(desk: Desk) -> None:
    desk.lambda_.publish_version(FunctionName="f")
    desk.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    desk.lambda_.put_function_event_invoke_config(
        FunctionName="f",
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": desk.arn("bad")}},
    )
    desk.send({"fail": "now"}, Qualifier="live")
    told = desk.told("bad")
    assert told["requestContext"]["functionArn"] == f"{desk.function}:live"
    assert told["requestContext"]["approximateInvokeCount"] == 1
    assert told["responseContext"]["executedVersion"] == "1"
    desk.server.advance(3600)
    assert desk.runs() == 1


def test_an_event_that_is_too_old_is_not_run_again(desk: Desk) -> None:
    desk.lambda_.put_function_event_invoke_config(
        FunctionName="f",
        MaximumEventAgeInSeconds=90,
        DestinationConfig={"OnFailure": {"Destination": desk.arn("bad")}},
    )
    desk.lambda_.update_function_configuration(FunctionName="f", DeadLetterConfig={"TargetArn": desk.arn("dead")})
    desk.send({"fail": "again"})
    desk.ran(1)
    desk.server.advance(60)
    desk.ran(2)
    desk.server.advance(29)
    assert desk.received("bad") == []
    desk.server.advance(1)
    told = desk.told("bad")
    assert told["requestContext"]["condition"] == "EventAgeExceeded"
    assert told["requestContext"]["approximateInvokeCount"] == 2
    assert "responsePayload" not in told
    (dead,) = wait_for(lambda: desk.received("dead"))
    assert dead["MessageAttributes"]["ErrorCode"]["StringValue"] == "429"


def test_a_function_that_may_not_run_has_its_events_given_up_at_once(desk: Desk) -> None:
    desk.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    desk.lambda_.put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnFailure": {"Destination": desk.arn("bad")}}
    )
    desk.send({})
    context = desk.told("bad")["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("ZeroReservedConcurrency", 0)
    assert desk.runs() == 0


def test_topics_are_told(desk: Desk) -> None:
    topic = desk.sns.create_topic(Name="t")["TopicArn"]
    desk.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=desk.arn("good"))
    desk.lambda_.put_function_event_invoke_config(
        FunctionName="f", MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": {"Destination": topic}}
    )
    number = desk.send({"name": "x"})
    envelope = desk.told("good")
    assert envelope["TopicArn"] == topic
    assert json.loads(envelope["Message"])["requestContext"]["requestId"] == number
    desk.lambda_.update_function_configuration(FunctionName="f", DeadLetterConfig={"TargetArn": topic})
    number = desk.send({"fail": "x"})
    messages = wait_for(lambda: [each for each in desk.received("good") if "RequestID" in each["Body"]])
    envelope = json.loads(messages[0]["Body"])
    assert json.loads(envelope["Message"]) == {"fail": "x"}
    assert envelope["MessageAttributes"]["RequestID"] == {"Type": "String", "Value": number}


def test_functions_are_told(desk: Desk, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    source = f"""
        import json
        def handler(event, context):
            with open({str(heard)!r}, "w") as file:
                file.write(json.dumps([event, context.invoked_function_arn]))
    """
    target = deploy(desk.lambda_, "g", source, Publish=True, Timeout=900)["FunctionArn"] + ":1"
    desk.lambda_.put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": target}}
    )
    number = desk.send({"name": "x"})
    event, invoked = json.loads(wait_for(lambda: heard.exists() and heard.read_text()))
    assert event["requestContext"]["requestId"] == number
    assert event["responsePayload"] == {"done": "x"}
    assert invoked == target


def test_nobody_to_tell_is_said_in_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for target in (desk.arn("missing"), desk.arn("missing", "sns")):
        desk.lambda_.put_function_event_invoke_config(
            FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": target}}
        )
        desk.send({})
    wait_for(lambda: caplog.text.count("was not told") == 2)
    assert "the queue missing: QueueNotFoundError" in caplog.text
    assert "the topic missing: TopicNotFoundError" in caplog.text


def test_what_is_too_large_to_be_told_is_said_in_the_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.sns.create_topic(Name="t")
    deploy(desk.lambda_, "g", "def handler(event, context): return 'x' * 1_100_000", Timeout=900)
    for number, target in enumerate(
        (desk.arn("good"), desk.arn("t", "sns"), desk.arn("function:f", "lambda")), start=1
    ):
        desk.lambda_.put_function_event_invoke_config(
            FunctionName="g", DestinationConfig={"OnSuccess": {"Destination": target}}
        )
        desk.lambda_.invoke(FunctionName="g", InvocationType="Event")
        wait_for(lambda number=number: caplog.text.count("was not told") == number)
    assert "the queue good: MessageTooLargeError" in caplog.text
    assert "bytes are more than" in caplog.text
    assert desk.runs() == 0


def test_dead_letter_targets_are_queues_and_topics(client: Callable[..., Any], account: str) -> None:
    lambda_ = client("lambda")
    queue = f"arn:aws:sqs:us-east-1:{account}:q"
    assert deploy(lambda_, "f", ECHO, DeadLetterConfig={"TargetArn": queue})["DeadLetterConfig"] == {"TargetArn": queue}
    for target in (f"arn:aws:lambda:us-east-1:{account}:function:f", f"{queue}.fifo"):
        with refused("The destination ARN .* is invalid"):
            lambda_.update_function_configuration(FunctionName="f", DeadLetterConfig={"TargetArn": target})
    changed = lambda_.update_function_configuration(FunctionName="f", DeadLetterConfig={"TargetArn": ""})
    assert "DeadLetterConfig" not in changed
