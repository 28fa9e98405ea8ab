"""Amazon DynamoDB's backups and point-in-time recovery through boto3."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.dynamodb.test_streams import enabled
from tests.conformance.conftest import boto3_client
from tests.servers import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Any]
    Refused = Callable[..., Any]

NOW = 1_795_348_800
DAY = 86_400
SECONDS_MAX = 30
TABLE: dict[str, Any] = {
    "TableName": "orders",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
        {"AttributeName": "colour", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "colours",
            "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "local",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "colour", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}


def put(ddb: Any, number: int, colour: str = "red", table: str = "orders") -> None:
    ddb.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"N": str(number)}, "colour": {"S": colour}})


def delete(ddb: Any, number: int) -> None:
    ddb.delete_item(TableName="orders", Key={"pk": {"S": "a"}, "sk": {"N": str(number)}})


def colours(ddb: Any, table: str = "orders") -> dict[int, str]:
    items = ddb.query(
        TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "a"}}
    )["Items"]
    return {int(item["sk"]["N"]): item["colour"]["S"] for item in items}


def until(check: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS_MAX
    while not (found := check()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def active(ddb: Any, name: str) -> dict[str, Any]:
    def found() -> Any:
        table = ddb.describe_table(TableName=name)["Table"]
        return table if table["TableStatus"] == "ACTIVE" else None

    return until(found)


def backup(ddb: Any, name: str = "first", table: str = "orders") -> str:
    """Make a backup, and wait for it; returns its ARN."""
    made = ddb.create_backup(TableName=table, BackupName=name)["BackupDetails"]
    assert (made["BackupStatus"], made["BackupType"], made["BackupName"]) == ("CREATING", "USER", name)
    arn = str(made["BackupArn"])
    until(lambda: described(ddb, arn)["BackupDetails"]["BackupStatus"] == "AVAILABLE")
    return arn


def described(ddb: Any, arn: str) -> Any:
    return ddb.describe_backup(BackupArn=arn)["BackupDescription"]


def recovery(ddb: Any, *, on: bool = True, **more: Any) -> Any:
    wanted = {"PointInTimeRecoveryEnabled": on, **more}
    reply = ddb.update_continuous_backups(TableName="orders", PointInTimeRecoverySpecification=wanted)
    return reply["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]


@pytest.fixture
def orders(ddb: Any) -> Any:
    ddb.create_table(**TABLE, StreamSpecification=enabled())
    put(ddb, 1)
    put(ddb, 2, "blue")
    return ddb


def test_a_backup_is_described_and_restored(orders: Any, refused: Refused) -> None:
    arn = backup(orders)
    put(orders, 1, "green")
    put(orders, 3)
    found = described(orders, arn)
    source = found["SourceTableDetails"]
    assert (source["TableName"], source["ItemCount"], source["BillingMode"]) == ("orders", 2, "PAY_PER_REQUEST")
    assert source["KeySchema"] == TABLE["KeySchema"]
    assert source["TableSizeBytes"] == found["BackupDetails"]["BackupSizeBytes"] > 0
    features = found["SourceTableFeatureDetails"]
    assert features["StreamDescription"] == enabled()
    assert features["GlobalSecondaryIndexes"] == TABLE["GlobalSecondaryIndexes"]
    assert features["LocalSecondaryIndexes"] == TABLE["LocalSecondaryIndexes"]
    made = orders.restore_table_from_backup(TargetTableName="again", BackupArn=arn)["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    assert made["RestoreSummary"]["RestoreInProgress"] is True
    table = active(orders, "again")
    assert table["RestoreSummary"] == {
        "SourceBackupArn": arn,
        "SourceTableArn": source["TableArn"],
        "RestoreDateTime": found["BackupDetails"]["BackupCreationDateTime"],
        "RestoreInProgress": False,
    }
    assert colours(orders, "again") == {1: "red", 2: "blue"}
    assert "StreamSpecification" not in table
    blue = orders.query(
        TableName="again",
        IndexName="colours",
        KeyConditionExpression="colour = :c",
        ExpressionAttributeValues={":c": {"S": "blue"}},
    )
    assert [item["sk"]["N"] for item in blue["Items"]] == ["2"]
    with refused("Table already exists: again", "TableAlreadyExistsException"):
        orders.restore_table_from_backup(TargetTableName="again", BackupArn=arn)
    gone = orders.delete_backup(BackupArn=arn)["BackupDescription"]
    assert gone["BackupDetails"]["BackupStatus"] == "DELETED"
    for work in (orders.describe_backup, orders.delete_backup):
        with refused(f"Backup not found: {arn}", "BackupNotFoundException"):
            work(BackupArn=arn)
    with refused(f"Backup not found: {arn}", "BackupNotFoundException"):
        orders.restore_table_from_backup(TargetTableName="other", BackupArn=arn)
    with refused("Table not found: missing", "TableNotFoundException"):
        orders.create_backup(TableName="missing", BackupName="first")


def test_what_is_restored_may_be_paid_for_and_indexed_otherwise(orders: Any, refused: Refused) -> None:
    arn = backup(orders)
    throughput = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}
    orders.restore_table_from_backup(
        TargetTableName="provisioned",
        BackupArn=arn,
        BillingModeOverride="PROVISIONED",
        ProvisionedThroughputOverride=throughput,
        GlobalSecondaryIndexOverride=[],
    )
    table = active(orders, "provisioned")
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
    assert "GlobalSecondaryIndexes" not in table
    assert [each["IndexName"] for each in table["LocalSecondaryIndexes"]] == ["local"]
    other = TABLE["GlobalSecondaryIndexes"][0] | {"IndexName": "other"}
    with refused("Index other does not match an index of the source table"):
        orders.restore_table_from_backup(TargetTableName="third", BackupArn=arn, GlobalSecondaryIndexOverride=[other])
    with refused("Fogbank does not support the parameter OnDemandThroughputOverride."):
        orders.restore_table_from_backup(
            TargetTableName="third", BackupArn=arn, OnDemandThroughputOverride={"MaxReadRequestUnits": 1}
        )


def test_backups_are_listed_by_table_type_and_time(timed_client: Make, timed_server: ThreadedServer) -> None:
    ddb = timed_client("dynamodb")
    ddb.create_table(**TABLE)
    ddb.create_table(**TABLE | {"TableName": "others"})
    arns = []
    for name in ("one", "two", "three"):
        arns.append(backup(ddb, name))
        timed_server.advance(10)
    arns.append(backup(ddb, "four", "others"))
    recovery(ddb)
    ddb.delete_table(TableName="orders")

    def listed(**wanted: Any) -> list[str]:
        return [each["BackupName"] for each in ddb.list_backups(**wanted)["BackupSummaries"]]

    assert listed() == ["one", "two", "three", "four"]
    assert listed(TableName="others") == ["four"]
    assert listed(BackupType="SYSTEM") == ["orders$DeletedTableBackup"]
    assert len(listed(BackupType="ALL")) == 5
    assert listed(BackupType="AWS_BACKUP") == []
    assert listed(TimeRangeLowerBound=NOW + 10, TimeRangeUpperBound=NOW + 20) == ["two"]
    page = ddb.list_backups(Limit=2)
    assert page["LastEvaluatedBackupArn"] == arns[1]
    rest = ddb.list_backups(Limit=2, ExclusiveStartBackupArn=arns[1])
    assert [each["BackupArn"] for each in rest["BackupSummaries"]] == arns[2:]
    assert "LastEvaluatedBackupArn" not in rest


def test_a_deleted_table_is_restored_for_35_days(timed_client: Make, timed_server: ThreadedServer) -> None:
    ddb = timed_client("dynamodb")
    ddb.create_table(**TABLE)
    put(ddb, 1)
    recovery(ddb)
    ddb.delete_table(TableName="orders")
    timed_server.advance(120)
    (summary,) = ddb.list_backups(BackupType="SYSTEM")["BackupSummaries"]
    assert summary["BackupExpiryDateTime"].timestamp() == NOW + 35 * DAY
    ddb.restore_table_from_backup(TargetTableName="orders", BackupArn=summary["BackupArn"])
    active(ddb, "orders")
    assert colours(ddb) == {1: "red"}
    timed_server.advance(35 * DAY)
    assert ddb.list_backups(BackupType="ALL")["BackupSummaries"] == []


def test_a_table_is_restored_to_any_second(timed_client: Make, timed_server: ThreadedServer, refused: Refused) -> None:
    ddb = timed_client("dynamodb")
    ddb.create_table(**TABLE)
    put(ddb, 1)

    def restored(target: str, at: int | None) -> dict[int, str]:
        when = {"UseLatestRestorableTime": True} if at is None else {"RestoreDateTime": at}
        ddb.restore_table_to_point_in_time(SourceTableName="orders", TargetTableName=target, **when)
        table = active(ddb, target)
        summary = table["RestoreSummary"]
        assert "SourceBackupArn" not in summary
        assert summary["RestoreDateTime"].timestamp() == (at or NOW + 20)
        return colours(ddb, target)

    with refused("Point in time recovery is not enabled for table 'orders'", "PointInTimeRecoveryUnavailableException"):
        restored("never", NOW)
    shown = recovery(ddb)
    assert (shown["PointInTimeRecoveryStatus"], shown["RecoveryPeriodInDays"]) == ("ENABLED", 35)
    timed_server.advance(10)
    put(ddb, 1, "green")
    put(ddb, 2)
    timed_server.advance(10)
    put(ddb, 1, "blue")
    delete(ddb, 2)
    put(ddb, 3)
    assert restored("at-first", NOW) == {1: "red"}
    assert restored("between", NOW + 15) == {1: "green", 2: "red"}
    assert restored("latest", None) == {1: "blue", 3: "red"}
    outside = (
        "An invalid restore time was specified. RestoreDateTime must be between EarliestRestorableDateTime and"
        " LatestRestorableDateTime."
    )
    for at in (NOW - 1, NOW + 21):
        with refused(outside, "InvalidRestoreTimeException"):
            restored("never", at)
    with refused("Exactly one of UseLatestRestorableTime or RestoreDateTime must be specified"):
        ddb.restore_table_to_point_in_time(SourceTableName="orders", TargetTableName="never")
    with refused("Table not found: missing", "TableNotFoundException"):
        ddb.restore_table_to_point_in_time(
            SourceTableName="missing", TargetTableName="never", UseLatestRestorableTime=True
        )


def test_recovery_goes_back_as_far_as_it_is_kept(timed_client: Make, timed_server: ThreadedServer) -> None:
    ddb = timed_client("dynamodb")
    ddb.create_table(**TABLE)
    recovery(ddb, RecoveryPeriodInDays=2)
    timed_server.advance(3 * DAY)
    shown = ddb.describe_continuous_backups(TableName="orders")["ContinuousBackupsDescription"]
    assert shown["ContinuousBackupsStatus"] == "ENABLED"
    shown = shown["PointInTimeRecoveryDescription"]
    at = dt.datetime.fromtimestamp(NOW, dt.UTC)
    assert shown["EarliestRestorableDateTime"] == at + dt.timedelta(days=1)
    assert shown["LatestRestorableDateTime"] == at + dt.timedelta(days=3)
    assert recovery(ddb, on=False) == {"PointInTimeRecoveryStatus": "DISABLED"}
    # What was is forgotten: it begins anew.
    assert recovery(ddb)["EarliestRestorableDateTime"] == at + dt.timedelta(days=3)


def test_a_restore_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    with ServerProcess("--data", str(tmp_path)) as server:
        ddb = _client(server.url)
        ddb.create_table(**TABLE)
        for start in range(0, 600, 25):
            items = [
                {"PutRequest": {"Item": {"pk": {"S": "a"}, "sk": {"N": str(n)}, "colour": {"S": "red"}}}}
                for n in range(start, start + 25)
            ]
            ddb.batch_write_item(RequestItems={"orders": items})
        recovery(ddb)
        ddb.restore_table_to_point_in_time(
            SourceTableName="orders", TargetTableName="again", UseLatestRestorableTime=True
        )
        server.kill()
    with ServerProcess("--data", str(tmp_path)) as server:
        ddb = _client(server.url)
        assert active(ddb, "again")["ItemCount"] == 600
        assert len(colours(ddb, "again")) == 600


def test_backups_on_postgres(postgres_url: str, shared: Path, refused: Refused, account: str) -> None:
    with ThreadedServer(Settings(port=0, database=postgres_url, shared=shared)) as running:
        ddb = boto3_client(running, account)("dynamodb")
        ddb.create_table(**TABLE, StreamSpecification=enabled())
        put(ddb, 1)
        put(ddb, 2, "blue")
        test_a_backup_is_described_and_restored(ddb, refused)
        assert recovery(ddb)["PointInTimeRecoveryStatus"] == "ENABLED"
        put(ddb, 9)
        ddb.restore_table_to_point_in_time(
            SourceTableName="orders", TargetTableName="latest", UseLatestRestorableTime=True
        )
        active(ddb, "latest")
        assert colours(ddb, "latest") == colours(ddb)


def _client(url: str) -> Any:
    import boto3

    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="111122223333",
        aws_secret_access_key="secret",
    )
