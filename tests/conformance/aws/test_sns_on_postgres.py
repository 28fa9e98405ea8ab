"""SNS's mail, notifications, replays and routes on PostgreSQL, where the store is another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws import test_sns_people, test_sns_push, test_sns_replay
from tests.conformance.aws.test_sns_people import Outbox
from tests.conformance.aws.test_sns_topics import queue
from tests.conformance.conftest import boto3_client
from tests.scenario.test_routes import Routes, received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[ThreadedServer]:
    with ThreadedServer(Settings(port=0, database=postgres_url)) as running:
        running.reset()
        yield running


@pytest.fixture
def client(server: ThreadedServer, account: str) -> Callable[..., Any]:
    return boto3_client(server, account)


def test_mail(client: Callable[..., Any], server: ThreadedServer, account: str) -> None:
    sns, outbox = client("sns"), Outbox(server, account)
    topic = sns.create_topic(Name="news", Attributes={"DisplayName": "The news"})["TopicArn"]
    test_sns_people.test_an_email_subscription_is_confirmed_by_the_link_in_the_mail(sns, topic, outbox)
    test_sns_people.test_who_answers_stop_gets_no_more(sns, outbox, server)


def test_numbers_and_settings(client: Callable[..., Any], server: ThreadedServer, account: str) -> None:
    sns, outbox = client("sns"), Outbox(server, account)
    test_sns_people.test_numbers_of_the_sandbox(sns, outbox)
    sns.set_sms_attributes(attributes={"DefaultSMSType": "Transactional"})
    assert sns.get_sms_attributes()["attributes"]["DefaultSMSType"] == "Transactional"


def test_push(client: Callable[..., Any], server: ThreadedServer, account: str) -> None:
    sns, outbox = client("sns"), Outbox(server, account)
    test_sns_push.test_endpoints_go_by_their_tokens(sns, test_sns_push.application(sns), f"token-{account}")
    app, token = test_sns_push.application(sns, name="second"), f"second-{account}"
    test_sns_push.test_an_endpoint_that_has_subscribed_to_a_topic(sns, app, token, outbox, client)


def test_replays(client: Callable[..., Any]) -> None:
    sns = client("sns")
    test_sns_replay.test_what_was_published_is_replayed_with_its_ids_and_times(sns, client)


def test_routes(client: Callable[..., Any], server: ThreadedServer) -> None:
    sns, routes = client("sns"), Routes(server)
    topic = sns.create_topic(Name="news")["TopicArn"]
    url, arn = queue(client)
    number = routes.add(topic, arn)
    assert routes.add(topic, arn) == number
    sns.publish(TopicArn=topic, Message="m")
    ((message),) = received(client, url)
    assert json.loads(message["Body"])["data"]["Message"] == "m"
    assert routes.run("remove", number)[0] == 0
