"""DynamoDB's types of values (Amazon DynamoDB Developer Guide, "Data types")."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeAlias

Number: TypeAlias = "int | Decimal"
Value: TypeAlias = Any
"""A value of any type; what it may be, the package's docstring says."""
Item: TypeAlias = "dict[str, Value]"

_TYPES: Final[dict[type, str]] = {
    str: "S",
    int: "N",
    Decimal: "N",
    bytes: "B",
    bool: "BOOL",
    type(None): "NULL",
    list: "L",
    dict: "M",
}
_SET_TYPES: Final[dict[type, str]] = {str: "SS", int: "NS", Decimal: "NS", bytes: "BS"}
ORDERED: Final = frozenset({"S", "N", "B"})
SETS: Final = frozenset({"SS", "NS", "BS"})


def type_of(value: Value) -> str:
    """Return the type's name, as it stands on the wire."""
    known = _TYPES.get(type(value))
    if known is not None:
        return known
    assert isinstance(value, frozenset)
    return _SET_TYPES[type(next(iter(value)))]


def equal(one: Value, other: Value) -> bool:
    """Whether two values are of the same type and the same; numbers by value, sets whatever their order."""
    kind = type_of(one)
    if kind != type_of(other):
        return False
    if kind == "L":
        return len(one) == len(other) and all(map(equal, one, other))
    if kind == "M":
        return one.keys() == other.keys() and all(equal(item, other[name]) for name, item in one.items())
    return bool(one == other)


def show(value: Value) -> str:
    """Write a scalar as DynamoDB's messages do: `{S:abc}`."""
    text = value.hex() if isinstance(value, bytes) else str(value)
    return f"{{{type_of(value)}:{text}}}"
