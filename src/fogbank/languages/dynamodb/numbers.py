"""DynamoDB's numbers: 38 digits, magnitudes from 1E-130 to 9.99…E+125 (Developer Guide, "Data types: Number").

In Python a number is an int where 64 bits hold it and a Decimal without trailing zeros elsewhere, so that equal
numbers are written alike.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fogbank.languages.dynamodb.types import Number

DIGITS_MAX: Final = 38
EXPONENT_MAX: Final = 125
EXPONENT_MIN: Final = -130
TOO_PRECISE: Final = "Attempting to store more than 38 significant digits in a Number"
OVERFLOW: Final = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW: Final = "Number underflow. Attempting to store a number with magnitude smaller than supported range"

_INT_MAX: Final = 2**63 - 1
# As many digits as any int of 64 bits can have without a look at its value.
_INT_DIGITS_SAFE: Final = 18
# A number in its one form already.
_SHORT_FRACTION: Final = re.compile(r"-?[0-9]*\.[0-9]*[1-9]")
_FORM: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?)[0-9]+)?")
# Enough for the sum of the largest and the smallest number to be exact.
_EXACT: Final = Context(prec=EXPONENT_MAX - EXPONENT_MIN + DIGITS_MAX, traps=[])


class NumberError(Exception):
    """A number that DynamoDB doesn't take; the text is its message."""


def read_number(text: str) -> Number:
    """Read a number as it stands on the wire; raises `NumberError`."""
    if len(text) <= _INT_DIGITS_SAFE:
        digits = text[1:] if text[:1] == "-" else text
        if digits.isdecimal() and digits.isascii():
            return int(text)
        if _SHORT_FRACTION.fullmatch(text):
            return Decimal(text)
    form = _FORM.fullmatch(text)
    if form is None:
        suffix = f": {text}" if text else ""
        raise NumberError(f"The parameter cannot be converted to a numeric value{suffix}")
    try:
        return normalize(Decimal(text))
    except InvalidOperation:
        # The exponent is beyond even what Decimal holds; that of a zero doesn't matter.
        if not re.search("[1-9]", re.split("[eE]", text)[0]):
            return 0
        raise NumberError(UNDERFLOW if form[1] == "-" else OVERFLOW) from None


def normalize(number: Decimal) -> Number:
    """Bring a number into its one form, or raise `NumberError` if it is out of range."""
    if not number:
        return 0
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    kept = len(digits)
    while not digits[kept - 1]:
        kept -= 1
    magnitude = len(digits) + exponent - 1
    if magnitude > EXPONENT_MAX:
        raise NumberError(OVERFLOW)
    if magnitude < EXPONENT_MIN:
        raise NumberError(UNDERFLOW)
    if kept > DIGITS_MAX:
        raise NumberError(TOO_PRECISE)
    exponent += len(digits) - kept
    if exponent >= 0 and magnitude <= _INT_DIGITS_SAFE:
        whole = int(number)
        if -_INT_MAX <= whole <= _INT_MAX:
            return whole
    return Decimal((sign, digits[:kept], exponent))


def add(one: Number, other: Number) -> Number:
    """Add exactly; raises `NumberError`."""
    return normalize(_EXACT.add(Decimal(one), Decimal(other)))


def subtract(one: Number, other: Number) -> Number:
    """Subtract exactly; raises `NumberError`."""
    return normalize(_EXACT.subtract(Decimal(one), Decimal(other)))
