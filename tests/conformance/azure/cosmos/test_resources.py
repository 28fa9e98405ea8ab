"""The account, databases, containers, throughput."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey, ThroughputProperties
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError, CosmosResourceNotFoundError

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from tests.conformance.azure.cosmos.conftest import ids, new_name, plain, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy

    from fogbank.testing.server import ThreadedServer
    from tests.conformance.azure.conftest import Answer, Azure


def test_the_account_tells_the_address_that_it_was_reached_at(client: CosmosClient, server: ThreadedServer) -> None:
    account = client.get_database_account()
    assert account.ConsistencyPolicy == {"defaultConsistencyLevel": "Session"}
    assert [each["databaseAccountEndpoint"] for each in account.WritableLocations] == [f"{server.url}/"]


def test_the_life_of_a_database(client: CosmosClient) -> None:
    name = new_name()
    made = client.create_database(name)
    with pytest.raises(CosmosResourceExistsError):
        client.create_database(name)
    assert client.create_database_if_not_exists(name).id == name
    shown = made.read()
    assert shown["id"] == name
    assert shown["_self"] == f"dbs/{shown['_rid']}/"
    assert name in ids(client.list_databases())
    query = "SELECT * FROM root r WHERE r.id = @id"
    assert ids(client.query_databases(query, parameters=[{"name": "@id", "value": name}])) == [name]
    assert len(list(client.list_databases(max_item_count=1))) == len(list(client.list_databases()))
    container = made.create_container("c", PartitionKey("/pk"))
    container.create_item({"id": "1", "pk": "a"})
    client.delete_database(name)
    with pytest.raises(CosmosResourceNotFoundError):
        made.read()
    with pytest.raises(CosmosResourceNotFoundError) as error:
        container.read_item("1", "a")
    assert refusal(error) == (404, 1003)
    with pytest.raises(CosmosResourceNotFoundError):
        client.delete_database(name)


def test_a_container_is_shown_with_what_it_has_by_default(database: DatabaseProxy) -> None:
    name = new_name()
    made = database.create_container(name, PartitionKey("/a/b"))
    shown = made.read()
    assert shown["partitionKey"] == {"paths": ["/a/b"], "kind": "Hash", "version": 2}
    assert shown["indexingPolicy"] == {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": "/*"}],
        "excludedPaths": [{"path": '/"_etag"/?'}],
    }
    assert shown["conflictResolutionPolicy"]["mode"] == "LastWriterWins"
    assert shown["_self"] == f"{database.read()['_self']}colls/{shown['_rid']}/"
    assert name in ids(database.list_containers())
    query = "SELECT * FROM c WHERE c.id = @id"
    assert ids(database.query_containers(query, parameters=[{"name": "@id", "value": name}])) == [name]
    with pytest.raises(CosmosResourceExistsError):
        database.create_container(name, PartitionKey("/a/b"))
    with pytest.raises(CosmosResourceNotFoundError) as error:
        database.client_connection.CreateContainer("dbs/nowhere", {"id": "c", "partitionKey": {"paths": ["/a"]}})
    assert refusal(error) == (404, 1003)
    database.delete_container(name)
    with pytest.raises(CosmosResourceNotFoundError) as error:
        made.read()
    assert refusal(error) == (404, 0)


def test_a_container_is_replaced(database: DatabaseProxy) -> None:
    policy = {"indexingMode": "consistent", "includedPaths": [{"path": "/*"}], "excludedPaths": [{"path": "/big/*"}]}
    made = database.create_container(new_name(), PartitionKey("/pk"), indexing_policy=policy, default_ttl=60)
    assert {"path": "/big/*"} in made.read()["indexingPolicy"]["excludedPaths"]
    assert made.read()["defaultTtl"] == 60
    database.replace_container(made, PartitionKey("/pk"), default_ttl=-1)
    assert made.read()["defaultTtl"] == -1
    with pytest.raises(CosmosHttpResponseError, match="partition key cannot be changed"):
        database.replace_container(made, PartitionKey("/other"))


COMPOSITE = [{"path": f"/v{number}", "order": "ascending"} for number in range(9)]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"indexing_policy": {"includedPaths": [{"path": "/a/?"}]}}, "special mandatory indexing path"),
        ({"indexing_policy": {"includedPaths": [{"path": "a"}]}}, "could not be accepted"),
        ({"indexing_policy": {"rangeIndexes": [{"path": "/v"}]}}, "indexingPolicy.rangeIndexes"),
        ({"indexing_policy": {"excludedPaths": [{"path": "/*"}] * 1501}}, "at most 1500 excludedPaths"),
        ({"indexing_policy": {"compositeIndexes": [COMPOSITE[:2]] * 101}}, "at most 100 compositeIndexes"),
        ({"indexing_policy": {"compositeIndexes": [COMPOSITE]}}, "at most 8 paths"),
        ({"default_ttl": 0}, "ttl '0' is invalid"),
        ({"vector_embedding_policy": {"vectorEmbeddings": [{}]}}, "The vector embedding path 'None'"),
        ({"analytical_storage_ttl": -1}, "analyticalStorageTtl"),
        ({"offer_throughput": 450}, "increments of 100"),
    ],
)
def test_containers_that_are_refused(make: Callable[..., ContainerProxy], settings: Any, words: str) -> None:
    with pytest.raises(CosmosHttpResponseError, match=words) as error:
        make("/pk", **settings)
    assert error.value.status_code == 400


def test_partition_keys_that_are_refused(database: DatabaseProxy) -> None:
    for paths in (["/a", "/b", "/c", "/d"], ["/a/", "/b"]):
        with pytest.raises(CosmosHttpResponseError, match="artition key"):
            database.create_container(new_name(), PartitionKey(paths))


def test_throughput(make: Callable[..., ContainerProxy], client: CosmosClient, azure: Azure) -> None:
    container = make("/pk", offer_throughput=500)
    assert container.get_throughput().offer_throughput == 500
    assert container.replace_throughput(1_000).offer_throughput == 1_000
    assert container.get_throughput().offer_throughput == 1_000
    with pytest.raises(CosmosHttpResponseError, match="increments of 100"):
        container.replace_throughput(1)
    adapting = make("/pk", offer_throughput=ThroughputProperties(auto_scale_max_throughput=5_000))
    assert adapting.get_throughput().auto_scale_max_throughput == 5_000
    growing = ThroughputProperties(auto_scale_max_throughput=5_000, auto_scale_increment_percent=7)
    assert make("/pk", offer_throughput=growing).get_throughput().auto_scale_increment_percent == 7
    adapting.replace_throughput(ThroughputProperties(auto_scale_max_throughput=7_000))
    assert adapting.get_throughput().auto_scale_max_throughput == 7_000
    shared = client.create_database(new_name(), offer_throughput=400)
    assert shared.replace_throughput(800).offer_throughput == 800
    within = shared.create_container("c", PartitionKey("/pk"))
    offered = [each["resource"] for each in ask(azure, "GET", "/offers").json()["Offers"]]
    assert shared.read()["_self"] in offered
    assert within.read()["_self"] not in offered


def test_consistency_levels(azure: Azure) -> None:
    for level in ("Session", "ConsistentPrefix", "Eventual"):
        assert ask(azure, "GET", "/dbs", x_ms_consistency_level=level).status == 200
    for level, words in (("Strong", "consistency level Session"), ("Lasting", "'Lasting' specified")):
        answer = ask(azure, "GET", "/dbs", x_ms_consistency_level=level)
        assert answer.status == 400
        assert words in answer.json()["message"]


def test_wrong_keys(azure: Azure) -> None:
    answer = ask(azure, "GET", "/dbs", key=b64encode(b"another").decode())
    assert (answer.status, answer.json()["code"]) == (401, "Unauthorized")
    assert "can't serve the request" in answer.json()["message"]


def ask(
    azure: Azure, method: str, path: str, key: str = EMULATOR_KEY, body: bytes | None = None, **headers: str
) -> Answer:
    """Send a request that is signed with the emulator's key."""
    date = "Fri, 27 Nov 2026 00:00:00 GMT"
    segments = path.strip("/").split("/")
    kind, link = (segments[-1], segments[:-1]) if len(segments) % 2 else (segments[-2], segments)
    text = f"{method.lower()}\n{kind}\n{'/'.join(link)}\n{date.lower()}\n\n"
    signature = b64encode(hmac.digest(b64decode(key), text.encode(), sha256)).decode()
    token = f"type=master&ver=1.0&sig={signature}".replace("=", "%3D").replace("&", "%26").replace("+", "%2B")
    known = {"authorization": token, "x-ms-date": date, "x-ms-version": "2020-07-15"}
    return azure.control(method, path, body, **known, **headers)


@pytest.mark.parametrize("what", ["attachments", "things"])
def test_what_is_refused_by_name(azure: Azure, database: DatabaseProxy, container: ContainerProxy, what: str) -> None:
    path = f"/dbs/{database.id}/colls/{container.id}/{what}"
    answer = ask(azure, "GET", path)
    assert (answer.status, answer.json()["code"]) == (400, "BadRequest")
    assert f"Fogbank does not support the operation GET {path}" in answer.json()["message"]


def test_a_request_without_a_signature(azure: Azure) -> None:
    answer = azure.control("GET", "/dbs", x_ms_version="2020-07-15")
    assert (answer.status, answer.json()["code"]) == (401, "Unauthorized")


def test_the_range_of_partition_keys(azure: Azure, database: DatabaseProxy, container: ContainerProxy) -> None:
    path = f"/dbs/{database.id}/colls/{container.id}/pkranges"
    answer = ask(azure, "GET", path)
    (only,) = answer.json()["PartitionKeyRanges"]
    assert (only["id"], only["minInclusive"], only["maxExclusive"]) == ("0", "", "FF")
    assert ask(azure, "GET", path, if_none_match=answer.headers["etag"]).status == 304
    conflicts = ask(azure, "GET", f"/dbs/{database.id}/colls/{container.id}/conflicts")
    assert conflicts.json()["Conflicts"] == []


def test_names_have_a_length(client: CosmosClient, database: DatabaseProxy) -> None:
    for create in (client.create_database, lambda name: database.create_container(name, PartitionKey("/pk"))):
        with pytest.raises(CosmosHttpResponseError, match="The input name is too long") as error:
            create("n" * 256)
        assert refusal(error) == (400, 0)
    assert database.create_container("n" * 255, PartitionKey("/pk")).read()["id"] == "n" * 255


def test_replies_tell_what_a_resource_stands_in(
    azure: Azure, database: DatabaseProxy, container: ContainerProxy
) -> None:
    path = f"/dbs/{database.id}/colls/{container.id}"
    known = {name: ask(azure, "GET", name).headers for name in (f"/dbs/{database.id}", path, f"{path}/docs")}
    found = [headers.get("x-ms-alt-content-path") for headers in known.values()]
    assert found == [None, f"dbs/{database.id}", f"dbs/{database.id}/colls/{container.id}"]
    odd = ask(azure, "GET", f"/dbs/{database.id}%0d%0ax-odd:1/colls/c").headers
    assert "x-odd" not in odd


def test_how_many_items_there_are(container: ContainerProxy) -> None:
    for number in range(3):
        container.create_item({"id": str(number), "pk": "a"})
    headers: dict[str, str] = {}
    container.read(populate_quota_info=True, response_hook=lambda found, _body: headers.update(found))
    assert "documentsCount=3;" in headers["x-ms-resource-usage"]
    assert plain(container.read())["id"] == container.id
