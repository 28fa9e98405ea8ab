"""Functions that tell what a value is, and IIF."""

from __future__ import annotations

from typing import Final

from fogbank.languages.cosmos_sql.functions.model import Function
from fogbank.languages.cosmos_sql.values import UNDEFINED, Value, is_number, is_primitive


def _is_integer(value: Value) -> bool:
    return is_number(value) and int(value) == value and -(1 << 63) <= value < 1 << 63


TYPES: Final = {
    "IIF": Function(lambda condition, then, otherwise: then if condition is True else otherwise, 3, 3),
    "IS_ARRAY": Function(lambda value: type(value) is list, 1, 1),
    "IS_BOOL": Function(lambda value: type(value) is bool, 1, 1),
    "IS_DEFINED": Function(lambda value: value is not UNDEFINED, 1, 1),
    "IS_FINITE_NUMBER": Function(is_number, 1, 1),
    "IS_INTEGER": Function(_is_integer, 1, 1),
    "IS_NULL": Function(lambda value: value is None, 1, 1),
    "IS_NUMBER": Function(is_number, 1, 1),
    "IS_OBJECT": Function(lambda value: type(value) is dict, 1, 1),
    "IS_PRIMITIVE": Function(is_primitive, 1, 1),
    "IS_STRING": Function(lambda value: type(value) is str, 1, 1),
}
