"""What items count: bytes against the limits, and capacity units.

Amazon DynamoDB Developer Guide, "Item sizes and formats" and "Capacity unit consumption".
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.dynamodb.errors import validation

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Index
    from fogbank.languages.dynamodb.types import Item, Number, Value

KIB: Final = 1_024
ITEM_BYTES_MAX: Final = 400 * KIB
NAME_BYTES_MAX: Final = 65_535
READ_UNIT_BYTES: Final = 4 * KIB
WRITE_UNIT_BYTES: Final = KIB
# A list or map counts 3 bytes, and each of its members one, on top of what the members are.
CONTAINER_BYTES: Final = 3
MEMBER_BYTES: Final = 1
# A truth value, or null.
SCALAR_BYTES: Final = 1


def size_of(item: Item) -> int:
    """Return an item's size in bytes: the names and values of its attributes."""
    return sum(map(size_of_text, item)) + sum(map(_size_of_value, item.values()))


def size_of_text(text: str) -> int:
    """Return the bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def size_of_number(number: Number) -> int:
    """Return a byte for each two significant digits, one more, and one for a sign."""
    if isinstance(number, int):
        if 0 < number < 100:
            return 2
        digits = len(str(number).strip("-0"))
    else:
        digits = len(number.as_tuple().digits)
    return (digits + 1) // 2 + 1 + (number < 0)


def check_size(item: Item, size: int, *, updated: bool = False) -> None:
    """Refuse an item that is too large, or has a name that is, at any depth."""
    if size <= NAME_BYTES_MAX:
        return
    if size > ITEM_BYTES_MAX:
        what = "Item size to update" if updated else "Item size"
        raise validation(f"{what} has exceeded the maximum allowed size")
    if _has_long_name(item):
        raise validation("1 validation error detected: Attribute name is too large, must be less than 65536 bytes")


def _has_long_name(value: Value) -> bool:
    if isinstance(value, dict):
        return any(size_of_text(name) > NAME_BYTES_MAX or _has_long_name(below) for name, below in value.items())
    return isinstance(value, list) and any(map(_has_long_name, value))


def read_units(size: int, *, consistent: bool) -> float:
    """Return what reading that many bytes costs; reading nothing costs as much as the smallest item."""
    units = max(1, -(-size // READ_UNIT_BYTES))
    return float(units) if consistent else units / 2


def write_units(size: int) -> float:
    """Return what writing an item of that many bytes costs."""
    return float(max(1, -(-size // WRITE_UNIT_BYTES)))


def consumed(
    table: str, units: float, wanted: str | None, index: Index | None = None, fetched: float = 0.0
) -> dict[str, Any]:
    """Return the ConsumedCapacity member of a reply; empty unless it is asked for.

    `index` is what was read, `fetched` what was read of the table besides.
    """
    if wanted is None or wanted == "NONE":
        return {}
    described = describe_units(table, units, wanted, index)
    if fetched:
        described["CapacityUnits"] += fetched
        if "Table" in described:
            described["Table"] = {"CapacityUnits": fetched}
    return {"ConsumedCapacity": described}


def describe_units(table: str, units: float, wanted: str, index: Index | None = None, kind: str = "") -> dict[str, Any]:
    """Return the capacity that one table's part of an operation consumed.

    Transactions say of which `kind` it is, `ReadCapacityUnits` or `WriteCapacityUnits`.
    """
    shown = {"CapacityUnits": units, kind: units} if kind else {"CapacityUnits": units}
    described: dict[str, Any] = {"TableName": table, **shown}
    if wanted == "INDEXES":
        described["Table"] = shown if index is None else {"CapacityUnits": 0.0}
        if index is not None:
            place = "LocalSecondaryIndexes" if index.labels["kind"] == "local" else "GlobalSecondaryIndexes"
            described[place] = {index.name: shown}
    return described


def _size_of_value(value: Value) -> int:
    kind = type(value)
    if kind is str:
        return size_of_text(value)
    if kind is bool or value is None:
        return SCALAR_BYTES
    if kind is int or kind is Decimal:
        return size_of_number(value)
    if kind is bytes:
        return len(value)
    if kind is dict:
        return CONTAINER_BYTES + MEMBER_BYTES * len(value) + size_of(value)
    if kind is list:
        return CONTAINER_BYTES + MEMBER_BYTES * len(value) + sum(map(_size_of_value, value))
    return sum(map(_size_of_value, value))
