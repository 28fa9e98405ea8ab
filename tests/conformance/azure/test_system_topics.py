"""Event Grid's system topics and the events that resources emit, with Microsoft's own clients."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.azure.conftest import GROUP, LOCATION, Azure
from tests.conformance.azure.test_eventgrid import Grid, grid, webhook, webhook_at
from tests.conformance.azure.test_queues import new_name, service_of
from tests.conformance.azure.webhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["grid", "webhook"]
GROUPS, SUBSCRIPTIONS, SITES = (
    "Microsoft.Resources.ResourceGroups", "Microsoft.Resources.Subscriptions", "Microsoft.Web.Sites",
)  # fmt: skip
WRITTEN, DELETED, ACTED = (f"Microsoft.Resources.Resource{verb}Success" for verb in ("Write", "Delete", "Action"))
ONLY_WEB = [{"operatorType": "StringContains", "key": "data.resourceProvider", "values": ["Microsoft.Web"]}]


def group_of(grid: Grid, group: str = GROUP) -> str:
    return f"/subscriptions/{grid.azure.subscription}/resourceGroups/{group}"


def site_of(grid: Grid, name: str) -> str:
    return f"{group_of(grid)}/providers/Microsoft.Web/sites/{name}"


def system_topic(grid: Grid, source: str, kind: str = GROUPS, name: str = "system", **more: Any) -> Any:
    body = {"location": "global", "properties": {"source": source, "topicType": kind}, **more}
    return grid.call("system_topics", "begin_create_or_update", GROUP, name, body)


def subscribe_at(grid: Grid, scope: str, destination: dict[str, Any], name: str = "sub", **properties: Any) -> Any:
    body = {"properties": {"destination": destination, **properties}}
    return grid.call("event_subscriptions", "begin_create_or_update", scope, name, body)


def test_system_topics(grid: Grid) -> None:
    source = group_of(grid)
    made = system_topic(grid, source, tags={"a": "b"})
    assert made.id == f"{source}/providers/Microsoft.EventGrid/systemTopics/system"
    assert (made.source, made.topic_type, made.location, made.tags) == (source, GROUPS, "global", {"a": "b"})
    assert (made.provisioning_state, bool(made.metric_resource_id)) == ("Succeeded", True)
    assert grid.call("system_topics", "get", GROUP, "SYSTEM").metric_resource_id == made.metric_resource_id
    assert grid.call("system_topics", "begin_update", GROUP, "system", {"tags": {"c": "d"}}).tags == {"c": "d"}
    assert [each.name for each in grid.call("system_topics", "list_by_resource_group", GROUP)] == ["system"]
    assert [each.name for each in grid.call("system_topics", "list_by_subscription")] == ["system"]
    with pytest.raises(HttpResponseError, match=r"Only one system topic is\s+allowed per source"):
        system_topic(grid, source.lower(), name="another")
    with pytest.raises(HttpResponseError, match="can't be changed"):
        system_topic(grid, f"/subscriptions/{grid.azure.subscription}", SUBSCRIPTIONS)
    grid.call("system_topics", "begin_delete", GROUP, "system")
    with pytest.raises(ResourceNotFoundError, match="systemTopics"):
        grid.call("system_topics", "get", GROUP, "system")
    assert system_topic(grid, source, name="another").name == "another"


@pytest.mark.parametrize(
    ("path", "kind", "location", "text"),
    [
        ("/providers/Microsoft.Storage/storageAccounts/x", "Microsoft.Storage.StorageAccounts", LOCATION,
         "does not support the topicType Microsoft.Storage.StorageAccounts"),
        ("/providers/Microsoft.Storage/storageAccounts/x", GROUPS, "global",
         "does not support events of Microsoft.Storage/storageAccounts"),
        ("/providers/Microsoft.Web/sites/none", SITES, LOCATION, "'Microsoft.Web/sites/none'"),
        ("", SUBSCRIPTIONS, "global", "is not that of the source"),
        ("", GROUPS, LOCATION, "must be in the location of its source: global"),
        ("", "", "global", "topicType is required"),
        ("/nothing", GROUPS, "global", "is not the id of a resource"),
    ],
)  # fmt: skip
def test_system_topics_that_cannot_be(grid: Grid, path: str, kind: str, location: str, text: str) -> None:
    with pytest.raises(HttpResponseError, match=text):
        system_topic(grid, group_of(grid) + path, kind, location=location)
    assert list(grid.call("system_topics", "list_by_subscription")) == []


def test_a_resource_group_tells_of_what_is_done_in_it(
    grid: Grid, webhook: Webhook, eventually: Callable[..., Any]
) -> None:
    system_topic(grid, group_of(grid))
    body = {"properties": {"destination": webhook_at(webhook.url)}}
    made = grid.call(
        "system_topic_event_subscriptions", "begin_create_or_update", GROUP, "system", "sub", body
    )  # fmt: skip
    assert made.id.endswith("/providers/Microsoft.EventGrid/systemTopics/system/eventSubscriptions/sub")
    assert (made.type, made.provisioning_state) == ("Microsoft.EventGrid/systemTopics/eventSubscriptions", "Succeeded")
    assert made.topic.endswith("/systemTopics/system")
    name = grid.azure.create()
    (event,) = eventually(webhook.events)
    assert event["topic"] == group_of(grid)
    assert event["subject"] == site_of(grid, name)
    assert (event["eventType"], event["dataVersion"], event["metadataVersion"]) == (WRITTEN, "2", "1")
    data = event["data"]
    assert (data["resourceUri"], data["operationName"]) == (site_of(grid, name), "Microsoft.Web/sites/write")
    assert (data["resourceProvider"], data["status"]) == ("Microsoft.Web", "Succeeded")
    assert data["authorization"]["action"] == "Microsoft.Web/sites/write"
    assert (data["subscriptionId"], data["httpRequest"]["method"]) == (grid.azure.subscription, "PUT")
    assert data["httpRequest"]["url"].startswith(f"{grid.azure.server.url}{site_of(grid, name)}?api-version=")
    grid.azure.create_in("other-group", f"{name}-b")
    grid.azure.call("list_application_settings", GROUP, name)
    grid.azure.call("list_by_resource_group", GROUP)
    grid.azure.call("delete", GROUP, name)
    # What is gone already isn't deleted once more.
    grid.azure.call("delete", GROUP, name)
    eventually(lambda: len(webhook.events()) >= 3)
    told = sorted((each["eventType"], each["data"]["operationName"]) for each in webhook.events()[1:])
    assert told == [(ACTED, "Microsoft.Web/sites/config/list/action"), (DELETED, "Microsoft.Web/sites/delete")]


def test_what_is_refused_is_not_told(grid: Grid, webhook: Webhook, eventually: Callable[..., Any]) -> None:
    subscribe_at(grid, group_of(grid), webhook_at(webhook.url))
    with pytest.raises(HttpResponseError, match="does not support the kind"):
        grid.azure.create(kind="app")
    with pytest.raises(HttpResponseError):
        grid.azure.call("restart", GROUP, "none")
    grid.topic()
    # The second is that the topic's keys are asked for.
    eventually(lambda: len(webhook.events()) == 2)
    told = sorted(each["data"]["operationName"] for each in webhook.events())
    assert told == ["Microsoft.EventGrid/topics/listKeys/action", "Microsoft.EventGrid/topics/write"]


def test_a_subscription_tells_a_queue_of_all_its_groups(
    grid: Grid, server: ThreadedServer, eventually: Callable[..., Any]
) -> None:
    scope = f"/subscriptions/{grid.azure.subscription}"
    account = f"{group_of(grid)}/providers/Microsoft.Storage/storageAccounts/devstoreaccount1"
    name = new_name()
    destination = {"endpointType": "StorageQueue", "properties": {"resourceId": account, "queueName": name}}
    with service_of(server) as service:
        queue = service.create_queue(name)
        only = {"advancedFilters": ONLY_WEB, "includedEventTypes": [WRITTEN]}
        made = subscribe_at(grid, scope, destination, filter=only)
        assert (made.id, made.topic) == (f"{scope}/providers/Microsoft.EventGrid/eventSubscriptions/sub", scope)
        app = grid.azure.create_in("some-group", f"{grid.azure.prefix}-q")
        got = eventually(queue.receive_message)
        event = json.loads(b64decode(got.content))
        assert (event["topic"], event["eventType"]) == (scope, WRITTEN)
        assert event["subject"] == f"{group_of(grid, 'some-group')}/providers/Microsoft.Web/sites/{app}"
        queue.delete_message(got)
        grid.azure.call("delete", "some-group", app)
        assert queue.receive_message() is None


def test_an_app_tells_of_its_changes(grid: Grid, webhook: Webhook, eventually: Callable[..., Any]) -> None:
    name = grid.azure.create()
    system_topic(grid, site_of(grid, name), SITES, location=LOCATION)
    types = {"includedEventTypes": ["Microsoft.Web.AppUpdated"]}
    body = {"properties": {"destination": webhook_at(webhook.url), "filter": types}}
    grid.call("system_topic_event_subscriptions", "begin_create_or_update", GROUP, "system", "sub", body)
    for operation in ("stop", "start", "restart"):
        grid.azure.call(operation, GROUP, name)
    # It runs already, so nothing changes.
    grid.azure.call("start", GROUP, name)
    grid.azure.call("update_application_settings", GROUP, name, {"properties": {"A": "b"}})
    eventually(lambda: len(webhook.events()) >= 4)
    told = {each["data"]["appEventTypeDetail"]["action"]: each for each in webhook.events()}
    assert set(told) == {"Stopped", "Started", "Restarted", "ChangedAppSettings"}
    event = told["ChangedAppSettings"]
    assert (event["subject"], event["topic"]) == (f"/Microsoft.Web/sites/{name}", site_of(grid, name))
    assert (event["data"]["siteName"], event["data"]["verb"], event["dataVersion"]) == (name, "PUT", "1")
    grid.azure.create_in(GROUP, f"{name}-b")
    grid.azure.call("stop", GROUP, f"{name}-b")
    assert len(webhook.events()) == 4


def test_event_subscriptions_of_sources(grid: Grid, webhook: Webhook) -> None:
    scope, name = group_of(grid), grid.azure.create()
    subscribe_at(grid, scope, webhook_at(webhook.url), labels=["one"])
    subscribe_at(grid, f"/subscriptions/{grid.azure.subscription}", webhook_at(webhook.url), "all")
    subscribe_at(grid, site_of(grid, name), webhook_at(webhook.url), "app")
    # A system topic's are its own.
    system_topic(grid, scope)
    body = {"properties": {"destination": webhook_at(webhook.url)}}
    grid.call("system_topic_event_subscriptions", "begin_create_or_update", GROUP, "system", "sub", body)
    assert grid.call("event_subscriptions", "get", scope, "SUB").labels == ["one"]
    assert grid.call("event_subscriptions", "get_full_url", scope, "sub").endpoint_url == webhook.url
    changed = grid.call("event_subscriptions", "begin_update", scope, "sub", {"labels": ["two"]})
    assert changed.labels == ["two"]

    def names(operation: str, *arguments: str) -> list[str]:
        return [each.name for each in grid.call("event_subscriptions", operation, *arguments)]

    assert names("list_global_by_subscription") == ["sub", "all"]
    assert names("list_global_by_resource_group", GROUP) == ["sub"]
    assert names("list_global_by_subscription_for_topic_type", SUBSCRIPTIONS) == ["all"]
    assert names("list_global_by_resource_group_for_topic_type", GROUP, GROUPS) == ["sub"]
    assert names("list_by_resource", GROUP, "Microsoft.Web", "sites", name) == ["app"]
    of_system = grid.call("system_topic_event_subscriptions", "list_by_system_topic", GROUP, "system")
    assert [each.labels for each in of_system] == [None]
    with pytest.raises(HttpResponseError, match="does not support the operation"):
        names("list_regional_by_subscription", LOCATION)
    with pytest.raises(HttpResponseError, match=r"does not support the parameter \$top"):
        list(grid.client.event_subscriptions.list_global_by_subscription(top=1, enforce_https=False))
    grid.call("system_topics", "begin_delete", GROUP, "system")
    grid.call("event_subscriptions", "begin_delete", scope, "sub")
    assert names("list_global_by_subscription") == ["all"]
    with pytest.raises(ResourceNotFoundError):
        grid.call("event_subscriptions", "get", scope, "sub")
    for refused, text in (
        (f"{scope}/providers/Microsoft.Storage/storageAccounts/x", "events of Microsoft.Storage/storageAccounts"),
        (site_of(grid, "none"), "Microsoft.Web/sites/none"),
    ):
        with pytest.raises(HttpResponseError, match=text):
            subscribe_at(grid, refused, webhook_at(webhook.url))


def test_the_url_of_a_validation_of_a_source(grid: Grid, webhook: Webhook, eventually: Callable[..., Any]) -> None:
    webhook.answer = lambda _: (200, {}, b"")
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.EventGrid/eventSubscriptions/sub"
    made = grid.azure.arm("PUT", path, {"properties": {"destination": webhook_at(webhook.url)}})
    assert made.json()["properties"]["provisioningState"] == "AwaitingManualAction"
    url = webhook.asked[-1].json()[0]["data"]["validationUrl"].removeprefix(grid.azure.server.url)
    assert grid.azure.control("GET", url.replace("id=", "id=x")).status == 404
    name = grid.azure.create()
    assert grid.azure.control("GET", url).status == 200
    grid.azure.call("delete", GROUP, name)
    eventually(webhook.events)
    assert [each["eventType"] for each in webhook.events()] == [DELETED]


def test_cloud_events_of_a_source(grid: Grid, webhook: Webhook, eventually: Callable[..., Any]) -> None:
    subscribe_at(grid, group_of(grid), webhook_at(webhook.url), eventDeliverySchema="CloudEventSchemaV1_0")
    name = grid.azure.create()
    (event,) = eventually(webhook.events)
    assert (event["specversion"], event["type"], event["source"]) == ("1.0", WRITTEN, group_of(grid))
    assert event["subject"] == site_of(grid, name)


def test_topic_types(grid: Grid) -> None:
    found = {each.name: each for each in grid.call("topic_types", "list")}
    assert set(found) == {GROUPS, SUBSCRIPTIONS, SITES}
    assert found[SITES].resource_region_type == "RegionalResource"
    shown = grid.call("topic_types", "get", GROUPS.lower())
    assert (shown.name, shown.provider, shown.resource_region_type) == (GROUPS, "Microsoft.Resources", "GlobalResource")
    assert [each.name for each in grid.call("topic_types", "list_event_types", GROUPS)] == [WRITTEN, DELETED, ACTED]
    with pytest.raises(ResourceNotFoundError, match=r"Microsoft\.Storage\.StorageAccounts"):
        grid.call("topic_types", "get", "Microsoft.Storage.StorageAccounts")
    for path in ("/providers/Microsoft.EventGrid/operations", "/providers/Microsoft.Web/sites"):
        answer = grid.azure.control("GET", f"{path}?api-version=2025-02-15")
        assert (answer.status, "does not support" in answer.json()["error"]["message"]) == (400, True)


def test_events_of_sources_on_postgres(postgres_url: str, eventually: Callable[..., Any]) -> None:
    settings = Settings(port=0, database=postgres_url)
    with ThreadedServer(settings) as one, ThreadedServer(settings) as other, Webhook() as hook:
        grid, elsewhere = Grid(Azure(one)), Azure(other)
        elsewhere.subscription = grid.azure.subscription
        subscribe_at(grid, group_of(grid), webhook_at(hook.url))
        answer = elsewhere.arm(
            "PUT",
            f"/resourceGroups/{GROUP}/providers/Microsoft.Storage/storageAccounts/{elsewhere.prefix.replace('-', '')}",
            {"location": LOCATION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
        )
        assert answer.status == 200
        (event,) = eventually(hook.events)
        assert event["data"]["operationName"] == "Microsoft.Storage/storageAccounts/write"
        for each in (grid.client, grid.azure.client, elsewhere.client):
            each.close()
