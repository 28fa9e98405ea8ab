"""UpdateTable's changes of global secondary indexes: one created or deleted at a time, any number updated.

Amazon DynamoDB API Reference, "UpdateTable"; Developer Guide, "Managing Global Secondary Indexes in DynamoDB".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fogbank.clouds.aws.dynamodb.billing import ON_DEMAND
from fogbank.clouds.aws.dynamodb.errors import invalid_values, validation
from fogbank.clouds.aws.dynamodb.indexes import GLOBAL_MAX, changed_units, find_index, is_local, read_global
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.clouds.aws.dynamodb.indexes import GlobalSecondaryIndex, GlobalSecondaryIndexUpdate, UpdateIndex
    from fogbank.clouds.aws.dynamodb.schemas import AttributeDefinition
    from fogbank.engines.documents.model import CollectionConfig, Index
    from fogbank.kernel.ids import Ids


def read_new_index(
    ids: Ids, updates: Sequence[GlobalSecondaryIndexUpdate], definitions: Sequence[AttributeDefinition]
) -> Callable[[str], Index] | None:
    """Check the form of updates; returns what makes the new index, given the table's billing mode."""
    if not updates:
        raise invalid_values("List of GlobalSecondaryIndexUpdates is empty")
    for each in updates:
        if sum(part is not None for part in (each.Create, each.Update, each.Delete)) != 1:
            raise invalid_values(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create,"
                " GlobalSecondaryIndexUpdate.Delete must not be null"
            )
    if sum(each.Update is None for each in updates) > 1:
        raise AwsError(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )
    names = [part.IndexName for each in updates if (part := each.Create or each.Update or each.Delete) is not None]
    if len(set(names)) != len(names):
        raise validation("Only one global secondary index update per index is allowed simultaneously.")
    wanted = next((each.Create for each in updates if each.Create is not None), None)
    if wanted is None:
        return None
    number = ids.sequence()
    return lambda mode: msgspec.structs.replace(
        read_global(ids, wanted, definitions, mode), number=number, building=True
    )


def change_indexes(
    config: CollectionConfig,
    updates: Sequence[GlobalSecondaryIndexUpdate],
    new_index: Callable[[str], Index] | None,
) -> CollectionConfig:
    """Return a table's configuration with its indexes changed; raises `AwsError`."""
    mode = config.labels["BillingMode"]
    indexes = list(config.indexes)
    for each in updates:
        if each.Update is not None:
            place = indexes.index(_found(config, each.Update.IndexName))
            _check_units(each.Update, mode)
            labels = changed_units(indexes[place], each.Update, mode)
            indexes[place] = msgspec.structs.replace(indexes[place], labels=labels)
        elif each.Delete is not None:
            indexes.remove(_found(config, each.Delete.IndexName))
        elif each.Create is not None and new_index is not None:
            if find_index(config, each.Create.IndexName) is not None:
                raise validation("Attempting to create an index which already exists")
            if any(index.building for index in config.indexes):
                raise AwsError(
                    "LimitExceededException",
                    "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
                )
            _check_units(each.Create, mode)
            if sum(not is_local(index) for index in indexes) >= GLOBAL_MAX:
                raise AwsError(
                    "LimitExceededException",
                    f"Subscriber limit exceeded: Number of GlobalSecondaryIndexes exceeds per-table limit of"
                    f" {GLOBAL_MAX}",
                )
            indexes.append(new_index(mode))
    return msgspec.structs.replace(config, indexes=tuple(indexes))


def _check_units(wanted: GlobalSecondaryIndex | UpdateIndex, mode: str) -> None:
    if mode == ON_DEMAND and wanted.ProvisionedThroughput is not None:
        raise invalid_values(
            f"Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {wanted.IndexName} when"
            f" BillingMode is {ON_DEMAND}"
        )


def _found(config: CollectionConfig, name: str) -> Index:
    index = find_index(config, name)
    if index is None or is_local(index):
        raise AwsError("ResourceNotFoundException", "Requested resource not found")
    return index
