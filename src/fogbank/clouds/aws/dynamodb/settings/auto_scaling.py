"""Amazon DynamoDB operations on auto scaling of global tables: settings that are kept and shown, by region and index.

Amazon DynamoDB API Reference, "UpdateTableReplicaAutoScaling" and "DescribeTableReplicaAutoScaling":
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTableReplicaAutoScaling.html. Capacity stays
what it was provisioned as: nothing measures what is consumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.billing import PROVISIONED
from fogbank.clouds.aws.dynamodb.errors import invalid_values, table_not_found, validation
from fogbank.clouds.aws.dynamodb.indexes import find_index, is_local
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Collection, CollectionConfig, Name
    from fogbank.storage import Tx

_READ: Final = "ReadScaling"
_WRITE: Final = "WriteScaling"
_POLICY_FIRST: Final = "DynamoDBTargetTrackingPolicy"


class TargetTracking(Input):
    """How much of the capacity is to be in use."""

    DisableScaleIn: bool | None = None
    ScaleInCooldown: int | None = None
    ScaleOutCooldown: int | None = None
    TargetValue: float = REQUIRED


class ScalingPolicyUpdate(Input):
    """A policy by its name."""

    PolicyName: str | None = None
    TargetTrackingScalingPolicyConfiguration: TargetTracking = REQUIRED


class AutoScalingSettingsUpdate(Input):
    """Between what units capacity scales."""

    MinimumUnits: int | None = None
    MaximumUnits: int | None = None
    AutoScalingDisabled: bool | None = None
    AutoScalingRoleArn: str | None = None
    ScalingPolicyUpdate: ScalingPolicyUpdate | None = None


class IndexWriteUpdate(Input):
    """How an index's capacity for writes scales, in all regions."""

    IndexName: str | None = None
    ProvisionedWriteCapacityAutoScalingUpdate: AutoScalingSettingsUpdate | None = None


class IndexReadUpdate(Input):
    """How an index's capacity for reads scales, in one region."""

    IndexName: str | None = None
    ProvisionedReadCapacityAutoScalingUpdate: AutoScalingSettingsUpdate | None = None


class ReplicaUpdate(Input):
    """How capacity for reads scales in one region."""

    RegionName: str = REQUIRED
    ReplicaGlobalSecondaryIndexUpdates: list[IndexReadUpdate] | None = None
    ReplicaProvisionedReadCapacityAutoScalingUpdate: AutoScalingSettingsUpdate | None = None


class UpdateTableReplicaAutoScaling(Input):
    """Input of UpdateTableReplicaAutoScaling."""

    TableName: str = REQUIRED
    GlobalSecondaryIndexUpdates: list[IndexWriteUpdate] | None = None
    ProvisionedWriteCapacityAutoScalingUpdate: AutoScalingSettingsUpdate | None = None
    ReplicaUpdates: list[ReplicaUpdate] | None = None


@operation(UpdateTableReplicaAutoScaling)
async def update_table_replica_auto_scaling(
    dynamo: Dynamo, call: Call, request: UpdateTableReplicaAutoScaling
) -> Reply:
    """Set how a global table's capacity is to scale: for writes in all regions, for reads in each its own."""
    name = table_of(call, request.TableName)
    try:
        members = await dynamo.store.run(_update, name, request)
    except CollectionNotFoundError as error:
        raise table_not_found(error.name) from None
    return {"TableAutoScalingDescription": _describe(name[1], members) | {"TableStatus": "UPDATING"}}


class DescribeTableReplicaAutoScaling(Input):
    """Input of DescribeTableReplicaAutoScaling."""

    TableName: str = REQUIRED


@operation(DescribeTableReplicaAutoScaling)
async def describe_table_replica_auto_scaling(
    dynamo: Dynamo, call: Call, request: DescribeTableReplicaAutoScaling
) -> Reply:
    """Return how a table's capacity is to scale in each region."""
    name = table_of(call, request.TableName)
    try:
        members = await dynamo.store.read(_members, name)
    except CollectionNotFoundError as error:
        raise table_not_found(error.name) from None
    return {"TableAutoScalingDescription": _describe(name[1], members)}


async def _members(tx: Tx, now_us: int, name: Name) -> list[Collection]:
    """Return a table in all its regions."""
    table = await collections.look_up(tx, now_us, name)
    scopes = sorted({table.scope, *table.config.peers})
    return [await collections.look_up(tx, now_us, (scope, name[1])) for scope in scopes]


async def _update(tx: Tx, now_us: int, name: Name, request: UpdateTableReplicaAutoScaling) -> list[Collection]:
    members = await _members(tx, now_us, name)
    by_region = {each.RegionName: each for each in request.ReplicaUpdates or ()}
    unknown = by_region.keys() - set(map(_region, members))
    if unknown:
        raise validation(f"Table {name[1]} has no replica in Region {min(unknown)}")
    changed = []
    for each in members:

        def change(config: CollectionConfig, region: str = _region(each)) -> CollectionConfig:
            return _changed(config, request, by_region.get(region))

        changed.append(await collections.update(tx, now_us, (each.scope, each.name), change))
    return changed


def _changed(
    config: CollectionConfig, request: UpdateTableReplicaAutoScaling, own: ReplicaUpdate | None
) -> CollectionConfig:
    if config.labels["BillingMode"] != PROVISIONED:
        raise validation(f"Auto scaling can only be configured when BillingMode is {PROVISIONED}")
    labels = _merged(config.labels, _WRITE, request.ProvisionedWriteCapacityAutoScalingUpdate)
    if own is not None:
        labels = _merged(labels, _READ, own.ReplicaProvisionedReadCapacityAutoScalingUpdate)
    config = msgspec.structs.replace(config, labels=labels)
    for write in request.GlobalSecondaryIndexUpdates or ():
        config = _with_index(config, write.IndexName, _WRITE, write.ProvisionedWriteCapacityAutoScalingUpdate)
    for read in (own.ReplicaGlobalSecondaryIndexUpdates or ()) if own is not None else ():
        config = _with_index(config, read.IndexName, _READ, read.ProvisionedReadCapacityAutoScalingUpdate)
    return config


def _with_index(
    config: CollectionConfig, name: str | None, kind: str, update: AutoScalingSettingsUpdate | None
) -> CollectionConfig:
    index = None if name is None else find_index(config, name)
    if index is None or is_local(index):
        raise invalid_values(f"The table does not have the specified index: {name}")
    changed = msgspec.structs.replace(index, labels=_merged(index.labels, kind, update))
    return msgspec.structs.replace(config, indexes=tuple(changed if each is index else each for each in config.indexes))


def _merged(labels: dict[str, str], kind: str, update: AutoScalingSettingsUpdate | None) -> dict[str, str]:
    """Return labels with settings changed; they are kept as they are shown."""
    if update is None:
        return labels
    shown = _show(labels, kind)
    if update.AutoScalingDisabled:
        return labels | {kind: msgspec.json.encode({"AutoScalingDisabled": True}).decode()}
    shown["AutoScalingDisabled"] = False
    for name in ("MinimumUnits", "MaximumUnits", "AutoScalingRoleArn"):
        if getattr(update, name) is not None:
            shown[name] = getattr(update, name)
    if shown.get("MinimumUnits", 0) > shown.get("MaximumUnits", 1 << 62):
        raise validation("Minimum capacity cannot be greater than maximum capacity")
    policy = update.ScalingPolicyUpdate
    if policy is not None:
        tracking = policy.TargetTrackingScalingPolicyConfiguration
        told = {name: getattr(tracking, name) for name in tracking.__struct_fields__}
        configuration = {name: value for name, value in told.items() if value is not None}
        shown["ScalingPolicies"] = [
            {
                "PolicyName": policy.PolicyName or _POLICY_FIRST,
                "TargetTrackingScalingPolicyConfiguration": configuration,
            }
        ]
    return labels | {kind: msgspec.json.encode(shown).decode()}


def _show(labels: dict[str, str], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(labels[kind]) if kind in labels else {"AutoScalingDisabled": True}
    return found


def _region(table: Collection) -> str:
    return table.scope.rpartition("/")[2]


def _describe(name: str, members: list[Collection]) -> dict[str, Any]:
    replicas = []
    for each in members:
        status = "CREATING" if each.config.filling else "ACTIVE"
        indexes = [
            {
                "IndexName": index.name,
                "IndexStatus": "CREATING" if index.building else "ACTIVE",
                "ProvisionedReadCapacityAutoScalingSettings": _show(index.labels, _READ),
                "ProvisionedWriteCapacityAutoScalingSettings": _show(index.labels, _WRITE),
            }
            for index in each.config.indexes
            if not is_local(index)
        ]
        replicas.append(
            {
                "RegionName": _region(each),
                "ReplicaStatus": status,
                "GlobalSecondaryIndexes": indexes,
                "ReplicaProvisionedReadCapacityAutoScalingSettings": _show(each.config.labels, _READ),
                "ReplicaProvisionedWriteCapacityAutoScalingSettings": _show(each.config.labels, _WRITE),
            }
        )
    return {"TableName": name, "TableStatus": "ACTIVE", "Replicas": replicas}


OPERATIONS: Final = (describe_table_replica_auto_scaling, update_table_replica_auto_scaling)
