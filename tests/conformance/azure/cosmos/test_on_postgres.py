"""The same on PostgreSQL, where any number of servers share containers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.azure.conftest import Azure
from tests.conformance.azure.cosmos.conftest import client_of, ids, new_name
from tests.conformance.azure.cosmos.test_function_triggers import APP, connection_string, notes
from tests.conformance.azure.cosmos.test_permissions import client_with

if TYPE_CHECKING:
    from collections.abc import Callable

if TYPE_CHECKING:
    from azure.cosmos import ContainerProxy

ADD = """function () {
    __.readDocument(__.getAltLink() + '/docs/0', (err, found) => {
        found.n += 1;
        __.replaceDocument(found._self, found);
        __.readDocuments(__.getSelfLink(), (err, all) => __.response.setBody(all.length));
    });
}"""


def _add(container: ContainerProxy) -> int:
    """Run a procedure; returns whether it came to its end, since others may come before again and again."""
    try:
        container.scripts.execute_stored_procedure("add", partition_key=["x", 0])
    except CosmosHttpResponseError as error:
        if error.status_code != 449:
            raise
        return 0
    return 1


def test_two_servers_have_the_same_containers(postgres_url: str) -> None:
    settings = Settings(port=0, database=postgres_url)
    with (
        ThreadedServer(settings) as one,
        ThreadedServer(settings) as other,
        client_of(one) as here,
        client_of(other) as there,
    ):
        made = here.create_database("shared").create_container(
            "c", PartitionKey(["/a", "/b"]), unique_key_policy={"uniqueKeys": [{"paths": ["/name"]}]}
        )
        seen = there.get_database_client("shared").get_container_client("c")
        for number in range(6):
            made.create_item({"id": str(number), "a": "x", "b": number % 2, "name": f"n{number}", "n": number})
        assert seen.read_item("3", ["x", 1])["n"] == 3
        query = "SELECT VALUE c.n FROM c WHERE c.n > 2 ORDER BY c.n DESC"
        found = seen.query_items(query, enable_cross_partition_query=True, max_item_count=2)
        assert list(found) == [5, 4, 3]
        assert ids(seen.query_items("SELECT * FROM c WHERE c.n = 4", partition_key=["x", 0])) == ["4"]
        assert ids(seen.query_items("SELECT * FROM c", partition_key=["x"], max_item_count=2)) == [
            "0", "2", "4", "1", "3", "5",
        ]  # fmt: skip
        with pytest.raises(CosmosHttpResponseError, match="Unique index"):
            seen.create_item({"id": "other", "a": "x", "b": 0, "name": "n0"})
        seen.patch_item("0", ["x", 0], [{"op": "incr", "path": "/n", "value": 10}])
        with pytest.raises(CosmosBatchOperationError):
            made.execute_item_batch([("delete", ("0",)), ("delete", ("none",))], partition_key=["x", 0])
        assert ids(made.query_items_change_feed(start_time="Beginning")) == ["1", "2", "3", "4", "5", "0"]
        made.scripts.create_stored_procedure({"id": "add", "body": ADD})
        for each in (made, seen, made):
            assert each.scripts.execute_stored_procedure("add", partition_key=["x", 0]) == 3
        assert made.read_item("0", ["x", 0])["n"] == 13
        with ThreadPoolExecutor(4) as threads:
            done = sum(threads.map(_add, [made, seen] * 6))
        assert done > 0
        assert made.read_item("0", ["x", 0])["n"] == 13 + done
        here.delete_database("shared")


def test_another_server_goes_on_with_a_trigger(postgres_url: str, eventually: Callable[..., Any]) -> None:
    settings = Settings(port=0, database=postgres_url)
    name = new_name()
    with ThreadedServer(settings) as other, client_of(other) as client:
        container = client.create_database(name).create_container("items", PartitionKey("/pk"))
        with ThreadedServer(settings) as one:
            azure = Azure(one)
            app = azure.create(settings={"DATABASE": name, "C": connection_string(one)})
            azure.deploy(app, function_app=APP)
            container.create_item({"id": "1", "pk": "a"})
            eventually(lambda: notes(azure, app) == [["1"]])
            azure.client.close()
        azure.server = other
        container.create_item({"id": "2", "pk": "a"})
        eventually(lambda: notes(azure, app)[1:] == [["2"]])
        client.delete_database(name)


def test_two_servers_know_the_same_users_and_writes(postgres_url: str) -> None:
    settings = Settings(port=0, database=postgres_url)
    name = new_name()
    with (
        ThreadedServer(settings) as one,
        ThreadedServer(settings) as other,
        client_of(one) as here,
        client_of(other) as there,
    ):
        database = here.create_database(name)
        container = database.create_container(
            "items", PartitionKey("/pk"), change_feed_policy={"retentionDuration": 5},
            computed_properties=[{"name": "cp_twice", "query": "SELECT VALUE c.n * 2 FROM c"}],
            indexing_policy={"includedPaths": [{"path": "/*"}, {"path": "/cp_twice/?"}]},
        )  # fmt: skip
        seen = there.get_database_client(name).get_container_client("items")
        list(seen.query_items_change_feed(mode="AllVersionsAndDeletes"))
        token = seen.client_connection.last_response_headers["etag"]
        for number in range(3):
            container.create_item({"id": str(number), "pk": "a", "n": number})
        container.delete_item("1", "a")
        changes = list(seen.query_items_change_feed(continuation=token))
        assert [each["metadata"]["operationType"] for each in changes] == ["create", "create", "create", "delete"]
        query = "SELECT VALUE c.id FROM c WHERE c.cp_twice >= 0 ORDER BY c.cp_twice DESC"
        assert list(seen.query_items(query, enable_cross_partition_query=True)) == ["2", "0"]
        user = database.create_user({"id": "u"})
        body = {"id": "p", "permissionMode": "Read", "resource": container.container_link}
        user.create_permission(body)
        permission = there.get_database_client(name).get_user_client("u").get_permission("p")
        with client_with(other, permission) as reader:
            found = reader.get_database_client(name).get_container_client("items")
            assert found.read_item("2", "a")["n"] == 2
            with pytest.raises(CosmosHttpResponseError):
                found.delete_item("2", "a")
        there.get_database_client(name).replace_user("u", {"id": "v"})
        assert ids(database.get_user_client("v").list_permissions()) == ["p"]
        here.delete_database(name)
        assert ids(there.create_database(name).list_users()) == []
        here.delete_database(name)
