"""Faults on purpose, as Microsoft's own clients meet them, with their retries on."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError
from azure.data.tables import TableServiceClient
from azure.mgmt.web import WebSiteManagementClient
from azure.storage.queue import LinearRetry, QueueServiceClient

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from fogbank.clouds.azure.storage.accounts import DEVELOPMENT, DEVELOPMENT_KEY
from tests.conformance.azure.conftest import Credential

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer
    from tests.conformance.watching.conftest import Watched

_numbers = itertools.count(1)


def queue_service(server: ThreadedServer, **more: Any) -> QueueServiceClient:
    text = f"AccountName={DEVELOPMENT};AccountKey={DEVELOPMENT_KEY};QueueEndpoint={server.url}/{DEVELOPMENT};"
    return QueueServiceClient.from_connection_string(f"DefaultEndpointsProtocol=http;{text}", **more)


def test_queues_are_busy_and_tried_again(server: ThreadedServer, watched: Watched) -> None:
    watched.fault("throttle", service="queues", operation="CreateQueue", resource="devstoreaccount1/busy", count=2)
    with queue_service(server, retry_total=0) as service, pytest.raises(HttpResponseError) as refused:
        service.create_queue("busy")
    assert (refused.value.status_code, refused.value.error_code) == (503, "ServerBusy")  # type: ignore[attr-defined]
    with queue_service(server, retry_policy=LinearRetry(backoff=0, random_jitter_range=0)) as service:
        service.create_queue("busy")
    assert [each["status"] for each in watched.requests("service=queues")] == [503, 503, 201]


def test_a_message_of_a_queue_comes_twice(server: ThreadedServer, watched: Watched) -> None:
    with queue_service(server) as service, service.create_queue("twice") as queue:
        watched.fault("duplicate", cloud="azure", service="queues", resource="twice", count=1)
        queue.send_message("x")
        found = [queue.receive_message() for _ in range(3)]
    assert [None if each is None else each.dequeue_count for each in found] == [1, 2, None]


def test_tables_are_busy_and_tried_again(server: ThreadedServer, watched: Watched) -> None:
    text = f"AccountName={DEVELOPMENT};AccountKey={DEVELOPMENT_KEY};TableEndpoint={server.url}/{DEVELOPMENT};"
    settings = {"retry_backoff_factor": 0.001}
    with TableServiceClient.from_connection_string(f"DefaultEndpointsProtocol=http;{text}", **settings) as service:
        table = service.create_table("things")
        watched.fault("throttle", service="tables", operation="InsertEntity", count=1)
        watched.fault("error", service="tables", operation="QueryEntities", status=409, code="Odd", message="As asked.")
        table.create_entity({"PartitionKey": "p", "RowKey": "r", "a": 1})
        with pytest.raises(HttpResponseError, match="As asked") as refused:
            table.get_entity("p", "r")
    assert refused.value.status_code == 409
    assert [each["status"] for each in watched.requests("operation=InsertEntity")] == [503, 201]


def test_cosmos_says_how_long_to_wait(server: ThreadedServer, watched: Watched) -> None:
    with CosmosClient(server.url, EMULATOR_KEY) as client:
        database = client.create_database("d")
        container = database.create_container("c", PartitionKey("/pk"))
        watched.fault("throttle", service="cosmos", operation="CreateDocument", resource="dbs/d/colls/c", count=2)
        container.create_item({"id": "1", "pk": "1"})
        found = [(each["status"], each["code"]) for each in watched.requests("operation=CreateDocument")]
        assert found == [(429, "TooManyRequests")] * 2 + [(201, "")]
        watched.fault("throttle", service="cosmos", operation="GetDocument", resource="c")
        with pytest.raises(CosmosHttpResponseError) as refused:
            container.read_item("1", "1", retry_total=0)
        assert refused.value.status_code == 429
        assert refused.value.headers["x-ms-retry-after-ms"] == "50"
        client.client_connection._global_endpoint_manager._refresh_thread.join()


def test_management_is_throttled(server: ThreadedServer, watched: Watched) -> None:
    subscription = "00000000-0000-0000-0000-000000000009"
    client = WebSiteManagementClient(Credential(), subscription, base_url=server.url, retry_total=0)
    watched.fault("throttle", service="microsoft.web", operation="sites/read")
    with pytest.raises(HttpResponseError) as refused:
        client.web_apps.get("group", "site", enforce_https=False)
    assert refused.value.status_code == 429
    shown = watched.show()
    assert (shown["service"], shown["operation"], shown["scope"]) == ("Microsoft.Web", "sites/read", subscription)
