"""EventBridge and Scheduler on PostgreSQL, where the store is another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws import test_events_clock, test_scheduler
from tests.conformance.aws.test_events import Inbox, order, rule
from tests.conformance.aws.test_lambda_invoke import wait_for
from tests.conformance.conftest import boto3_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def timed_server(postgres_url: str, shared: Path) -> Iterator[ThreadedServer]:
    settings = Settings(port=0, database=postgres_url, shared=shared)
    with ThreadedServer(settings, frozen_at_us=1_795_348_800_000_000, seed=1) as running:
        running.reset()
        yield running


@pytest.fixture
def client(timed_server: ThreadedServer, account: str) -> Callable[..., Any]:
    return boto3_client(timed_server, account)


def test_events_schedules_and_replays(client: Callable[..., Any], timed_server: ThreadedServer) -> None:
    events, inbox = client("events"), Inbox(client)
    rule(events, inbox)
    bus = events.describe_event_bus()["Arn"]
    archive = events.create_archive(ArchiveName="a", EventSourceArn=bus)["ArchiveArn"]
    events.put_events(Entries=[order()])
    assert len(inbox.bodies()) == 1
    test_events_clock.schedule(events, inbox, "rate(1 minute)")
    test_scheduler.make(client("scheduler"), inbox, "at(2026-11-22T12:01:00)")
    came: list[str] = []

    def all_came() -> bool:
        timed_server.advance(15)
        came.extend(message["Body"] for message in inbox.messages())
        return len(came) >= 2

    wait_for(all_came)
    assert any("Scheduled Event" in body for body in came)
    assert "2026-11-22T12:01:00Z" in came
    times = {"EventStartTime": test_events_clock.START, "EventEndTime": test_events_clock.START.replace(hour=13)}
    events.start_replay(ReplayName="r", EventSourceArn=archive, Destination={"Arn": bus}, **times)
    wait_for(lambda: events.describe_replay(ReplayName="r")["State"] == "COMPLETED")
    wait_for(lambda: [each for each in inbox.bodies() if "replay-name" in each])
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 1
