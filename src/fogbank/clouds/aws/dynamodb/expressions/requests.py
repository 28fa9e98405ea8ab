"""From a request's parameters to its expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.expressions import legacy
from fogbank.clouds.aws.dynamodb.expressions.expressions import Expressions

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Input

# What may stand in a request in the place of each kind of expression.
_LEGACY: Final = {
    "UpdateExpression": ("AttributeUpdates",),
    "ConditionExpression": ("Expected",),
    "ProjectionExpression": ("AttributesToGet",),
    "FilterExpression": ("QueryFilter", "ScanFilter"),
    "KeyConditionExpression": ("KeyConditions",),
}
_OPERATOR: Final = "ConditionalOperator"


def expressions_of(request: Input, *parameters: str) -> Expressions:
    """Return a request's expressions, by the names of the parameters that an operation takes.

    Where a request has legacy parameters, they are read as the expressions that they stand for. It can't have both.
    """
    texts: dict[str, str | None] = {parameter: getattr(request, parameter) for parameter in parameters}
    given = _legacy_of(request, parameters)
    operator = getattr(request, _OPERATOR, None)
    if given or operator is not None:
        old = [*(name for name, _value in given.values()), *([] if operator is None else [_OPERATOR])]
        _check_not_mixed(old, [parameter for parameter, text in texts.items() if text is not None])
        _check_operator(operator, given)
    names = getattr(request, "ExpressionAttributeNames", None)
    values = getattr(request, "ExpressionAttributeValues", None)
    expressions = Expressions(names, values, **texts)
    for parameter, (_name, value) in given.items():
        expressions.stand_in(parameter, _compile(parameter, value, operator or "AND"), value)
    return expressions


def _legacy_of(request: Input, parameters: tuple[str, ...]) -> dict[str, tuple[str, Any]]:
    """Return the legacy parameters that a request has, by those that they stand for: their names and values."""
    given = {}
    for parameter in parameters:
        for name in _LEGACY[parameter]:
            value = getattr(request, name, None)
            if value is not None:
                given[parameter] = (name, value)
    return given


def _check_not_mixed(old: list[str], new: list[str]) -> None:
    if new:
        raise validation(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters:"
            f" {{{', '.join(old)}}} Expression parameters: {{{', '.join(new)}}}"
        )


def _check_operator(operator: str | None, given: dict[str, tuple[str, Any]]) -> None:
    if operator is None:
        return
    asked = next((given[name][1] for name in ("ConditionExpression", "FilterExpression") if name in given), None)
    if not asked:
        raise validation("ConditionalOperator cannot be used without Filter or Expected")
    if len(asked) == 1:
        raise validation("ConditionalOperator can only be used when Filter or Expected has two or more elements")


def _compile(parameter: str, value: Any, operator: str) -> Any:
    match parameter:
        case "UpdateExpression":
            return legacy.attribute_updates(value)
        case "ConditionExpression":
            return legacy.expected(value, operator)
        case "ProjectionExpression":
            return legacy.attributes_to_get(value)
        case "FilterExpression":
            return legacy.filter_of(value, operator)
        case _:
            return legacy.key_conditions(value)
