"""Fields as JSON in which each value says what it is, `{"S": "text"}`: a stored form that needs no reading to be shown.

A document in this form is answered as it is stored by a service whose clients read that form. The types are S (text), N
(number, as text), B (bytes, in base64), BOOL, NULL, L (list), M (map) and SS, NS, BS (sets, in the order of their
members). Numbers are exact: int where 64 bits hold it, Decimal without trailing zeros elsewhere, never float.
"""

from __future__ import annotations

from binascii import a2b_base64
from decimal import Context, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fogbank.engines.documents.values import Fields, Value

# No map in MessagePack, which is the other stored form, begins with it.
_BEGINNING: Final = ord("{")
_INT_DIGITS_SAFE: Final = 18
_INT_MAX: Final = 2**63 - 1
_EXACT: Final = Context(prec=400, traps=[])
_encode: Final = msgspec.json.Encoder().encode
_decode_each: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode: Final = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode


def is_tagged(body: bytes) -> bool:
    """Whether a stored document is in this form."""
    return body[0] == _BEGINNING


def encode_tagged(fields: Fields) -> bytes:
    """Write fields for storing."""
    return _encode(tag_fields(fields))


def decode_tagged(body: bytes) -> Fields:
    """Read stored fields."""
    return _untag_fields(_decode(body))


def tagged_part(body: bytes, names: Iterable[str]) -> dict[str, Any]:
    """Return what some of the stored fields are encoded from."""
    fields = _decode_each(body)
    return {name: fields[name] for name in names}


def tag_fields(fields: Fields) -> dict[str, Any]:
    """Return what fields are encoded from; bytes are left for the JSON encoder, which writes them in base64."""
    return {
        name: {"S": value} if type(value) is str else _TAGGERS[type(value)](value) for name, value in fields.items()
    }


def tag_value(value: Value) -> dict[str, Any]:
    """Return what one value is encoded from."""
    return _TAGGERS[type(value)](value)


def write_number(number: int | Decimal) -> str:
    """Write a number without an exponent."""
    return str(number) if isinstance(number, int) else f"{number:f}"


def _tag_set(value: frozenset[Any]) -> dict[str, Any]:
    members = sorted(value)
    if isinstance(members[0], str):
        return {"SS": members}
    if isinstance(members[0], bytes):
        return {"BS": members}
    return {"NS": [write_number(member) for member in members]}


def _untag_fields(tagged: dict[str, dict[str, Any]]) -> Fields:
    fields: Fields = {}
    for name, value in tagged.items():
        text = value.get("S")
        fields[name] = _untag(value) if text is None else text
    return fields


def _untag(value: dict[str, Any]) -> Value:
    ((kind, data),) = value.items()
    return _READERS[kind](data)


@lru_cache(maxsize=4096)
def _read_number(text: str) -> int | Decimal:
    if "." in text:
        return Decimal(text)
    if len(text) <= _INT_DIGITS_SAFE:
        return int(text)
    number = int(text)
    return number if -_INT_MAX <= number <= _INT_MAX else _EXACT.normalize(Decimal(number))


_READERS: Final[dict[str, Callable[[Any], Value]]] = {
    "S": str,
    "N": _read_number,
    "M": _untag_fields,
    "L": lambda data: [_untag(each) for each in data],
    "BOOL": bool,
    "NULL": lambda _data: None,
    "B": a2b_base64,
    "SS": frozenset,
    "NS": lambda data: frozenset(map(_read_number, data)),
    "BS": lambda data: frozenset(map(a2b_base64, data)),
}
_TAGGERS: Final[dict[type, Callable[[Any], dict[str, Any]]]] = {
    str: lambda value: {"S": value},
    int: lambda value: {"N": str(value)},
    Decimal: lambda value: {"N": write_number(value)},
    bytes: lambda value: {"B": value},
    bool: lambda value: {"BOOL": value},
    type(None): lambda _value: {"NULL": True},
    list: lambda value: {"L": [_TAGGERS[type(each)](each) for each in value]},
    dict: lambda value: {"M": tag_fields(value)},
    frozenset: _tag_set,
}
