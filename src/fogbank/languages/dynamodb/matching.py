"""Conditions at work: compiled with a request's names and values into a function from an item to a bool.

What can be told from the request alone (types of values, bounds, operands that are the same) is refused when the
condition is compiled; what depends on the item never fails, it just doesn't hold.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final, TypeAlias

from fogbank.languages.dynamodb.errors import ExpressionError
from fogbank.languages.dynamodb.nodes import (
    Between,
    Call,
    Comparison,
    Group,
    In,
    Literal,
    Logic,
    Not,
    Path,
    ungrouped,
)
from fogbank.languages.dynamodb.placeholders import MISSING, resolve, show_steps
from fogbank.languages.dynamodb.types import ORDERED, SETS, equal, show, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.languages.dynamodb.nodes import Condition, Operand
    from fogbank.languages.dynamodb.placeholders import Placeholders
    from fogbank.languages.dynamodb.types import Item, Value

    Matcher: TypeAlias = "Callable[[Item], bool]"
    Getter: TypeAlias = "Callable[[Item], Value]"
    Compare: TypeAlias = "Callable[[Value, Value], bool]"

_TYPES_SHOWN: Final = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")
_SIZED: Final = frozenset({"S", "B", "L", "M"}) | SETS
_STRINGS: Final = frozenset({"S", "B"})


def compile_condition(node: Condition, placeholders: Placeholders) -> Matcher:
    """Return the function that tells whether an item fulfils a condition; raises `ExpressionError`."""
    if isinstance(node, Group):
        return compile_condition(node.inner, placeholders)  # type: ignore[arg-type]  # the parser has seen to it
    if isinstance(node, Logic):
        parts = [compile_condition(each, placeholders) for each in node.conditions]
        if node.operator == "AND":
            return lambda item: all(part(item) for part in parts)
        return lambda item: any(part(item) for part in parts)
    if isinstance(node, Not):
        inner = compile_condition(node.condition, placeholders)
        return lambda item: not inner(item)
    if isinstance(node, Comparison):
        return _comparison(node, placeholders)
    if isinstance(node, Between):
        return _between(node, placeholders)
    if isinstance(node, In):
        operand, *options = (_operand(each, placeholders) for each in (node.operand, *node.options))
        return lambda item: _among(operand(item), (option(item) for option in options))
    return _FUNCTIONS[node.function](node, placeholders)


def is_less(one: Value, other: Value) -> bool:
    """Whether a value comes before another of the same type; False if they have no order."""
    return _ordered(operator.lt)(one, other)


def check_bounds(low: Value, high: Value) -> None:
    """Refuse bounds of different types or in the wrong order."""
    if type_of(low) != type_of(high):
        reason = "same data type for lower and upper bounds"
    elif is_less(high, low):
        reason = "upper bound to be greater than or equal to lower bound"
    else:
        return
    raise ExpressionError(
        f"The BETWEEN operator requires {reason};"
        f" lower bound operand: AttributeValue: {show(low)}, upper bound operand: AttributeValue: {show(high)}"
    )


def wrong_operand(function: str, kind: str) -> ExpressionError:
    """An operand whose type an operator or function doesn't take."""
    return ExpressionError(
        f"Incorrect operand type for operator or function; operator or function: {function}, operand type: {kind}"
    )


def _comparison(node: Comparison, placeholders: Placeholders) -> Matcher:
    left, right = _operand(node.left, placeholders), _operand(node.right, placeholders)
    _check_distinct(node.operator, node.left, (node.right,), placeholders)
    if node.operator == "=":
        return lambda item: _same(left(item), right(item))
    if node.operator == "<>":
        return lambda item: not _same(left(item), right(item))
    for operand in (node.left, node.right):
        _check_literal(node.operator, operand, ORDERED, placeholders)
    compare = _ORDERS[node.operator]
    return lambda item: compare(left(item), right(item))


def _between(node: Between, placeholders: Placeholders) -> Matcher:
    operands = (node.operand, node.low, node.high)
    operand, low, high = (_operand(each, placeholders) for each in operands)
    for each in operands:
        _check_literal("BETWEEN", each, ORDERED, placeholders)
    lower, upper = ungrouped(node.low), ungrouped(node.high)
    if isinstance(lower, Literal) and isinstance(upper, Literal):
        check_bounds(placeholders.value(lower.name), placeholders.value(upper.name))
    not_less, not_greater = _ORDERS[">="], _ORDERS["<="]

    def matches(item: Item) -> bool:
        value = operand(item)
        return not_less(value, low(item)) and not_greater(value, high(item))

    return matches


def _exists(node: Call, placeholders: Placeholders) -> Matcher:
    (path,) = (_operand(each, placeholders) for each in node.arguments)
    if node.function == "attribute_exists":
        return lambda item: path(item) is not MISSING
    return lambda item: path(item) is MISSING


def _attribute_type(node: Call, placeholders: Placeholders) -> Matcher:
    path = _operand(node.arguments[0], placeholders)
    wanted = ungrouped(node.arguments[1])
    if not isinstance(wanted, Literal):
        raise wrong_operand(node.function, "attribute name")
    kind = placeholders.value(wanted.name)
    if type(kind) is not str:
        raise wrong_operand(node.function, type_of(kind))
    if kind not in _TYPES_SHOWN:
        valid = ",".join(_TYPES_SHOWN)
        raise ExpressionError(f"Invalid attribute type name found; type: {kind}, valid types: {{{valid}}}")

    def matches(item: Item) -> bool:
        value = path(item)
        return value is not MISSING and type_of(value) == kind

    return matches


def _begins_with(node: Call, placeholders: Placeholders) -> Matcher:
    text, prefix = (_operand(each, placeholders) for each in node.arguments)
    for operand in node.arguments:
        _check_literal(node.function, operand, _STRINGS, placeholders)
    _check_distinct(node.function, node.arguments[0], node.arguments[1:], placeholders)

    def matches(item: Item) -> bool:
        value, start = text(item), prefix(item)
        return type(value) is type(start) and isinstance(value, (str, bytes)) and value.startswith(start)

    return matches


def _contains(node: Call, placeholders: Placeholders) -> Matcher:
    whole, part = (_operand(each, placeholders) for each in node.arguments)
    _check_distinct(node.function, node.arguments[0], node.arguments[1:], placeholders)

    def matches(item: Item) -> bool:
        container, member = whole(item), part(item)
        if container is MISSING or member is MISSING:
            return False
        if type(container) in (str, bytes):
            return type(container) is type(member) and member in container
        if isinstance(container, frozenset):
            return type_of(container) == f"{type_of(member)}S" and member in container
        return isinstance(container, list) and _among(member, iter(container))

    return matches


_FUNCTIONS: Final = {
    "attribute_exists": _exists,
    "attribute_not_exists": _exists,
    "attribute_type": _attribute_type,
    "begins_with": _begins_with,
    "contains": _contains,
}


def _operand(node: Operand, placeholders: Placeholders) -> Getter:
    inner = ungrouped(node)
    if isinstance(inner, Path):
        steps = placeholders.steps(inner)
        if len(steps) == 1:
            name = str(steps[0])
            return lambda item: item.get(name, MISSING)
        return lambda item: resolve(item, steps)
    if isinstance(inner, Literal):
        value = placeholders.value(inner.name)
        return lambda _item: value
    assert isinstance(inner, Call)
    return _size(inner, placeholders)


def _size(node: Call, placeholders: Placeholders) -> Getter:
    (argument,) = node.arguments
    if isinstance(ungrouped(argument), Call):
        raise wrong_operand("size", "N")
    _check_literal("size", argument, _SIZED, placeholders)
    sized = _operand(argument, placeholders)

    def size(item: Item) -> Value:
        value = sized(item)
        if value is MISSING or type_of(value) not in _SIZED:
            return MISSING
        if isinstance(value, str) and not value.isascii():
            # DynamoDB counts as Java does, in units of UTF-16.
            return len(value.encode("utf-16-le")) // 2
        return len(value)

    return size


def _check_literal(function: str, operand: Operand, allowed: frozenset[str], placeholders: Placeholders) -> None:
    """Refuse a value given with the request that is of a type the operator can't take."""
    inner = ungrouped(operand)
    if isinstance(inner, Literal):
        kind = type_of(placeholders.value(inner.name))
        if kind not in allowed:
            raise wrong_operand(function, kind)


def _check_distinct(function: str, first: Operand, rest: tuple[Operand, ...], placeholders: Placeholders) -> None:
    """Refuse a path that is compared with itself."""
    path = ungrouped(first)
    if not isinstance(path, Path):
        return
    steps = placeholders.steps(path)
    for each in map(ungrouped, rest):
        if isinstance(each, Path) and placeholders.steps(each) == steps:
            raise ExpressionError(
                "The first operand must be distinct from the remaining operands for this operator or function;"
                f" operator: {function}, first operand: {show_steps(steps)}"
            )


def _same(one: Value, other: Value) -> bool:
    return one is not MISSING and other is not MISSING and equal(one, other)


def _among(value: Value, options: Iterator[Value]) -> bool:
    return value is not MISSING and any(option is not MISSING and equal(value, option) for option in options)


def _ordered(compare: Compare) -> Compare:
    def test(one: Value, other: Value) -> bool:
        if one is MISSING or other is MISSING:
            return False
        kind = type_of(one)
        return kind in ORDERED and kind == type_of(other) and compare(one, other)

    return test


_ORDERS: Final[dict[str, Compare]] = {
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
}
