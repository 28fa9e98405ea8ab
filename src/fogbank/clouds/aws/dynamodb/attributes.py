"""Attribute values between their wire form, `{"S": "text"}`, and plain values, each way in one pass.

Amazon DynamoDB API Reference, "AttributeValue"; Developer Guide, "Data types" and "Constraints: Items".
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.dynamodb.errors import invalid_values, serialization, validation, wrong_type
from fogbank.clouds.aws.dynamodb.sizes import (
    CONTAINER_BYTES,
    MEMBER_BYTES,
    SCALAR_BYTES,
    size_of_number,
    size_of_text,
)
from fogbank.languages.dynamodb.numbers import NumberError, read_number, write_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.languages.dynamodb.types import Item, Number, Value

DEPTH_MAX: Final = 32
_TOO_DEEP: Final = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)
_EMPTY: Final = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_SEVERAL: Final = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)


def read_item(raw: dict[str, Any]) -> tuple[Item, int]:
    """Read an item and its size in bytes; raises `AwsError`."""
    return _read_attributes(raw, 1)


def read_attributes(raw: dict[str, Any]) -> Item:
    """Read attributes by name; raises `AwsError`."""
    return _read_attributes(raw, 1)[0]


def read_value(tagged: Any) -> Value:
    """Read one value; raises `AwsError`."""
    return _read_value(tagged, 1)[0]


def _read_attributes(raw: dict[str, Any], depth: int) -> tuple[Item, int]:
    """Read attributes and what they count, names included; what stands in a list or map is one level deeper."""
    item: Item = {}
    size = 0
    for name, tagged in raw.items():
        size += len(name) if name.isascii() else len(name.encode())
        if type(tagged) is dict and len(tagged) == 1 and type(text := tagged.get("S")) is str and depth <= DEPTH_MAX:
            item[name] = text
            size += len(text) if text.isascii() else len(text.encode())
        else:
            item[name], bytes_read = _read_value(tagged, depth)
            size += bytes_read
    return item, size


def _read_value(tagged: Any, depth: int) -> tuple[Value, int]:
    if type(tagged) is not dict or len(tagged) != 1:
        tagged = _only(tagged)
    ((kind, data),) = tagged.items()
    reader = _READERS.get(kind)
    if reader is None or data is None:
        raise validation(_EMPTY)
    if depth > DEPTH_MAX:
        raise validation(_TOO_DEEP)
    return reader(data, depth)


def _only(tagged: Any) -> dict[str, Any]:
    """Return what is set of a value that isn't one type and its data; there must be one such."""
    if type(tagged) is not dict:
        raise wrong_type(tagged, "Structure")
    present = {kind: data for kind, data in tagged.items() if data is not None and kind in _READERS}
    if len(present) != 1:
        raise validation(_SEVERAL if present else _EMPTY)
    return present


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


def _text(data: Any) -> str:
    if type(data) is not str:
        raise wrong_type(data, "String")
    return data


def _number(data: Any) -> Number:
    if type(data) is not str:
        raise wrong_type(data, "String")
    try:
        return read_number(data)
    except NumberError as error:
        raise validation(str(error)) from None


def _bytes(data: Any) -> bytes:
    text = _text(data)
    if len(text) % 4:
        raise serialization(f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}")
    try:
        return a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError):
        raise serialization("Invalid base64 character") from None


def _read_text(data: Any, _depth: int) -> tuple[str, int]:
    text = _text(data)
    return text, size_of_text(text)


def _read_number(data: Any, _depth: int) -> tuple[Number, int]:
    number = _number(data)
    return number, size_of_number(number)


def _read_bytes(data: Any, _depth: int) -> tuple[bytes, int]:
    read = _bytes(data)
    return read, len(read)


def _read_bool(data: Any, _depth: int) -> tuple[bool, int]:
    if type(data) is not bool:
        raise wrong_type(data, "Boolean")
    return data, SCALAR_BYTES


def _read_null(data: Any, depth: int) -> tuple[None, int]:
    if not _read_bool(data, depth)[0]:
        raise invalid_values("Null attribute value types must have the value of true")
    return None, SCALAR_BYTES


def _read_list(data: Any, depth: int) -> tuple[list[Value], int]:
    if type(data) is not list:
        raise wrong_type(data, "List")
    values = []
    size = CONTAINER_BYTES + MEMBER_BYTES * len(data)
    for tagged in data:
        value, bytes_read = _read_value(tagged, depth + 1)
        values.append(value)
        size += bytes_read
    return values, size


def _read_map(data: Any, depth: int) -> tuple[Item, int]:
    if type(data) is not dict:
        raise wrong_type(data, "Map")
    item, size = _read_attributes(data, depth + 1)
    return item, size + CONTAINER_BYTES + MEMBER_BYTES * len(item)


def _members(data: Any, read: Callable[[Any], Value], empty: str) -> tuple[list[Value], frozenset[Value]]:
    """Return a set's members as they were sent, and as a set; there must be one at least."""
    if type(data) is not list:
        raise wrong_type(data, "List")
    members = [read(member) for member in data]
    if not members:
        raise invalid_values(empty)
    return members, frozenset(members)


def _read_texts(data: Any, _depth: int) -> tuple[frozenset[str], int]:
    members, texts = _members(data, _text, "An string set  may not be empty")
    if len(texts) != len(members):
        raise invalid_values(f"Input collection [{', '.join(members)}] contains duplicates.")
    return texts, sum(map(size_of_text, members))


def _read_numbers(data: Any, _depth: int) -> tuple[frozenset[Number], int]:
    members, numbers = _members(data, _number, "An number set  may not be empty")
    if len(numbers) != len(members):
        raise validation("Input collection contains duplicates")
    return numbers, sum(map(size_of_number, members))


def _read_binaries(data: Any, _depth: int) -> tuple[frozenset[bytes], int]:
    members, binaries = _members(data, _bytes, "Binary sets should not be empty")
    if len(binaries) != len(members):
        raise invalid_values(f"Input collection [{', '.join(data)}]of type BS contains duplicates.")
    return binaries, sum(map(len, members))


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


_READERS: Final[dict[str, Callable[[Any, int], tuple[Value, int]]]] = {
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
