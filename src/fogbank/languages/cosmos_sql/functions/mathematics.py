"""Functions on numbers; undefined for what is none, and where JSON has no number for the result."""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from fogbank.languages.cosmos_sql.functions.model import DRAWS, Function
from fogbank.languages.cosmos_sql.values import UNDEFINED, Value, finite, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_INT64: Final = 1 << 64


def _one(run: Callable[[float], float]) -> Function:
    def guarded(value: Value) -> Value:
        if not is_number(value):
            return UNDEFINED
        try:
            return finite(run(value))
        except (ValueError, OverflowError, ZeroDivisionError):
            return UNDEFINED

    return Function(guarded, 1, 1)


def _two(run: Callable[[float, float], float], least: int = 2) -> Function:
    def guarded(value: Value, other: Value = 0) -> Value:
        if not is_number(value) or not is_number(other):
            return UNDEFINED
        try:
            found = run(value, other)
        except (ValueError, OverflowError, ZeroDivisionError):
            return UNDEFINED
        return finite(found) if is_number(found) else UNDEFINED

    return Function(guarded, least, 2)


def _integers(run: Callable[[int, int], int]) -> Function:
    def guarded(value: Value, other: Value) -> Value:
        if not _is_whole(value) or not _is_whole(other):
            return UNDEFINED
        try:
            return _signed(run(int(value), int(other)))
        except (ZeroDivisionError, ValueError):
            return UNDEFINED

    return Function(guarded, 2, 2)


def _is_whole(value: Value) -> bool:
    return is_number(value) and int(value) == value and abs(value) < _INT64


def _signed(value: int) -> int:
    value %= _INT64
    return value - _INT64 if value >= _INT64 >> 1 else value


def _round(value: float, digits: float) -> float:
    """Round halves away from zero."""
    scale = 10.0 ** int(digits)
    scaled = abs(value) * scale
    return math.copysign(math.floor(scaled + 0.5) / scale, value)


def _log(value: float, radix: float = 0) -> float:
    return math.log(value, radix) if radix else math.log(value)


def _bin(value: Value, size: Value = 1) -> Value:
    """NumberBin; there is no bin of size 0."""
    if not is_number(value) or not is_number(size) or not size:
        return UNDEFINED
    try:
        return finite(math.floor(value / size) * size)
    except (ValueError, OverflowError):
        return UNDEFINED


def _quotient(left: int, right: int) -> int:
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def _remainder(left: int, right: int) -> int:
    return left - right * _quotient(left, right)


def _random(draws: Iterator[int]) -> float:
    """Return a number of at least 0 and less than 1, another one at each call."""
    digest = blake2b(next(draws).to_bytes(16, "big"), digest_size=7).digest()
    return (int.from_bytes(digest, "big") >> 3) / (1 << 53)


MATHEMATICS: Final = {
    "ABS": _one(abs),
    "ACOS": _one(math.acos),
    "ASIN": _one(math.asin),
    "ATAN": _one(math.atan),
    "ATN2": _two(math.atan2),
    "CEILING": _one(math.ceil),
    "COS": _one(math.cos),
    "COT": _one(lambda value: 1 / math.tan(value)),
    "DEGREES": _one(math.degrees),
    "EXP": _one(math.exp),
    "FLOOR": _one(math.floor),
    "INTADD": _integers(lambda left, right: left + right),
    "INTBITAND": _integers(lambda left, right: left & right),
    "INTBITLEFTSHIFT": _integers(lambda left, right: left << (right & 63)),
    "INTBITNOT": Function(lambda value: ~int(value) if _is_whole(value) else UNDEFINED, 1, 1),
    "INTBITOR": _integers(lambda left, right: left | right),
    "INTBITRIGHTSHIFT": _integers(lambda left, right: left >> (right & 63)),
    "INTBITXOR": _integers(lambda left, right: left ^ right),
    "INTDIV": _integers(_quotient),
    "INTMOD": _integers(_remainder),
    "INTMUL": _integers(lambda left, right: left * right),
    "INTSUB": _integers(lambda left, right: left - right),
    "LOG": _two(_log, 1),
    "LOG10": _one(math.log10),
    "NUMBERBIN": Function(_bin, 1, 2),
    "PI": Function(lambda: math.pi, 0, 0),
    "POWER": _two(lambda value, exponent: float(value) ** exponent),
    "RADIANS": _one(math.radians),
    "RAND": Function(_random, 0, 0, DRAWS),
    "ROUND": _two(_round, 1),
    "SIGN": _one(lambda value: (value > 0) - (value < 0)),
    "SIN": _one(math.sin),
    "SQRT": _one(math.sqrt),
    "SQUARE": _one(lambda value: value * value),
    "TAN": _one(math.tan),
    "TRUNC": _one(math.trunc),
}
