"""Amazon DynamoDB operations on tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.backups.names import show_restored
from fogbank.clouds.aws.dynamodb.backups.system import last_backup
from fogbank.clouds.aws.dynamodb.billing import PROVISIONED, Throughput, changed_labels, first_labels, show_billing
from fogbank.clouds.aws.dynamodb.changing_indexes import change_indexes, read_new_index
from fogbank.clouds.aws.dynamodb.errors import invalid_values, table_not_found, unsupported, validation
from fogbank.clouds.aws.dynamodb.indexes import (
    GlobalSecondaryIndex,
    GlobalSecondaryIndexUpdate,
    LocalSecondaryIndex,
    read_indexes,
    show_indexes,
    with_mode,
)
from fogbank.clouds.aws.dynamodb.replicas.sharing import PEERS_MAX, share
from fogbank.clouds.aws.dynamodb.replicas.updates import ReplicationGroupUpdate, show_replicas, update_replicas
from fogbank.clouds.aws.dynamodb.schemas import (
    KEYS_MAX,
    AttributeDefinition,
    KeySchemaElement,
    check_definitions,
    read_key_fields,
    show_schema,
)
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_arn, table_of
from fogbank.clouds.aws.dynamodb.settings import capacity
from fogbank.clouds.aws.dynamodb.settings.resource_policies import policy_labels
from fogbank.clouds.aws.dynamodb.streams import settings as stream_settings
from fogbank.clouds.aws.dynamodb.streams.settings import (
    check_stream,
    create_with_stream,
    show_stream,
    update_with_stream,
)
from fogbank.clouds.aws.dynamodb.tags import Tag, read_tags
from fogbank.engines.documents import collections
from fogbank.engines.documents.copies import snapshots
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.model import Collection, CollectionConfig, Totals
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.aws.constraints import violations

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from fogbank.engines.documents.model import Name
    from fogbank.storage import Tx

TABLES_LISTED_MAX: Final = 100
_NOTHING_TO_UPDATE: Final = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or"
    " SSESpecification or ReplicaUpdates is required"
)


class Encryption(Input):
    """Whether data is encrypted under a key of the key management service; false means under DynamoDB's own."""

    Enabled: bool | None = None
    SSEType: str | None = None
    KMSMasterKeyId: str | None = None


class CreateTable(Input):
    """Input of CreateTable."""

    TableName: str = REQUIRED
    AttributeDefinitions: list[AttributeDefinition] | None = None
    KeySchema: list[KeySchemaElement] | None = None
    BillingMode: str | None = None
    ProvisionedThroughput: Throughput | None = None
    DeletionProtectionEnabled: bool | None = None
    TableClass: str | None = None
    SSESpecification: Encryption | None = None
    LocalSecondaryIndexes: list[LocalSecondaryIndex] | None = None
    GlobalSecondaryIndexes: list[GlobalSecondaryIndex] | None = None
    StreamSpecification: stream_settings.StreamSpecification | None = None
    Tags: list[Tag] | None = None
    ResourcePolicy: str | None = None
    OnDemandThroughput: capacity.OnDemandThroughput | None = None
    WarmThroughput: capacity.WarmThroughput | None = None


@operation(CreateTable)
async def create_table(dynamo: Dynamo, call: Call, request: CreateTable) -> Reply:
    """Create a table; it is active once this is answered, though the answer says what AWS's says."""
    name = table_of(call, request.TableName)
    if request.AttributeDefinitions is None or request.KeySchema is None:
        missing = [
            (None, path, "Member must not be null")
            for path, value in (
                ("attributeDefinitions", request.AttributeDefinitions),
                ("keySchema", request.KeySchema),
            )
            if value is None
        ]
        raise validation(violations(missing))
    if len(request.KeySchema) > KEYS_MAX:
        text = f"Member must have length less than or equal to {KEYS_MAX}"
        raise validation(violations([(request.KeySchema, "keySchema", text)]))
    local, global_ = request.LocalSecondaryIndexes, request.GlobalSecondaryIndexes
    partition_key, sort_key = read_key_fields(request.KeySchema, request.AttributeDefinitions)
    mode = request.BillingMode or PROVISIONED
    indexes = read_indexes(dynamo.ids, (partition_key, sort_key), local, global_, request.AttributeDefinitions, mode)
    schemas = [request.KeySchema, *(each.KeySchema for each in (*(local or ()), *(global_ or ())))]
    check_definitions(request.AttributeDefinitions, schemas)
    check_encryption(request.SSESpecification)
    check_stream(request.StreamSpecification, new=True)
    labels = first_labels(request.BillingMode, request.ProvisionedThroughput, request.TableClass, dynamo.clock.now())
    labels = capacity.capacity_labels(labels, mode, request.OnDemandThroughput, request.WarmThroughput)
    config = CollectionConfig(
        partition_key,
        sort_key,
        bool(request.DeletionProtectionEnabled),
        indexes=indexes,
        labels=labels | policy_labels(dynamo, request.ResourcePolicy) | {"TableId": dynamo.ids.uuid()},
        tags=read_tags({}, request.Tags or []),
    )
    number, stream = dynamo.ids.sequence(), request.StreamSpecification
    table = await dynamo.store.run(create_with_stream, name, number, config, stream)
    return {"TableDescription": show_table(dynamo, table, Totals(0, 0), "CREATING")}


class DescribeTable(Input):
    """Input of DescribeTable."""

    TableName: str = REQUIRED


@operation(DescribeTable)
async def describe_table(dynamo: Dynamo, call: Call, request: DescribeTable) -> Reply:
    """Return a table's settings, and what is in it counted now."""
    name = table_of(call, request.TableName)
    table = await _named(dynamo.store.read(collections.look_up, name))
    totals = await dynamo.store.scan(collections.totals, table.id)
    return {"Table": show_table(dynamo, table, totals) | await show_replicas(dynamo, table)}


class ListTables(Input):
    """Input of ListTables."""

    ExclusiveStartTableName: str | None = None
    Limit: int | None = None


@operation(ListTables)
async def list_tables(dynamo: Dynamo, call: Call, request: ListTables) -> Reply:
    """List tables by name."""
    after, limit = request.ExclusiveStartTableName or "", request.Limit or TABLES_LISTED_MAX
    found = await dynamo.store.read(collections.list_names, call.scope, after, limit + 1)
    page = found[:limit]
    return {"TableNames": page, "LastEvaluatedTableName": page[-1]} if len(found) > len(page) else {"TableNames": page}


class UpdateTable(Input):
    """Input of UpdateTable."""

    TableName: str = REQUIRED
    BillingMode: str | None = None
    ProvisionedThroughput: Throughput | None = None
    DeletionProtectionEnabled: bool | None = None
    TableClass: str | None = None
    SSESpecification: Encryption | None = None
    AttributeDefinitions: list[AttributeDefinition] | None = None
    GlobalSecondaryIndexUpdates: list[GlobalSecondaryIndexUpdate] | None = None
    StreamSpecification: stream_settings.StreamSpecification | None = None
    ReplicaUpdates: list[ReplicationGroupUpdate] | None = None
    OnDemandThroughput: capacity.OnDemandThroughput | None = None
    WarmThroughput: capacity.WarmThroughput | None = None


@operation(UpdateTable)
async def update_table(dynamo: Dynamo, call: Call, request: UpdateTable) -> Reply:
    """Change how a table is paid for, whether it may be deleted, its indexes and its stream.

    Done before this is answered, but for filling a new index.
    """
    name = table_of(call, request.TableName)
    mode, throughput, table_class = request.BillingMode, request.ProvisionedThroughput, request.TableClass
    protected, updates = request.DeletionProtectionEnabled, request.GlobalSecondaryIndexUpdates
    stream, encryption = request.StreamSpecification, request.SSESpecification
    maximum, warm = request.OnDemandThroughput, request.WarmThroughput
    settings = (mode, throughput, table_class, protected, encryption, updates, stream, maximum, warm)
    if request.ReplicaUpdates:
        return await _update_replicas(dynamo, call, name, request, alone=all(each is None for each in settings))
    if all(each is None for each in settings):
        raise validation(_NOTHING_TO_UPDATE)
    check_encryption(encryption)
    check_stream(stream)
    now_us = dynamo.clock.now()

    def change(config: CollectionConfig) -> CollectionConfig:
        billed = mode, throughput, table_class
        labels = config.labels
        if updates is None or any(each is not None for each in billed):
            labels = capacity.kept_warm(labels, changed_labels(labels, *billed, now_us))
        labels = capacity.capacity_labels(labels, labels["BillingMode"], maximum, warm)
        keep = config.protected if protected is None else protected
        changed = msgspec.structs.replace(config, labels=labels, protected=keep)
        if updates is not None:
            changed = change_indexes(changed, updates, new_index)
        new_mode = labels["BillingMode"]
        if new_mode == config.labels["BillingMode"]:
            return changed
        # Indexes are paid for as their table is.
        return msgspec.structs.replace(changed, indexes=tuple(with_mode(each, new_mode) for each in changed.indexes))

    new_index = None if updates is None else read_new_index(dynamo.ids, updates, request.AttributeDefinitions or ())
    numbers = dynamo.ids.sequences(PEERS_MAX)

    async def work(tx: Tx, now_us: int) -> Collection:
        table = await update_with_stream(tx, now_us, name, change, stream)
        await share(tx, now_us, table, numbers)
        return table

    return await _updating(dynamo, await _named(dynamo.store.run(work)))


async def _update_replicas(dynamo: Dynamo, call: Call, name: Name, request: UpdateTable, *, alone: bool) -> Reply:
    if not alone:
        raise invalid_values("ReplicaUpdates cannot be combined with other changes of a table")
    return await _updating(dynamo, await update_replicas(dynamo, call, name, request.ReplicaUpdates or ()))


async def _updating(dynamo: Dynamo, table: Collection) -> Reply:
    totals = await dynamo.store.scan(collections.totals, table.id)
    described = show_table(dynamo, table, totals, "UPDATING")
    return {"TableDescription": described | await show_replicas(dynamo, table)}


class DeleteTable(Input):
    """Input of DeleteTable."""

    TableName: str = REQUIRED


@operation(DeleteTable)
async def delete_table(dynamo: Dynamo, call: Call, request: DeleteTable) -> Reply:
    """Delete a table; its name is free at once, its items are removed in the background.

    One with point-in-time recovery leaves a backup.
    """
    name = table_of(call, request.TableName)
    last = await last_backup(dynamo, await _named(dynamo.store.read(collections.look_up, name)))
    table = await _named(dynamo.store.run(snapshots.delete_collection, name, last))
    described = show_table(dynamo, table, Totals(0, 0), "DELETING")
    for gone in ("AttributeDefinitions", "KeySchema", "CreationDateTime"):
        del described[gone]
    return {"TableDescription": described}


async def _named(work: Awaitable[Collection]) -> Collection:
    """Let an error name the table that isn't there."""
    try:
        return await work
    except CollectionNotFoundError as error:
        raise table_not_found(error.name) from None


def show_table(dynamo: Dynamo, table: Collection, totals: Totals, status: str = "ACTIVE") -> dict[str, Any]:
    """Return a table's description."""
    config = table.config
    arn = table_arn((table.scope, table.name))
    return {
        **show_schema(config),
        "TableName": table.name,
        "TableStatus": "CREATING" if config.filling else status,
        "CreationDateTime": table.created_us / SECOND_US,
        **show_billing(config.labels, dynamo.clock.now()),
        "TableSizeBytes": totals.size,
        "ItemCount": totals.documents,
        "TableArn": arn,
        "TableId": config.labels["TableId"],
        **capacity.show_capacity(config.labels, "CREATING" if status == "CREATING" else "ACTIVE"),
        "DeletionProtectionEnabled": config.protected,
        **show_indexes(config, arn, totals, new=config.filling or status == "CREATING"),
        **show_stream(config, arn),
        **show_restored(config),
    }


def check_encryption(wanted: Encryption | None) -> None:
    """Refuse encryption under a key that the customer has."""
    if wanted is not None and (wanted.Enabled or wanted.SSEType or wanted.KMSMasterKeyId):
        raise unsupported("SSESpecification with a key of the key management service, which it does not have")


OPERATIONS: Final = (create_table, delete_table, describe_table, list_tables, update_table)
