"""Key schemas: from KeySchema and AttributeDefinitions to a collection's key, and from items to keys.

Amazon DynamoDB API Reference, "CreateTable"; Developer Guide, "Constraints: Partition keys and sort keys".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import REQUIRED, Input
from fogbank.clouds.aws.dynamodb.errors import EmptyKeyError, invalid_values, validation
from fogbank.engines.documents.keys import NO_SORT_KEY, encode_partition, encode_scalar
from fogbank.engines.documents.model import Key, KeyField
from fogbank.languages.dynamodb.types import type_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.engines.documents.feeds import FeedConfig
    from fogbank.engines.documents.model import CollectionConfig, Index, Kind
    from fogbank.languages.dynamodb.types import Item, Value

PARTITION_KEY_BYTES_MAX: Final = 2_048
SORT_KEY_BYTES_MAX: Final = 1_024
KEYS_MAX: Final = 2
KINDS: Final[dict[str, Kind]] = {"S": "text", "N": "number", "B": "bytes"}
TYPES: Final = {kind: name for name, kind in KINDS.items()}
MISMATCH: Final = "The provided key element does not match the schema"


class AttributeDefinition(Input):
    """The type of an attribute that is part of a key."""

    AttributeName: str = REQUIRED
    AttributeType: str = REQUIRED


class KeySchemaElement(Input):
    """The part that an attribute has in the key."""

    AttributeName: str = REQUIRED
    KeyType: str = REQUIRED


def check_definitions(
    definitions: Sequence[AttributeDefinition], schemas: Sequence[Sequence[KeySchemaElement]]
) -> None:
    """Refuse definitions of attributes that aren't in any schema: the table's comes first, indexes' follow."""
    names = {element.AttributeName for each in schemas for element in each}
    defined = [each.AttributeName for each in definitions]
    if len(schemas) > 1 and not set(defined) <= names:
        raise invalid_values(
            f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(defined)}], keys used:"
            f" [{', '.join(sorted(names))}]"
        )
    if len(schemas) == 1 and (len(set(defined)) != len(names) or len(defined) != len(names)):
        raise invalid_values(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in"
            " AttributeDefinitions"
        )


def read_key_fields(
    elements: Sequence[KeySchemaElement], definitions: Sequence[AttributeDefinition]
) -> tuple[KeyField, KeyField | None]:
    """Return the fields of a partition key and a sort key, of a table or an index."""
    if elements[0].KeyType != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    names = [element.AttributeName for element in elements]
    if len(elements) > 1:
        if elements[1].KeyType != "RANGE":
            raise validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
        if names[0] == names[1]:
            raise validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    types = {each.AttributeName: each.AttributeType for each in definitions}
    missing = [name for name in names if name not in types]
    if missing and len(types) < len(names):
        raise validation("Invalid KeySchema: Some index key attribute have no definition")
    if missing:
        raise invalid_values(
            "Some index key attributes are not defined in AttributeDefinitions."
            f" Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(types)}]"
        )
    fields = [KeyField(name, KINDS[types[name]]) for name in names]
    return fields[0], fields[1] if len(fields) > 1 else None


def show_schema(config: CollectionConfig) -> dict[str, Any]:
    """Return KeySchema and AttributeDefinitions as DescribeTable shows them."""
    fields: dict[str, str] = {}
    keyed: list[CollectionConfig | Index] = [config, *config.indexes]
    for each in keyed:
        fields |= {field.name: TYPES[field.kind] for field in (each.partition_key, each.sort_key) if field is not None}
    return {
        "KeySchema": show_key_schema(config),
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in fields.items()],
    }


def show_key_schema(keyed: CollectionConfig | FeedConfig | Index) -> list[dict[str, str]]:
    """Return the KeySchema of a table, a stream or an index."""
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(keyed.key_names, ("HASH", "RANGE"), strict=False)
    ]


def key_in_item(config: CollectionConfig, item: Item) -> Key:
    """Return the key of a whole item."""
    partition = _key_value(config.partition_key, item)
    if config.sort_key is None:
        return encode_key(partition)
    return encode_key(partition, _key_value(config.sort_key, item))


def key_alone(keyed: CollectionConfig | Index, item: Item) -> Key:
    """Return the key that a request's Key names; it has the key's attributes and no others."""
    sort_key = keyed.sort_key
    if len(item) != (1 if sort_key is None else 2):
        raise validation(MISMATCH)
    partition = _key_part(keyed.partition_key, item)
    return encode_key(partition) if sort_key is None else encode_key(partition, _key_part(sort_key, item))


def encode_key(partition: Value, sort: Value = None) -> Key:
    """Encode a key; refuse parts that are too large."""
    encoded = encode_partition(partition)
    # The encoding adds three bytes; a number's is never near the limit.
    if len(encoded) > PARTITION_KEY_BYTES_MAX and size_of_part(partition) > PARTITION_KEY_BYTES_MAX:
        raise invalid_values(f"Size of hashkey has exceeded the maximum size limit of{PARTITION_KEY_BYTES_MAX} bytes")
    return Key(encoded, NO_SORT_KEY if sort is None else encode_sort(sort))


def encode_sort(sort: Value) -> bytes:
    """Encode a sort key; refuse one that is too large."""
    encoded = encode_scalar(sort)
    if len(encoded) > SORT_KEY_BYTES_MAX and size_of_part(sort) > SORT_KEY_BYTES_MAX:
        raise invalid_values(
            f"Aggregated size of all range keys has exceeded the size limit of {SORT_KEY_BYTES_MAX} bytes"
        )
    return encoded


def size_of_part(value: Value) -> int:
    """Return the size of a key's part, in bytes."""
    return len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 0


def check_not_empty(field: KeyField, value: Value) -> None:
    """Refuse empty text and bytes in keys."""
    if value in ("", b""):
        kind = "string" if value == "" else "binary"
        raise EmptyKeyError(
            f"The AttributeValue for a key attribute cannot contain an empty {kind} value. Key: {field.name}"
        )


def _key_value(field: KeyField, item: Item) -> Value:
    name, kind = field.name, field.kind
    if name not in item:
        raise invalid_values(f"Missing the key {name} in the item")
    value = item[name]
    actual = type_of(value)
    if actual != TYPES[kind]:
        raise invalid_values(f"Type mismatch for key {name} expected: {TYPES[kind]} actual: {actual}")
    if not value:
        check_not_empty(field, value)
    return value


def _key_part(field: KeyField, item: Item) -> Value:
    value = item.get(field.name)
    if value is None or type_of(value) != TYPES[field.kind]:
        raise validation(MISMATCH)
    if not value:
        check_not_empty(field, value)
    return value
