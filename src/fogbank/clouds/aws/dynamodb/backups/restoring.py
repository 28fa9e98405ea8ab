"""Amazon DynamoDB operations that make a table of a backup, or of what another table was.

Amazon DynamoDB API Reference, "RestoreTableFromBackup" and "RestoreTableToPointInTime":
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html. A restored table has
the source's keys, indexes and throughput, but where something else is asked for; tags, streams, time to live,
protection and recovery are to be set anew. It can be used once it is ACTIVE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.backups.backups import backup_in_use
from fogbank.clouds.aws.dynamodb.backups.names import (
    backup_not_found,
    backup_of,
    no_such_table,
    restored_labels,
)
from fogbank.clouds.aws.dynamodb.backups.recovery import earliest_us
from fogbank.clouds.aws.dynamodb.billing import Throughput, first_labels
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.indexes import (
    GlobalSecondaryIndex,
    LocalSecondaryIndex,
    is_local,
    read_indexes,
    same_index,
    with_mode,
)
from fogbank.clouds.aws.dynamodb.schemas import AttributeDefinition, show_schema
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_arn, table_of
from fogbank.clouds.aws.dynamodb.tables import Encryption, check_encryption, show_table
from fogbank.engines.documents import collections
from fogbank.engines.documents.copies import snapshots
from fogbank.engines.documents.errors import (
    CollectionBusyError,
    CollectionExistsError,
    CollectionNotFoundError,
    SnapshotBusyError,
    SnapshotNotFoundError,
)
from fogbank.engines.documents.model import CollectionConfig, Totals
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from fogbank.engines.documents.model import Collection, Index


# Later than any clock, and a number still in microseconds.
_SECONDS_MAX: Final = float(1 << 40)


class RestoreTableFromBackup(Input):
    """Input of RestoreTableFromBackup."""

    TargetTableName: str = REQUIRED
    BackupArn: str = REQUIRED
    BillingModeOverride: str | None = None
    GlobalSecondaryIndexOverride: list[GlobalSecondaryIndex] | None = None
    LocalSecondaryIndexOverride: list[LocalSecondaryIndex] | None = None
    ProvisionedThroughputOverride: Throughput | None = None
    SSESpecificationOverride: Encryption | None = None


@operation(RestoreTableFromBackup)
async def restore_table_from_backup(dynamo: Dynamo, call: Call, request: RestoreTableFromBackup) -> Reply:
    """Begin to make a table of a backup."""
    scope, backup = backup_of(request.BackupArn)
    target = table_of(call, request.TargetTableName)
    try:
        found = await dynamo.store.read(snapshots.find, scope, backup)
        source = found.config.collection
        origin = restored_labels(table_arn((scope, found.collection)), found.created_us, request.BackupArn)
        config = _restored(dynamo, source, request, origin)
        number = dynamo.ids.sequence()
        work = dynamo.store.run(snapshots.restore, scope, backup, target, number, config)
        table = await _made(work)
    except SnapshotNotFoundError:
        raise backup_not_found(request.BackupArn) from None
    except SnapshotBusyError:
        raise backup_in_use(request.BackupArn) from None
    return {"TableDescription": show_table(dynamo, table, Totals(0, 0))}


class RestoreTableToPointInTime(Input):
    """Input of RestoreTableToPointInTime."""

    SourceTableArn: str | None = None
    SourceTableName: str | None = None
    TargetTableName: str = REQUIRED
    UseLatestRestorableTime: bool | None = None
    RestoreDateTime: float | None = None
    BillingModeOverride: str | None = None
    GlobalSecondaryIndexOverride: list[GlobalSecondaryIndex] | None = None
    LocalSecondaryIndexOverride: list[LocalSecondaryIndex] | None = None
    ProvisionedThroughputOverride: Throughput | None = None
    SSESpecificationOverride: Encryption | None = None


@operation(RestoreTableToPointInTime)
async def restore_table_to_point_in_time(dynamo: Dynamo, call: Call, request: RestoreTableToPointInTime) -> Reply:
    """Begin to make a table of what another was at a time within its recovery period."""
    asked = request.SourceTableArn or request.SourceTableName
    if asked is None or (request.SourceTableArn and request.SourceTableName):
        raise validation("Exactly one of SourceTableArn or SourceTableName must be specified")
    if bool(request.UseLatestRestorableTime) == (request.RestoreDateTime is not None):
        raise validation("Exactly one of UseLatestRestorableTime or RestoreDateTime must be specified")
    target = table_of(call, request.TargetTableName)
    try:
        source = await dynamo.store.read(collections.find, table_of(call, asked))
    except CollectionNotFoundError as error:
        raise no_such_table(error.name) from None
    if source.scope != target[0]:
        raise validation("Fogbank does not support restoring a table into another Region.")
    unavailable = AwsError(
        "PointInTimeRecoveryUnavailableException",
        f"Point in time recovery is not enabled for table '{source.name}'",
    )
    if not source.config.journal_seconds:
        raise unavailable
    now_us = dynamo.clock.now()
    wanted = request.RestoreDateTime
    at_us = None if wanted is None else round(min(max(wanted, 0.0), _SECONDS_MAX) * SECOND_US)
    if at_us is not None and not earliest_us(source.config, now_us) <= at_us <= now_us:
        raise AwsError(
            "InvalidRestoreTimeException",
            "An invalid restore time was specified. RestoreDateTime must be between EarliestRestorableDateTime and"
            " LatestRestorableDateTime.",
        )
    origin = restored_labels(table_arn((source.scope, source.name)), now_us if at_us is None else at_us)
    config = _restored(dynamo, source.config, request, origin)
    number = dynamo.ids.sequence()
    work = dynamo.store.run(snapshots.restore_earlier, source, at_us, target[1], number, config)
    try:
        table = await _made(work)
    except (CollectionBusyError, CollectionNotFoundError):
        # Deleted or disabled since it was looked for.
        raise unavailable from None
    return {"TableDescription": show_table(dynamo, table, Totals(0, 0))}


async def _made(work: Awaitable[Collection]) -> Collection:
    try:
        return await work
    except CollectionExistsError as error:
        raise AwsError("TableAlreadyExistsException", f"Table already exists: {error.name}") from None


def _restored(
    dynamo: Dynamo,
    source: CollectionConfig,
    request: RestoreTableFromBackup | RestoreTableToPointInTime,
    origin: dict[str, str],
) -> CollectionConfig:
    """Return the configuration of a table that is restored."""
    check_encryption(request.SSESpecificationOverride)
    labels = {name: source.labels[name] for name in ("BillingMode", "ReadCapacityUnits", "WriteCapacityUnits")}
    labels["TableClass"] = source.labels["TableClass"]
    now_us = dynamo.clock.now()
    mode, throughput = request.BillingModeOverride, request.ProvisionedThroughputOverride
    if mode is not None or throughput is not None:
        labels = first_labels(mode or labels["BillingMode"], throughput, None, now_us) | {
            "TableClass": labels["TableClass"]
        }
    elif "OnDemandUs" in source.labels:
        labels["OnDemandUs"] = str(now_us)
    indexes = _indexes(dynamo, source, request, labels["BillingMode"])
    return CollectionConfig(
        source.partition_key,
        source.sort_key,
        indexes=indexes,
        labels=labels | origin | {"TableId": dynamo.ids.uuid()},
    )


def _indexes(
    dynamo: Dynamo,
    source: CollectionConfig,
    request: RestoreTableFromBackup | RestoreTableToPointInTime,
    mode: str,
) -> tuple[Index, ...]:
    """Return the indexes of a table that is restored: the source's, or those of them that are asked for."""
    local, global_ = request.LocalSecondaryIndexOverride, request.GlobalSecondaryIndexOverride
    definitions = [AttributeDefinition(**each) for each in show_schema(source)["AttributeDefinitions"]]
    table_key = source.partition_key, source.sort_key
    wanted = read_indexes(dynamo.ids, table_key, local or None, global_ or None, definitions, mode)
    present = {index.name: index for index in source.indexes}
    for index in wanted:
        if index.name not in present or not same_index(index, present[index.name]):
            raise validation(f"Index {index.name} does not match an index of the source table")
    kept = [with_mode(index, mode) for index in source.indexes if (local if is_local(index) else global_) is None]
    return tuple(
        msgspec.structs.replace(index, number=dynamo.ids.sequence(), building=False) for index in (*kept, *wanted)
    )


OPERATIONS: Final = (restore_table_from_backup, restore_table_to_point_in_time)
