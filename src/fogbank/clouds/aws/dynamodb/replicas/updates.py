"""UpdateTable's ReplicaUpdates: replicas created, changed and deleted, one at a time.

Amazon DynamoDB API Reference, "ReplicationGroupUpdate" and "ReplicaDescription":
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ReplicationGroupUpdate.html, of version 2019.11.21;
Developer Guide, "Global tables": replicas exchange what is written through their streams, and the later write wins.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Call, Input
from fogbank.clouds.aws.dynamodb.billing import ON_DEMAND
from fogbank.clouds.aws.dynamodb.errors import invalid_values, table_not_found, validation
from fogbank.clouds.aws.dynamodb.indexes import GLOBAL_MAX, find_index, is_local
from fogbank.clouds.aws.dynamodb.replicas.sharing import CLASS_OVERRIDE, OVERRIDE, READ, first_config
from fogbank.clouds.aws.dynamodb.streams.settings import VIEW
from fogbank.engines.documents import collections
from fogbank.engines.documents.copies import replicas, snapshots
from fogbank.engines.documents.errors import CollectionExistsError, CollectionNotFoundError
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.aws.dynamodb.service import Dynamo
    from fogbank.engines.documents.model import Collection, CollectionConfig, Name
    from fogbank.storage import Tx

VERSION: Final = "2019.11.21"
_BOTH_IMAGES: Final = "NEW_AND_OLD_IMAGES"
_INDEXES_MAX: Final = GLOBAL_MAX + 5
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_NOT_FOUND: Final = "Replica specified in the Replica Update or Replica Delete action of the request was not found."


class ThroughputOverride(Input):
    """Units that a replica may be read with each second."""

    ReadCapacityUnits: int | None = None


class ReplicaGlobalSecondaryIndex(Input):
    """What an index of a replica has of its own."""

    IndexName: str = REQUIRED
    ProvisionedThroughputOverride: ThroughputOverride | None = None


class ReplicaSettings(Input):
    """A replica that is to be created or changed."""

    RegionName: str = REQUIRED
    ProvisionedThroughputOverride: ThroughputOverride | None = None
    GlobalSecondaryIndexes: list[ReplicaGlobalSecondaryIndex] | None = None
    TableClassOverride: str | None = None


class ReplicaDeletion(Input):
    """A replica that is to be deleted."""

    RegionName: str = REQUIRED


class ReplicationGroupUpdate(Input):
    """One of the three."""

    Create: ReplicaSettings | None = None
    Update: ReplicaSettings | None = None
    Delete: ReplicaDeletion | None = None


async def update_replicas(
    dynamo: Dynamo, call: Call, name: Name, updates: Sequence[ReplicationGroupUpdate]
) -> Collection:
    """Create, change or delete a table's replica; returns the table."""
    if len(updates) != 1:
        raise validation("Fogbank supports one of ReplicaUpdates in each request.")
    (update,) = updates
    wanted = [each for each in (update.Create, update.Update, update.Delete) if each is not None]
    if len(wanted) != 1:
        raise invalid_values("Exactly one of Create, Update or Delete must be specified for a replica update")
    region = wanted[0].RegionName
    if not _REGION.fullmatch(region):
        raise validation(f"Invalid region name: {region}")
    scope = f"{name[0].rpartition('/')[0]}/{region}"
    if scope == name[0]:
        raise validation(
            "Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or"
            " UpdateTable as required."
        )
    now_us = dynamo.clock.now()
    try:
        if update.Create is not None:
            return await _create(dynamo, name, scope, update.Create)
        if update.Update is not None:
            return await dynamo.store.run(_change, name, scope, partial(_overridden, update.Update, now_us))
        return await dynamo.store.run(_delete, name, scope)
    except CollectionNotFoundError as error:
        raise table_not_found(error.name) from None


async def _create(dynamo: Dynamo, name: Name, scope: str, wanted: ReplicaSettings) -> Collection:
    number, now_us = dynamo.ids.sequence(), dynamo.clock.now()
    table_id, numbers = dynamo.ids.uuid(), dynamo.ids.sequences(_INDEXES_MAX)

    def make(config: CollectionConfig, opened_ms: int) -> CollectionConfig:
        if not config.feed or config.labels[VIEW] != _BOTH_IMAGES:
            raise invalid_values(f"Table must have a stream with the view type {_BOTH_IMAGES} to have replicas")
        return _overridden(wanted, now_us, first_config(config, opened_ms, table_id, numbers, {}))

    try:
        return await dynamo.store.run(replicas.add, name, scope, number, {VIEW: _BOTH_IMAGES}, make)
    except CollectionExistsError:
        raise validation(
            f"Failed to create a the new replica of table with name: '{name[1]}' because one or more replicas already"
            " existed as tables."
        ) from None


async def _change(tx: Tx, now_us: int, name: Name, scope: str, change: partial[CollectionConfig]) -> Collection:
    table = await collections.find(tx, now_us, name)
    if scope not in table.config.peers:
        raise validation(_NOT_FOUND)
    await collections.update(tx, now_us, (scope, name[1]), change)
    return table


async def _delete(tx: Tx, now_us: int, name: Name, scope: str) -> Collection:
    if scope not in (await collections.find(tx, now_us, name)).config.peers:
        raise validation(_NOT_FOUND)
    await snapshots.delete_collection(tx, now_us, (scope, name[1]), None)
    return await collections.find(tx, now_us, name)


def _overridden(wanted: ReplicaSettings, now_us: int, config: CollectionConfig) -> CollectionConfig:
    """Return a replica's configuration with what it is to have of its own."""
    on_demand = config.labels["BillingMode"] == ON_DEMAND
    labels, indexes = dict(config.labels), list(config.indexes)
    if wanted.TableClassOverride is not None:
        labels |= dict.fromkeys(("TableClass", CLASS_OVERRIDE), wanted.TableClassOverride)
        labels["TableClassUs"] = str(now_us)
    labels |= _units(wanted.ProvisionedThroughputOverride, on_demand=on_demand)
    for each in wanted.GlobalSecondaryIndexes or ():
        index = find_index(config, each.IndexName)
        if index is None or is_local(index):
            raise invalid_values(f"The table does not have the specified index: {each.IndexName}")
        units = _units(each.ProvisionedThroughputOverride, on_demand=on_demand)
        indexes[config.indexes.index(index)] = msgspec.structs.replace(index, labels=index.labels | units)
    return msgspec.structs.replace(config, labels=labels, indexes=tuple(indexes))


def _units(wanted: ThroughputOverride | None, *, on_demand: bool) -> dict[str, str]:
    if wanted is None or wanted.ReadCapacityUnits is None:
        return {}
    if on_demand:
        raise invalid_values(f"ProvisionedThroughputOverride cannot be specified when BillingMode is {ON_DEMAND}")
    return {READ: str(wanted.ReadCapacityUnits), OVERRIDE: str(wanted.ReadCapacityUnits)}


async def show_replicas(dynamo: Dynamo, table: Collection) -> dict[str, Any]:
    """Return what DescribeTable shows of a table's replicas in other regions."""
    if not table.config.peers:
        return {}
    shown = []
    for scope in table.config.peers:
        try:
            shown.append(_show(await dynamo.store.read(collections.look_up, (scope, table.name))))
        except CollectionNotFoundError:
            # Deleted since the table was read.
            continue
    return {"Replicas": shown, "GlobalTableVersion": VERSION}


def _show(replica: Collection) -> dict[str, Any]:
    config = replica.config
    shown: dict[str, Any] = {
        "RegionName": replica.scope.rpartition("/")[2],
        "ReplicaStatus": "CREATING" if config.filling else "ACTIVE",
        **_show_units(config.labels),
    }
    if CLASS_OVERRIDE in config.labels:
        shown["ReplicaTableClassSummary"] = {
            "TableClass": config.labels[CLASS_OVERRIDE],
            "LastUpdateDateTime": int(config.labels["TableClassUs"]) / SECOND_US,
        }
    indexes = [
        {"IndexName": index.name, **_show_units(index.labels)} for index in config.indexes if OVERRIDE in index.labels
    ]
    return shown | ({"GlobalSecondaryIndexes": indexes} if indexes else {})


def _show_units(labels: dict[str, str]) -> dict[str, Any]:
    if OVERRIDE not in labels:
        return {}
    return {"ProvisionedThroughputOverride": {READ: int(labels[OVERRIDE])}}
