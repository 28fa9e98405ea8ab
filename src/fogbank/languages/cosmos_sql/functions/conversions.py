"""From text to values, and back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.languages.cosmos_sql.functions.model import Function
from fogbank.languages.cosmos_sql.values import UNDEFINED, Value, finite, is_number

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_encode: Final = msgspec.json.encode


def to_string(value: Value) -> Value:
    """ToString."""
    if value is UNDEFINED or type(value) is str:
        return value
    return _encode(finite(value) if is_number(value) else value).decode()


def to_number(text: Value) -> Value:
    """StringToNumber."""
    if type(text) is not str or not _NUMBER.fullmatch(text.strip()):
        return UNDEFINED
    return finite(float(text))


def _parsed(accept: Callable[[Value], bool]) -> Function:
    def run(text: Value) -> Value:
        if type(text) is not str:
            return UNDEFINED
        try:
            found = msgspec.json.decode(text.strip())
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return UNDEFINED
        return found if accept(found) else UNDEFINED

    return Function(run, 1, 1)


CONVERSIONS: Final = {
    "STRINGTOARRAY": _parsed(lambda value: type(value) is list),
    "STRINGTOBOOLEAN": _parsed(lambda value: type(value) is bool),
    "STRINGTONULL": _parsed(lambda value: value is None),
    "STRINGTONUMBER": Function(to_number, 1, 1),
    "STRINGTOOBJECT": _parsed(lambda value: type(value) is dict),
    "TOSTRING": Function(to_string, 1, 1),
}
