"""KeyConditionExpression: a condition that names one partition and, perhaps, a range of its sort keys.

Amazon DynamoDB API Reference, "Query: KeyConditionExpression".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.languages.dynamodb.errors import MisuseError
from fogbank.languages.dynamodb.matching import check_bounds
from fogbank.languages.dynamodb.nodes import Between, Call, Comparison, Group, In, Literal, Logic, Not, Path, ungrouped

if TYPE_CHECKING:
    from fogbank.languages.dynamodb.nodes import Condition, Operand
    from fogbank.languages.dynamodb.placeholders import Placeholders
    from fogbank.languages.dynamodb.types import Value

_MIRRORED: Final = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class KeyTerm(NamedTuple):
    """One attribute of the key: `=`, `<`, `<=`, `>`, `>=`, `BETWEEN` or `begins_with`, and one value or two."""

    name: str
    operator: str
    values: tuple[Value, ...]


def compile_key_condition(node: Condition, placeholders: Placeholders) -> list[KeyTerm]:
    """Return a key condition's one or two terms; raises `ExpressionError`, `MisuseError`."""
    terms = [_term(each, placeholders) for each in _conjuncts(node)]
    if len(terms) > 2:
        raise MisuseError("Conditions can be of length 1 or 2 only")
    if len({term.name for term in terms}) < len(terms):
        raise MisuseError("KeyConditionExpressions must only contain one condition per key")
    return terms


def _conjuncts(node: Condition) -> list[Condition]:
    if isinstance(node, Group):
        return _conjuncts(node.inner)  # type: ignore[arg-type]  # the parser has seen to it
    if not isinstance(node, Logic):
        return [node]
    if node.operator != "AND":
        raise _invalid_operator(node.operator)
    return [each for condition in node.conditions for each in _conjuncts(condition)]


def _term(node: Condition, placeholders: Placeholders) -> KeyTerm:
    if isinstance(node, Comparison):
        if node.operator not in _MIRRORED:
            raise _invalid_operator(node.operator)
        left, right = _side(node.left, placeholders), _side(node.right, placeholders)
        if isinstance(left, str) == isinstance(right, str):
            raise _invalid_sides(named=isinstance(left, str))
        if isinstance(left, str):
            assert isinstance(right, tuple)
            return KeyTerm(left, node.operator, right)
        assert isinstance(right, str)
        return KeyTerm(right, _MIRRORED[node.operator], left)
    if isinstance(node, Between):
        return _named(node.operand, "BETWEEN", (node.low, node.high), placeholders)
    if isinstance(node, Call) and node.function == "begins_with":
        return _named(node.arguments[0], node.function, node.arguments[1:], placeholders)
    if isinstance(node, Not):
        raise _invalid_operator("NOT")
    if isinstance(node, In):
        raise _invalid_operator("IN")
    assert isinstance(node, Call)
    raise _invalid_operator(node.function)


def _named(operand: Operand, operator: str, operands: tuple[Operand, ...], placeholders: Placeholders) -> KeyTerm:
    name = _side(operand, placeholders)
    if not isinstance(name, str):
        raise _invalid_sides(named=False)
    values: tuple[Value, ...] = ()
    for each in operands:
        value = _side(each, placeholders)
        if isinstance(value, str):
            raise _invalid_sides(named=True)
        values += value
    if operator == "BETWEEN":
        check_bounds(*values)
    return KeyTerm(name, operator, values)


def _side(node: Operand, placeholders: Placeholders) -> str | tuple[Value]:
    """Return the name of an attribute, or a value in a tuple."""
    inner = ungrouped(node)
    if isinstance(inner, Path):
        name, *below = placeholders.steps(inner)
        if below:
            raise MisuseError("KeyConditionExpressions cannot have conditions on nested attributes")
        assert isinstance(name, str)
        return name
    if isinstance(inner, Literal):
        return (placeholders.value(inner.name),)
    raise MisuseError("KeyConditionExpressions cannot contain nested operations")


def _invalid_operator(operator: str) -> MisuseError:
    return MisuseError(f"Invalid operator used in KeyConditionExpression: {operator}")


def _invalid_sides(*, named: bool) -> MisuseError:
    reason = "Multiple attribute names used in one condition" if named else "No key attribute specified"
    return MisuseError(f"Invalid condition in KeyConditionExpression: {reason}")
