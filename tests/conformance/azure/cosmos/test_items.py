"""Items one by one: written, read, changed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from azure.cosmos.partition_key import NonePartitionKeyValue, NullPartitionKeyValue

from tests.conformance.azure.cosmos.conftest import client_of, ids, new_name, plain, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.cosmos import ContainerProxy, DatabaseProxy

    from fogbank.testing.server import ThreadedServer


def test_the_life_of_an_item(container: ContainerProxy) -> None:
    item = {"id": "an id é", "pk": "a", "n": 1.5, "deep": {"list": [1, None, True, "x"]}, "whole": 2**53}
    made = container.create_item(item)
    assert plain(made) == item
    assert made["_attachments"] == "attachments/"
    assert made["_self"].startswith(container.read()["_self"] + "docs/")
    assert container.read_item("an id é", "a") == made
    with pytest.raises(CosmosResourceExistsError, match="Entity with the specified id already exists"):
        container.create_item(item)
    # The same id in another partition is another item.
    assert container.create_item({**item, "pk": "b"})["_rid"] != made["_rid"]
    replaced = container.replace_item("an id é", {"id": "an id é", "pk": "a", "n": 2})
    assert replaced["_etag"] != made["_etag"]
    assert replaced["_rid"] == made["_rid"]
    assert plain(container.upsert_item({"id": "an id é", "pk": "a"})) == {"id": "an id é", "pk": "a"}
    container.delete_item("an id é", "a")
    for attempt in (
        lambda: container.read_item("an id é", "a"),
        lambda: container.delete_item("an id é", "a"),
        lambda: container.replace_item("an id é", item),
    ):
        with pytest.raises(CosmosResourceNotFoundError) as error:
            attempt()
        assert refusal(error) == (404, 0)


def test_numbers_that_are_too_large_for_integers(container: ContainerProxy) -> None:
    made = container.create_item({"id": "1", "pk": "a", "n": 10**30, "list": [2**70, -(2**64)], "kept": 2**63 - 1})
    assert (made["n"], made["list"], made["kept"]) == (1e30, [2.0**70, -(2.0**64)], 2**63 - 1)


def test_what_replies_have_in_their_headers(container: ContainerProxy) -> None:
    seen: list[dict[str, str]] = []
    made = container.create_item({"id": "1", "pk": "a"}, response_hook=lambda headers, _body: seen.append(headers))
    assert seen[0]["etag"] == made["_etag"]
    assert float(seen[0]["x-ms-request-charge"]) > 5
    assert seen[0]["x-ms-session-token"].startswith("0:-1#")
    assert seen[0]["x-ms-activity-id"]
    upserted = container.upsert_item({"id": "2", "pk": "a"}, no_response=True)
    assert dict(upserted) == {}
    assert container.read_item("2", "a")["id"] == "2"


def test_conditions_on_entity_tags(container: ContainerProxy) -> None:
    made = container.create_item({"id": "1", "pk": "a"})
    changed = container.replace_item(
        "1", {"id": "1", "pk": "a", "n": 1}, etag=made["_etag"], match_condition=MatchConditions.IfNotModified
    )
    for attempt in (
        lambda etag: container.replace_item("1", made, etag=etag, match_condition=MatchConditions.IfNotModified),
        lambda etag: container.upsert_item(made, etag=etag, match_condition=MatchConditions.IfNotModified),
        lambda etag: container.delete_item("1", "a", etag=etag, match_condition=MatchConditions.IfNotModified),
        lambda etag: container.patch_item(
            "1", "a", [{"op": "add", "path": "/x", "value": 1}], etag=etag,
            match_condition=MatchConditions.IfNotModified,
        ),
    ):  # fmt: skip
        with pytest.raises(CosmosAccessConditionFailedError) as error:
            attempt(made["_etag"])
        assert error.value.status_code == 412
    unchanged = container.read_item("1", "a", etag=changed["_etag"], match_condition=MatchConditions.IfModified)
    assert dict(unchanged) == {}
    assert container.read_item("1", "a", etag=made["_etag"], match_condition=MatchConditions.IfModified) == changed


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"id": "", "pk": "a"}, "input name is invalid"),
        ({"id": "x" * 1_024, "pk": "a"}, "too long"),
        ({"id": "1", "pk": "a", "ttl": 0}, "ttl '0' is invalid"),
        ({"id": "1", "pk": "a", "ttl": "x"}, "ttl 'x' is invalid"),
        ({"pk": "a"}, "required properties - 'id; '"),
    ],
)
def test_items_that_are_refused(container: ContainerProxy, item: dict[str, Any], words: str) -> None:
    link = container.container_link
    with pytest.raises(CosmosHttpResponseError, match=words) as error:
        container.client_connection.CreateItem(
            link, item, {"disableAutomaticIdGeneration": True, "partitionKey": item["pk"]}
        )
    assert refusal(error) == (400, 0)


def test_items_that_are_too_large(container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as error:
        container.create_item({"id": "1", "pk": "a", "text": "x" * 2_097_152})
    assert error.value.status_code == 413


def test_partition_keys_that_do_not_fit(container: ContainerProxy) -> None:
    connection, link = container.client_connection, container.container_link
    with pytest.raises(CosmosHttpResponseError, match="doesn't match the one specified") as error:
        connection.CreateItem(link, {"id": "1", "pk": "a"}, {"partitionKey": "b"})
    assert refusal(error) == (400, 1001)
    container.create_item({"id": "1", "pk": "a"})
    with pytest.raises(CosmosHttpResponseError) as error:
        connection.ReadItem(f"{link}/docs/1", {"partitionKey": ["a", "b"]})
    assert refusal(error) == (400, 1001)
    with pytest.raises(CosmosHttpResponseError, match="PartitionKey value must be supplied"):
        connection.ReadItem(f"{link}/docs/1", {})


def test_partition_keys_of_every_type(container: ContainerProxy) -> None:
    keys = ["text", "", 1, 1.0, -2.5, True, False, None, "1", "\x00"]
    for number, key in enumerate(keys):
        container.create_item({"id": str(number), "pk": key})
    container.create_item({"id": "none"})
    for number, key in enumerate(keys):
        assert container.read_item(str(number), key)["pk"] == key
    assert container.read_item("none", NonePartitionKeyValue)["id"] == "none"
    # 1 and 1.0 are one key, and so are of one partition.
    assert ids(container.query_items("SELECT * FROM c", partition_key=1)) == ["2", "3"]
    assert ids(container.query_items("SELECT * FROM c", partition_key="1")) == ["8"]
    assert ids(container.query_items("SELECT * FROM c", partition_key=True)) == ["5"]
    assert ids(container.query_items("SELECT * FROM c", partition_key=NullPartitionKeyValue)) == ["7"]


def test_hierarchical_partition_keys(make: Callable[..., ContainerProxy]) -> None:
    container = make("/tenant", "/user", "/session")
    for number, (tenant, user, session) in enumerate([("a", "b", 1), ("a", "b", 2), ("a", "c", 1), ("ab", "", 1)]):
        container.create_item({"id": str(number), "tenant": tenant, "user": user, "session": session})
    assert container.read_item("1", ["a", "b", 2])["session"] == 2
    everything = "SELECT * FROM c"
    assert ids(container.query_items(everything, partition_key=["a"])) == ["0", "1", "2"]
    assert ids(container.query_items(everything, partition_key=["a", "b"])) == ["0", "1"]
    assert ids(container.query_items(everything, partition_key=["a", "b", 2])) == ["1"]
    container.delete_item("0", ["a", "b", 1])
    assert ids(container.read_all_items()) == ["1", "2", "3"]


def test_a_partition_is_deleted(container: ContainerProxy) -> None:
    for number in range(7):
        container.create_item({"id": str(number), "pk": "ab"[number % 2]})
    container.delete_all_items_by_partition_key("b")
    assert ids(container.read_all_items()) == ["0", "2", "4", "6"]
    assert ids(container.query_items("SELECT * FROM c WHERE c.pk = 'b'", enable_cross_partition_query=True)) == []


def test_unique_keys(make: Callable[..., ContainerProxy]) -> None:
    container = make("/pk", unique_key_policy={"uniqueKeys": [{"paths": ["/name", "/a/b"]}]})
    container.create_item({"id": "1", "pk": "a", "name": "x", "a": {"b": 1}})
    container.create_item({"id": "2", "pk": "a", "name": "x", "a": {"b": 2}})
    container.create_item({"id": "1", "pk": "b", "name": "x", "a": {"b": 1}})
    same = {"pk": "a", "name": "x", "a": {"b": 1}}
    for attempt in (
        lambda: container.create_item({**same, "id": "3"}),
        lambda: container.upsert_item({**same, "id": "2"}),
        lambda: container.replace_item("2", {**same, "id": "2"}),
        lambda: container.patch_item("2", "a", [{"op": "set", "path": "/a/b", "value": 1}]),
    ):
        with pytest.raises(CosmosHttpResponseError, match="Unique index constraint violation") as error:
            attempt()
        assert error.value.status_code == 409
    container.upsert_item({**same, "id": "1", "more": 1})
    container.delete_item("1", "a")
    container.create_item({**same, "id": "3"})
    container.create_item({"id": "4", "pk": "a"})
    with pytest.raises(CosmosResourceExistsError):
        container.create_item({"id": "5", "pk": "a", "name": {"no": "value"}})


def test_patches(container: ContainerProxy) -> None:
    container.create_item({"id": "1", "pk": "a", "n": 1, "list": [1, 2], "old": "x", "deep": {"a": 1}})
    operations = [
        {"op": "add", "path": "/list/0", "value": 0},
        {"op": "add", "path": "/list/-", "value": 3},
        {"op": "set", "path": "/deep/b", "value": {"c": 1}},
        {"op": "replace", "path": "/deep/a", "value": 2},
        {"op": "incr", "path": "/n", "value": 1.5},
        {"op": "incr", "path": "/new", "value": 4},
        {"op": "move", "from": "/old", "path": "/moved"},
        {"op": "remove", "path": "/list/1"},
    ]
    found = container.patch_item("1", "a", operations)
    assert plain(found) == {
        "id": "1", "pk": "a", "n": 2.5, "list": [0, 2, 3], "deep": {"a": 2, "b": {"c": 1}}, "new": 4, "moved": "x",
    }  # fmt: skip
    condition = "from c where c.n > 10"
    with pytest.raises(CosmosHttpResponseError) as error:
        container.patch_item("1", "a", [{"op": "remove", "path": "/new"}], filter_predicate=condition)
    assert error.value.status_code == 412
    container.patch_item("1", "a", [{"op": "remove", "path": "/new"}], filter_predicate="from c where c.n = 2.5")
    assert "new" not in container.read_item("1", "a")
    with pytest.raises(CosmosResourceNotFoundError):
        container.patch_item("2", "a", [{"op": "remove", "path": "/new"}])
    with pytest.raises(CosmosHttpResponseError, match="doesn't match the one specified"):
        container.patch_item("1", "a", [{"op": "set", "path": "/pk", "value": "b"}])


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        ([{"op": "remove", "path": "/none"}], "is not there"),
        ([{"op": "add", "path": "/x", "value": 1}, {"op": "remove", "path": "/none"}], r"Operation\(2\)"),
        ([{"op": "replace", "path": "/none", "value": 1}], "is not there"),
        ([{"op": "add", "path": "/list/9", "value": 1}], "is not there"),
        ([{"op": "set", "path": "/a/b/c", "value": 1}], "cannot create path recursively, no path found beyond: .*a"),
        ([{"op": "incr", "path": "/text", "value": 1}], "no number"),
        ([{"op": "set", "path": "/id", "value": "x"}], "system property"),
        ([{"op": "twist", "path": "/x", "value": 1}], "'twist' is invalid"),
        ([{"op": "add", "path": "/x"}], "requires a value"),
        ([{"op": "add", "path": "x", "value": 1}], "path 'x'"),
        ([{"op": "add", "path": "/x", "value": 1}] * 11, "can't exceed '10'"),
        ([], "must have operations"),
    ],
)
def test_patches_that_are_refused(container: ContainerProxy, operations: list[Any], words: str) -> None:
    container.create_item({"id": "1", "pk": "a", "list": [], "text": "x"})
    with pytest.raises(CosmosHttpResponseError, match=words) as error:
        container.patch_item("1", "a", operations)
    assert error.value.status_code == 400
    assert plain(container.read_item("1", "a")) == {"id": "1", "pk": "a", "list": [], "text": "x"}


def test_a_container_that_was_made_anew(server: ThreadedServer, database: DatabaseProxy) -> None:
    name = new_name()
    with client_of(server) as other:
        old = database.create_container(name, PartitionKey("/pk"))
        old.create_item({"id": "1", "pk": "a"})
        there = other.get_database_client(database.id)
        there.delete_container(name)
        there.create_container(name, PartitionKey("/other"))
        # The client learns of it and goes on with the new key.
        assert old.create_item({"id": "2", "other": "b"})["other"] == "b"


def test_time_to_live(timed: DatabaseProxy, timed_server: ThreadedServer) -> None:
    container = timed.create_container("c", PartitionKey("/pk"), default_ttl=100)
    container.create_item({"id": "default", "pk": "a"})
    container.create_item({"id": "short", "pk": "a", "ttl": 10})
    container.create_item({"id": "ever", "pk": "a", "ttl": -1})
    timed_server.advance(11)
    assert ids(container.read_all_items()) == ["default", "ever"]
    container.upsert_item({"id": "default", "pk": "a"})
    timed_server.advance(95)
    assert ids(container.read_all_items()) == ["default", "ever"]
    timed_server.advance(6)
    assert ids(container.read_all_items()) == ["ever"]
    kept = timed.create_container("kept", PartitionKey("/pk"))
    kept.create_item({"id": "1", "pk": "a", "ttl": 1})
    timed_server.advance(10)
    assert ids(kept.read_all_items()) == ["1"]
    # From now on its own ttl counts.
    timed.replace_container(kept, PartitionKey("/pk"), default_ttl=-1)
    timed_server.advance(1)
    assert ids(kept.read_all_items()) == []
