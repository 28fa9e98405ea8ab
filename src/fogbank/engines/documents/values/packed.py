"""Fields as MessagePack, with extension types for what that has no word for: decimals and sets."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from fogbank.engines.documents.values import Fields

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
