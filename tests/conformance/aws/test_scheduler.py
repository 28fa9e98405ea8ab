"""Amazon EventBridge Scheduler through boto3: schedules of every kind, on the clock; groups."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_events import Inbox, refusal
from tests.conformance.aws.test_lambda_invoke import wait_for
from tests.conformance.conftest import boto3_client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# The timed server's clock begins at this time, a Sunday.
START = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
OFF = {"Mode": "OFF"}
ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.fixture
def scheduler(timed_client: Callable[..., Any]) -> Any:
    return timed_client("scheduler")


@pytest.fixture
def inbox(timed_client: Callable[..., Any]) -> Inbox:
    return Inbox(timed_client)


def to(arn: str, **more: Any) -> dict[str, Any]:
    return {"Arn": arn, "RoleArn": ROLE, **more}


def times(inbox: Inbox) -> list[str]:
    return [message["Body"] for message in inbox.messages()]


def make(scheduler: Any, inbox: Inbox, expression: str, name: str = "s", **more: Any) -> str:
    target = to(inbox.arn, Input="<aws.scheduler.scheduled-time>")
    settings = {"FlexibleTimeWindow": OFF, "Target": target, **more}
    arn: str = scheduler.create_schedule(Name=name, ScheduleExpression=expression, **settings)["ScheduleArn"]
    return arn


def test_a_moment_in_a_time_zone(scheduler: Any, inbox: Inbox, timed_server: ThreadedServer) -> None:
    make(
        scheduler,
        inbox,
        "at(2026-11-22T14:00:00)",
        ScheduleExpressionTimezone="Europe/Berlin",
        ActionAfterCompletion="DELETE",
    )
    timed_server.advance(3_599)
    assert times(inbox) == []
    timed_server.advance(1)
    assert times(inbox) == ["2026-11-22T13:00:00Z"]
    assert refusal(scheduler.get_schedule, Name="s") == ("ResourceNotFoundException", "Schedule s does not exist.")


def test_a_moment_that_is_just_over_is_made_up_for(scheduler: Any, inbox: Inbox, timed_server: ThreadedServer) -> None:
    make(scheduler, inbox, "at(2026-11-22T11:59:30)")
    timed_server.advance(0)
    assert times(inbox) == ["2026-11-22T11:59:30Z"]
    settings = {"FlexibleTimeWindow": OFF, "Target": to(inbox.arn, Input="again")}
    scheduler.update_schedule(Name="s", ScheduleExpression="at(2026-11-22T11:59:30)", **settings)
    timed_server.advance(60)
    assert times(inbox) == []


def test_a_rate_begins_at_once_or_at_its_start(scheduler: Any, inbox: Inbox, timed_server: ThreadedServer) -> None:
    make(scheduler, inbox, "rate(30 minutes)")
    make(
        scheduler,
        inbox,
        "rate(1 hour)",
        "later",
        StartDate=START + dt.timedelta(minutes=10),
        EndDate=START + dt.timedelta(minutes=100),
    )
    timed_server.advance(0)
    assert times(inbox) == ["2026-11-22T12:00:00Z"]
    timed_server.advance(1_800)
    assert times(inbox) == ["2026-11-22T12:10:00Z", "2026-11-22T12:30:00Z"]
    scheduler.delete_schedule(Name="s")
    timed_server.advance(7_200)
    assert times(inbox) == ["2026-11-22T13:10:00Z"]
    assert scheduler.get_schedule(Name="later")["State"] == "ENABLED"


def test_a_cron_follows_its_zone(scheduler: Any, inbox: Inbox, timed_server: ThreadedServer) -> None:
    # Clocks that change are tested with the language: months on the clock take minutes.
    zone = {"ScheduleExpressionTimezone": "America/New_York"}
    make(scheduler, inbox, "cron(30 9 ? * SUN-MON *)", **zone, EndDate=START + dt.timedelta(days=1))
    timed_server.advance(30 * 3_600)
    assert times(inbox) == ["2026-11-22T14:30:00Z"]


def test_a_flexible_window_is_kept_to(scheduler: Any, inbox: Inbox, timed_server: ThreadedServer) -> None:
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 10}
    for number in range(8):
        make(scheduler, inbox, "at(2026-11-22T13:00:00)", f"s{number}", FlexibleTimeWindow=window)
    timed_server.advance(3_600)
    early = times(inbox)
    timed_server.advance(300)
    middle = times(inbox)
    timed_server.advance(300)
    assert len(early) < 8
    assert len(early + middle + times(inbox)) == 8


def test_a_schedule_is_changed_switched_and_shown(
    scheduler: Any, inbox: Inbox, timed_server: ThreadedServer, account: str
) -> None:
    arn = make(scheduler, inbox, "at(2026-11-22T13:00:00)", Description="d")
    assert arn == f"arn:aws:scheduler:us-east-1:{account}:schedule/default/s"
    shown = scheduler.get_schedule(Name="s")
    assert (shown["Description"], shown["State"], shown["ScheduleExpressionTimezone"]) == ("d", "ENABLED", "UTC")
    assert shown["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
    settings = {"FlexibleTimeWindow": OFF, "Target": to(inbox.arn, Input="x")}
    scheduler.update_schedule(Name="s", ScheduleExpression="at(2026-11-22T13:30:00)", State="DISABLED", **settings)
    timed_server.advance(3_600)
    assert "Description" not in scheduler.get_schedule(Name="s")
    scheduler.update_schedule(Name="s", ScheduleExpression="at(2026-11-22T13:30:00)", **settings)
    timed_server.advance(1_799)
    assert times(inbox) == []
    timed_server.advance(1)
    assert times(inbox) == ["x"]
    assert refusal(make, scheduler=scheduler, inbox=inbox, expression="rate(1 hour)") == (
        "ConflictException",
        "Schedule s already exists.",
    )


def test_events_topics_and_universal_targets(
    scheduler: Any, inbox: Inbox, timed_client: Callable[..., Any], timed_server: ThreadedServer, account: str
) -> None:
    events = timed_client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["clock"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": inbox.arn, "InputPath": "$.detail"}])
    bus = events.describe_event_bus()["Arn"]
    topic = timed_client("sns").create_topic(Name="news")["TopicArn"]
    timed_client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=inbox.arn, Attributes={"RawMessageDelivery": "true"}
    )
    universal = "arn:aws:scheduler:::aws-sdk:"
    targets = [
        to(bus, Input='{"n": 1}', EventBridgeParameters={"DetailType": "tick", "Source": "clock"}),
        to(topic, Input="two"),
        to(f"{universal}sqs:sendMessage", Input=json.dumps({"QueueUrl": inbox.url, "MessageBody": "three"})),
        to(f"{universal}sns:publish", Input=json.dumps({"TopicArn": topic, "Message": "four"})),
    ]
    for number, target in enumerate(targets):
        make(scheduler, inbox, "at(2026-11-22T13:00:00)", f"s{number}", Target=target)
    timed_server.advance(3_600)
    came: list[str] = []
    wait_for(lambda: came.extend(times(inbox)) or len(came) == 4)
    assert sorted(came) == ["four", "three", "two", '{"n":1}']
    assert (
        "s3:putObject"
        in refusal(
            scheduler.create_schedule,
            Name="x",
            ScheduleExpression="rate(1 hour)",
            FlexibleTimeWindow=OFF,
            Target=to(f"{universal}s3:putObject", Input="{}"),
        )[1]
    )
    code, message = refusal(
        scheduler.create_schedule,
        Name="x",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow=OFF,
        Target=to(f"arn:aws:states:us-east-1:{account}:stateMachine:m"),
    )
    assert (code, "targets of states" in message) == ("ValidationException", True)


def test_a_function_is_invoked(
    scheduler: Any, inbox: Inbox, timed_client: Callable[..., Any], timed_server: ThreadedServer, tmp_path: Path
) -> None:
    code = "import json\ndef handler(event, context):\n    open(event['path'], 'w').write(json.dumps(event))\n"
    function = deploy(timed_client("lambda"), "ticker", code)["FunctionArn"]
    path = tmp_path / "event.json"
    event = {"path": str(path), "arn": "<aws.scheduler.schedule-arn>", "attempt": "<aws.scheduler.attempt-number>"}
    arn = make(scheduler, inbox, "rate(1 day)", Target=to(function, Input=json.dumps(event)))
    wait_for(lambda: path.exists() and path.read_text())
    assert json.loads(path.read_text()) == {"path": str(path), "arn": arn, "attempt": "1"}


def test_what_fails_goes_to_the_dead_letters(
    scheduler: Any, inbox: Inbox, timed_client: Callable[..., Any], timed_server: ThreadedServer
) -> None:
    gone = inbox.arn.replace("inbox", "gone")
    target = to(gone, Input="<aws.scheduler.execution-id>", DeadLetterConfig={"Arn": inbox.arn})
    arn = make(scheduler, inbox, "at(2026-11-22T13:00:00)", Target=target)
    timed_server.advance(3_600)
    (letter,) = inbox.messages()
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert told.pop("ERROR_MESSAGE")
    assert told == {
        "ERROR_CODE": "AWS.SimpleQueueService.NonExistentQueue",
        "EXECUTION_ID": letter["Body"],
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULED_TIME": "2026-11-22T13:00:00Z",
        "SCHEDULE_ARN": arn,
        "TARGET_ARN": gone,
    }


def test_groups(scheduler: Any, inbox: Inbox) -> None:
    group = scheduler.create_schedule_group(Name="g", Tags=[{"Key": "a", "Value": "b"}])["ScheduleGroupArn"]
    assert [each["Name"] for each in scheduler.list_schedule_groups()["ScheduleGroups"]] == ["default", "g"]
    make(scheduler, inbox, "rate(1 hour)", GroupName="g")
    make(scheduler, inbox, "rate(1 hour)", State="DISABLED")
    assert [each["GroupName"] for each in scheduler.list_schedules()["Schedules"]] == ["default", "g"]
    assert [each["GroupName"] for each in scheduler.list_schedules(State="ENABLED")["Schedules"]] == ["g"]
    assert [each["GroupName"] for each in scheduler.list_schedules(GroupName="g")["Schedules"]] == ["g"]
    first = scheduler.list_schedules(MaxResults=1)
    second = scheduler.list_schedules(MaxResults=1, NextToken=first["NextToken"])
    assert second["Schedules"][0]["GroupName"] == "g"
    assert "NextToken" not in second
    scheduler.tag_resource(ResourceArn=group, Tags=[{"Key": "c", "Value": "d"}])
    scheduler.untag_resource(ResourceArn=group, TagKeys=["a"])
    assert scheduler.list_tags_for_resource(ResourceArn=group)["Tags"] == [{"Key": "c", "Value": "d"}]
    scheduler.delete_schedule_group(Name="g")
    assert [each["GroupName"] for each in scheduler.list_schedules()["Schedules"]] == ["default"]
    assert refusal(make, scheduler=scheduler, inbox=inbox, expression="rate(1 hour)", name="t", GroupName="g") == (
        "ResourceNotFoundException",
        "Schedule group g does not exist.",
    )
    assert refusal(scheduler.get_schedule_group, Name="g")[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"expression": "rate(1 hours)"}, "Invalid Schedule Expression rate(1 hours)."),
        ({"expression": "cron(* * * * * *)"}, "Invalid Schedule Expression cron(* * * * * *)."),
        ({"expression": "at(2026-13-01T00:00:00)"}, "Invalid Schedule Expression at(2026-13-01T00:00:00)."),
        (
            {"expression": "at(2026-11-22T11:58:00)"},
            "Invalid Schedule Expression at(2026-11-22T11:58:00): it is in the past.",
        ),
        ({"ScheduleExpressionTimezone": "Mars/Base"}, "Invalid Schedule Expression Timezone Mars/Base."),
        (
            {"StartDate": START - dt.timedelta(minutes=6)},
            "The StartDate you specify cannot be earlier than 5 minutes ago.",
        ),
        ({"StartDate": dt.datetime(9999, 1, 1, tzinfo=dt.UTC)}, "Invalid StartDate."),
        ({"EndDate": dt.datetime(9999, 1, 1, tzinfo=dt.UTC)}, "Invalid EndDate."),
        (
            {"expression": "at(9999-12-31T23:59:59)", "ScheduleExpressionTimezone": "America/New_York"},
            "Invalid Schedule Expression at(9999-12-31T23:59:59).",
        ),
        ({"StartDate": START, "EndDate": START}, "The StartDate must come before the EndDate."),
        (
            {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
            "MaximumWindowInMinutes must be specified with the mode FLEXIBLE, and with no other.",
        ),
        (
            {"KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/x"},
            "Fogbank does not support the parameter KmsKeyArn.",
        ),
    ],
)
def test_what_is_wrong_is_refused(scheduler: Any, inbox: Inbox, changes: dict[str, Any], message: str) -> None:
    settings = {"expression": "rate(1 hour)", **changes}
    assert refusal(make, scheduler=scheduler, inbox=inbox, **settings) == ("ValidationException", message)
    assert scheduler.list_schedules()["Schedules"] == []


def test_nothing_is_lost_over_a_restart(tmp_path: Path, account: str) -> None:
    settings = Settings(port=0, data=tmp_path / "data")
    start_us = int(START.timestamp()) * 1_000_000
    with ThreadedServer(settings, frozen_at_us=start_us, seed=1) as server:
        client = boto3_client(server, account)
        inbox = Inbox(client)
        make(client("scheduler"), inbox, "at(2026-11-22T12:30:00)", "once", ActionAfterCompletion="DELETE")
        make(client("scheduler"), inbox, "cron(0/20 * ? * * *)", "often")
    with ThreadedServer(settings, frozen_at_us=start_us + 3_000_000_000, seed=2) as server:
        inbox.sqs = boto3_client(server, account)("sqs")
        came: list[str] = []
        wait_for(lambda: came.extend(times(inbox)) or len(came) >= 3)
        assert sorted(came) == [f"2026-11-22T12:{minute}:00Z" for minute in (20, 30, 40)]
        server.advance(600)
        assert times(inbox) == ["2026-11-22T13:00:00Z"]
