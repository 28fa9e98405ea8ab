"""Comparisons of attributes: Expected, KeyConditions, QueryFilter and ScanFilter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.languages.dynamodb.errors import MisuseError
from fogbank.languages.dynamodb.key_conditions import KeyTerm
from fogbank.languages.dynamodb.matching import compile_condition, is_less
from fogbank.languages.dynamodb.nodes import Between, Call, Comparison, In, Literal, Logic, Not, Path
from fogbank.languages.dynamodb.placeholders import Placeholders
from fogbank.languages.dynamodb.types import ORDERED, type_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.languages.dynamodb.matching import Matcher
    from fogbank.languages.dynamodb.nodes import Condition
    from fogbank.languages.dynamodb.types import Value

_COMPARISONS: Final = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
_FUNCTIONS: Final = {
    "NOT_NULL": "attribute_exists",
    "NULL": "attribute_not_exists",
    "CONTAINS": "contains",
    "NOT_CONTAINS": "contains",
    "BEGINS_WITH": "begins_with",
}
# The types of the values that operators take; those that aren't here take any.
_TYPES: Final = {
    **dict.fromkeys(("LE", "LT", "GE", "GT", "BETWEEN", "IN", "CONTAINS", "NOT_CONTAINS"), ORDERED),
    "BEGINS_WITH": frozenset({"S", "B"}),
}
_KEY_OPERATORS: Final = {
    **{name: operator for name, operator in _COMPARISONS.items() if name != "NE"},
    "BETWEEN": "BETWEEN",
    "BEGINS_WITH": "begins_with",
}
_INVALID: Final = "One or more parameter values were invalid: "


class Term(NamedTuple):
    """What is asked of one attribute: a ComparisonOperator (`EQ`, `NOT_CONTAINS` …) and its values."""

    name: str
    operator: str
    values: tuple[Value, ...] = ()


def compile_terms(terms: Sequence[Term], operator: str) -> Matcher:
    """Return what tells whether all (AND) or some (OR) of at least one term hold; raises `MisuseError`."""
    names: dict[str, str] = {}
    values: dict[str, Value] = {}
    conditions = []
    for number, term in enumerate(terms):
        _check(term)
        names[f"#{number}"] = term.name
        operands = []
        for index, value in enumerate(term.values):
            operands.append(Literal(f":{number}_{index}"))
            values[operands[-1].name] = value
        conditions.append(_condition(term.operator, Path((f"#{number}",)), tuple(operands)))
    node = conditions[0] if len(conditions) == 1 else Logic(operator, tuple(conditions))
    return compile_condition(node, Placeholders(names, values))


def compile_key_terms(terms: Sequence[Term]) -> list[KeyTerm]:
    """Return what is asked of a key; raises `MisuseError`."""
    if not 0 < len(terms) <= 2:
        raise MisuseError("Conditions can be of length 1 or 2 only")
    for term in terms:
        _check(term)
    for term in terms:
        if term.operator not in _KEY_OPERATORS:
            raise MisuseError("Attempted conditional constraint is not an indexable operation")
    return [KeyTerm(term.name, _KEY_OPERATORS[term.operator], term.values) for term in terms]


def _condition(operator: str, path: Path, operands: tuple[Literal, ...]) -> Condition:
    if operator in _COMPARISONS:
        return Comparison(_COMPARISONS[operator], path, operands[0])
    if operator == "BETWEEN":
        return Between(path, *operands)
    if operator == "IN":
        return In(path, operands)
    call = Call(_FUNCTIONS[operator], (path, *operands))
    return Not(call) if operator == "NOT_CONTAINS" else call


def _check(term: Term) -> None:
    """Refuse values that an operator doesn't take."""
    operator, values = term.operator, term.values
    wanted = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2, "IN": max(1, len(values))}.get(operator, 1)
    if len(values) != wanted:
        raise MisuseError(f"{_INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator")
    kinds = [type_of(value) for value in values]
    for kind in kinds:
        if operator in _TYPES and kind not in _TYPES[operator]:
            raise MisuseError(f"{_INVALID}ComparisonOperator {operator} is not valid for {kind} AttributeValue type")
    if len(set(kinds)) > 1:
        raise MisuseError(f"{_INVALID}AttributeValues inside AttributeValueList must be of same type")
    if operator == "BETWEEN" and is_less(values[1], values[0]):
        raise MisuseError(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )
