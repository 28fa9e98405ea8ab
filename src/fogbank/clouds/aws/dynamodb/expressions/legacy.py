"""The legacy parameters' structures, read into what expressions are compiled to.

Amazon DynamoDB API Reference, "ExpectedAttributeValue", "Condition", "AttributeValueUpdate".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from fogbank.clouds.aws.api import REQUIRED, Input
from fogbank.clouds.aws.dynamodb.attributes import read_value
from fogbank.clouds.aws.dynamodb.errors import invalid_values, validation
from fogbank.languages.dynamodb.errors import MisuseError
from fogbank.languages.dynamodb.legacy.attributes import AttributeChange, compile_changes, compile_names
from fogbank.languages.dynamodb.legacy.conditions import Term, compile_key_terms, compile_terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.languages.dynamodb.applying import Update
    from fogbank.languages.dynamodb.key_conditions import KeyTerm
    from fogbank.languages.dynamodb.matching import Matcher
    from fogbank.languages.dynamodb.paths import Tree
    from fogbank.wire.aws.errors import AwsError

P = TypeVar("P")
T = TypeVar("T")

_WITHOUT_VALUES: Final = ("NULL", "NOT_NULL")


class ExpectedAttributeValue(Input):
    """What an attribute is expected to be: a value, or nothing, or what a comparison says."""

    Value: Any = None
    Exists: bool | None = None
    ComparisonOperator: str | None = None
    AttributeValueList: list[Any] | None = None


class Condition(Input):
    """A comparison."""

    ComparisonOperator: str = REQUIRED
    AttributeValueList: list[Any] | None = None


class AttributeValueUpdate(Input):
    """What is to be done to an attribute."""

    Value: Any = None
    Action: str | None = None


def expected(wanted: dict[str, ExpectedAttributeValue], operator: str) -> Matcher | None:
    """Compile Expected; None if nothing is expected."""
    terms = [_expected(name, each) for name, each in wanted.items()]
    return _worded(lambda terms: compile_terms(terms, operator), terms) if terms else None


def filter_of(conditions: dict[str, Condition], operator: str) -> Matcher | None:
    """Compile QueryFilter or ScanFilter; None if nothing is asked for."""
    terms = [_term(name, each) for name, each in conditions.items()]
    return _worded(lambda terms: compile_terms(terms, operator), terms) if terms else None


def key_conditions(conditions: dict[str, Condition]) -> list[KeyTerm]:
    """Compile KeyConditions."""
    return _worded(compile_key_terms, [_term(name, each) for name, each in conditions.items()])


def attribute_updates(updates: dict[str, AttributeValueUpdate]) -> Update | None:
    """Compile AttributeUpdates; None if there are none."""
    changes = [_change(name, each) for name, each in updates.items()]
    return _worded(compile_changes, changes) if changes else None


def attributes_to_get(names: list[str]) -> Tree:
    """Compile AttributesToGet."""
    return _worded(compile_names, names)


def _worded(compile_parts: Callable[[P], T], parts: P) -> T:
    try:
        return compile_parts(parts)
    except MisuseError as error:
        raise validation(str(error)) from None


def _expected(name: str, wanted: ExpectedAttributeValue) -> Term:
    operator, value, values = wanted.ComparisonOperator, wanted.Value, wanted.AttributeValueList
    if operator is None:
        if values is not None:
            raise _unfit("AttributeValueList can only be used with a ComparisonOperator", name)
        if wanted.Exists is False:
            if value is not None:
                raise _unfit("Value cannot be used when Exists is false", name)
            return Term(name, "NULL")
        if value is None:
            raise _unfit(f"Value must be provided when Exists is {'true' if wanted.Exists else 'null'}", name)
        return Term(name, "EQ", (read_value(value),))
    if wanted.Exists is not None:
        raise _unfit("Exists and ComparisonOperator cannot be used together", name)
    if value is not None and values is not None:
        raise _unfit("Value and AttributeValueList cannot be used together", name)
    if value is None and values is None and operator not in _WITHOUT_VALUES:
        raise _unfit(f"Value or AttributeValueList must be used with ComparisonOperator: {operator}", name)
    return Term(name, operator, tuple(map(read_value, values or ([] if value is None else [value]))))


def _unfit(what: str, name: str) -> AwsError:
    """Word what doesn't go together in Expected; these, AWS numbers as it does violations of constraints."""
    return validation(f"1 validation error detected: {invalid_values(f'{what} for Attribute: {name}').message}")


def _term(name: str, wanted: Condition) -> Term:
    return Term(name, wanted.ComparisonOperator, tuple(map(read_value, wanted.AttributeValueList or ())))


def _change(name: str, wanted: AttributeValueUpdate) -> AttributeChange:
    action = wanted.Action or "PUT"
    if wanted.Value is not None:
        return AttributeChange(name, action, read_value(wanted.Value))
    if action != "DELETE":
        raise invalid_values("Only DELETE action is allowed when no attribute value is specified")
    return AttributeChange(name, "REMOVE")
