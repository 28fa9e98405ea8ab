"""Event Grid's namespaces: events that are pulled, with Microsoft's own clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridConsumerClient, EventGridPublisherClient

from tests.conformance.azure.conftest import GROUP, LOCATION
from tests.conformance.azure.test_eventgrid import Grid
from tests.conformance.azure.test_queues import new_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conformance.azure.conftest import Azure

TOPIC = "the-topic"


class Namespace:
    """A namespace with a topic."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.name = new_name()
        made = grid.call("namespaces", "begin_create_or_update", GROUP, self.name, {"location": LOCATION})
        grid.call("namespace_topics", "begin_create_or_update", GROUP, self.name, TOPIC, {"properties": {}})
        self.endpoint = f"http://{made.topics_configuration.hostname}"
        self.key = grid.call("namespaces", "list_shared_access_keys", GROUP, self.name).key1
        self.publisher = EventGridPublisherClient(
            self.endpoint, AzureKeyCredential(self.key), namespace_topic=TOPIC, retry_total=0
        )

    def subscribe(
        self, name: str = "sub", filters: dict[str, Any] | None = None, **queue: Any
    ) -> EventGridConsumerClient:
        properties = {
            "deliveryConfiguration": {"deliveryMode": "Queue", "queue": queue},
            "filtersConfiguration": filters,
        }
        self.grid.call(
            "namespace_topic_event_subscriptions", "begin_create_or_update", GROUP, self.name, TOPIC, name,
            {"properties": properties},
        )  # fmt: skip
        return EventGridConsumerClient(
            self.endpoint, AzureKeyCredential(self.key), namespace_topic=TOPIC, subscription=name, retry_total=0
        )


def cloud(subject: str, kind: str = "T", **more: Any) -> CloudEvent:
    return CloudEvent(source="/me", type=kind, subject=subject, data={"s": subject}, **more)


@pytest.fixture
def namespace(timed_azure: Azure) -> Iterator[Namespace]:
    grid = Grid(timed_azure)
    yield Namespace(grid)
    grid.client.close()


def test_locks(namespace: Namespace) -> None:
    server = namespace.grid.azure.server
    consumer = namespace.subscribe(receiveLockDurationInSeconds=60)
    namespace.publisher.send([cloud("a"), cloud("b", extensions={"ext": "x"}), cloud("c")])
    found = consumer.receive(max_events=10)
    assert [each.event.subject for each in found] == ["a", "b", "c"]
    assert found[1].event.extensions == {"ext": "x"}
    tokens = [each.broker_properties.lock_token for each in found]
    assert [each.broker_properties.delivery_count for each in found] == [1, 1, 1]
    acked = consumer.acknowledge(lock_tokens=tokens[:1])
    assert (acked.succeeded_lock_tokens, acked.failed_lock_tokens) == (tokens[:1], [])
    again = consumer.acknowledge(lock_tokens=[tokens[0], "bm8="])
    assert [each.lock_token for each in again.failed_lock_tokens] == [tokens[0], "bm8="]
    server.advance(40)
    assert consumer.renew_locks(lock_tokens=tokens[1:2]).succeeded_lock_tokens == tokens[1:2]
    assert consumer.release(lock_tokens=tokens[2:], release_delay=10).succeeded_lock_tokens == tokens[2:]
    server.advance(11)
    (last,) = consumer.receive(max_events=10)
    assert (last.event.subject, last.broker_properties.delivery_count) == ("c", 2)
    assert consumer.reject(lock_tokens=[last.broker_properties.lock_token]).failed_lock_tokens == []
    server.advance(50)
    (renewed,) = consumer.receive(max_events=10)
    assert renewed.event.subject == "b"
    # The lock that it had is over.
    assert consumer.acknowledge(lock_tokens=tokens[1:2]).failed_lock_tokens[0].lock_token == tokens[1]


def test_an_event_is_given_up(namespace: Namespace) -> None:
    server = namespace.grid.azure.server
    twice = namespace.subscribe("twice", maxDeliveryCount=2)
    short = namespace.subscribe("short", eventTimeToLive="PT5M")
    typed = namespace.subscribe("typed", {"includedEventTypes": ["U"], "filters": [
        {"operatorType": "StringIn", "key": "data.s", "values": ["u"]}]})  # fmt: skip
    namespace.publisher.send(cloud("t"))
    namespace.publisher.send(cloud("u", "U"))
    namespace.publisher.send(cloud("other", "U"))
    assert [each.event.subject for each in typed.receive(max_events=10)] == ["u"]
    for count in (1, 2):
        (first, *_rest) = twice.receive(max_events=1)
        assert first.broker_properties.delivery_count == count
        twice.release(lock_tokens=[first.broker_properties.lock_token])
    twice.receive(max_events=10)
    server.advance(301)
    namespace.publisher.send(cloud("new"))
    assert [each.event.subject for each in short.receive(max_events=10)] == ["new"]


def test_a_receiver_waits(azure: Azure, eventually: Callable[..., Any]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    grid = Grid(azure)
    namespace = Namespace(grid)
    consumer = namespace.subscribe()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(consumer.receive, max_events=1, max_wait_time=10)
        namespace.publisher.send(cloud("came"))
        assert [each.event.subject for each in waiting.result(5)] == ["came"]
    assert azure.control("POST", "/eventgrid/no.where-1/topics/t:publish", {}).status == 404
    path = f"/eventgrid/{namespace.name}.{LOCATION}-1/topics/{TOPIC}"
    assert azure.control("POST", f"{path}:publish", {}).status == 401
    key = {"authorization": f"SharedAccessKey {namespace.key}"}
    for target, status in (
        (f"{path}/eventsubscriptions/none:receive", 404),
        (f"{path}/eventsubscriptions/sub:receive?maxEvents=101", 400),
        (f"{path}/eventsubscriptions/sub:receive?maxWaitTime=1", 400),
        (f"{path}/eventsubscriptions/sub:release?releaseDelayInSeconds=5", 400),
        (f"{path}/eventsubscriptions/sub:acknowledge", 400),
        (f"{path}/eventsubscriptions/sub:invent", 404),
        (f"{path}x:publish", 404),
    ):
        body = [] if target.endswith("publish") else {}
        assert azure.control("POST", target, body, **key).status == status
    grid.client.close()


def test_management(azure: Azure) -> None:
    grid = Grid(azure)
    namespace = Namespace(grid)
    consumer = namespace.subscribe()
    topics = "namespace_topics"
    subscriptions = "namespace_topic_event_subscriptions"
    assert [each.name for each in grid.call(topics, "list_by_namespace", GROUP, namespace.name)] == [TOPIC]
    assert grid.call(topics, "get", GROUP, namespace.name, TOPIC).event_retention_in_days == 7
    shown = grid.call(subscriptions, "get", GROUP, namespace.name, TOPIC, "sub")
    assert shown.delivery_configuration.delivery_mode == "Queue"
    listed = grid.call(subscriptions, "list_by_namespace_topic", GROUP, namespace.name, TOPIC)
    assert [each.name for each in listed] == ["sub"]
    with pytest.raises(HttpResponseError, match="deliveryMode Push"):
        grid.call(
            subscriptions, "begin_create_or_update", GROUP, namespace.name, TOPIC, "push",
            {"properties": {"deliveryConfiguration": {"deliveryMode": "Push"}}},
        )  # fmt: skip
    with pytest.raises(HttpResponseError, match="receiveLockDurationInSeconds must be 60 to 300"):
        namespace.subscribe("bad", receiveLockDurationInSeconds=5)
    wrong = EventGridPublisherClient(namespace.endpoint, AzureKeyCredential("d3Jvbmc="), namespace_topic=TOPIC)
    with pytest.raises(ClientAuthenticationError):
        wrong.send(cloud("a"))
    grid.call(subscriptions, "begin_delete", GROUP, namespace.name, TOPIC, "sub")
    with pytest.raises(ResourceNotFoundError):
        consumer.receive(max_events=1)
    grid.call(topics, "begin_delete", GROUP, namespace.name, TOPIC)
    grid.call("namespaces", "begin_delete", GROUP, namespace.name)
    assert list(grid.call("namespaces", "list_by_resource_group", GROUP)) == []
    grid.client.close()
