"""Entities: properties with types of OData's Entity Data Model, as JSON has them and as they are kept.

"Understanding the Table service data model"
(https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model), "Payload format for
Table service operations". A property is a Python value: str, bool, int (Edm.Int32), float, bytes, `Int64`, `Guid` or
`Moment` (Edm.DateTime). Kept, the types that the value alone doesn't show stand under a name that no property has.
"""

from __future__ import annotations

import math
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.tables.errors import (
    NAME_INVALID,
    NAME_TOO_LONG,
    NEED_VALUE,
    TOO_MANY_PROPERTIES,
    VALUE_TOO_LARGE,
    invalid_input,
    out_of_range,
    refusal,
)
from fogbank.clouds.azure.tables.limits import STORAGE
from fogbank.engines.documents.model import Document
from fogbank.languages.odata_filters import Guid, Moment, read_guid, read_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from fogbank.clouds.azure.tables.limits import Limits

    Properties: TypeAlias = dict[str, Any]

PARTITION_KEY: Final = "PartitionKey"
ROW_KEY: Final = "RowKey"
TIMESTAMP: Final = "Timestamp"
NAME_CHARACTERS_MAX: Final = 255
TYPE: Final = "@odata.type"
_TYPES: Final = ""
# What counts so many bytes at the most in UTF-16 is no long JSON either, whatever it is made of.
_SHORT: Final = 65_536
_INT32: Final = range(-(2**31), 2**31)
_INT64: Final = range(-(2**63), 2**63)
# Earlier times no DateTime can be.
_FIRST: Final = "1601-01-01"
_NAME: Final = re.compile(r"[^\W\d]\w*")
_FORBIDDEN: Final = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_WORDS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "INF": math.inf, "-INF": -math.inf}


class Int64(int):
    """An Edm.Int64."""

    __slots__ = ()


# The types that a value alone doesn't show once it is kept.
_KEPT: Final[dict[type, str]] = {Int64: "l", Guid: "g", Moment: "d"}
_READ: Final[dict[str, Callable[[Any], Any]]] = {"l": Int64, "g": Guid, "d": Moment}


def document_of(properties: Properties, limits: Limits = STORAGE) -> Document:
    """Return an entity as it is kept; raises the error for one that is too large."""
    fields: dict[str, Any] = {}
    types = {}
    for name, value in properties.items():
        kind = type(value)
        if kind in _KEPT:
            types[name] = _KEPT[kind]
            value = int(value) if kind is Int64 else str(value)  # noqa: PLW2901 - as it is kept
        fields[name] = value
    if types:
        fields[_TYPES] = types
    size = size_of(properties)
    if (_json_size(properties, size) if limits.utf8 else size) > limits.entity_bytes:
        raise refusal(limits.entity_too_large)
    if len(properties) > limits.properties + 2:
        raise refusal(TOO_MANY_PROPERTIES)
    return Document(size, fields)


def properties_of(document: Document) -> Properties:
    """Return an entity's properties, the keys among them."""
    fields = document.fields
    types: Any = fields.get(_TYPES)
    if types is None:
        return dict(fields)
    return {
        name: _READ[types[name]](value) if name in types else value for name, value in fields.items() if name != _TYPES
    }


def size_of(properties: Properties) -> int:
    """Return what an entity counts, in bytes ("Understanding the Table service data model": text is UTF-16)."""
    size = 4
    for name, value in properties.items():
        if name in (PARTITION_KEY, ROW_KEY):
            size += 2 * len(value)
        else:
            size += 8 + 2 * len(name) + _value_size(value)
    return size


def _json_size(properties: Properties, size: int) -> int:
    """Return how long an entity's JSON is, 0 where it is short anyway."""
    return len(msgspec.json.encode(show_properties(properties, typed=True))) if size > _SHORT else 0


def _value_size(value: Any) -> int:
    kind = type(value)
    if kind is str:
        return 4 + 2 * len(value)
    if kind is bytes:
        return 4 + len(value)
    if kind is bool:
        return 1
    if kind is Guid:
        return 16
    return 4 if kind is int else 8


def read_properties(given: Any, limits: Limits = STORAGE) -> Properties:
    """Return the properties that a request's JSON has; those that are null are as if they weren't there."""
    if not isinstance(given, dict):
        raise invalid_input("The body must be an entity.")
    found: Properties = {}
    for name, value in given.items():
        if name.startswith("odata.") or name.endswith(TYPE) or name == TIMESTAMP or value is None:
            continue
        if len(name) > NAME_CHARACTERS_MAX:
            raise refusal(NAME_TOO_LONG)
        if not _NAME.fullmatch(name) or name in limits.reserved:
            raise refusal(NAME_INVALID)
        found[name] = _read_value(name, value, given.get(name + TYPE), limits.value_bytes)
    return found


def check_key(name: str, value: Any, limits: Limits = STORAGE) -> str:
    """Return a key, or raise the error for what can't be one."""
    if type(value) is not str:
        raise refusal(NEED_VALUE) if value is None else invalid_input(f"{name} must be a string.")
    size = len(value.encode(errors="replace")) if limits.utf8 else 2 * len(value)
    if size > (limits.partition_bytes if name == PARTITION_KEY else limits.row_bytes):
        raise refusal(limits.partition_too_large if name == PARTITION_KEY else limits.row_too_large)
    if _FORBIDDEN.search(value):
        raise out_of_range(name, value)
    return value


def _read_value(name: str, value: Any, kind: Any, bytes_max: int) -> Any:
    try:
        found = _PLAIN[type(value)](value) if kind is None else _TYPED[kind](value)
    except (ValueError, KeyError, TypeError, Base64Error, OverflowError):
        raise invalid_input(
            f"The value of the property {name} isn't one of the type {kind or 'that it shows'}."
        ) from None
    # Each character of a text counts two bytes.
    if (type(found) is str and 2 * len(found) > bytes_max) or (type(found) is bytes and len(found) > bytes_max):
        raise refusal(VALUE_TOO_LARGE)
    return found


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(value)
    return value


def _bool(value: Any) -> bool:
    if type(value) is str and value in ("true", "false"):
        return value == "true"
    if type(value) is not bool:
        raise TypeError(value)
    return value


def _int32(value: Any) -> int:
    found = int(value)
    if type(value) is bool or found not in _INT32 or found != float(value):
        raise ValueError(value)
    return found


def _int64(value: Any) -> Int64:
    found = int(value)
    if type(value) not in (int, str) or found not in _INT64:
        raise ValueError(value)
    return Int64(found)


def _double(value: Any) -> float:
    if type(value) is str:
        return _WORDS[value] if value in _WORDS else float(value)
    if type(value) is bool:
        raise TypeError(value)
    return float(value)


def _moment(value: Any) -> Moment:
    found = read_moment(_text(value))
    if found < _FIRST:
        raise ValueError(value)
    return found


_PLAIN: Final[dict[type, Callable[[Any], Any]]] = {str: _text, bool: _bool, int: _int32, float: _double}
_TYPED: Final[dict[str, Callable[[Any], Any]]] = {
    "Edm.String": _text,
    "Edm.Boolean": _bool,
    "Edm.Int32": _int32,
    "Edm.Int64": _int64,
    "Edm.Double": _double,
    "Edm.DateTime": _moment,
    "Edm.Guid": lambda value: read_guid(_text(value)),
    "Edm.Binary": lambda value: b64decode(_text(value), validate=True),
}
_NAMES: Final[dict[type, str]] = {
    Int64: "Edm.Int64",
    Guid: "Edm.Guid",
    Moment: "Edm.DateTime",
    bytes: "Edm.Binary",
}


def show_properties(properties: Mapping[str, Any], *, typed: bool) -> Properties:
    """Return properties as JSON has them, with `typed` beside the types that JSON alone doesn't show."""
    shown: Properties = {}
    for name, value in properties.items():
        kind = type(value)
        if kind in _NAMES:
            if typed:
                shown[name + TYPE] = _NAMES[kind]
            shown[name] = _SHOWN[kind](value)
        elif kind is float and not math.isfinite(value):
            if typed:
                shown[name + TYPE] = "Edm.Double"
            shown[name] = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        else:
            shown[name] = value
    return shown


def show_moment(moment: str) -> str:
    """Return a time with as many digits of its second as it needs."""
    return f"{moment[:-1].rstrip('0').rstrip('.')}Z"


_SHOWN: Final[dict[type, Callable[[Any], Any]]] = {
    Int64: lambda value: str(int(value)),
    Guid: str,
    Moment: show_moment,
    bytes: lambda value: b64encode(value).decode(),
}
