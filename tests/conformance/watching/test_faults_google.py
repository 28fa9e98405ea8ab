"""Faults on purpose, as Google's own clients meet them, over gRPC and over REST."""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api_core.exceptions import InternalServerError, ResourceExhausted, ServiceUnavailable
from google.api_core.retry import Retry
from google.pubsub_v1 import PublisherClient, SubscriberClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.testing.server import ThreadedServer
    from tests.conformance.watching.conftest import Watched

_numbers = itertools.count(1)


@pytest.fixture
def connect(server: ThreadedServer) -> Iterator[Callable[[Any], Any]]:
    channels: list[grpc.Channel] = []

    def make(kind: Any) -> Any:
        # A subchannel that is shared would be one that an earlier test's fault has closed.
        options = [("grpc.use_local_subchannel_pool", 1)]
        channels.append(grpc.insecure_channel(server.url.removeprefix("http://"), options))
        return kind(transport=kind.get_transport_class("grpc")(channel=channels[-1]))

    yield make
    for channel in channels:
        channel.close()


@pytest.fixture
def topic() -> str:
    return f"projects/project-w/topics/topic-{next(_numbers)}"


def retry() -> Retry:
    return Retry(predicate=lambda error: isinstance(error, ResourceExhausted | ServiceUnavailable), initial=0.01)


def test_calls_are_throttled_and_tried_again(connect: Callable[[Any], Any], watched: Watched, topic: str) -> None:
    publisher = connect(PublisherClient)
    watched.fault("throttle", cloud="gcp", service="pubsub", operation="CreateTopic", count=2)
    with pytest.raises(ResourceExhausted, match="Quota exceeded"):
        publisher.create_topic(name=topic, retry=None)
    assert publisher.create_topic(name=topic, retry=retry()).name == topic
    assert [each["code"] for each in watched.requests("operation=CreateTopic")] == ["RESOURCE_EXHAUSTED"] * 2 + [""]


def test_calls_fail_with_the_code_that_was_asked_for(
    connect: Callable[[Any], Any], watched: Watched, topic: str
) -> None:
    publisher = connect(PublisherClient)
    watched.fault("error", resource=topic.rpartition("/")[2], count=1)
    with pytest.raises(ServiceUnavailable):
        publisher.get_topic(topic=topic, retry=None)
    watched.fault("error", resource=topic, code="INTERNAL", message="Broken.", count=1)
    with pytest.raises(InternalServerError, match="Broken"):
        publisher.get_topic(topic=topic, retry=None)


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
def test_a_connection_is_dropped_with_or_without_the_work(
    connect: Callable[[Any], Any], watched: Watched, topic: str, when: str, count: int
) -> None:
    publisher = connect(PublisherClient)
    watched.fault("drop", operation="CreateTopic", when=when, count=1)
    with pytest.raises(ServiceUnavailable):
        publisher.create_topic(name=topic, retry=None)
    found = list(publisher.list_topics(project="projects/project-w", retry=retry()))
    assert len(found) == count
    assert [each["status"] for each in watched.requests("operation=CreateTopic")] == [0]


def test_a_message_comes_twice(connect: Callable[[Any], Any], watched: Watched, topic: str) -> None:
    publisher, subscriber = connect(PublisherClient), connect(SubscriberClient)
    name = topic.replace("topics", "subscriptions")
    publisher.create_topic(name=topic)
    subscriber.create_subscription(name=name, topic=topic)
    watched.fault("duplicate", service="pubsub", count=1)
    publisher.publish(topic=topic, messages=[{"data": b"x"}])
    pulled = [subscriber.pull(subscription=name, max_messages=1).received_messages[0] for _ in range(2)]
    assert pulled[0].message.message_id == pulled[1].message.message_id


def test_rest_is_struck_in_its_own_form(server: ThreadedServer, watched: Watched, topic: str) -> None:
    watched.fault("throttle", service="pubsub", operation="GetTopic", resource=topic)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{server.url}/v1/{topic}")
    assert refused.value.code == 429
    assert json.load(refused.value)["error"]["status"] == "RESOURCE_EXHAUSTED"
    shown = watched.show()
    assert (shown["service"], shown["operation"], shown["scope"]) == ("pubsub", "GetTopic", "project-w")


def test_calls_are_noted_with_their_parameters(connect: Callable[[Any], Any], watched: Watched, topic: str) -> None:
    publisher = connect(PublisherClient)
    publisher.create_topic(name=topic, retry=None)
    publisher.publish(topic=topic, messages=[{"data": b"abc", "attributes": {"a": "b"}}])
    created, published = watched.requests("cloud=gcp")
    assert created["resources"] == [topic]
    assert published["took_us"] > 0
    shown = watched.show(published["id"])
    assert shown["protocol"] == "gRPC"
    assert shown["parameters"]["messages"] == [{"data": "YWJj", "attributes": {"a": "b"}}]
