"""The same on PostgreSQL, where any number of servers share containers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.azure.cosmos.conftest import client_of, ids

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
