"""The change feed, all versions and deletes mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.conformance.azure.cosmos.conftest import client_of, new_name, plain
from tests.conformance.azure.cosmos.test_function_triggers import connection_string, notes
from tests.conformance.azure.test_node import JS, deploy, package

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.cosmos import ContainerProxy, DatabaseProxy

    from fogbank.testing.server import ThreadedServer
    from tests.conformance.azure.conftest import Azure

MODE = "AllVersionsAndDeletes"


def read(container: ContainerProxy, **settings: Any) -> tuple[list[dict[str, Any]], str]:
    """Return changes, and where to go on."""
    settings = settings if "continuation" in settings else {**settings, "mode": MODE}
    found = list(container.query_items_change_feed(**settings))
    return found, container.client_connection.last_response_headers["etag"]


def told(changes: list[dict[str, Any]]) -> list[tuple[str, Any, Any]]:
    """Return of each change what it was, what it made of the item, and what was there of one that is gone."""
    return [
        (each["metadata"]["operationType"], plain(each["current"]), plain(each.get("previous", {}))) for each in changes
    ]


def test_each_write_is_told(make: Callable[..., ContainerProxy]) -> None:
    container = make("/pk", change_feed_policy={"retentionDuration": 10})
    assert container.read()["changeFeedPolicy"] == {"retentionDuration": 10}
    container.create_item({"id": "before", "pk": "a"})
    nothing, token = read(container)
    assert nothing == []
    made = container.create_item({"id": "1", "pk": "a"})
    changed = container.upsert_item({"id": "1", "pk": "a", "n": 1})
    container.delete_item("1", "a")
    container.create_item({"id": "2", "pk": "b"})
    found, further = read(container, continuation=token)
    one = {"id": "1", "pk": "a"}
    assert told(found) == [
        ("create", one, {}), ("replace", {**one, "n": 1}, {}), ("delete", {}, {**one, "n": 1}),
        ("create", {"id": "2", "pk": "b"}, {}),
    ]  # fmt: skip
    metadata = [each["metadata"] for each in found]
    assert found[0]["current"]["_etag"] == made["_etag"]
    assert found[2]["previous"]["_etag"] == changed["_etag"]
    assert metadata[0].keys() == {"operationType", "lsn", "crts"}
    assert metadata[0]["crts"] == made["_ts"]
    assert [each["previousImageLSN"] for each in metadata[1:3]] == [each["lsn"] for each in metadata[:2]]
    assert (metadata[2]["id"], metadata[2]["partitionKey"]) == ("1", {"pk": "a"})
    assert "timeToLiveExpired" not in metadata[2]
    assert read(container, continuation=further)[0] == []
    _, token = read(container, partition_key="b")
    container.upsert_item({"id": "3", "pk": "a"})
    container.upsert_item({"id": "2", "pk": "b", "n": 2})
    assert told(read(container, continuation=token)[0]) == [("replace", {"id": "2", "pk": "b", "n": 2}, {})]


def test_who_keeps_no_writes_tells_of_none(container: ContainerProxy, database: DatabaseProxy) -> None:
    with pytest.raises(CosmosHttpResponseError, match="change feed policy") as refused:
        read(container)
    assert refused.value.status_code == 400
    with pytest.raises(CosmosHttpResponseError, match="retentionDuration"):
        database.create_container(new_name(), PartitionKey("/pk"), change_feed_policy={"retentionDuration": -1})


def test_what_expires_is_told_and_kept_for_a_while(
    timed: DatabaseProxy, timed_server: ThreadedServer, eventually: Callable[..., Any]
) -> None:
    container = timed.create_container(
        new_name(), PartitionKey("/pk"), default_ttl=-1, change_feed_policy={"retentionDuration": 5}
    )
    _, token = read(container)
    container.create_item({"id": "1", "pk": "a", "ttl": 10})
    timed_server.advance(11)
    found = eventually(lambda: (changes := read(container, continuation=token)[0])[1:] and changes)
    assert [each["metadata"]["operationType"] for each in found] == ["create", "delete"]
    assert found[1]["metadata"]["timeToLiveExpired"] is True

    def is_gone() -> bool:
        timed_server.advance(61)
        try:
            read(container, continuation=token)
        except CosmosHttpResponseError as error:
            return error.status_code == 400
        return False

    eventually(is_gone)
    timed.delete_container(container)


def test_accounts_with_continuous_backups_keep_all_writes(azure: Azure) -> None:
    name = f"backed-{new_name()}"
    path = f"/resourceGroups/g/providers/Microsoft.DocumentDB/databaseAccounts/{name}"
    common = {"host": f"{name}.documents.localhost", "authorization": "type%3Daad%26ver%3D1.0%26sig%3Dx"}

    def put(**properties: Any) -> int:
        body = {"location": "westeurope", "properties": {"locations": [], **properties}}
        return azure.arm("PUT", path, body, "?api-version=2024-11-15").status

    def status_of(container: str) -> int:
        headers = {**common, "a-im": "Full-Fidelity Feed", "if-none-match": "*"}
        return azure.control("GET", f"/dbs/d/colls/{container}/docs", **headers).status

    def post(target: str, body: dict[str, Any]) -> None:
        assert azure.control("POST", target, body, **common).status == 201

    assert put() == 200
    post("/dbs", {"id": "d"})
    key = {"paths": ["/pk"], "kind": "Hash"}
    post("/dbs/d/colls", {"id": "old", "partitionKey": key})
    assert status_of("old") == 400
    assert put(backupPolicy={"type": "Continuous", "continuousModeProperties": {"tier": "Continuous7Days"}}) == 200
    post("/dbs/d/colls", {"id": "new", "partitionKey": key})
    assert status_of("old") == status_of("new") == 304
    assert put(backupPolicy={"type": "Periodic"}) == 400
    assert put(backupPolicy={"type": "Continuous", "continuousModeProperties": {"tier": "Continuous8Days"}}) == 400


NODE_APP = """
    const { app } = require("@azure/functions");
    app.cosmosDB("work", {
        connection: "C", databaseName: "%DATABASE%", containerName: "items", createLeaseContainerIfNotExists: true,
        changeFeedMode: "AllVersionsAndDeletes",
        handler: (changes, context) => {
            for (const { current, previous, metadata } of changes)
                context.log(`WORK ${JSON.stringify([metadata.operationType, current.n ?? null, previous?.n ?? null])}`);
        },
    });
"""


@pytest.mark.skipif(not (JS / "node_modules").is_dir(), reason="needs the packages of tests/conformance/azure/js")
def test_a_function_is_set_off_by_all_writes(azure: Azure, eventually: Callable[..., Any]) -> None:
    name = new_name()
    with client_of(azure.server) as client:
        database = client.create_database(name)
        container = database.create_container("items", PartitionKey("/pk"), change_feed_policy={"retentionDuration": 5})
        container.create_item({"id": "1", "pk": "a", "n": 0})
        app = deploy(azure, package(NODE_APP), DATABASE=name, C=connection_string(azure.server))
        container.upsert_item({"id": "1", "pk": "a", "n": 1})
        container.delete_item("1", "a")
        eventually(lambda: notes(azure, app) == [["replace", 1, None], ["delete", None, 1]])
