"""Event Grid's topics and domains with Microsoft's own clients: publishing, filters, delivery."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AzureKeyCredential, AzureSasCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.core.pipeline.policies import RetryPolicy
from azure.eventgrid import EventGridEvent, EventGridPublisherClient, generate_sas
from azure.mgmt.eventgrid import EventGridManagementClient

from tests.conformance.azure.conftest import GROUP, LOCATION, Answer, Azure, Credential
from tests.conformance.azure.test_queues import new_name, service_of
from tests.conformance.azure.webhooks import Sent, Webhook, agree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Grid:
    """Event Grid in a subscription of the test's own."""

    def __init__(self, azure: Azure) -> None:
        self.azure = azure
        self.client = EventGridManagementClient(
            Credential(), azure.subscription, base_url=azure.server.url, polling_interval=0,
            retry_policy=RetryPolicy.no_retries(),
        )  # fmt: skip

    def call(self, group: str, operation: str, *arguments: Any) -> Any:
        found = getattr(getattr(self.client, group), operation)(*arguments, enforce_https=False)
        return found.result() if hasattr(found, "result") else found

    def topic(self, kind: str = "topics", **properties: Any) -> tuple[str, EventGridPublisherClient]:
        """Make a topic or domain; returns its name and a client for it."""
        name = new_name()
        made = self.call(kind, "begin_create_or_update", GROUP, name, {"location": LOCATION, "properties": properties})
        key = self.call(kind, "list_shared_access_keys", GROUP, name).key1
        return name, EventGridPublisherClient(made.endpoint, AzureKeyCredential(key), retry_total=0)

    def subscribe(self, topic: str, destination: dict[str, Any], name: str = "sub", **properties: Any) -> Any:
        scope = f"/subscriptions/{self.azure.subscription}/resourceGroups/{GROUP}/providers/Microsoft.EventGrid/{topic}"
        body = {"properties": {"destination": destination, **properties}}
        return self.call("event_subscriptions", "begin_create_or_update", scope, name, body)

    def raw(self, topic: str, properties: dict[str, Any]) -> Answer:
        path = f"/resourceGroups/{GROUP}/providers/Microsoft.EventGrid/{topic}/eventSubscriptions/sub"
        return self.azure.arm("PUT", path, {"properties": properties})


def webhook_at(url: str, **properties: Any) -> dict[str, Any]:
    return {"endpointType": "WebHook", "properties": {"endpointUrl": url, **properties}}


@pytest.fixture
def grid(azure: Azure) -> Iterator[Grid]:
    made = Grid(azure)
    yield made
    made.client.close()


@pytest.fixture
def timed_grid(timed_azure: Azure) -> Iterator[Grid]:
    made = Grid(timed_azure)
    yield made
    made.client.close()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as made:
        yield made


def event(subject: str = "s", data: Any = None, kind: str = "T") -> EventGridEvent:
    return EventGridEvent(subject, kind, {"n": 1} if data is None else data, "1.0")


def test_topics(grid: Grid) -> None:
    name, _ = grid.topic()
    shown = grid.call("topics", "get", GROUP, name.upper())
    assert (shown.name, shown.location, shown.input_schema) == (name, LOCATION, "EventGridSchema")
    assert shown.endpoint.endswith(f"/eventgrid/{name}.{LOCATION}-1/api/events")
    before = grid.call("topics", "list_shared_access_keys", GROUP, name)
    after = grid.call("topics", "begin_regenerate_key", GROUP, name, {"keyName": "key1"})
    assert (before.key1 != after.key1, before.key2 == after.key2) == (True, True)
    assert name in [each.name for each in grid.call("topics", "list_by_resource_group", GROUP)]
    assert name in [each.name for each in grid.call("topics", "list_by_subscription")]
    with pytest.raises(HttpResponseError, match="does not support the inputSchema CustomEventSchema"):
        grid.topic(inputSchema="CustomEventSchema")
    grid.call("topics", "begin_delete", GROUP, name)
    with pytest.raises(ResourceNotFoundError):
        grid.call("topics", "get", GROUP, name)


def test_a_webhook_is_asked_and_gets_events(grid: Grid, webhook: Webhook, eventually: Callable[..., Any]) -> None:
    name, client = grid.topic()
    mappings = [
        {"name": "X-Fixed", "type": "Static", "properties": {"value": "v", "isSecret": True}},
        {"name": "X-From", "type": "Dynamic", "properties": {"sourceField": "data.n"}},
    ]
    made = grid.subscribe(f"topics/{name}", webhook_at(webhook.url, deliveryAttributeMappings=mappings), labels=["a"])
    assert (made.provisioning_state, made.labels) == ("Succeeded", ["a"])
    assert made.destination.endpoint_base_url == webhook.url.partition("?")[0]
    assert made.retry_policy.max_delivery_attempts == 30
    (question,) = webhook.asked
    assert question.json()[0]["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    client.send(event("one"))
    (post,) = eventually(lambda: webhook.posts)
    (got,) = post.json()
    assert (got["subject"], got["data"], got["topic"]) == ("one", {"n": 1}, made.topic)
    told = [post.headers[key] for key in ("aeg-subscription-name", "aeg-delivery-count", "x-fixed", "x-from")]
    assert told == ["SUB", "0", "v", "1"]
    scope = made.topic
    url = grid.call("event_subscriptions", "get_full_url", scope, "sub")
    assert url.endpoint_url == webhook.url
    shown = grid.call("topic_event_subscriptions", "get", GROUP, name, "sub")
    assert shown.destination.delivery_attribute_mappings[0].value == "Hidden"
    listed = grid.call("event_subscriptions", "list_by_resource", GROUP, "Microsoft.EventGrid", "topics", name)
    assert [each.name for each in listed] == ["sub"]
    grid.call("event_subscriptions", "begin_delete", scope, "sub")
    client.send(event("two"))
    assert len(webhook.posts) == 1


def test_a_webhook_that_says_no_and_one_that_says_nothing(
    grid: Grid, webhook: Webhook, eventually: Callable[..., Any]
) -> None:
    name, client = grid.topic()
    webhook.answer = lambda _: (404, {}, b"")
    with pytest.raises(HttpResponseError, match="Webhook validation handshake failed"):
        grid.subscribe(f"topics/{name}", webhook_at(webhook.url))
    webhook.answer = lambda _: (200, {}, b"")
    # Microsoft's client would wait until somebody opened the URL.
    made = grid.raw(f"topics/{name}", {"destination": webhook_at(webhook.url)})
    assert made.json()["properties"]["provisioningState"] == "AwaitingManualAction"
    client.send(event("early"))
    url = webhook.asked[-1].json()[0]["data"]["validationUrl"]
    assert grid.azure.control("GET", url.removeprefix(grid.azure.server.url).replace("id=", "id=x")).status == 404
    assert grid.azure.control("GET", url.removeprefix(grid.azure.server.url)).status == 200
    client.send(event("late"))
    eventually(lambda: webhook.posts)
    assert [each["subject"] for each in webhook.events()] == ["late"]


def test_cloud_events(grid: Grid, webhook: Webhook, eventually: Callable[..., Any]) -> None:
    name, client = grid.topic(inputSchema="CloudEventSchemaV1_0")
    with pytest.raises(HttpResponseError, match="can't be delivered as EventGridSchema"):
        grid.subscribe(f"topics/{name}", webhook_at(webhook.url), eventDeliverySchema="EventGridSchema")
    grid.subscribe(f"topics/{name}", webhook_at(webhook.url))
    assert [each.method for each in webhook.asked] == ["OPTIONS"]
    assert webhook.asked[0].headers["webhook-request-origin"] == "eventgrid.azure.net"
    client.send(CloudEvent(source="/me", type="T", data=b"\x00\x01", extensions={"ext": "e"}))
    (post,) = eventually(lambda: webhook.posts)
    assert post.headers["content-type"].startswith("application/cloudevents+json")
    assert (post.json()["data_base64"], post.json()["ext"]) == ("AAE=", "e")
    with pytest.raises(HttpResponseError):
        client.send(event())
    key = grid.call("topics", "list_shared_access_keys", GROUP, name).key2
    headers = {
        "aeg_sas_key": key, "ce_id": "1", "ce_source": "/b", "ce_type": "B", "ce_specversion": "1.0",
        "content_type": "text/plain",
    }  # fmt: skip
    answer = grid.azure.control("POST", f"/eventgrid/{name}.{LOCATION}-1/api/events", b"text", **headers)
    assert answer.status == 200
    eventually(lambda: len(webhook.posts) == 2)
    assert webhook.events()[1]["data"] == "text"


def test_event_grid_events_as_cloud_events_in_batches(
    grid: Grid, webhook: Webhook, eventually: Callable[..., Any]
) -> None:
    name, client = grid.topic()
    destination = webhook_at(webhook.url, maxEventsPerBatch=3, preferredBatchSizeInKilobytes=64)
    grid.subscribe(f"topics/{name}", destination, eventDeliverySchema="CloudEventSchemaV1_0")
    client.send([event(str(number)) for number in range(7)])
    eventually(lambda: len(webhook.posts) == 3)
    assert sorted(len(post.json()) for post in webhook.posts) == [1, 3, 3]
    assert webhook.posts[0].headers["content-type"].startswith("application/cloudevents-batch+json")
    found = webhook.events()
    assert sorted(each["subject"] for each in found) == [str(number) for number in range(7)]
    assert {(each["specversion"], each["source"].rpartition("/")[2]) for each in found} == {("1.0", name)}


def test_filters(grid: Grid, webhook: Webhook, eventually: Callable[..., Any]) -> None:
    name, client = grid.topic()
    told = {
        "subjectBeginsWith": "/A/",
        "subjectEndsWith": ".jpg",
        "includedEventTypes": ["T", "U"],
        "advancedFilters": [
            {"operatorType": "NumberInRange", "key": "data.size", "values": [[1, 5], [10, 20]]},
            {"operatorType": "StringNotContains", "key": "data.name", "values": ["secret"]},
        ],
    }
    made = grid.subscribe(f"topics/{name}", webhook_at(webhook.url), filter=told)
    assert [each.key for each in made.filter.advanced_filters] == ["data.size", "data.name"]
    client.send([
        event("/a/1.jpg", {"size": 3}),
        event("/a/2.JPG", {"size": 12, "name": "Plain"}, "U"),
        event("/b/3.jpg", {"size": 3}),
        event("/a/4.png", {"size": 3}),
        event("/a/5.jpg", {"size": 7}),
        event("/a/6.jpg", {"size": 3, "name": "SECRETS"}),
        event("/a/7.jpg", {"size": 3}, "V"),
    ])  # fmt: skip
    eventually(lambda: len(webhook.posts) == 2)
    assert sorted(each["subject"] for each in webhook.events()) == ["/a/1.jpg", "/a/2.JPG"]
    wrong = {"advancedFilters": [{"operatorType": "NumberIn", "key": "data.n", "values": ["x"]}]}
    refused = grid.raw(f"topics/{name}", {"destination": webhook_at(webhook.url), "filter": wrong})
    assert (refused.status, "advancedFilters are invalid" in refused.json()["error"]["message"]) == (400, True)


def test_a_queue_and_an_expiry(timed_grid: Grid, eventually: Callable[..., Any]) -> None:
    grid, server = timed_grid, timed_grid.azure.server
    name, client = grid.topic()
    account = f"/subscriptions/{grid.azure.subscription}/resourceGroups/x/providers/Microsoft.Storage/storageAccounts"
    queue_name = new_name()
    destination = {
        "endpointType": "StorageQueue",
        "properties": {
            "resourceId": f"{account}/devstoreaccount1", "queueName": queue_name, "queueMessageTimeToLiveInSeconds": 60,
        },
    }  # fmt: skip
    now = datetime.fromtimestamp(server.clock.now() / 1_000_000, UTC)
    grid.subscribe(f"topics/{name}", destination, expirationTimeUtc=(now + timedelta(hours=1)).isoformat())
    client.send(event("early"))
    with service_of(server) as service:
        # It is tried again until the queue is there.
        queue = service.create_queue(queue_name)
        server.advance(11)
        got = eventually(queue.receive_message)
        assert json.loads(b64decode(got.content))["subject"] == "early"
        queue.delete_message(got)
        client.send(event("short"))
        assert len(queue.peek_messages()) == 1
        server.advance(61)
        assert queue.peek_messages() == []
        server.advance(3_600)
        client.send(event("late"))
        assert queue.peek_messages() == []


def test_domains(grid: Grid, webhook: Webhook, eventually: Callable[..., Any]) -> None:
    name, client = grid.topic("domains")
    grid.call("domain_topics", "begin_create_or_update", GROUP, name, "alpha")
    assert [each.name for each in grid.call("domain_topics", "list_by_domain", GROUP, name)] == ["alpha"]
    grid.subscribe(f"domains/{name}/topics/alpha", webhook_at(webhook.url))
    with Webhook() as everything:
        grid.subscribe(f"domains/{name}", webhook_at(everything.url), "all-of-it")
        for topic in ("alpha", "beta"):
            client.send(EventGridEvent(topic, "T", {}, "1", topic=topic))
        eventually(lambda: len(everything.posts) == 2)
        assert sorted(each["topic"].rpartition("/")[2] for each in everything.events()) == ["alpha", "beta"]
    eventually(lambda: webhook.posts)
    assert [each["subject"] for each in webhook.events()] == ["alpha"]
    with pytest.raises(HttpResponseError):
        client.send(event())
    grid.call("domain_topics", "begin_delete", GROUP, name, "alpha")
    grid.call("domains", "begin_delete", GROUP, name)


def test_keys_and_tokens(grid: Grid) -> None:
    name, _ = grid.topic()
    shown = grid.call("topics", "get", GROUP, name)
    key = grid.call("topics", "list_shared_access_keys", GROUP, name).key2
    soon, past = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)
    EventGridPublisherClient(shown.endpoint, AzureSasCredential(generate_sas(shown.endpoint, key, soon))).send(event())
    for credential in (
        AzureKeyCredential("d3Jvbmc="),
        AzureSasCredential(generate_sas(shown.endpoint, key, past)),
        AzureSasCredential(generate_sas(shown.endpoint, "d3Jvbmc=", soon)),
    ):
        with pytest.raises(ClientAuthenticationError):
            EventGridPublisherClient(shown.endpoint, credential, retry_total=0).send(event())
    path = f"/eventgrid/{name}.{LOCATION}-1/api/events"
    assert grid.azure.control("POST", path, []).json()["error"]["code"] == "Unauthorized"
    for body, status in (
        ([{"id": "1"}], 400),
        ({}, 400),
        (b"no", 400),
        ([1], 400),
        (b" " * 1_048_577, 413),
    ):
        answer = grid.azure.control("POST", path, body, aeg_sas_key=key)
        assert (answer.status, answer.json()["error"]["code"][:3]) == (status, "Bad" if status == 400 else "Pay")
    assert grid.azure.control("POST", "/eventgrid/nothing.here-1/api/events", [], aeg_sas_key=key).status == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"destination": {"endpointType": "EventHub", "properties": {}}}, "the endpointType EventHub"),
        ({"destination": {"endpointType": "ServiceBusQueue", "properties": {}}}, "the endpointType ServiceBusQueue"),
        ({"deadLetterDestination": {"endpointType": "StorageBlob"}}, "properties.deadLetterDestination"),
        ({"retryPolicy": {"maxDeliveryAttempts": 31}}, "maxDeliveryAttempts must be 1 to 30"),
        ({"retryPolicy": {"eventTimeToLiveInMinutes": 0}}, "eventTimeToLiveInMinutes must be 1 to 1440"),
        ({"eventDeliverySchema": "CustomInputSchema"}, "the eventDeliverySchema CustomInputSchema"),
        ({"destination": webhook_at("no url")}, "endpointUrl must be an absolute URL"),
        ({"filter": {"other": 1}}, "filter.other"),
    ],
)
def test_refused_subscriptions(grid: Grid, change: dict[str, Any], said: str) -> None:
    name, _ = grid.topic()
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.EventGrid/topics/{name}/eventSubscriptions/sub"
    properties = {"destination": webhook_at("http://127.0.0.1:1/"), **change}
    answer = grid.azure.arm("PUT", path, {"properties": properties})
    assert answer.status == 400
    assert said in answer.json()["error"]["message"]
    assert grid.azure.arm("GET", path).status == 404


def test_retries(timed_grid: Grid, webhook: Webhook, eventually: Callable[..., Any]) -> None:
    """Azure's schedule, made longer at random by a twentieth at most; a slow webhook holds up nobody else."""
    grid, server = timed_grid, timed_grid.azure.server
    name, client = grid.topic()
    grid.subscribe(f"topics/{name}", webhook_at(webhook.url), retryPolicy={"maxDeliveryAttempts": 4})

    def fail(_: Sent) -> tuple[int, dict[str, str], bytes]:
        return 500, {}, b""

    webhook.answer = fail
    client.send(event("tried"))
    eventually(lambda: len(webhook.posts) == 1)
    time.sleep(0.1)
    for number, seconds in enumerate((10, 30, 60), 2):
        server.advance(seconds - 0.5)
        assert len(webhook.posts) == number - 1
        server.advance(seconds * 0.06 + 0.5)
        eventually(lambda: len(webhook.posts) == number)  # noqa: B023
        time.sleep(0.1)
    server.advance(3_600)
    assert [post.headers["aeg-delivery-count"] for post in webhook.posts] == ["0", "1", "2", "3"]
    webhook.answer = lambda _: (400, {}, b"")
    client.send(event("final"))
    eventually(lambda: len(webhook.posts) == 5)
    time.sleep(0.1)
    server.advance(3_600)
    assert len(webhook.posts) == 5
    webhook.answer = agree
    client.send(event("well"))
    eventually(lambda: len(webhook.posts) == 6)


def test_nobody_opens_the_url_in_time(timed_grid: Grid, webhook: Webhook) -> None:
    grid = timed_grid
    name, _ = grid.topic()
    webhook.answer = lambda _: (200, {}, b"")
    grid.raw(f"topics/{name}", {"destination": webhook_at(webhook.url)})
    url = webhook.asked[-1].json()[0]["data"]["validationUrl"].removeprefix(grid.azure.server.url)
    grid.azure.server.advance(601)
    assert grid.azure.control("GET", url).status == 404
    assert grid.call("topic_event_subscriptions", "get", GROUP, name, "sub").provisioning_state == "Failed"
