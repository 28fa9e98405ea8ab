"""What writes tell of themselves when they are asked: units consumed by table and indexes, and sizes of collections.

Amazon DynamoDB Developer Guide, "Provisioned throughput considerations for Global Secondary Indexes":
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes. A write
costs an index nothing that doesn't change its entry; one unit for each KB of an entry that is put, changed or deleted,
and both where an entry moves. "Item collections in Local Secondary Indexes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from fogbank.clouds.aws.dynamodb.attributes import write_value
from fogbank.clouds.aws.dynamodb.indexes import is_local, project_to
from fogbank.clouds.aws.dynamodb.schemas import key_in_item
from fogbank.clouds.aws.dynamodb.service import table_of
from fogbank.clouds.aws.dynamodb.sizes import size_of, write_units
from fogbank.engines.documents import collections
from fogbank.engines.documents.traits import entry_of
from fogbank.engines.documents.values import same

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fogbank.clouds.aws.api import Call
    from fogbank.clouds.aws.dynamodb.service import Dynamo
    from fogbank.engines.documents.documents import Written
    from fogbank.engines.documents.model import Collection, CollectionConfig, Document, Index, Name

NOT_WANTED: Final = (None, "NONE")
_GB: Final = 1 << 30


class Asked(Protocol):
    """A request that may ask what a write costs."""

    ReturnConsumedCapacity: str | None
    ReturnItemCollectionMetrics: str | None


class Costs(NamedTuple):
    """Units that writes consumed of a table, and of its indexes by name."""

    table: float
    local: dict[str, float]
    global_: dict[str, float]

    def plus(self, other: Costs) -> Costs:
        """Return what both cost."""
        local, global_ = (
            {name: one.get(name, 0.0) + two.get(name, 0.0) for name in one | two}
            for one, two in zip(self[1:], other[1:], strict=True)
        )
        return Costs(self.table + other.table, local, global_)

    def times(self, rounds: int) -> Costs:
        """Return what so many times as much costs."""
        local, global_ = ({name: units * rounds for name, units in each.items()} for each in self[1:])
        return Costs(self.table * rounds, local, global_)


async def told_of_write(
    dynamo: Dynamo, name: Name, table_name: str, request: Asked, written: Written
) -> dict[str, Any]:
    """Return the members of a reply that tell what a write cost; none unless they are asked for."""
    capacity, metrics = request.ReturnConsumedCapacity, request.ReturnItemCollectionMetrics
    if capacity in NOT_WANTED and metrics in NOT_WANTED:
        return {}
    table = await dynamo.store.read(collections.find, name)
    told: dict[str, Any] = {}
    if capacity is not None and capacity not in NOT_WANTED:
        told["ConsumedCapacity"] = show_costs(table_name, costs_of(table.config, [written]), capacity)
    if metrics not in NOT_WANTED:
        (shown,) = await item_collections(dynamo, table, [written]) or (None,)
        told["ItemCollectionMetrics"] = shown
    return told


async def told_of_writes(
    dynamo: Dynamo, call: Call, request: Asked, by_table: Mapping[str, list[Written]]
) -> dict[str, Any]:
    """As `told_of_write`, for writes into several tables by their names."""
    capacity = request.ReturnConsumedCapacity
    told = await sizes_of_writes(dynamo, call, request.ReturnItemCollectionMetrics, by_table)
    if capacity is None or capacity in NOT_WANTED:
        return told
    consumed = []
    for table_name, writes in by_table.items():
        table = await dynamo.store.read(collections.find, table_of(call, table_name))
        consumed.append(show_costs(table_name, costs_of(table.config, writes), capacity))
    return told | {"ConsumedCapacity": consumed}


async def sizes_of_writes(
    dynamo: Dynamo, call: Call, wanted: str | None, by_table: Mapping[str, list[Written]]
) -> dict[str, Any]:
    """Return the member of a reply that tells of the item collections that were changed; none unless it is wanted."""
    if wanted in NOT_WANTED:
        return {}
    sizes = {}
    for table_name, writes in by_table.items():
        table = await dynamo.store.read(collections.find, table_of(call, table_name))
        if shown := await item_collections(dynamo, table, writes):
            sizes[table_name] = shown
    return {"ItemCollectionMetrics": sizes}


def costs_of(config: CollectionConfig, writes: Iterable[Written]) -> Costs:
    """Add up what writes into one table consumed."""
    costs = Costs(0.0, {}, {})
    for written in writes:
        size = max(0 if each is None else each.size for each in (written.before, written.after))
        costs = costs._replace(table=costs.table + write_units(size))
        for index in config.indexes:
            units = _index_units(config, index, written)
            if units:
                of_kind = costs.local if is_local(index) else costs.global_
                of_kind[index.name] = of_kind.get(index.name, 0.0) + units
    return costs


def show_costs(table_name: str, costs: Costs, wanted: str, kind: str = "") -> dict[str, Any]:
    """Return a member of ConsumedCapacity; transactions say of which `kind` the units are."""

    def show(units: float) -> dict[str, Any]:
        return {"CapacityUnits": units, kind: units} if kind else {"CapacityUnits": units}

    indexes = sum(costs.local.values()) + sum(costs.global_.values())
    shown: dict[str, Any] = {"TableName": table_name, **show(costs.table + indexes)}
    if wanted == "INDEXES":
        shown["Table"] = show(costs.table)
        for place, of_place in (("LocalSecondaryIndexes", costs.local), ("GlobalSecondaryIndexes", costs.global_)):
            if of_place:
                shown[place] = {name: show(units) for name, units in of_place.items()}
    return shown


def _index_units(config: CollectionConfig, index: Index, written: Written) -> float:
    before, after = _entry(config, index, written.before), _entry(config, index, written.after)
    if before is not None and after is not None and before[0] == after[0]:
        if same(before[1], after[1]):
            return 0.0
        return write_units(max(size_of(before[1]), size_of(after[1])))
    return sum((write_units(size_of(each[1])) for each in (before, after) if each is not None), 0.0)


def _entry(config: CollectionConfig, index: Index, document: Document | None) -> tuple[Any, dict[str, Any]] | None:
    """Return where an item stands in an index, and what the index has of it."""
    entry = None if document is None else entry_of(index, document.fields)
    if document is None or entry is None:
        return None
    return entry, project_to(config, index, document.fields)


async def item_collections(dynamo: Dynamo, table: Collection, writes: Iterable[Written]) -> list[dict[str, Any]]:
    """Return what is told of the item collections that writes changed: of tables with local indexes only.

    The estimate is from the size of the items alone to that with each local index as large as they are.
    """
    local = sum(map(is_local, table.config.indexes))
    if not local:
        return []
    name = table.config.partition_key.name
    found: dict[bytes, dict[str, Any]] = {}
    for written in writes:
        document = written.after or written.before
        if document is None:
            continue
        partition = key_in_item(table.config, document.fields).partition
        size = await dynamo.store.scan(collections.partition_size, table.id, partition)
        found[partition] = {
            "ItemCollectionKey": {name: write_value(document.fields[name])},
            "SizeEstimateRangeGB": [float(size // _GB), float(size * (1 + local) // _GB + 1)],
        }
    return list(found.values())
