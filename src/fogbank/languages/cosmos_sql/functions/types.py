"""Functions that tell what a value is, IIF and DocumentId."""

from __future__ import annotations

from base64 import b64decode
from typing import Final

from fogbank.languages.cosmos_sql.functions.model import Function
from fogbank.languages.cosmos_sql.values import UNDEFINED, Value, is_number, is_primitive


def _is_integer(value: Value) -> bool:
    return is_number(value) and int(value) == value and -(1 << 63) <= value < 1 << 63


def document_id(value: Value) -> Value:
    """DocumentId: the number of a document in its container, which its resource id ends with."""
    rid = value.get("_rid") if type(value) is dict else None
    if type(rid) is not str:
        return UNDEFINED
    try:
        data = b64decode(rid, b"+-")
    except ValueError:
        return UNDEFINED
    return int.from_bytes(data[8:], "little") if len(data) == 16 else UNDEFINED


TYPES: Final = {
    "DOCUMENTID": Function(document_id, 1, 1),
    "IIF": Function(lambda condition, then, otherwise: then if condition is True else otherwise, 3, 3),
    "IS_ARRAY": Function(lambda value: type(value) is list, 1, 1),
    "IS_BOOL": Function(lambda value: type(value) is bool, 1, 1),
    "IS_DEFINED": Function(lambda value: value is not UNDEFINED, 1, 1),
    "IS_FINITE_NUMBER": Function(is_number, 1, 1),
    "IS_INTEGER": Function(_is_integer, 1, 1),
    "IS_NULL": Function(lambda value: value is None, 1, 1),
    "IS_NUMBER": Function(is_number, 1, 1),
    "IS_OBJECT": Function(lambda value: type(value) is dict, 1, 1),
    "IS_PRIMITIVE": Function(is_primitive, 1, 1),
    "IS_STRING": Function(lambda value: type(value) is str, 1, 1),
}
