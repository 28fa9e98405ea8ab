"""Operators on values that are known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from fogbank.languages.security_rules.errors import EvaluationError
from fogbank.languages.security_rules.unknown import ORDERS
from fogbank.languages.security_rules.values import (
    Duration,
    Path,
    Set,
    Timestamp,
    Value,
    integer,
    same,
    type_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT_CHARS_MAX: Final = 1_048_576


def is_number(value: Value) -> bool:
    """Whether a value is an integer or a float."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def wrong(operator: str, *values: Value) -> EvaluationError:
    """Return the error for values that an operator isn't for."""
    return EvaluationError(f"Unsupported operation error. {operator} isn't for {', '.join(map(type_of, values))}.")


def binary(operator: str, one: Value, other: Value) -> Value:
    """Return what an operator makes of two values."""
    if operator == "==":
        return same(one, other)
    if operator == "!=":
        return not same(one, other)
    if operator == "in":
        return contains(other, one)
    if operator in ORDERS:
        return compare(operator, one, other)
    return _ARITHMETIC[operator](one, other)


def compare(operator: str, one: Value, other: Value) -> bool:
    """Compare numbers, texts, times, durations."""
    both_numbers = is_number(one) and is_number(other)
    if not both_numbers and (type(one) is not type(other) or not isinstance(one, str | bytes | Timestamp | Duration)):
        raise wrong(operator, one, other)
    return bool(ORDERS[operator](one, other))


def contains(container: Value, value: Value) -> bool:
    """Tell whether a list or a set has a member, or a map a key."""
    if isinstance(container, dict):
        return isinstance(value, str) and value in container
    if isinstance(container, list):
        return any(same(each, value) for each in container)
    if isinstance(container, Set):
        return value in container
    raise wrong("in", value, container)


def negated(value: Value) -> Value:
    """Return minus a value."""
    if not is_number(value):
        raise wrong("-", value)
    return integer(-value) if isinstance(value, int) else -value


def _add(one: Value, other: Value) -> Value:
    if isinstance(one, str) and isinstance(other, str):
        if len(one) + len(other) > TEXT_CHARS_MAX:
            msg = "The text is too long."
            raise EvaluationError(msg)
        return one + other
    if is_number(one) and is_number(other):
        return _number(one + other)
    if isinstance(one, Timestamp) and isinstance(other, Duration):
        return Timestamp(one.nanos + other.nanos)
    if isinstance(one, Duration) and isinstance(other, Timestamp | Duration):
        return type(other)(one.nanos + other.nanos)
    raise wrong("+", one, other)


def _subtract(one: Value, other: Value) -> Value:
    if is_number(one) and is_number(other):
        return _number(one - other)
    if isinstance(one, Timestamp) and isinstance(other, Timestamp):
        return Duration(one.nanos - other.nanos)
    if isinstance(one, Timestamp | Duration) and isinstance(other, Duration):
        return type(one)(one.nanos - other.nanos)
    raise wrong("-", one, other)


def _multiply(one: Value, other: Value) -> Value:
    if not (is_number(one) and is_number(other)):
        raise wrong("*", one, other)
    return _number(one * other)


def _divide(one: Value, other: Value) -> Value:
    if not (is_number(one) and is_number(other)):
        raise wrong("/", one, other)
    if isinstance(one, int) and isinstance(other, int):
        if other == 0:
            msg = "Division by zero."
            raise EvaluationError(msg)
        whole = abs(one) // abs(other)
        return integer(whole if (one < 0) is (other < 0) else -whole)
    if other == 0:
        return math.nan if one == 0 or math.isnan(one) else math.copysign(math.inf, one)
    return _number(one / other)


def _remainder(one: Value, other: Value) -> Value:
    if not (is_number(one) and is_number(other)):
        raise wrong("%", one, other)
    if other == 0:
        msg = "Division by zero."
        raise EvaluationError(msg)
    if isinstance(one, int) and isinstance(other, int):
        return int(math.copysign(1, one)) * (abs(one) % abs(other))
    return math.fmod(one, other)


def _number(number: float) -> int | float:
    return integer(number) if isinstance(number, int) else number


def at_index(left: Value, index: Value) -> Value:
    """Return `left[index]`."""
    if isinstance(left, dict):
        if isinstance(index, str) and index in left:
            return left[index]
        msg = f"Property {index} is undefined on object."
        raise EvaluationError(msg)
    sequence = left.segments if isinstance(left, Path) else left
    if isinstance(sequence, str | list | tuple) and isinstance(index, int) and not isinstance(index, bool):
        if 0 <= index < len(sequence):
            return sequence[index]
        msg = "The index is beyond the end."
        raise EvaluationError(msg)
    raise wrong("[]", left, index)


def slice_of(left: Value, begin: Value, end: Value) -> Value:
    """Return `left[begin:end]`, of a text, bytes or a list."""
    if not isinstance(left, str | list | bytes):
        raise wrong("[:]", left)
    for each in (begin, end):
        if each is not None and (not isinstance(each, int) or isinstance(each, bool) or not 0 <= each <= len(left)):
            msg = "The range isn't within what it is of."
            raise EvaluationError(msg)
    return left[begin:end]


_ARITHMETIC: Final[dict[str, Callable[[Value, Value], Value]]] = {
    "+": _add, "-": _subtract, "*": _multiply, "/": _divide, "%": _remainder,
}  # fmt: skip
