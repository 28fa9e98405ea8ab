"""What operators do. Where operands are of the wrong types, the result is undefined."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from fogbank.languages.cosmos_sql.values import UNDEFINED, comparable, equal, finite, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fogbank.languages.cosmos_sql.values import Value

_WORD: Final = 1 << 32
# Longer texts than this nobody puts together.
TEXT_LENGTH_MAX: Final = 4 * 1024 * 1024


def less(left: Value, right: Value) -> Value:
    """Whether one value precedes another."""
    return left is not None and left < right if comparable(left, right) else UNDEFINED


def _less_or_equal(left: Value, right: Value) -> Value:
    return left is None or left <= right if comparable(left, right) else UNDEFINED


def not_equal(left: Value, right: Value) -> Value:
    """Whether two values of one type differ."""
    found = equal(left, right)
    return found if found is UNDEFINED else not found


COMPARISONS: Final[dict[str, Callable[[Value, Value], Value]]] = {
    "=": equal,
    "!=": not_equal,
    "<": less,
    "<=": _less_or_equal,
    ">": lambda left, right: less(right, left),
    ">=": lambda left, right: _less_or_equal(right, left),
}


def _numbers(operate: Callable[[float, float], float]) -> Callable[[Value, Value], Value]:
    def run(left: Value, right: Value) -> Value:
        if not is_number(left) or not is_number(right):
            return UNDEFINED
        try:
            return finite(operate(left, right))
        except (OverflowError, ZeroDivisionError):
            return UNDEFINED

    return run


def _divide(left: float, right: float) -> float:
    if type(left) is int and type(right) is int and right and left % right == 0:
        return left // right
    return left / right


def _modulo(left: float, right: float) -> float:
    """Return a remainder that has the sign of the dividend, as in JavaScript."""
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


def _bits(operate: Callable[[int, int], int]) -> Callable[[Value, Value], Value]:
    def run(left: Value, right: Value) -> Value:
        if not is_number(left) or not is_number(right):
            return UNDEFINED
        return signed(operate(signed(int(left)), signed(int(right))))

    return run


def signed(value: int) -> int:
    """Return the lowest 32 bits of a number as a signed one."""
    value %= _WORD
    return value - _WORD if value >= _WORD >> 1 else value


def _shift_unsigned(left: Value, right: Value) -> Value:
    if not is_number(left) or not is_number(right):
        return UNDEFINED
    return int(left) % _WORD >> (int(right) & 31)


def join(left: Value, right: Value) -> Value:
    """Put two texts together."""
    if type(left) is not str or type(right) is not str or len(left) + len(right) > TEXT_LENGTH_MAX:
        return UNDEFINED
    return left + right


ARITHMETIC: Final[dict[str, Callable[[Value, Value], Value]]] = {
    "+": _numbers(lambda left, right: left + right),
    "-": _numbers(lambda left, right: left - right),
    "*": _numbers(lambda left, right: left * right),
    "/": _numbers(_divide),
    "%": _numbers(_modulo),
    "|": _bits(lambda left, right: left | right),
    "&": _bits(lambda left, right: left & right),
    "^": _bits(lambda left, right: left ^ right),
    "<<": _bits(lambda left, right: left << (right & 31)),
    ">>": _bits(lambda left, right: left >> (right & 31)),
    ">>>": _shift_unsigned,
    "||": join,
}


def decide(values: Iterable[Value], *, decisive: bool) -> Value:
    """Return what OR (True is decisive) or AND (False is) makes of values: undefined if one is and none decides."""
    found: Value = not decisive
    for value in values:
        if value is decisive:
            return decisive
        if type(value) is not bool:
            found = UNDEFINED
    return found


def negate(value: Value) -> Value:
    """Return what NOT makes of a value."""
    return not value if type(value) is bool else UNDEFINED


UNARY: Final[dict[str, Callable[[Value], Value]]] = {
    "NOT": negate,
    "-": lambda value: -value if is_number(value) else UNDEFINED,
    "+": lambda value: value if is_number(value) else UNDEFINED,
    "~": lambda value: signed(~int(value)) if is_number(value) else UNDEFINED,
}


@lru_cache(maxsize=512)
def like(pattern: str, escape: str) -> Callable[[str], bool]:
    """Return what tells whether a text looks like a pattern of LIKE.

    The time is linear in the text for each part between percent signs: each is looked for where the last one ended.
    """
    pieces: list[str] = [""]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if escape and char == escape and at + 1 < len(pattern):
            at += 1
            pieces[-1] += re.escape(pattern[at])
        elif char == "%":
            pieces.append("")
        elif char == "_":
            pieces[-1] += "."
        elif char == "[" and (end := pattern.find("]", at + 2)) > 0:
            inner = pattern[at + 1 : end]
            negated = inner[0] == "^" and len(inner) > 1
            members = re.sub(r"([\\\[\]^&|~])", r"\\\1", inner[1:] if negated else inner)
            pieces[-1] += f"[{'^' if negated else ''}{members}]"
            at = end
        else:
            pieces[-1] += re.escape(char)
        at += 1
    try:
        parts = [re.compile(piece, re.DOTALL) for piece in pieces]
    except re.error:
        return lambda _text: False
    return lambda text: _looks_like(parts, text)


def _looks_like(parts: list[re.Pattern[str]], text: str) -> bool:
    if len(parts) == 1:
        return parts[0].fullmatch(text) is not None
    first = parts[0].match(text)
    if first is None:
        return False
    at = first.end()
    for part in parts[1:-1]:
        found = part.search(text, at)
        if found is None:
            return False
        at = found.end()
    # Every part has one length, so the last has one place.
    last = parts[-1].search(text, at)
    while last is not None and last.end() != len(text):
        last = parts[-1].search(text, max(last.start() + 1, len(text) - (last.end() - last.start())))
    return last is not None
