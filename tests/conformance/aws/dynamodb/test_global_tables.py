"""Amazon DynamoDB's global tables, version 2019.11.21, through boto3: replicas in several regions of one account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.dynamodb.test_backups import active, until
from tests.conformance.aws.dynamodb.test_streams import enabled, records
from tests.conformance.conftest import boto3_client
from tests.servers import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Any]
    Refused = Callable[..., Any]

NOW = 1_795_348_800
TABLE: dict[str, Any] = {
    "TableName": "music",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "genre", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "genres",
            "KeySchema": [{"AttributeName": "genre", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
EAST, WEST, EUROPE = "us-east-1", "us-west-2", "eu-west-1"


class Regions:
    """A client of each region, and the table in them."""

    def __init__(self, client: Make) -> None:
        self.east, self.west, self.europe = (client("dynamodb", region=name) for name in (EAST, WEST, EUROPE))

    def make(self) -> None:
        self.east.create_table(**TABLE, StreamSpecification=enabled())

    def add(self, region: str, **more: Any) -> Any:
        update = {"Create": {"RegionName": region, **more}}
        reply = self.east.update_table(TableName="music", ReplicaUpdates=[update])["TableDescription"]
        until(lambda: all(each["ReplicaStatus"] == "ACTIVE" for each in replicas(self.east)))
        return reply

    def same(self, expected: dict[str, str], *clients: Any) -> None:
        for ddb in clients or (self.east, self.west):
            until(lambda ddb=ddb: genres(ddb) == expected)


@pytest.fixture
def regions(client: Make) -> Regions:
    made = Regions(client)
    made.make()
    return made


def replicas(ddb: Any) -> list[dict[str, Any]]:
    return ddb.describe_table(TableName="music")["Table"].get("Replicas", [])


def put(ddb: Any, name: str, genre: str = "jazz", **more: Any) -> None:
    ddb.put_item(TableName="music", Item={"id": {"S": name}, "genre": {"S": genre}, **more})


def delete(ddb: Any, name: str) -> None:
    ddb.delete_item(TableName="music", Key={"id": {"S": name}})


def genres(ddb: Any) -> dict[str, str]:
    return {item["id"]["S"]: item["genre"]["S"] for item in ddb.scan(TableName="music")["Items"]}


def test_replicas_have_what_is_written_in_any_region(regions: Regions) -> None:
    put(regions.east, "old")
    described = regions.add(WEST)
    assert described["Replicas"][0]["RegionName"] == WEST
    active(regions.west, "music")
    assert replicas(regions.west) == [{"RegionName": EAST, "ReplicaStatus": "ACTIVE"}]
    put(regions.west, "new", "rock")
    delete(regions.west, "old")
    regions.same({"new": "rock"})
    regions.add(EUROPE)
    put(regions.europe, "third")
    put(regions.east, "new", "pop")
    regions.same({"new": "pop", "third": "jazz"}, regions.east, regions.west, regions.europe)
    found = regions.europe.query(
        TableName="music",
        IndexName="genres",
        KeyConditionExpression="genre = :g",
        ExpressionAttributeValues={":g": {"S": "pop"}},
    )
    assert found["Count"] == 1
    assert regions.west.describe_table(TableName="music")["Table"]["GlobalTableVersion"] == "2019.11.21"


def test_the_later_write_wins_everywhere(timed_client: Make, timed_server: ThreadedServer) -> None:
    regions = Regions(timed_client)
    regions.make()
    regions.add(WEST)
    # Of one time, so that it is decided by what is written, and everywhere the same.
    for number in range(20):
        put(regions.east, f"same {number}", "east")
        put(regions.west, f"same {number}", "west")
        put(regions.east, f"gone {number}", "east")
        delete(regions.west, f"gone {number}")
    put(regions.east, "end", "both")
    put(regions.west, "end 2", "both")
    until(lambda: "end" in genres(regions.west) and "end 2" in genres(regions.east))
    until(lambda: genres(regions.east) == genres(regions.west))
    timed_server.advance(1)
    put(regions.east, "same 1", "a")
    timed_server.advance(1)
    delete(regions.west, "same 1")
    until(lambda: "same 1" not in genres(regions.east))
    assert "same 1" not in genres(regions.west)


def test_what_replicates_shows_in_streams_once(regions: Regions, client: Make) -> None:
    regions.add(WEST)
    put(regions.east, "a")
    put(regions.west, "b")
    regions.same({"a": "jazz", "b": "jazz"})
    put(regions.east, "end")
    regions.same({"a": "jazz", "b": "jazz", "end": "jazz"})
    for region, ddb in ((EAST, regions.east), (WEST, regions.west)):
        arn = ddb.describe_table(TableName="music")["Table"]["LatestStreamArn"]
        told = records(client("dynamodbstreams", region=region), arn)
        names = [each["dynamodb"]["NewImage"]["id"]["S"] for each in told]
        assert sorted(names) == ["a", "b", "end"]
        assert {each["awsRegion"] for each in told} == {region}


def test_settings_that_replicas_share_and_their_own(regions: Regions) -> None:
    throughput = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    update = {"Update": {"IndexName": "genres", "ProvisionedThroughput": throughput}}
    regions.east.update_table(
        TableName="music",
        BillingMode="PROVISIONED",
        ProvisionedThroughput=throughput,
        GlobalSecondaryIndexUpdates=[update],
    )
    regions.add(
        WEST,
        ProvisionedThroughputOverride={"ReadCapacityUnits": 9},
        TableClassOverride="STANDARD_INFREQUENT_ACCESS",
        GlobalSecondaryIndexes=[{"IndexName": "genres", "ProvisionedThroughputOverride": {"ReadCapacityUnits": 8}}],
    )
    (shown,) = replicas(regions.east)
    assert shown["ProvisionedThroughputOverride"] == {"ReadCapacityUnits": 9}
    assert shown["ReplicaTableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert shown["GlobalSecondaryIndexes"] == [
        {"IndexName": "genres", "ProvisionedThroughputOverride": {"ReadCapacityUnits": 8}}
    ]
    change = {"Update": {"RegionName": WEST, "ProvisionedThroughputOverride": {"ReadCapacityUnits": 10}}}
    regions.east.update_table(TableName="music", ReplicaUpdates=[change])
    more = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 7}
    other = TABLE["GlobalSecondaryIndexes"][0] | {"IndexName": "other", "ProvisionedThroughput": more}
    put(regions.west, "a")
    regions.same({"a": "jazz"})
    regions.east.update_table(
        TableName="music",
        ProvisionedThroughput=more,
        AttributeDefinitions=TABLE["AttributeDefinitions"],
        GlobalSecondaryIndexUpdates=[{"Create": other}],
    )
    table = regions.west.describe_table(TableName="music")["Table"]
    units = table["ProvisionedThroughput"]
    assert (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (10, 7)
    until(
        lambda: all(
            index["IndexStatus"] == "ACTIVE"
            for ddb in (regions.east, regions.west)
            for index in ddb.describe_table(TableName="music")["Table"]["GlobalSecondaryIndexes"]
        )
    )
    found = regions.west.scan(TableName="music", IndexName="other")
    assert [item["id"]["S"] for item in found["Items"]] == ["a"]
    regions.west.update_time_to_live(
        TableName="music", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    described = regions.east.describe_time_to_live(TableName="music")["TimeToLiveDescription"]
    assert described["AttributeName"] == "until"


def test_what_expires_goes_in_all_regions(timed_client: Make, timed_server: ThreadedServer) -> None:
    regions = Regions(timed_client)
    regions.make()
    regions.add(WEST)
    regions.east.update_time_to_live(
        TableName="music", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    put(regions.east, "short", until={"N": str(NOW + 10)})
    put(regions.east, "long", until={"N": str(NOW + 10_000)})
    regions.same({"short": "jazz", "long": "jazz"})
    timed_server.advance(11)
    regions.same({"long": "jazz"})


def test_a_replica_is_deleted(regions: Regions, refused: Refused) -> None:
    regions.add(WEST)
    regions.add(EUROPE)
    reply = regions.west.update_table(TableName="music", ReplicaUpdates=[{"Delete": {"RegionName": EUROPE}}])
    assert [each["RegionName"] for each in reply["TableDescription"]["Replicas"]] == [EAST]
    assert regions.europe.list_tables()["TableNames"] == []
    put(regions.east, "a")
    regions.same({"a": "jazz"})
    # A table that is deleted leaves the group.
    regions.west.delete_table(TableName="music")
    assert replicas(regions.east) == []
    put(regions.east, "b")
    regions.add(WEST)
    regions.same({"a": "jazz", "b": "jazz"})


def test_what_is_refused(regions: Regions, ddb: Any, refused: Refused) -> None:
    def change(**update: Any) -> None:
        ddb.update_table(TableName="music", ReplicaUpdates=[update])

    with refused(
        "Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or"
        " UpdateTable as required."
    ):
        change(Create={"RegionName": EAST})
    for kind in ("Update", "Delete"):
        with refused("Replica specified in the Replica Update or Replica Delete action of the request was not found."):
            change(**{kind: {"RegionName": WEST}})
    regions.west.create_table(**TABLE)
    with refused(
        "Failed to create a the new replica of table with name: 'music' because one or more replicas already existed"
        " as tables."
    ):
        change(Create={"RegionName": WEST})
    with refused("Fogbank does not support the parameter ReplicaUpdates[0].Create.KMSMasterKeyId."):
        change(Create={"RegionName": EUROPE, "KMSMasterKeyId": "alias/mine"})
    regions.add(EUROPE)
    with refused("The stream of a table with replicas cannot be disabled: TableName: music"):
        ddb.update_table(TableName="music", StreamSpecification={"StreamEnabled": False})
    regions.west.update_table(
        TableName="music", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    )
    with pytest.raises(regions.west.exceptions.ClientError, match="view type NEW_AND_OLD_IMAGES"):
        regions.west.update_table(TableName="music", ReplicaUpdates=[{"Create": {"RegionName": "ap-south-1"}}])


def test_replication_goes_on_after_a_crash(tmp_path: Path) -> None:
    with ServerProcess("--data", str(tmp_path)) as server:
        regions = Regions(_clients(server.url))
        regions.make()
        for number in range(100):
            put(regions.east, f"old {number}")
        update = {"Create": {"RegionName": WEST}}
        regions.east.update_table(TableName="music", ReplicaUpdates=[update])
        for number in range(100):
            put(regions.east, f"new {number}")
        server.kill()
    with ServerProcess("--data", str(tmp_path)) as server:
        regions = Regions(_clients(server.url))
        active(regions.west, "music")
        until(lambda: len(genres(regions.west)) == 200)


def test_global_tables_on_postgres(postgres_url: str, shared: Path, account: str) -> None:
    with ThreadedServer(Settings(port=0, database=postgres_url, shared=shared)) as running:
        made = Regions(boto3_client(running, account))
        made.make()
        test_replicas_have_what_is_written_in_any_region(made)


def _clients(url: str) -> Make:
    import boto3

    def make(service: str, region: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=url,
            region_name=region,
            aws_access_key_id="111122223333",
            aws_secret_access_key="secret",
        )

    return make
