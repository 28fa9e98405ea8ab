"""Users, their permissions, and what the tokens of these allow."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError, CosmosResourceNotFoundError

from tests.conformance.azure.cosmos.conftest import ids, new_name, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.cosmos import ContainerProxy, DatabaseProxy, UserProxy

    from fogbank.testing.server import ThreadedServer


@pytest.fixture
def user(database: DatabaseProxy) -> UserProxy:
    return database.create_user({"id": new_name()})


@contextmanager
def client_with(server: ThreadedServer, permission: Any) -> Iterator[CosmosClient]:
    token = permission.properties["_token"]
    with CosmosClient(server.url, {permission.resource_link: token}, retry_total=0) as made:
        yield made
        made.client_connection._global_endpoint_manager._refresh_thread.join()


def link(container: ContainerProxy, *below: str) -> str:
    return "/".join([container.container_link, *below])


def test_users_are_kept(database: DatabaseProxy) -> None:
    name = new_name()
    made = database.create_user({"id": name})
    assert made.read()["_permissions"] == "permissions/"
    with pytest.raises(CosmosResourceExistsError):
        database.create_user({"id": name})
    assert database.upsert_user({"id": name}).read()["_rid"] == made.read()["_rid"]
    assert name in ids(database.list_users())
    assert ids(database.query_users(f"SELECT * FROM u WHERE u.id = '{name}'")) == [name]
    renamed = database.replace_user(made, {"id": f"{name}-2"})
    assert renamed.read()["id"] == f"{name}-2"
    with pytest.raises(CosmosResourceNotFoundError):
        database.get_user_client(name).read()
    database.delete_user(f"{name}-2")
    with pytest.raises(CosmosResourceNotFoundError):
        database.delete_user(f"{name}-2")


def test_permissions_are_kept(user: UserProxy, container: ContainerProxy) -> None:
    body = {"id": "one", "permissionMode": "Read", "resource": link(container)}
    made = user.create_permission(body)
    assert (made.permission_mode, made.resource_link) == ("Read", container.container_link)
    assert made.properties["_token"].startswith("type=resource&ver=1.0&sig=")
    for taken in (body, {**body, "id": "two"}):
        with pytest.raises(CosmosResourceExistsError):
            user.create_permission(taken)
    user.create_permission({**body, "id": "two", "resourcePartitionKey": ["a"]})
    assert ids(user.list_permissions()) == ["one", "two"]
    assert ids(user.query_permissions("SELECT * FROM p WHERE p.permissionMode = 'Read' AND p.id = 'two'")) == ["two"]
    assert user.get_permission("two").properties["resourcePartitionKey"] == ["a"]
    assert user.replace_permission("one", {**body, "permissionMode": "All"}).permission_mode == "All"
    assert user.upsert_permission({**body, "permissionMode": "read"}).permission_mode == "Read"
    user.delete_permission("one")
    with pytest.raises(CosmosResourceNotFoundError):
        user.get_permission("one")


@pytest.mark.parametrize(
    "wrong",
    [{"permissionMode": "Write"}, {"resource": "dbs/d"}, {"resource": "dbs/d/users/u"}, {"resourcePartitionKey": 1}],
)
def test_what_can_not_be_permitted(user: UserProxy, container: ContainerProxy, wrong: dict[str, Any]) -> None:
    body = {"id": "one", "permissionMode": "Read", "resource": link(container), **wrong}
    with pytest.raises(CosmosHttpResponseError) as refused:
        user.create_permission(body)
    assert refusal(refused)[0] == 400


def test_what_is_not_there_can_not_be_permitted(user: UserProxy, database: DatabaseProxy) -> None:
    body = {"id": "one", "permissionMode": "Read", "resource": f"{database.database_link}/colls/none"}
    with pytest.raises(CosmosResourceNotFoundError):
        user.create_permission(body)
    with pytest.raises(CosmosResourceNotFoundError):
        database.get_user_client("nobody").create_permission({**body, "resource": "dbs/d/colls/c"})


def test_a_token_allows_what_its_permission_says(
    server: ThreadedServer, database: DatabaseProxy, user: UserProxy, make: Callable[..., ContainerProxy]
) -> None:
    container, other = make("/pk"), make("/pk")
    container.create_item({"id": "1", "pk": "a"})
    container.create_item({"id": "2", "pk": "b"})

    def forbidden(what: Callable[[], Any]) -> bool:
        with pytest.raises(CosmosHttpResponseError) as refused:
            what()
        return refusal(refused)[0] == 403

    def open_in(client: CosmosClient, name: str = container.id) -> ContainerProxy:
        return client.get_database_client(database.id).get_container_client(name)

    read = user.create_permission({"id": "read", "permissionMode": "Read", "resource": link(container)})
    with client_with(server, read) as client:
        mine = open_in(client)
        assert mine.read_item("1", "a")["id"] == "1"
        assert ids(mine.query_items("SELECT * FROM c", enable_cross_partition_query=True)) == ["1", "2"]
        assert ids(mine.query_items_change_feed(start_time="Beginning")) == ["1", "2"]
        assert forbidden(lambda: mine.create_item({"id": "3", "pk": "a"}))
        assert forbidden(lambda: mine.delete_item("1", "a"))
        token = read.properties["_token"]
        client.client_connection.resource_tokens = {other.container_link: token}
        assert forbidden(lambda: open_in(client, other.id).read_item("1", "a"))
        client.client_connection.resource_tokens = {database.database_link: token}
        assert forbidden(lambda: client.get_database_client(database.id).read())
        changed = token.replace("sig=", "sig=A")
        client.client_connection.resource_tokens = {container.container_link: changed}
        with pytest.raises(CosmosHttpResponseError) as refused:
            mine.read_item("1", "a")
        assert refusal(refused)[0] == 401

    body = {"id": "all", "permissionMode": "All", "resource": link(container), "resourcePartitionKey": ["a"]}
    with client_with(server, user.create_permission(body)) as client:
        mine = open_in(client)
        mine.create_item({"id": "3", "pk": "a"})
        mine.patch_item("3", "a", [{"op": "add", "path": "/n", "value": 1}])
        assert ids(mine.query_items("SELECT * FROM c", partition_key="a")) == ["1", "3"]
        mine.execute_item_batch([("upsert", ({"id": "3", "pk": "a"},))], "a")
        assert forbidden(lambda: mine.execute_item_batch([("read", ("2",))], "b"))
        assert forbidden(lambda: mine.read_item("2", "b"))
        assert forbidden(lambda: mine.create_item({"id": "4", "pk": "b"}))
        assert forbidden(lambda: list(mine.query_items("SELECT * FROM c", enable_cross_partition_query=True)))

    body = {"id": "item", "permissionMode": "All", "resource": link(container, "docs", "1")}
    with client_with(server, user.create_permission(body)) as client:
        mine = open_in(client)
        assert mine.replace_item("1", {"id": "1", "pk": "a", "n": 1})["n"] == 1
        client.client_connection.resource_tokens[link(container)] = next(
            iter(client.client_connection.resource_tokens.values())
        )
        assert forbidden(lambda: mine.read_item("3", "a"))
        assert forbidden(lambda: list(mine.read_all_items()))


def test_a_token_expires(timed: DatabaseProxy, timed_server: ThreadedServer) -> None:
    container = timed.create_container(new_name(), PartitionKey("/pk"))
    container.create_item({"id": "1", "pk": "a"})
    user = timed.create_user({"id": new_name()})
    body = {"id": "one", "permissionMode": "Read", "resource": link(container)}
    short = user.create_permission(body, resource_token_expiry_seconds=60)
    long = user.get_permission("one")

    def read(permission: Any) -> str:
        with client_with(timed_server, permission) as client:
            found = client.get_database_client(timed.id).get_container_client(container.id)
            return str(found.read_item("1", "a")["id"])

    assert read(short) == read(long) == "1"
    timed_server.advance(61)
    assert read(long) == "1"
    with pytest.raises(CosmosHttpResponseError) as refused:
        read(short)
    assert refusal(refused)[0] == 403
    timed_server.advance(3_600)
    with pytest.raises(CosmosHttpResponseError):
        read(long)
    with pytest.raises(CosmosHttpResponseError, match="18000"):
        user.create_permission({**body, "id": "two"}, resource_token_expiry_seconds=18_001)
    timed.delete_user(user)
