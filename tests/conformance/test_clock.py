"""Time that is moved by the control API: what follows, what doesn't happen twice, and what a restart keeps."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from click import ClickException

from fogbank.cli.client import ask
from fogbank.kernel.clock import Clock
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.functions import deploy
from tests.servers import ServerProcess, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATH = "/_fogbank/clock"


class Time:
    """What the command line does, without it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, action: str | None = None, **more: Any) -> Any:
        if action is None:
            return ask(self.url, "GET", PATH)
        return ask(self.url, "POST", PATH, json.dumps({"action": action, **more}).encode(), 300)


@pytest.fixture
def server(shared: Path) -> Any:
    """A server of the test's own, whose clock runs."""
    with ThreadedServer(Settings(port=0, memory=True, shared=shared)) as running:
        yield running


@pytest.fixture
def time(server: ThreadedServer) -> Time:
    return Time(server.url)


def test_leases_and_delays_follow(client: Callable[..., Any], time: Time) -> None:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=900)
    time.ask("freeze")
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    # Not before its time, whatever the rounding.
    time.ask("advance", seconds=890)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    time.ask("advance", seconds=10)
    assert [m["Body"] for m in sqs.receive_message(QueueUrl=url, VisibilityTimeout=3600)["Messages"]] == ["late"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    time.ask("advance", seconds=3600)
    assert [m["Body"] for m in sqs.receive_message(QueueUrl=url)["Messages"]] == ["late"]
    assert time.ask()["frozen"] is True
    assert time.ask("resume")["ahead_seconds"] > 4_000


def schedule(client: Callable[..., Any], rate: str) -> tuple[Any, str]:
    """Have a queue told at a rate."""
    sqs, events = client("sqs"), client("events")
    url = sqs.create_queue(QueueName="ticks")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="tick", ScheduleExpression=rate)
    events.put_targets(Rule="tick", Targets=[{"Id": "q", "Arn": arn, "InputPath": "$.time"}])
    return sqs, url


def drain(sqs: Any, url: str) -> list[str]:
    bodies: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in messages]
        entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return bodies


def test_everything_due_has_fired_in_order_when_the_call_returns(client: Callable[..., Any], time: Time) -> None:
    sqs, url = schedule(client, "rate(1 minute)")
    time.ask("freeze")
    drain(sqs, url)
    time.ask("advance", seconds=3600)
    ticks = drain(sqs, url)
    assert len(ticks) == 60
    assert ticks == sorted(ticks)
    assert not [tick for tick, count in Counter(ticks).items() if count > 1]


def test_jumps_one_after_another_under_load_fire_nothing_twice(client: Callable[..., Any], time: Time) -> None:
    sqs, url = schedule(client, "rate(5 minutes)")
    other = sqs.create_queue(QueueName="load")["QueueUrl"]
    time.ask("freeze")
    drain(sqs, url)
    ended = threading.Event()

    def load() -> None:
        while not ended.is_set():
            sqs.send_message(QueueUrl=other, MessageBody="x")

    threads = [threading.Thread(target=load) for _ in range(2)]
    movers = [threading.Thread(target=time.ask, args=("advance",), kwargs={"seconds": 900}) for _ in range(4)]
    for thread in [*threads, *movers]:
        thread.start()
    for thread in movers:
        thread.join()
    ended.set()
    for thread in threads:
        thread.join()
    ticks = drain(sqs, url)
    assert len(ticks) == len(set(ticks)) == 12


def test_a_jump_of_years_over_what_is_idle(client: Callable[..., Any], time: Time) -> None:
    sqs, url = schedule(client, "rate(365 days)")
    ddb = client("dynamodb")
    ddb.create_table(
        TableName="table", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    ddb.update_time_to_live(TableName="table", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    before = time.ask("freeze")["ahead_seconds"]
    soon = Clock.wall() // 1_000_000 + 86_400
    ddb.put_item(TableName="table", Item={"id": {"S": "1"}, "ttl": {"N": str(soon)}})
    years = 20
    assert time.ask("advance", seconds=years * 365 * 86_400)["ahead_seconds"] - before > (years - 1) * 365 * 86_400
    # The last four days' worth is what a queue keeps.
    assert len(drain(sqs, url)) == 1
    assert ddb.scan(TableName="table")["Count"] == 0


def test_to_the_next_that_is_due(client: Callable[..., Any], time: Time) -> None:
    time.ask("freeze")
    assert time.ask("next")["moved"] is False
    sqs, url = schedule(client, "rate(3 hours)")
    for count in (1, 2):
        moved = time.ask("next")
        assert moved["moved"] is True
        assert len(drain(sqs, url)) == 1, count
    assert moved["ahead_seconds"] >= 5.9 * 3600


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"action": "advance"}, "seconds goes with advance"),
        ({"action": "freeze", "seconds": 1}, "seconds goes with advance"),
        ({"action": "back"}, "Invalid enum value 'back'"),
        ({"action": "advance", "seconds": -1}, ">= 0"),
        ({"action": "advance", "seconds": 1e12}, "<= "),
        ({"action": "next", "more": 1}, "unknown field `more`"),
    ],
)
def test_moves_that_are_none(time: Time, body: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ClickException, match=wrong):
        time.ask(**body)
    assert time.ask()["frozen"] is False


def test_a_restart_goes_on_with_the_time_that_it_had(tmp_path: Path) -> None:
    flags = ("--data", str(tmp_path))
    with ServerProcess(*flags) as first:
        Time(first.url).ask("advance", seconds=86_400)
        first.kill()
    with ServerProcess(*flags) as second:
        time = Time(second.url)
        assert time.ask()["ahead_seconds"] == pytest.approx(86_400, abs=60)
        frozen = time.ask("freeze")["now"]
        ask(second.url, "POST", "/_fogbank/reset")
        second.kill()
    with ServerProcess(*flags) as third:
        assert Time(third.url).ask()["now"] == frozen


def test_a_database_that_is_shared_has_no_time_of_its_own(postgres_url: str) -> None:
    with ThreadedServer(Settings(port=0, database=postgres_url)) as running:
        with pytest.raises(ClickException, match="may have other servers, with clocks of their own"):
            Time(running.url).ask("advance", seconds=1)
        assert Time(running.url).ask()["frozen"] is False


def test_functions_scheduled_run_on_the_way(client: Callable[..., Any], time: Time, server: ThreadedServer) -> None:
    """A function that falls due has been started when the call returns, and its end is soon there."""
    source = "def handler(event, context):\n    print('ran', event['time'])\n"
    arn = deploy(client("lambda"), "hourly", source)["FunctionArn"]
    events = client("events")
    events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="hourly", Targets=[{"Id": "f", "Arn": arn}])
    time.ask("advance", seconds=3 * 3600 + 1)

    def ran() -> bool:
        return len(ask(server.url, "GET", "/_fogbank/invocations")["invocations"]) == 3

    assert wait_until(ran)
