"""Patterns over JSON: the operators that Amazon's filter policies and event patterns share.

A pattern is an object of fields; each field has a list of conditions (one must hold) or a pattern for what is
nested below it; all fields must match. A field of the matched object that is a list matches if one of its
elements does. Bytes exist, and match nothing else; an object doesn't exist as a value. Sources: Amazon SNS Developer
Guide, "Filter policy constraints" and the pages on its operators; Amazon EventBridge User Guide, "Comparison operators
for use in event patterns".
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Test: TypeAlias = "Callable[[Any], bool]"
"""Tells whether a single value (not a list) satisfies a condition."""
Pattern: TypeAlias = "Callable[[Mapping[str, Any]], bool]"
"""Tells whether an object matches."""

DEPTH_MAX: Final = 20
NUMBER_MAX: Final = 1e9
_MISSING: Final = object()
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}
_LOWER: Final = (">", ">=")
_UPPER: Final = ("<", "<=")


class InvalidPatternError(Exception):
    """The pattern can't be: says what and where."""


def compile_pattern(pattern: Any, *, nested: bool = True, path: str = "", number_max: float = NUMBER_MAX) -> Pattern:
    """Compile a pattern; `nested` False allows conditions only, no fields below fields.

    `number_max` bounds the numbers of ranges.
    """
    if not isinstance(pattern, dict):
        msg = f"{path or 'the pattern'} must be an object"
        raise InvalidPatternError(msg)
    if path.count(".") >= DEPTH_MAX:
        msg = f"nested deeper than {DEPTH_MAX} levels at {path}"
        raise InvalidPatternError(msg)
    parts = [
        _compile_field(name, wanted, nested=nested, path=path, number_max=number_max)
        for name, wanted in pattern.items()
    ]
    return lambda value: all(part(value) for part in parts)


def _compile_field(name: str, wanted: Any, *, nested: bool, path: str, number_max: float) -> Pattern:
    place = f"{path}.{name}" if path else name
    if name == "$or" and _is_alternatives(wanted):
        choices = [compile_pattern(choice, nested=nested, path=path, number_max=number_max) for choice in wanted]
        return lambda value: any(choice(value) for choice in choices)
    if isinstance(wanted, dict):
        if not nested:
            msg = f'"{name}" must be an object or an array of conditions'
            raise InvalidPatternError(msg)
        if not wanted:
            msg = f"{place} must not be empty"
            raise InvalidPatternError(msg)
        below = compile_pattern(wanted, path=place, number_max=number_max)
        # With nothing there, what is below may still match: a field that must not exist doesn't.
        return lambda value: any(below(each) for each in _objects(value.get(name, _MISSING)))
    if not isinstance(wanted, list):
        msg = f'"{place}" must be an object or an array'
        raise InvalidPatternError(msg)
    if not wanted:
        msg = f"Empty arrays are not allowed: {place}"
        raise InvalidPatternError(msg)
    tests = [_compile_condition(condition, place, number_max) for condition in wanted]
    return lambda value: any(test(value.get(name, _MISSING)) for test in tests)


def _is_alternatives(wanted: Any) -> bool:
    """Whether `$or` is meant as a word: with two patterns at least, none of which is a condition."""
    return (
        isinstance(wanted, list)
        and len(wanted) > 1
        and all(isinstance(each, dict) and each and not each.keys() & _RESERVED for each in wanted)
    )


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """Return what a nested pattern is tried on: the object, the objects in a list, or nothing at all."""
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return [each for each in value if isinstance(each, dict)]
    return [{}] if value is _MISSING else []


def _compile_condition(condition: Any, place: str, number_max: float) -> Test:
    """Compile one condition into a test of a field's whole value: missing, single or a list."""
    if isinstance(condition, dict):
        if len(condition) != 1:
            msg = f"Only one key allowed in match expression: {place}"
            raise InvalidPatternError(msg)
        ((operator, operand),) = condition.items()
        if operator == "exists":
            if not isinstance(operand, bool):
                msg = f"exists match pattern must be either true or false: {place}"
                raise InvalidPatternError(msg)
            return lambda value: _is_leaf(value) is operand
        if operator == "numeric":
            return _of_any(_numeric(operand, place, number_max))
        build = _OPERATORS.get(operator)
        if build is None:
            msg = f"Unrecognized match type {operator}: {place}"
            raise InvalidPatternError(msg)
        return _of_any(build(operand, place))
    if isinstance(condition, list):
        msg = f"Match value must be String, number, true, false, or null: {place}"
        raise InvalidPatternError(msg)
    return _of_any(_equals(condition))


def _is_leaf(value: Any) -> bool:
    """Whether there is a value, not just a place for values below it."""
    if isinstance(value, list):
        return any(_is_leaf(each) for each in value)
    return value is not _MISSING and not isinstance(value, dict)


def _of_any(test: Test) -> Test:
    """Lift a test of single values to a field's whole value."""

    def run(value: Any) -> bool:
        if value is _MISSING or isinstance(value, dict | bytes):
            return False
        if isinstance(value, list):
            return any(run(each) for each in value)
        return test(value)

    return run


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equals(wanted: Any) -> Test:
    if _is_number(wanted):
        return lambda value: _is_number(value) and value == wanted
    return lambda value: type(value) is type(wanted) and value == wanted


def _text(operand: Any, operator: str, place: str) -> str:
    if not isinstance(operand, str) or not operand:
        msg = f"{operator} match pattern must be a non-empty string: {place}"
        raise InvalidPatternError(msg)
    return operand


def _prefix(operand: Any, place: str) -> Test:
    if isinstance(operand, dict) and operand.keys() == {"equals-ignore-case"}:
        start = _text(operand["equals-ignore-case"], "prefix", place).lower()
        return lambda value: isinstance(value, str) and value.lower().startswith(start)
    text = _text(operand, "prefix", place)
    return lambda value: isinstance(value, str) and value.startswith(text)


def _suffix(operand: Any, place: str) -> Test:
    if isinstance(operand, dict) and operand.keys() == {"equals-ignore-case"}:
        end = _text(operand["equals-ignore-case"], "suffix", place).lower()
        return lambda value: isinstance(value, str) and value.lower().endswith(end)
    text = _text(operand, "suffix", place)
    return lambda value: isinstance(value, str) and value.endswith(text)


def _ignore_case(operand: Any, place: str) -> Test:
    text = _text(operand, "equals-ignore-case", place).lower()
    return lambda value: isinstance(value, str) and value.lower() == text


def _wildcard(operand: Any, place: str) -> Test:
    text = _text(operand, "wildcard", place)
    if "**" in text:
        msg = f"Consecutive wildcard characters at pos {text.index('**')}: {place}"
        raise InvalidPatternError(msg)
    # A backslash makes an asterisk or a backslash stand for itself.
    pieces = [""]
    for part in re.split(r"(\\[*\\]|\*)", text):
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += part[1:] if part in ("\\*", "\\\\") else part
    first, *middle = pieces
    if not middle:
        return lambda value: isinstance(value, str) and value == first
    last = middle.pop()
    return lambda value: isinstance(value, str) and _fits(value, first, middle, last)


def _fits(value: str, first: str, middle: list[str], last: str) -> bool:
    """Whether a text consists of these pieces with anything between them; takes time in proportion to its length."""
    end = len(value) - len(last)
    if end < len(first) or not value.startswith(first) or not value.endswith(last):
        return False
    at = len(first)
    for piece in middle:
        found = value.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _cidr(operand: Any, place: str) -> Test:
    text = _text(operand, "cidr", place)
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        msg = f"Malformed CIDR, one '/' required: {place}" if "/" not in text else f"Malformed CIDR: {place}"
        raise InvalidPatternError(msg) from None

    def test(value: Any) -> bool:
        if not isinstance(value, str):
            return False
        try:
            return ip_address(value) in network
        except ValueError:
            return False

    return test


def _numeric(operand: Any, place: str, number_max: float) -> Test:
    if not isinstance(operand, list) or not operand:
        msg = f"Value of numeric must be an array: {place}"
        raise InvalidPatternError(msg)
    if len(operand) not in (2, 4):
        msg = f"Bad numeric range operator: {place}"
        raise InvalidPatternError(msg)
    bounds = []
    for operator, bound in zip(operand[::2], operand[1::2], strict=True):
        if operator not in _COMPARE:
            msg = f"Unrecognized numeric range operator: {operator}: {place}"
            raise InvalidPatternError(msg)
        if not _is_number(bound):
            msg = f"Value of {operator} must be numeric: {place}"
            raise InvalidPatternError(msg)
        if abs(bound) > number_max:
            limit = f"{number_max / 1e9}E9"
            msg = f"Value of {operator} must be between -{limit} and {limit}, inclusive: {place}"
            raise InvalidPatternError(msg)
        bounds.append((_COMPARE[operator], bound))
    if len(operand) == 4:
        low, low_bound, high, high_bound = operand
        if low not in _LOWER or high not in _UPPER or low_bound >= high_bound:
            msg = f"Bottom must be less than top: {place}"
            raise InvalidPatternError(msg)
    return lambda value: _is_number(value) and all(compare(value, bound) for compare, bound in bounds)


def _anything_but(operand: Any, place: str) -> Test:
    if isinstance(operand, dict):
        if len(operand) != 1 or not operand.keys() <= _NEGATED.keys():
            msg = f"Unsupported anything-but pattern: {place}"
            raise InvalidPatternError(msg)
        ((operator, inner),) = operand.items()
        excluded = [_NEGATED[operator](each, place) for each in (inner if isinstance(inner, list) else [inner])]
        return lambda value: not any(test(value) for test in excluded)
    values = operand if isinstance(operand, list) else [operand]
    if not values:
        msg = f"Empty arrays are not allowed: {place}"
        raise InvalidPatternError(msg)
    if not all(isinstance(each, str) or _is_number(each) for each in values):
        msg = f"Inside anything but list, null and booleans are not supported: {place}"
        raise InvalidPatternError(msg)
    tests = [_equals(each) for each in values]
    return lambda value: not any(test(value) for test in tests)


_NEGATED: Final[dict[str, Callable[[Any, str], Test]]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _ignore_case,
    "wildcard": _wildcard,
}
_OPERATORS: Final[dict[str, Callable[[Any, str], Test]]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _ignore_case,
    "wildcard": _wildcard,
    "cidr": _cidr,
    "anything-but": _anything_but,
}
_RESERVED: Final = frozenset({*_OPERATORS, "exists", "numeric"})
