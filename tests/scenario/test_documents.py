"""Documents of all clouds through the command line, each seen through its own cloud's SDK as well."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from azure.cosmos import CosmosClient, PartitionKey
from boto3.dynamodb.types import Binary
from click.testing import CliRunner
from google.cloud.firestore import GeoPoint
from google.cloud.firestore_v1.vector import Vector

from fogbank.cli import main
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.azure.conftest import GROUP
from tests.conformance.azure.cosmos.conftest import client_of, new_name
from tests.conformance.azure.cosmos.test_accounts import PLAIN, body
from tests.conformance.gcp.firestore.conftest import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conformance.azure.conftest import Azure

ACCOUNT = "000000000000"


class Command:
    """The command line, against a server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, *arguments: str, status: int = 0, text: str | None = None) -> str:
        group, command, *rest = arguments
        result = CliRunner().invoke(main, [group, command, "--url", self.url, *rest], input=text)
        assert result.exit_code == status, result.output
        return result.output

    def follows(self, *arguments: str) -> str:
        """Return where a list says that more follow."""
        result = CliRunner().invoke(main, [*arguments[:2], "--url", self.url, *arguments[2:]])
        return shlex.split(result.stderr)[-1]

    def json(self, *arguments: str, status: int = 0) -> Any:
        result = CliRunner().invoke(
            main, [*arguments[:2], "--url", self.url, "-o", "json", *arguments[2:]], catch_exceptions=False
        )
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)


@pytest.fixture
def command(server: ThreadedServer) -> Command:
    return Command(server.url)


@pytest.fixture
def db(server: ThreadedServer, project: str) -> Iterator[Any]:
    with connect(server.url, project) as made:
        yield made


@pytest.fixture(scope="module")
def database(server: ThreadedServer) -> Iterator[Any]:
    with client_of(server) as client:
        yield client.create_database(new_name())


def tables_of(url: str) -> Any:
    return boto3.resource(
        "dynamodb", endpoint_url=url, region_name="us-east-1", aws_access_key_id=ACCOUNT, aws_secret_access_key="x"
    )


@pytest.fixture
def tables(server: ThreadedServer) -> Any:
    return tables_of(server.url)


def table(tables: Any, **keys: str) -> Any:
    names = list(keys)
    return tables.create_table(
        TableName=new_name(),
        KeySchema=[
            {"AttributeName": each, "KeyType": kind} for each, kind in zip(names, ("HASH", "RANGE"), strict=False)
        ],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in keys.items()],
        BillingMode="PAY_PER_REQUEST",
    )


def path_of(collection: Any) -> str:
    return f"{collection._client._database_string}/documents/{'/'.join(collection._path)}"


def container(database: Any, *paths: str, **settings: Any) -> tuple[Any, str]:
    key = PartitionKey(list(paths)) if len(paths) > 1 else PartitionKey(*paths)
    made = database.create_container(new_name(), key, **settings)
    return made, f"cosmos:localhost/{database.id}/{made.id}"


def changes(report: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in report["changes"]:
        found[each["kind"]] = found.get(each["kind"], 0) + each["values"]
    return found


def test_a_table(command: Command, tables: Any) -> None:
    made = table(tables, pk="S", sk="S")
    for number in range(5):
        made.put_item(Item={"pk": "a", "sk": f"n{number}", "set": {number}, "blob": b"\x01"})
    found = command.json("table", "browse", made.name, "--limit", "3")
    assert found[0] == {"pk": "a", "sk": "n0", "set": {"$set": [0]}, "blob": {"$binary": "AQ=="}}
    assert len(found) == 3
    token = command.follows("table", "browse", made.table_arn, "--limit", "3")
    assert [each["sk"] for each in command.json("table", "browse", made.name, "--after", token)] == ["n3", "n4"]
    made.put_item(Item={"pk": "a", "sk": "other"})
    assert len(command.json("table", "query", made.name, "a", "--sort-prefix", "n")) == 5
    assert command.json("table", "query", made.name, "b") == []
    assert command.run("table", "browse", made.name, "--after", token).splitlines()[-1].startswith("a other  {")
    written = '{"pk": "b", "sk": "1", "n": 12345678901234567890.5, "s": {"$set": ["x"]}, "b": {"$binary": "AA=="}}'
    assert command.run("table", "put", made.name, "-", text=written) == "b 1 is written.\n"
    assert made.get_item(Key={"pk": "b", "sk": "1"})["Item"] == {
        "pk": "b", "sk": "1", "n": Decimal("12345678901234567890.5"), "s": {"x"}, "b": Binary(b"\x00"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ('{"pk": "a"}', "Missing the key sk in the item"),
        ('{"pk": "a", "sk": 1}', "Type mismatch for key sk expected: S actual: N"),
        ('{"pk": "a", "sk": ""}', "cannot contain an empty string value. Key: sk"),
        ('{"pk": "a", "sk": "b", "t": {"$timestamp": "2020-01-01T00:00:00Z"}}', "what is at t: it is a timestamp"),
        ('{"pk": "a", "sk": "b", "n": 1e200}', "what is at n: it is a number"),
        ('{"pk": "a", "sk": "b", "x": "' + "x" * 409_600 + '"}', "Item size has exceeded"),
        ('{"pk": ', "The document is no JSON"),
        ('["pk"]', "A document is a JSON object"),
    ],
)
def test_items_are_checked_as_the_service_does(command: Command, tables: Any, document: str, message: str) -> None:
    made = table(tables, pk="S", sk="S")
    assert message in command.run("table", "put", made.name, "-", status=1, text=document)
    assert made.scan()["Count"] == 0


def test_a_table_with_other_keys(command: Command, tables: Any) -> None:
    made = table(tables, pk="N", sk="B")
    made.put_item(Item={"pk": 1, "sk": b"\x01\x02"})
    found = command.json("table", "query", made.name, "1.0", "--sort-prefix", "AQ==")
    assert found == [{"pk": 1, "sk": {"$binary": "AQI="}}]
    assert "pk has to be number" in command.run("table", "query", made.name, "x", status=1)
    assert "begins behind" in command.run("table", "browse", made.name, "--after", "x", status=1)
    alone = table(tables, pk="S")
    assert "no sort key" in command.run("table", "query", alone.name, "x", "--sort-prefix", "x", status=1)


def test_a_collection(command: Command, db: Any) -> None:
    users = db.collection("users")
    here = path_of(users)
    assert command.run("table", "browse", here) == "There are no documents.\n"
    key = command.json("table", "put", here, '{"n": 1}')["key"][0]
    assert users.document(key).get().to_dict() == {"n": 1}
    document = {
        "__name__": "ada",
        "at": {"$timestamp": "2026-01-02T03:04:05.000006Z"},
        "there": {"$geopoint": {"latitude": 1.5, "longitude": 2.5}},
        "boss": {"$reference": f"{here}/bob"},
        "vector": {"$vector": [1.0, 2.0]},
        "empty": {},
        "list": [None, True, 1, 1.5, "x", {"$binary": "AA=="}],
    }
    command.run("table", "put", here, json.dumps(document))
    found = users.document("ada").get().to_dict()
    assert found["at"] == datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
    assert found["there"] == GeoPoint(1.5, 2.5)
    assert found["boss"] == users.document("bob")
    assert found["vector"] == Vector([1.0, 2.0])
    assert (found["empty"], found["list"]) == ({}, [None, True, 1, 1.5, "x", b"\x00"])
    users.document("ada").collection("orders").document("o1").set({})
    assert command.json("table", "query", here, "ada/orders") == [{"__name__": "o1"}]
    root = here.removesuffix("/users")
    assert command.json("table", "query", root, "users", "--sort-prefix", "a") == [document]
    for name, text, message in (
        (here, '{"__x__": 1}', 'Field name "__x__" is reserved'),
        (here, '{"__name__": "a/b"}', 'Resource id "a/b" is invalid'),
        (here, '{"__name__": 1}', "which is text"),
        (here, '{"a": {"$set": ["x"]}}', "it is a set"),
        (here, '{"a": {"$geopoint": {"latitude": 99, "longitude": 0}}}', "a geo point that is none"),
        (root, "{}", "is no collection"),
        (f"{here}/ada", "{}", "is no collection"),
    ):
        assert message in command.run("table", "put", name, text, status=1)


def test_a_container(command: Command, database: Any) -> None:
    made, name = container(database, "/tenant")
    for number in range(4):
        made.create_item({"id": f"i{number}", "tenant": "t", "n": number / 2})
    assert command.json("table", "query", name, "t", "--sort-prefix", "i3") == [{"id": "i3", "tenant": "t", "n": 1.5}]
    assert command.json("table", "query", name, '["t"]', "--limit", "2")[1]["id"] == "i1"
    assert command.json("table", "query", name, "[1]") == []
    token = command.follows("table", "browse", name, "--limit", "3")
    assert [each["id"] for each in command.json("table", "browse", name, "--after", token)] == ["i3"]
    command.run("table", "put", name, '{"id": "x", "tenant": 5, "_etag": "mine"}')
    assert made.read_item("x", 5)["_etag"] != "mine"
    for text, message in (
        ('{"tenant": 1}', "the required properties - 'id; ' - are missing"),
        ('{"id": "a/b"}', "invalid characters"),
        ('{"id": "a", "ttl": 0}', "The input ttl '0' is invalid"),
        ('{"id": "a", "b": {"$binary": "AA=="}}', "Cosmos DB can't keep what is at b: it is a binary"),
    ):
        assert message in command.run("table", "put", name, text, status=1)
    unique, name = container(database, "/tenant", unique_key_policy={"uniqueKeys": [{"paths": ["/mail"]}]})
    unique.create_item({"id": "a", "mail": "m"})
    assert "Unique index" in command.run("table", "put", name, '{"id": "b", "mail": "m"}', status=1)


@pytest.mark.usefixtures("resolved")
def test_a_container_by_its_resource_id(command: Command, azure: Azure, accounts: Any) -> None:
    name = f"docs-{azure.prefix}"
    account = accounts.begin_create_or_update(GROUP, name, body(), **PLAIN).result()
    key = accounts.list_keys(GROUP, name, **PLAIN).primary_master_key
    with CosmosClient(account.properties.document_endpoint, key) as client:
        made = client.create_database("d").create_container("c", PartitionKey("/pk"))
        made.create_item({"id": "1", "pk": "a"})
        client.client_connection._global_endpoint_manager._refresh_thread.join()
    resource = f"{account.id}/sqlDatabases/d/containers/c"
    command.run("table", "put", resource, '{"id": "2", "pk": "a"}')
    assert [each["id"] for each in command.json("table", "query", resource, "a")] == ["1", "2"]
    assert [each["id"] for each in command.json("table", "browse", f"cosmos:{name}/d/c")] == ["1", "2"]
    assert "copied into itself" in command.run("docs", "copy", resource, f"cosmos:{name}/d/c", status=1)
    other = resource.replace(f"/{GROUP}/", "/other/")
    assert other != resource
    for rest in (("browse", other), ("put", other, "{}")):
        assert f"no account {name} in that resource group" in command.run("table", *rest, status=1)


@pytest.mark.parametrize("name", ["none", "cosmos:localhost/none/none", "arn:aws:dynamodb:us-east-1:1:table/none"])
def test_what_is_not_there(command: Command, name: str) -> None:
    assert f"There is no {name}." in command.run("table", "browse", name, status=1)
    assert f"There is no {name}." in command.run("table", "put", name, "{}", status=1)


@pytest.mark.parametrize("name", ["", "a/b", "arn:aws:sqs:us-east-1:1:q", "cosmos:a/b", "projects/p/topics/t"])
def test_names_that_name_nothing(command: Command, name: str) -> None:
    output = command.run("table", "browse", name, status=1)
    assert "names no table, collection or container" in output or "The parameter name is missing" in output


def test_from_dynamodb_around_the_clouds_and_back(command: Command, tables: Any, db: Any, database: Any) -> None:
    made = table(tables, pk="S", sk="N")
    with made.batch_writer() as batch:
        for number in range(130):
            batch.put_item(Item={"pk": f"u/{number % 3}", "sk": number, "tags": {"b", "a"}, "half": Decimal("0.5")})
    special = {"blob": b"\x01", "big": Decimal("1234567890123456789012.5"), "long": 2**60 + 1, "deep": [[1], [b"\x02"]]}
    made.put_item(Item={"pk": "s", "sk": 1, **special})
    users = db.collection("users")
    report = command.json("docs", "copy", made.name, path_of(users))
    assert (report["copied"], report["skipped"]) == (131, 0)
    assert changes(report) == {"set": 130, "number": 1, "list in a list": 2}
    assert users.document("u%2F1|1").get().to_dict() == {"pk": "u/1", "sk": 1, "tags": ["a", "b"], "half": 0.5}
    found = users.document("s|1").get().to_dict()
    assert (found["blob"], found["big"], found["long"]) == (b"\x01", "1234567890123456789012.5", 2**60 + 1)
    assert found["deep"] == [{"values": [1]}, {"values": [b"\x02"]}]

    items, name = container(database, "/pk")
    report = command.json("docs", "copy", path_of(users), name)
    assert (report["copied"], report["skipped"]) == (131, 0)
    assert changes(report) == {"binary": 2, "number": 1, "key": 131}
    found = items.read_item("s|1", "s")
    assert (found["blob"], found["long"], found["deep"][1]) == ("AQ==", str(2**60 + 1), {"values": ["Ag=="]})

    back = table(tables, pk="S", sk="N")
    for _ in range(2):
        report = command.json("docs", "copy", name, back.name)
        assert (report["copied"], report["skipped"], report["changes"]) == (131, 0, [])
    assert back.scan(Select="COUNT")["Count"] == 131
    assert back.get_item(Key={"pk": "u/1", "sk": 1})["Item"]["half"] == Decimal("0.5")


def test_what_is_skipped_is_told(command: Command, tables: Any, db: Any) -> None:
    users = db.collection("users")
    users.document("ada").set({"mail": "one@x"})
    users.document("bob").set({"mail": "one@x"})
    users.document("cyd").set({"mail": "cyd"})
    users.document("dan").set({})
    users.document("eve").set({"mail": "eve", "text": "x" * 500_000})
    by_mail = table(tables, mail="S")
    output = command.run("docs", "copy", path_of(users), by_mail.name, status=1)
    assert "2 documents copied, 3 skipped." in output
    assert "ada  Its mail doesn't tell it apart from others." in output
    assert "eve  Item size has exceeded the maximum allowed size" in output
    assert sorted(each["mail"] for each in by_mail.scan()["Items"]) == ["cyd", "dan"]


def test_into_cosmos_with_every_type(command: Command, db: Any, database: Any) -> None:
    people = db.collection("people")
    people.document("7").set({
        "id": 7, "at": datetime(2026, 1, 1, tzinfo=UTC), "there": GeoPoint(1, 2), "boss": people.document("8"),
        "vector": Vector([1.0]), "nan": float("nan"), "_ts": 5,
    })  # fmt: skip
    made, name = container(database, "/id")
    report = command.json("docs", "copy", path_of(people), name)
    assert changes(report) == {
        "timestamp": 1, "geopoint": 1, "reference": 1, "vector": 1, "number": 1, "system field": 1, "key": 1,
    }  # fmt: skip
    found = made.read_item("7", "7")
    assert {each: found[each] for each in ("id", "at", "there", "boss", "vector", "nan")} == {
        "id": "7", "at": "2026-01-01T00:00:00Z", "there": {"type": "Point", "coordinates": [2.0, 1.0]},
        "boss": f"{path_of(people)}/8", "vector": [1.0], "nan": "nan",
    }  # fmt: skip


def test_a_copy_has_two_ends(command: Command, tables: Any) -> None:
    made = table(tables, pk="S")
    assert "copied into itself" in command.run("docs", "copy", made.name, made.table_arn, status=1)
    assert "There is no none." in command.run("docs", "copy", made.name, "none", status=1)
    assert command.run("docs", "copy", made.name, "projects/p/databases/(default)/documents/c").startswith("0 doc")


def test_on_postgres(postgres_url: str) -> None:
    with (
        ThreadedServer(Settings(port=0, database=postgres_url)) as server,
        connect(server.url, "p") as db,
        client_of(server) as client,
    ):
        command, made = Command(server.url), table(tables_of(server.url), pk="S", sk="S")
        for number in range(3):
            made.put_item(Item={"pk": "a", "sk": str(number), "n": number})
        users = db.collection("users")
        assert command.json("docs", "copy", made.name, path_of(users))["copied"] == 3
        _, name = container(client.create_database("shared"), "/pk")
        assert command.json("docs", "copy", path_of(users), name)["copied"] == 3
        assert [each["n"] for each in command.json("table", "query", name, "a", "--sort-prefix", "a|1")] == [1]
