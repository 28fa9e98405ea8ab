"""The same on PostgreSQL, where any number of servers share containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.azure.conftest import Azure
from tests.conformance.azure.cosmos.conftest import client_of, ids, new_name
from tests.conformance.azure.cosmos.test_function_triggers import APP, connection_string, notes

if TYPE_CHECKING:
    from collections.abc import Callable


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
