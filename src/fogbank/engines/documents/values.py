"""Typed values, and their form in the store.

A value is None, a bool, a number (int and float; Decimal where it must be exact and no int holds it), text, bytes, a
list, a dict from text, or a frozenset of texts, numbers or bytes. Stored, a value is MessagePack, with extension types
for what that has no word for.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

Value: TypeAlias = "bool | int | float | Decimal | str | bytes | list[Value] | dict[str, Value] | frozenset[Any] | None"
Fields: TypeAlias = "dict[str, Value]"

_DECIMAL: Final = 1
_SET: Final = 2
_NATIVE: Final = frozenset({str, int, bool, bytes, float, type(None)})
_encode: Final = msgspec.msgpack.Encoder().encode


def encode_fields(fields: Fields) -> bytes:
    """Write a document's fields for storing; integers must fit into 64 bits."""
    return _encode({name: value if type(value) in _NATIVE else _pack(value) for name, value in fields.items()})


def decode_fields(data: bytes) -> Fields:
    """Read a document's stored fields."""
    return _decode(data)


def same(one: Value, other: Value) -> bool:
    """Tell whether two values are of one type and alike, at every depth; to Python, True is 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def _pack(value: Any) -> Any:
    """Replace what MessagePack lacks by its extension types."""
    kind = type(value)
    if kind is dict:
        return {name: item if type(item) in _NATIVE else _pack(item) for name, item in value.items()}
    if kind is list:
        return [item if type(item) in _NATIVE else _pack(item) for item in value]
    if kind is Decimal:
        return msgspec.msgpack.Ext(_DECIMAL, str(value).encode())
    if kind is frozenset:
        return msgspec.msgpack.Ext(_SET, _encode([_pack(item) for item in value]))
    return value


def _unpack(code: int, data: memoryview) -> Any:
    if code == _DECIMAL:
        return Decimal(str(data, "ascii"))
    assert code == _SET
    return frozenset(_decode_members(data))


_decode: Final = msgspec.msgpack.Decoder(dict[str, Any], ext_hook=_unpack).decode
_decode_members: Final = msgspec.msgpack.Decoder(list[Any], ext_hook=_unpack).decode
