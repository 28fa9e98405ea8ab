"""What items count: bytes against the limits, and capacity units.

Amazon DynamoDB Developer Guide, "Item sizes and formats" and "Capacity unit consumption".
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.dynamodb.errors import validation

if TYPE_CHECKING:
    from fogbank.languages.dynamodb.types import Item, Number, Value

KIB: Final = 1_024
ITEM_BYTES_MAX: Final = 400 * KIB
NAME_BYTES_MAX: Final = 65_535
READ_UNIT_BYTES: Final = 4 * KIB
WRITE_UNIT_BYTES: Final = KIB
# A list or map counts 3 bytes, and each of its members one, on top of what the members are.
_CONTAINER_BYTES: Final = 3
_MEMBER_BYTES: Final = 1


def size_of(item: Item) -> int:
    """Return an item's size in bytes: the names and values of its attributes."""
    size = 0
    for name, value in item.items():
        size += len(name) if name.isascii() else len(name.encode())
        if type(value) is str:
            size += len(value) if value.isascii() else len(value.encode())
        else:
            size += _size_of_value(value)
    return size


def check_size(item: Item, *, updated: bool = False) -> int:
    """Return an item's size in bytes; refuse one that is too large."""
    size = size_of(item)
    if size > NAME_BYTES_MAX:
        if size > ITEM_BYTES_MAX:
            what = "Item size to update" if updated else "Item size"
            raise validation(f"{what} has exceeded the maximum allowed size")
        check_names(item)
    return size


def check_names(item: Item) -> None:
    """Refuse an attribute name that is too long."""
    if any(len(name.encode()) > NAME_BYTES_MAX for name in item):
        raise validation("One or more parameter values were invalid: Attribute name is too large")


def read_units(size: int, *, consistent: bool) -> float:
    """Return what reading that many bytes costs; reading nothing costs as much as the smallest item."""
    units = max(1, -(-size // READ_UNIT_BYTES))
    return float(units) if consistent else units / 2


def write_units(size: int) -> float:
    """Return what writing an item of that many bytes costs."""
    return float(max(1, -(-size // WRITE_UNIT_BYTES)))


def consumed(table: str, units: float, wanted: str | None) -> dict[str, Any]:
    """Return the ConsumedCapacity member of a reply; empty unless it is asked for."""
    if wanted is None or wanted == "NONE":
        return {}
    return {"ConsumedCapacity": describe_units(table, units, wanted)}


def describe_units(table: str, units: float, wanted: str) -> dict[str, Any]:
    """Return the capacity that one table's part of an operation consumed."""
    described: dict[str, Any] = {"TableName": table, "CapacityUnits": units}
    if wanted == "INDEXES":
        described["Table"] = {"CapacityUnits": units}
    return described


def _size_of_value(value: Value) -> int:
    kind = type(value)
    if kind is str:
        return len(value) if value.isascii() else len(value.encode())
    if kind is bool or value is None:
        return 1
    if kind is int or kind is Decimal:
        return _size_of_number(value)
    if kind is bytes:
        return len(value)
    if kind is dict:
        return _CONTAINER_BYTES + _MEMBER_BYTES * len(value) + size_of(value)
    if kind is list:
        return _CONTAINER_BYTES + _MEMBER_BYTES * len(value) + sum(map(_size_of_value, value))
    return sum(map(_size_of_value, value))


def _size_of_number(value: Number) -> int:
    """A byte for each two significant digits, one more, and one for a sign."""
    digits = len(str(value).strip("-0")) if isinstance(value, int) else len(value.as_tuple().digits)
    return (digits + 1) // 2 + 1 + (value < 0)
