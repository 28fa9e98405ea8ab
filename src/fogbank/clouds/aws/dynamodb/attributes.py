"""Attribute values between their wire form, `{"S": "text"}`, and plain values, each way in one pass.

Amazon DynamoDB API Reference, "AttributeValue"; Developer Guide, "Data types" and "Constraints: Items".
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.dynamodb.errors import invalid_values, serialization, validation, wrong_type
from fogbank.languages.dynamodb.numbers import NumberError, read_number, write_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.languages.dynamodb.types import Item, Value

DEPTH_MAX: Final = 32
_TOO_DEEP: Final = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)
_EMPTY: Final = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_SEVERAL: Final = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)


def read_attributes(raw: dict[str, Any], depth: int = 1) -> Item:
    """Read attributes by name; raises `AwsError`."""
    item: Item = {}
    for name, tagged in raw.items():
        if type(tagged) is dict and len(tagged) == 1 and type(text := tagged.get("S")) is str:
            item[name] = text
        else:
            item[name] = read_value(tagged, depth)
    return item


def read_value(tagged: Any, depth: int = 1) -> Value:
    """Read one value; raises `AwsError`. A value in a list or map is one level deeper."""
    if type(tagged) is not dict:
        raise wrong_type(tagged, "Structure")
    if len(tagged) != 1:
        tagged = {kind: data for kind, data in tagged.items() if data is not None and kind in _READERS}
    if depth > DEPTH_MAX:
        raise validation(_TOO_DEEP)
    for kind, data in tagged.items():
        reader = _READERS.get(kind)
        if reader is None or data is None:
            break
        if len(tagged) > 1:
            raise validation(_SEVERAL)
        return reader(data, depth)
    raise validation(_EMPTY)


def check_depth(item: Item) -> None:
    """Refuse an item that has grown too deep."""
    for value in item.values():
        if isinstance(value, (dict, list)) and _depth_of(value) > DEPTH_MAX:
            raise validation(_TOO_DEEP)


def write_attributes(item: Item) -> dict[str, Any]:
    """Write attributes by name; bytes are left for the JSON encoder, which writes them in base64."""
    return {name: {"S": value} if type(value) is str else _WRITERS[type(value)](value) for name, value in item.items()}


def write_value(value: Value) -> dict[str, Any]:
    """Write one value."""
    return _WRITERS[type(value)](value)


def _depth_of(value: Value) -> int:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return 1
    return 1 + max(map(_depth_of, value), default=0)


def _read_text(data: Any, _depth: int) -> str:
    if type(data) is not str:
        raise wrong_type(data, "String")
    return data


def _read_number(data: Any, depth: int) -> Value:
    try:
        return read_number(_read_text(data, depth))
    except NumberError as error:
        raise validation(str(error)) from None


def _read_bytes(data: Any, depth: int) -> bytes:
    text = _read_text(data, depth)
    if len(text) % 4:
        raise serialization(f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}")
    try:
        return a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError):
        raise serialization("Invalid base64 character") from None


def _read_bool(data: Any, _depth: int) -> bool:
    if type(data) is not bool:
        raise wrong_type(data, "Boolean")
    return data


def _read_null(data: Any, depth: int) -> None:
    if not _read_bool(data, depth):
        raise invalid_values("Null attribute value types must have the value of true")


def _read_list(data: Any, depth: int) -> list[Value]:
    if type(data) is not list:
        raise wrong_type(data, "List")
    return [read_value(tagged, depth + 1) for tagged in data]


def _read_map(data: Any, depth: int) -> Item:
    if type(data) is not dict:
        raise wrong_type(data, "Map")
    return read_attributes(data, depth + 1) if data else data


def _read_members(data: Any, depth: int, read: Callable[[Any, int], Value]) -> list[Value]:
    if type(data) is not list:
        raise wrong_type(data, "List")
    return [read(member, depth) for member in data]


def _read_texts(data: Any, depth: int) -> frozenset[str]:
    members = _read_members(data, depth, _read_text)
    if not members:
        raise invalid_values("An string set  may not be empty")
    texts = frozenset(members)
    if len(texts) != len(members):
        raise invalid_values(f"Input collection [{', '.join(members)}] contains duplicates.")
    return texts


def _read_numbers(data: Any, depth: int) -> frozenset[Value]:
    members = _read_members(data, depth, _read_number)
    if not members:
        raise invalid_values("An number set  may not be empty")
    numbers = frozenset(members)
    if len(numbers) != len(members):
        raise validation("Input collection contains duplicates")
    return numbers


def _read_binaries(data: Any, depth: int) -> frozenset[bytes]:
    members = _read_members(data, depth, _read_bytes)
    if not members:
        raise invalid_values("Binary sets should not be empty")
    binaries = frozenset(members)
    if len(binaries) != len(members):
        raise invalid_values(f"Input collection [{', '.join(data)}]of type BS contains duplicates.")
    return binaries


def _write_map(value: Item) -> dict[str, Any]:
    return {"M": write_attributes(value)}


def _write_list(value: list[Value]) -> dict[str, Any]:
    return {"L": [write_value(item) for item in value]}


def _write_set(value: frozenset[Any]) -> dict[str, Any]:
    """Write a set in the order of its members; DynamoDB promises none."""
    members = sorted(value)
    if isinstance(members[0], str):
        return {"SS": members}
    if isinstance(members[0], bytes):
        return {"BS": members}
    return {"NS": [write_number(member) for member in members]}


_READERS: Final[dict[str, Callable[[Any, int], Value]]] = {
    "S": _read_text,
    "N": _read_number,
    "B": _read_bytes,
    "BOOL": _read_bool,
    "NULL": _read_null,
    "L": _read_list,
    "M": _read_map,
    "SS": _read_texts,
    "NS": _read_numbers,
    "BS": _read_binaries,
}
_WRITERS: Final[dict[type, Callable[[Any], dict[str, Any]]]] = {
    str: lambda value: {"S": value},
    int: lambda value: {"N": str(value)},
    Decimal: lambda value: {"N": write_number(value)},
    bytes: lambda value: {"B": value},
    bool: lambda value: {"BOOL": value},
    type(None): lambda _value: {"NULL": True},
    list: _write_list,
    dict: _write_map,
    frozenset: _write_set,
}
