"""Comparing a value that a message holds with what a pattern gives."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.log_patterns.scanner import Number, Text, invalid, read_number

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from fogbank.languages.log_patterns.scanner import Operand

# The longer ones first, as they are looked for in this order.
OPERATORS: Final = ("!=", ">=", "<=", "=", ">", "<")
_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def compile_comparison(sign: str, operand: Operand) -> Callable[[Any], bool]:
    """Return the test of a value; one that is neither text nor number never passes, whatever the sign."""
    if sign in _ORDERS:
        if not isinstance(operand, Number):
            raise invalid()
        return _order(_ORDERS[sign], operand.value)
    if isinstance(operand, Number):
        equals = _equals_number(operand.value)
    elif isinstance(operand, Text):
        equals = _equals_text(operand.text)
    else:
        equals = _matches(operand)
    if sign == "=":
        return lambda value: _comparable(value) and equals(value)
    return lambda value: _comparable(value) and not equals(value)


def _comparable(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return read_number(value)
    return value if _comparable(value) else None


def _order(compare: Callable[[Any, Any], bool], bound: float) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        number = _number(value)
        return number is not None and compare(number, bound)

    return test


def _equals_number(wanted: float) -> Callable[[Any], bool]:
    return lambda value: _number(value) == wanted


def _equals_text(text: str) -> Callable[[Any], bool]:
    """An asterisk counts only at the ends: `Ev*ent` is that very text."""
    begins, ends = text.endswith("*"), text.startswith("*")
    core = text[ends : len(text) - begins] if len(text) > 1 else text.strip("*")
    if begins and ends:
        return lambda value: core in str(value)
    if begins:
        return lambda value: str(value).startswith(core)
    if ends:
        return lambda value: str(value).endswith(core)
    return lambda value: str(value) == text


def _matches(expression: re.Pattern[str]) -> Callable[[Any], bool]:
    search = expression.search
    return lambda value: search(str(value)) is not None
