"""Secondary indexes: from what requests say of them to the engine's, and back.

Amazon DynamoDB Developer Guide, "Improving data access with secondary indexes in DynamoDB"; API Reference,
"CreateTable" and "UpdateTable". An index's number in the store, its projection and its throughput stand in the table's
configuration; the projection acts when the index is read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Input
from fogbank.clouds.aws.dynamodb.billing import ON_DEMAND, Throughput
from fogbank.clouds.aws.dynamodb.errors import EmptyKeyError, invalid_values, unsupported
from fogbank.clouds.aws.dynamodb.schemas import (
    KEYS_MAX,
    PARTITION_KEY_BYTES_MAX,
    SORT_KEY_BYTES_MAX,
    TYPES,
    AttributeDefinition,
    KeySchemaElement,
    read_key_fields,
    show_key_schema,
    size_of_part,
)
from fogbank.clouds.aws.dynamodb.settings import capacity
from fogbank.engines.documents.model import Index
from fogbank.engines.documents.traits import Shape, fits
from fogbank.languages.dynamodb.types import type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fogbank.engines.documents.model import CollectionConfig, Document, KeyField
    from fogbank.kernel.ids import Ids
    from fogbank.languages.dynamodb.types import Item, Value

GLOBAL_MAX: Final = 20
LOCAL_MAX: Final = 5
PROJECTED_MAX: Final = 100
_CHARACTER_BYTES_MAX: Final = 4
_BY_VALUE: Final = "A value specified for a secondary index key is not supported."
_BY_UPDATE: Final = "The update expression attempted to update a secondary index key to a value that is not supported."
GLOBAL: Final = "global"
LOCAL: Final = "local"
_KIND: Final = "kind"
_PROJECTION: Final = "projection"
_ATTRIBUTES: Final = "attributes"
_READ: Final = "ReadCapacityUnits"
_WRITE: Final = "WriteCapacityUnits"


class Projection(Input):
    """Which attributes an index has beside keys."""

    ProjectionType: str | None = None
    NonKeyAttributes: list[str] | None = None


class LocalSecondaryIndex(Input):
    """An index with the table's partition key."""

    IndexName: str = REQUIRED
    KeySchema: list[KeySchemaElement] = REQUIRED
    Projection: Projection = REQUIRED


class GlobalSecondaryIndex(Input):
    """An index with a partition key of its own."""

    IndexName: str = REQUIRED
    KeySchema: list[KeySchemaElement] = REQUIRED
    Projection: Projection = REQUIRED
    ProvisionedThroughput: Throughput | None = None
    OnDemandThroughput: capacity.OnDemandThroughput | None = None
    WarmThroughput: capacity.WarmThroughput | None = None


class UpdateIndex(Input):
    """New throughput of an index."""

    IndexName: str = REQUIRED
    ProvisionedThroughput: Throughput | None = None
    OnDemandThroughput: capacity.OnDemandThroughput | None = None
    WarmThroughput: capacity.WarmThroughput | None = None


class DeleteIndex(Input):
    """The name of an index to delete."""

    IndexName: str = REQUIRED


class GlobalSecondaryIndexUpdate(Input):
    """One of the three."""

    Create: GlobalSecondaryIndex | None = None
    Update: UpdateIndex | None = None
    Delete: DeleteIndex | None = None


def read_indexes(
    ids: Ids,
    table: tuple[KeyField, KeyField | None],
    local: Sequence[LocalSecondaryIndex] | None,
    global_: Sequence[GlobalSecondaryIndex] | None,
    definitions: Sequence[AttributeDefinition],
    mode: str,
) -> tuple[Index, ...]:
    """Return a new table's indexes; raises `AwsError`."""
    if local is not None and not local:
        raise invalid_values("List of LocalSecondaryIndexes is empty")
    if global_ is not None and not global_:
        raise invalid_values("List of GlobalSecondaryIndexes is empty")
    if local and table[1] is None:
        raise invalid_values(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    if local and len(local) > LOCAL_MAX:
        raise invalid_values(f"Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_MAX}")
    if global_ and len(global_) > GLOBAL_MAX:
        raise invalid_values(f"Number of GlobalSecondaryIndexes exceeds per-table limit of {GLOBAL_MAX}")
    indexes = [_read_local(ids, table[0], each, definitions) for each in local or ()]
    indexes += [read_global(ids, each, definitions, mode) for each in global_ or ()]
    names = [index.name for index in indexes]
    for name in names:
        if names.count(name) > 1:
            raise invalid_values(f"Duplicate index name: {name}")
    _check_projected(indexes)
    return tuple(indexes)


def read_global(ids: Ids, wanted: GlobalSecondaryIndex, definitions: Sequence[AttributeDefinition], mode: str) -> Index:
    """Return a global secondary index; raises `AwsError`."""
    kinds = [element.KeyType for element in wanted.KeySchema]
    if kinds[0] == "HASH" and (len(kinds) > KEYS_MAX or kinds.count("HASH") > 1):
        raise unsupported(f"several attributes of one KeyType in the KeySchema of an index: {wanted.IndexName}")
    partition_key, sort_key = read_key_fields(wanted.KeySchema, definitions)
    labels = {_KIND: GLOBAL, **_projection_labels(wanted.Projection), **_unit_labels(wanted, mode)}
    labels = _capacity_labels(labels, wanted, mode)
    return Index(wanted.IndexName, ids.sequence(), partition_key, sort_key, labels=labels)


def _read_local(
    ids: Ids, table_key: KeyField, wanted: LocalSecondaryIndex, definitions: Sequence[AttributeDefinition]
) -> Index:
    name = wanted.IndexName
    if len(wanted.KeySchema) > KEYS_MAX:
        raise invalid_values(
            f"KeySchema of a LocalSecondaryIndex has more than {KEYS_MAX} attributes for index: {name}"
        )
    partition_key, sort_key = read_key_fields(wanted.KeySchema, definitions)
    if partition_key.name != table_key.name:
        raise invalid_values(
            f"Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}."
            f" index hash key: {partition_key.name}, table hash key: {table_key.name}"
        )
    if sort_key is None:
        raise invalid_values(f"Index KeySchema does not have a range key for index: {name}")
    labels = {_KIND: LOCAL, **_projection_labels(wanted.Projection)}
    return Index(name, ids.sequence(), partition_key, sort_key, labels=labels)


def changed_units(index: Index, wanted: UpdateIndex, mode: str) -> dict[str, str]:
    """Return an index's labels with new throughput."""
    labels = index.labels
    if wanted.ProvisionedThroughput is not None:
        labels = capacity.kept_warm(labels, labels | _unit_labels(wanted, mode))
    return _capacity_labels(labels, wanted, mode)


def show_indexes(
    config: CollectionConfig, table_arn: str, size: tuple[int, int], *, new: bool = False
) -> dict[str, Any]:
    """Return a table's indexes as DescribeTable shows them; `size` is what the table has, items and bytes.

    Those of a `new` table are being created with it.
    """
    shown: dict[str, list[dict[str, Any]]] = {}
    for index in config.indexes:
        described: dict[str, Any] = {
            "IndexName": index.name,
            "KeySchema": show_key_schema(index),
            "Projection": _show_projection(index),
            "IndexSizeBytes": size[1],
            "ItemCount": size[0],
            "IndexArn": f"{table_arn}/index/{index.name}",
        }
        if is_local(index):
            shown.setdefault("LocalSecondaryIndexes", []).append(described)
            continue
        described["IndexStatus"] = "CREATING" if new or index.building else "ACTIVE"
        if index.building:
            described["Backfilling"] = True
        described["ProvisionedThroughput"] = {
            "NumberOfDecreasesToday": 0,
            _READ: int(index.labels[_READ]),
            _WRITE: int(index.labels[_WRITE]),
        }
        described |= capacity.show_capacity(index.labels)
        shown.setdefault("GlobalSecondaryIndexes", []).append(described)
    return shown


def is_local(index: Index) -> bool:
    """Whether an index has the table's partition key by definition."""
    return index.labels[_KIND] == LOCAL


def projects_all(index: Index) -> bool:
    """Whether an index has every attribute."""
    return index.labels[_PROJECTION] == "ALL"


def projected_names(config: CollectionConfig, index: Index) -> set[str]:
    """Return the attributes that an index has, unless it has all."""
    return {*config.key_names, *index.key_names, *json.loads(index.labels.get(_ATTRIBUTES, "[]"))}


def project_to(config: CollectionConfig, index: Index, item: Item) -> Item:
    """Return what an index has of an item."""
    if projects_all(index):
        return item
    names = projected_names(config, index)
    return {name: value for name, value in item.items() if name in names}


def same_index(one: Index, other: Index) -> bool:
    """Whether two indexes have the same keys and attributes."""
    kept = (_KIND, _PROJECTION)
    return (
        (one.partition_key, one.sort_key) == (other.partition_key, other.sort_key)
        and all(one.labels[name] == other.labels[name] for name in kept)
        and sorted(json.loads(one.labels.get(_ATTRIBUTES, "[]")))
        == sorted(json.loads(other.labels.get(_ATTRIBUTES, "[]")))
    )


def with_mode(index: Index, mode: str) -> Index:
    """Return an index as it is in a table of a billing mode; one without units can't be provisioned."""
    if is_local(index):
        return index
    if mode == ON_DEMAND:
        unpaid = index.labels | {_READ: "0", _WRITE: "0"}
        return msgspec.structs.replace(index, labels=capacity.kept_warm(index.labels, unpaid))
    if index.labels[_READ] == "0":
        raise invalid_values(f"Both {_READ} and {_WRITE} must be specified for index: {index.name}")
    return msgspec.structs.replace(index, labels=capacity.capacity_labels(index.labels, mode, None, None))


def find_index(config: CollectionConfig, name: str) -> Index | None:
    """Return the index of a name."""
    return next((index for index in config.indexes if index.name == name), None)


def check_index_keys(config: CollectionConfig, document: Document) -> None:
    """Refuse an item whose attributes don't fit the keys of the table's indexes; without them it isn't in the index."""
    for index in config.indexes:
        for field in (index.partition_key, index.sort_key):
            if field is None or field.name not in document.fields:
                continue
            value = document.fields[field.name]
            if not fits(field, value):
                raise invalid_values(
                    f"Type mismatch for Index Key {field.name} Expected: {TYPES[field.kind]} Actual: {type_of(value)}"
                    f" IndexName: {_first_with(config, field)}"
                )
            if field.kind == "number":
                continue
            if not value:
                raise empty_key(field, value, _first_with(config, field))
            limit = SORT_KEY_BYTES_MAX if field is index.sort_key else PARTITION_KEY_BYTES_MAX
            assert isinstance(value, str | bytes)
            if len(value) * _CHARACTER_BYTES_MAX > limit and size_of_part(value) > limit:
                raise invalid_values(
                    f"Size limit exceeded for Index Key {field.name} Actual Size: {size_of_part(value)} bytes"
                    f" Max Size: {limit} bytes IndexName: {index.name}"
                )


def check_given(config: CollectionConfig, given: Item) -> None:
    """Refuse an update that sets the key of an index to an empty value, which the request says itself."""
    for index in config.indexes:
        for field in (index.partition_key, index.sort_key):
            if field is not None and given.get(field.name) in ("", b""):
                raise empty_key(field, given[field.name], _first_with(config, field), _BY_UPDATE)


def empty_key(field: KeyField, value: Value, index: str, what: str = _BY_VALUE) -> EmptyKeyError:
    """An empty value of an index's key."""
    kind = "string" if value == "" else "binary"
    return EmptyKeyError(
        f"{what} The AttributeValue for a key attribute cannot contain an empty {kind} value."
        f" IndexName: {index}, IndexKey: {field.name}"
    )


def _first_with(config: CollectionConfig, field: KeyField) -> str:
    """Return the first index, by name, that has an attribute in its key: of several, that is the one that is told."""
    return min(index.name for index in config.indexes if field.name in index.key_names)


SHAPE: Final = Shape(check=check_index_keys)


def _projection_labels(projection: Projection) -> dict[str, str]:
    kind, names = projection.ProjectionType, projection.NonKeyAttributes
    if kind is None:
        raise invalid_values("Unknown ProjectionType: null")
    if kind == "INCLUDE" and names is None:
        raise invalid_values(f"ProjectionType is {kind}, but NonKeyAttributes is not specified")
    if kind != "INCLUDE" and names is not None:
        raise invalid_values(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    return {_PROJECTION: kind} | ({} if names is None else {_ATTRIBUTES: json.dumps(names)})


def _show_projection(index: Index) -> dict[str, Any]:
    shown: dict[str, Any] = {"ProjectionType": index.labels[_PROJECTION]}
    if _ATTRIBUTES in index.labels:
        shown["NonKeyAttributes"] = json.loads(index.labels[_ATTRIBUTES])
    return shown


def _unit_labels(wanted: GlobalSecondaryIndex | UpdateIndex, mode: str) -> dict[str, str]:
    throughput = wanted.ProvisionedThroughput
    if mode == ON_DEMAND:
        if throughput is not None:
            raise invalid_values(
                f"ProvisionedThroughput should not be specified for index: {wanted.IndexName} when BillingMode is"
                f" {ON_DEMAND}"
            )
        return {_READ: "0", _WRITE: "0"}
    if throughput is None:
        raise invalid_values(f"ProvisionedThroughput is not specified for index: {wanted.IndexName}")
    return {_READ: str(throughput.ReadCapacityUnits), _WRITE: str(throughput.WriteCapacityUnits)}


def _capacity_labels(labels: dict[str, str], wanted: GlobalSecondaryIndex | UpdateIndex, mode: str) -> dict[str, str]:
    maximum, warm = wanted.OnDemandThroughput, wanted.WarmThroughput
    return capacity.capacity_labels(labels, mode, maximum, warm, f"index: {wanted.IndexName}")


def _check_projected(indexes: Iterable[Index]) -> None:
    count = sum(len(json.loads(index.labels.get(_ATTRIBUTES, "[]"))) for index in indexes)
    if count > PROJECTED_MAX:
        raise invalid_values(
            f"The number of projected attributes in all indexes exceeds the limit of {PROJECTED_MAX}: {count}"
        )
