"""Values: their types, how they compare, and in what order they stand.

Azure Cosmos DB for NoSQL, "Equality and comparison operators" and "ORDER BY": values of different types neither equal
nor precede each other, the result is undefined; in an order, types come one after another.
"""

from __future__ import annotations

import math
from functools import cmp_to_key
from typing import Any, Final, TypeAlias

import msgspec


class Undefined:
    """The type of what isn't there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNDEFINED"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Final = Undefined()
Value: TypeAlias = Any

_UNDEFINED, _NULL, _BOOL, _NUMBER, _TEXT, _ARRAY, _OBJECT = range(7)
_RANKS: Final[dict[type, int]] = {
    Undefined: _UNDEFINED,
    type(None): _NULL,
    bool: _BOOL,
    int: _NUMBER,
    float: _NUMBER,
    str: _TEXT,
    list: _ARRAY,
    dict: _OBJECT,
}
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def rank(value: Value) -> int:
    """Return the place of a value's type in the order of types."""
    return _RANKS[type(value)]


def is_number(value: Value) -> bool:
    """Whether a value is a number."""
    kind = type(value)
    return kind is int or kind is float


def is_primitive(value: Value) -> bool:
    """Whether a value is null, a bool, a number or text."""
    return _NULL <= _RANKS[type(value)] <= _TEXT


def finite(value: float) -> Value:
    """Return a number that JSON has: whole ones as integers; UNDEFINED for infinity and what is no number."""
    if type(value) is int:
        return value if -(1 << 63) <= value < 1 << 64 else float(value)
    if math.isfinite(value):
        return int(value) if value.is_integer() and abs(value) < 1 << 53 else value
    return UNDEFINED


def same(left: Value, right: Value) -> bool:
    """Whether two defined values are the same, through and through."""
    kind = rank(left)
    if kind != rank(right):
        return False
    if kind == _ARRAY:
        return len(left) == len(right) and all(map(same, left, right))
    if kind == _OBJECT:
        return left.keys() == right.keys() and all(same(item, right[name]) for name, item in left.items())
    return bool(left == right)


def equal(left: Value, right: Value) -> Value:
    """Return whether two values are equal; UNDEFINED for values of different types."""
    kind = _RANKS[type(left)]
    if kind != _RANKS[type(right)] or kind == _UNDEFINED:
        return UNDEFINED
    if kind >= _ARRAY:
        return same(left, right)
    return left == right


def contains(values: list[Value], wanted: Value) -> bool:
    """Whether a list has a value among its members."""
    return any(same(each, wanted) for each in values)


def comparable(left: Value, right: Value) -> bool:
    """Whether one value may precede the other: both null, bools, numbers or texts."""
    kind = _RANKS[type(left)]
    return kind == _RANKS[type(right)] and _NULL <= kind <= _TEXT


def compare(left: Value, right: Value) -> int:
    """Return less than, equal to or greater than 0, by the order of all values; undefined ones come first."""
    kind = _RANKS[type(left)]
    other = _RANKS[type(right)]
    if kind != other:
        return kind - other
    if kind in (_NULL, _UNDEFINED):
        return 0
    if kind >= _ARRAY:
        left, right = _encode(left), _encode(right)
    return int(left > right) - int(left < right)


order_key: Final = cmp_to_key(compare)


def identity(value: Value) -> bytes:
    """Return bytes that are the same for values that are the same."""
    if value is UNDEFINED:
        return b""
    return _encode(_plain(value))


def _plain(value: Value) -> Value:
    """Write whole numbers as integers, so that 1 and 1.0 look alike."""
    kind = type(value)
    if kind is float:
        return finite(value)
    if kind is list:
        return [_plain(each) for each in value]
    if kind is dict:
        return {name: _plain(each) for name, each in value.items()}
    return value
