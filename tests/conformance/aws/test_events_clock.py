"""Amazon EventBridge on the clock: scheduled rules, retries and dead letters, archives and replays."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.aws.test_events import ORDERS, Inbox, order, refusal, rule
from tests.conformance.aws.test_lambda_invoke import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

# The timed server's clock begins at this time.
START = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


@pytest.fixture
def events(timed_client: Callable[..., Any]) -> Any:
    return timed_client("events")


@pytest.fixture
def inbox(timed_client: Callable[..., Any]) -> Inbox:
    return Inbox(timed_client)


def schedule(events: Any, inbox: Inbox, expression: str, name: str = "tick") -> str:
    arn: str = events.put_rule(Name=name, ScheduleExpression=expression)["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": inbox.arn}])
    return arn


def test_a_rate_fires_on_the_clock(events: Any, inbox: Inbox, timed_server: ThreadedServer, account: str) -> None:
    arn = schedule(events, inbox, "rate(5 minutes)")
    timed_server.advance(299)
    assert inbox.bodies() == []
    timed_server.advance(1)
    (event,) = inbox.bodies()
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": "2026-11-22T12:05:00Z",
        "region": "us-east-1",
        "resources": [arn],
        "detail": {},
    }
    timed_server.advance(600)
    assert [each["time"] for each in inbox.bodies()] == ["2026-11-22T12:10:00Z", "2026-11-22T12:15:00Z"]
    events.disable_rule(Name="tick")
    timed_server.advance(600)
    assert inbox.bodies() == []
    events.enable_rule(Name="tick")
    timed_server.advance(300)
    assert len(inbox.bodies()) == 1
    events.remove_targets(Rule="tick", Ids=["1"])
    events.delete_rule(Name="tick")
    timed_server.advance(600)
    assert inbox.bodies() == []


def test_a_cron_fires_for_its_own_rule_only(events: Any, inbox: Inbox, timed_server: ThreadedServer) -> None:
    schedule(events, inbox, "cron(30 12,14 ? * SUN *)")
    schedule(events, inbox, "cron(0 0 1 1 ? 2027)", "never-soon")
    timed_server.advance(3 * 3_600)
    assert [each["time"] for each in inbox.bodies()] == ["2026-11-22T12:30:00Z", "2026-11-22T14:30:00Z"]


@pytest.mark.parametrize(
    "expression", ["rate(1 minutes)", "rate(0 minutes)", "rate(5 minute)", "cron(0 12 * * * *)", "cron(1 2 3)", "soon"]
)
def test_bad_schedules_are_refused(events: Any, expression: str) -> None:
    code, message = refusal(events.put_rule, Name="x", ScheduleExpression=expression)
    assert (code, message) == ("ValidationException", "Parameter ScheduleExpression is not valid.")
    events.create_event_bus(Name="b")
    code, message = refusal(events.put_rule, Name="x", ScheduleExpression="rate(5 minutes)", EventBusName="b")
    assert message == "ScheduleExpression is supported only on the default event bus."


def test_what_has_no_target_goes_to_the_dead_letters(
    events: Any, timed_client: Callable[..., Any], timed_server: ThreadedServer, account: str
) -> None:
    gone = Inbox(timed_client, "gone")
    letters = Inbox(timed_client, "letters")
    rule(events, gone, DeadLetterConfig={"Arn": letters.arn}, RetryPolicy={"MaximumRetryAttempts": 2})
    gone.sqs.delete_queue(QueueUrl=gone.url)
    put = events.put_events(Entries=[order()])
    timed_server.advance(60)
    (letter,) = letters.messages()
    assert json.loads(letter["Body"])["id"] == put["Entries"][0]["EventId"]
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert told.pop("ERROR_MESSAGE")
    assert told == {
        "RULE_ARN": f"arn:aws:events:us-east-1:{account}:rule/orders",
        "TARGET_ARN": gone.arn,
        "ERROR_CODE": "NO_RESOURCE",
        "RETRY_ATTEMPTS": "0",
    }


def test_archives_keep_and_replays_send_again(
    events: Any, inbox: Inbox, timed_client: Callable[..., Any], timed_server: ThreadedServer
) -> None:
    other = Inbox(timed_client, "other")
    bus = events.describe_event_bus()["Arn"]
    archive = events.create_archive(ArchiveName="a", EventSourceArn=bus, EventPattern=ORDERS, RetentionDays=1)
    assert archive["State"] == "ENABLED"
    rule(events, inbox)
    rule(events, other, name="others")
    for price in (150, 50, 160):
        events.put_events(Entries=[order(price)])
        timed_server.advance(60)
    assert len(inbox.bodies()) == len(other.bodies()) == 2
    shown = events.describe_archive(ArchiveName="a")
    assert (shown["EventCount"], shown["RetentionDays"], shown["EventPattern"]) == (2, 1, ORDERS)
    assert shown["SizeBytes"] > 100
    destination = {"Arn": bus, "FilterArns": [events.describe_rule(Name="orders")["Arn"]]}
    times = {"EventStartTime": START, "EventEndTime": START + dt.timedelta(hours=1)}
    started = events.start_replay(
        ReplayName="r", EventSourceArn=archive["ArchiveArn"], Destination=destination, **times
    )
    assert started["State"] == "STARTING"
    wait_for(lambda: events.describe_replay(ReplayName="r")["State"] == "COMPLETED")
    came: list[Any] = []
    wait_for(lambda: came.extend(inbox.bodies()) or len(came) == 2)
    assert [(each["detail"]["price"], each["replay-name"]) for each in came] == [(150, "r"), (160, "r")]
    assert other.bodies() == []
    replay = events.describe_replay(ReplayName="r")
    assert (replay["State"], replay["Destination"]) == ("COMPLETED", destination)
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 2
    assert [each["ReplayName"] for each in events.list_replays()["Replays"]] == ["r"]
    assert refusal(events.cancel_replay, ReplayName="r")[0] == "IllegalStatusException"
    assert (
        refusal(
            events.start_replay, ReplayName="r", EventSourceArn=archive["ArchiveArn"], Destination=destination, **times
        )[0]
        == "ResourceAlreadyExistsException"
    )
    timed_server.advance(86_400)
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 0
    assert [each["ArchiveName"] for each in events.list_archives(NamePrefix="a")["Archives"]] == ["a"]
    events.delete_archive(ArchiveName="a")
    assert refusal(events.describe_archive, ArchiveName="a") == (
        "ResourceNotFoundException",
        "Archive a does not exist.",
    )
    assert timed_client("sqs").list_queues()["QueueUrls"] == [inbox.url, other.url]
