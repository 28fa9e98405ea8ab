"""Typed values, whether two are the same, and how documents' fields are stored.

A value is None, a bool, a number (int and float; Decimal where it must be exact and no int holds it), text, bytes, a
list, a dict from text, or a frozenset of texts, numbers or bytes. Stored, fields are MessagePack (`packed`), or JSON in
which each value says what it is (`tagged`); documents of one collection may be of either form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from fogbank.engines.documents.values import packed
from fogbank.engines.documents.values.packed import encode_fields
from fogbank.engines.documents.values.tagged import decode_tagged, is_tagged

if TYPE_CHECKING:
    from decimal import Decimal

Value: TypeAlias = "bool | int | float | Decimal | str | bytes | list[Value] | dict[str, Value] | frozenset[Any] | None"
Fields: TypeAlias = "dict[str, Value]"

__all__ = ("Fields", "Value", "decode_fields", "encode_fields", "same")


def decode_fields(body: bytes) -> Fields:
    """Read a document's stored fields, of either form."""
    return decode_tagged(body) if is_tagged(body) else packed.decode_fields(body)


def same(one: Value, other: Value) -> bool:
    """Tell whether two values are of one type and alike, at every depth; to Python, True is 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
