"""Amazon DynamoDB operations on backups on demand.

Amazon DynamoDB API Reference, "CreateBackup", "DescribeBackup", "ListBackups" and "DeleteBackup":
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateBackup.html. AWS says that a backup may have
writes of the minute after it was asked for; here it has exactly those before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.backups.names import (
    KIND,
    NAME,
    USER,
    backup_arn,
    backup_not_found,
    backup_of,
    new_id,
    no_such_table,
)
from fogbank.clouds.aws.dynamodb.billing import ON_DEMAND
from fogbank.clouds.aws.dynamodb.indexes import show_indexes
from fogbank.clouds.aws.dynamodb.schemas import show_key_schema
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_arn, table_of
from fogbank.clouds.aws.dynamodb.streams.settings import show_stream
from fogbank.engines.documents.copies import snapshots
from fogbank.engines.documents.errors import (
    CollectionBusyError,
    CollectionNotFoundError,
    SnapshotBusyError,
    SnapshotNotFoundError,
)
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.engines.documents.copies.snapshots import Snapshot

LISTED_MAX: Final = 100
READ_AT_ONCE: Final = 200


class CreateBackup(Input):
    """Input of CreateBackup."""

    TableName: str = REQUIRED
    BackupName: str = REQUIRED


@operation(CreateBackup)
async def create_backup(dynamo: Dynamo, call: Call, request: CreateBackup) -> Reply:
    """Begin a backup of a table as it is now; it is made in the background."""
    name, number = table_of(call, request.TableName), dynamo.ids.sequence()
    labels = {NAME: request.BackupName, KIND: USER}
    try:
        made = await dynamo.store.run(snapshots.create, name, number, new_id(dynamo), labels)
    except CollectionNotFoundError as error:
        raise no_such_table(error.name) from None
    except CollectionBusyError as error:
        raise AwsError("TableInUseException", f"Table is being created: {error.name}") from None
    return {"BackupDetails": _details(made)}


class DescribeBackup(Input):
    """Input of DescribeBackup."""

    BackupArn: str = REQUIRED


@operation(DescribeBackup)
async def describe_backup(dynamo: Dynamo, _call: Call, request: DescribeBackup) -> Reply:
    """Return what a backup is of, and whether it is whole."""
    try:
        found = await dynamo.store.read(snapshots.find, *backup_of(request.BackupArn))
    except SnapshotNotFoundError:
        raise backup_not_found(request.BackupArn) from None
    return {"BackupDescription": _describe(found)}


class ListBackups(Input):
    """Input of ListBackups."""

    TableName: str | None = None
    Limit: int | None = None
    TimeRangeLowerBound: float | None = None
    TimeRangeUpperBound: float | None = None
    ExclusiveStartBackupArn: str | None = None
    BackupType: str | None = None


@operation(ListBackups)
async def list_backups(dynamo: Dynamo, call: Call, request: ListBackups) -> Reply:
    """List backups by their age, those of users unless another type is asked for; also of tables that are gone."""
    table = None if request.TableName is None else table_of(call, request.TableName)
    scope = call.scope if table is None else table[0]
    after = "" if request.ExclusiveStartBackupArn is None else backup_of(request.ExclusiveStartBackupArn)[1]
    limit, kind = request.Limit or LISTED_MAX, request.BackupType or USER
    low, high = request.TimeRangeLowerBound, request.TimeRangeUpperBound
    listed: list[Snapshot] = []
    while len(listed) <= limit:
        found = await dynamo.store.read(snapshots.list_snapshots, scope, after, READ_AT_ONCE)
        listed += [
            each
            for each in found
            if (table is None or each.collection == table[1])
            and kind in ("ALL", each.config.labels[KIND])
            and (low is None or each.created_us >= low * SECOND_US)
            and (high is None or each.created_us < high * SECOND_US)
        ]
        if len(found) < READ_AT_ONCE:
            break
        after = found[-1].id
    reply: dict[str, Any] = {"BackupSummaries": [_summary(each) for each in listed[:limit]]}
    if len(listed) > limit:
        reply["LastEvaluatedBackupArn"] = backup_arn(listed[limit - 1])
    return reply


class DeleteBackup(Input):
    """Input of DeleteBackup."""

    BackupArn: str = REQUIRED


@operation(DeleteBackup)
async def delete_backup(dynamo: Dynamo, _call: Call, request: DeleteBackup) -> Reply:
    """Delete a backup that is neither being made nor restored from."""
    try:
        gone = await dynamo.store.run(snapshots.delete, *backup_of(request.BackupArn))
    except SnapshotNotFoundError:
        raise backup_not_found(request.BackupArn) from None
    except SnapshotBusyError:
        raise backup_in_use(request.BackupArn) from None
    described = _describe(gone)
    described["BackupDetails"]["BackupStatus"] = "DELETED"
    return {"BackupDescription": described}


def backup_in_use(arn: str) -> AwsError:
    """A backup that is being made, or restored from."""
    return AwsError("BackupInUseException", f"Backup is being used by another operation: {arn}")


def _details(snapshot: Snapshot) -> dict[str, Any]:
    config = snapshot.config
    details: dict[str, Any] = {
        "BackupArn": backup_arn(snapshot),
        "BackupName": config.labels[NAME],
        "BackupSizeBytes": config.size,
        "BackupStatus": "AVAILABLE" if config.available else "CREATING",
        "BackupType": config.labels[KIND],
        "BackupCreationDateTime": snapshot.created_us / SECOND_US,
    }
    if snapshot.expires_us:
        details["BackupExpiryDateTime"] = snapshot.expires_us / SECOND_US
    return details


def _summary(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "TableName": snapshot.collection,
        "TableId": snapshot.config.collection.labels["TableId"],
        "TableArn": table_arn((snapshot.scope, snapshot.collection)),
        **_details(snapshot),
    }


def _describe(snapshot: Snapshot) -> dict[str, Any]:
    config, arn = snapshot.config.collection, table_arn((snapshot.scope, snapshot.collection))
    table: dict[str, Any] = {
        "TableName": snapshot.collection,
        "TableId": config.labels["TableId"],
        "TableArn": arn,
        "TableSizeBytes": snapshot.config.size,
        "KeySchema": show_key_schema(config),
        "TableCreationDateTime": snapshot.config.created_us / SECOND_US,
        "ProvisionedThroughput": _units(config.labels),
        "ItemCount": snapshot.config.documents,
        "BillingMode": config.labels["BillingMode"],
    }
    features: dict[str, Any] = {}
    for place, indexes in show_indexes(config, arn, (0, 0)).items():
        features[place] = [{name: each[name] for name in ("IndexName", "KeySchema", "Projection")} for each in indexes]
        for shown in features[place] if place == "GlobalSecondaryIndexes" else ():
            index = next(each for each in config.indexes if each.name == shown["IndexName"])
            if config.labels["BillingMode"] != ON_DEMAND:
                shown["ProvisionedThroughput"] = _units(index.labels)
    if config.feed:
        features["StreamDescription"] = show_stream(config, arn)["StreamSpecification"]
    if config.expiry:
        features["TimeToLiveDescription"] = {"TimeToLiveStatus": "ENABLED", "AttributeName": config.expiry}
    return {
        "BackupDetails": _details(snapshot),
        "SourceTableDetails": table,
        "SourceTableFeatureDetails": features,
    }


def _units(labels: dict[str, str]) -> dict[str, int]:
    return {name: int(labels[name]) for name in ("ReadCapacityUnits", "WriteCapacityUnits")}


OPERATIONS: Final = (create_backup, delete_backup, describe_backup, list_backups)
