"""Attribute values between their wire form, `{"S": "text"}`, and plain values, each way in one pass.

Amazon DynamoDB API Reference, "AttributeValue"; Developer Guide, "Data types" and "Constraints: Items".
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.dynamodb.errors import invalid_values, serialization, validation, wrong_type
from fogbank.clouds.aws.dynamodb.sizes import (
    CONTAINER_BYTES,
    MEMBER_BYTES,
    SCALAR_BYTES,
    size_of_number,
    size_of_text,
)
from fogbank.engines.documents.model import Document
from fogbank.engines.documents.values.tagged import encode_tagged, is_tagged, tagged_part, write_number
from fogbank.engines.documents.values.tagged import tag_fields as write_attributes
from fogbank.engines.documents.values.tagged import tag_value as write_value
from fogbank.languages.dynamodb.numbers import NumberError, read_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fogbank.languages.dynamodb.types import Item, Number, Value

__all__ = (
    "DEPTH_MAX", "check_depth", "document_of", "read_attributes", "read_document", "read_value", "show_document",
    "show_part", "write_attributes", "write_value",
)  # fmt: skip

DEPTH_MAX: Final = 32
# As long as a number with all digits, a sign, a point and an exponent.
_KNOWN_DIGITS_MAX: Final = 48
_encode: Final = msgspec.json.Encoder().encode
_TOO_DEEP: Final = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)
_EMPTY: Final = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_SEVERAL: Final = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)


def read_document(raw: dict[str, Any]) -> Document:
    """Read an item as it is kept; raises `AwsError`.

    What is read is brought into its one form where it stands, so that it can be stored as it came.
    """
    item, size = _read_attributes(raw, 1)
    return Document(size, item, body=_encode(raw))


def document_of(item: Item, size: int) -> Document:
    """Return an item as it is kept; `size` is its size in bytes."""
    return Document(size, item, body=encode_tagged(item))


def show_document(document: Document) -> Any:
    """Return an item as replies show it: as it is stored, if that is the form."""
    body = document.body
    return msgspec.Raw(body) if is_tagged(body) else write_attributes(document.fields)


def show_part(document: Document, names: Iterable[str]) -> dict[str, Any]:
    """Return some of an item's attributes, which it has, as replies show them."""
    body = document.body
    if is_tagged(body):
        return tagged_part(body, names)
    return write_attributes({name: document.fields[name] for name in names})


def read_attributes(raw: dict[str, Any]) -> Item:
    """Read attributes by name; raises `AwsError`."""
    return _read_attributes(raw, 1)[0]


def read_value(tagged: Any) -> Value:
    """Read one value; raises `AwsError`."""
    return _read_value(_only(tagged), 1)[0]


def _read_attributes(raw: dict[str, Any], depth: int) -> tuple[Item, int]:
    """Read attributes and what they count, names included; what stands in a list or map is one level deeper."""
    if depth > DEPTH_MAX and raw:
        raise validation(_TOO_DEEP)
    item: Item = {}
    size = 0
    for name, tagged in raw.items():
        size += len(name) if name.isascii() else len(name.encode())
        value = tagged
        if type(value) is not dict or len(value) != 1:
            value = raw[name] = _only(tagged)
        text = value.get("S")
        if type(text) is str:
            # As `_read_text` does it, without the call.
            item[name] = text
            size += len(text) if text.isascii() else len(text.encode())
        else:
            ((kind, data),) = value.items()
            reader = _READERS.get(kind)
            if reader is None or data is None:
                raise validation(_EMPTY)
            item[name], bytes_read = reader(data, depth, value)
            size += bytes_read
    return item, size


def _read_value(tagged: dict[str, Any], depth: int) -> tuple[Value, int]:
    ((kind, data),) = tagged.items()
    reader = _READERS.get(kind)
    if reader is None or data is None:
        raise validation(_EMPTY)
    if depth > DEPTH_MAX:
        raise validation(_TOO_DEEP)
    return reader(data, depth, tagged)


def _only(tagged: Any) -> dict[str, Any]:
    """Return what is set of a value that isn't one type and its data; there must be one such."""
    if type(tagged) is not dict:
        raise wrong_type(tagged, "Structure")
    if len(tagged) == 1:
        return tagged
    present = {kind: data for kind, data in tagged.items() if data is not None and kind in _READERS}
    if len(present) != 1:
        if "N" in present:
            # What is no number is told first.
            _number(present["N"])
        raise validation(_SEVERAL if present else _EMPTY)
    return present


def check_depth(item: Item) -> None:
    """Refuse an item that has grown too deep."""
    for value in item.values():
        if isinstance(value, (dict, list)) and _depth_of(value) > DEPTH_MAX:
            raise validation(_TOO_DEEP)


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


def _number(data: Any) -> tuple[Number, int, str]:
    """Return a number with the bytes that it counts and the text that it is written as."""
    if type(data) is not str:
        raise wrong_type(data, "String")
    try:
        return _known_number(data) if len(data) <= _KNOWN_DIGITS_MAX else _described_number(data)
    except NumberError as error:
        raise validation(str(error)) from None


def _described_number(text: str) -> tuple[Number, int, str]:
    number = read_number(text)
    return number, size_of_number(number), write_number(number)


# The same few numbers come again and again.
_known_number: Final = lru_cache(maxsize=4096)(_described_number)


def _bytes(data: Any) -> bytes:
    text = _text(data)
    if len(text) % 4:
        raise serialization(f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}")
    try:
        return a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError):
        raise serialization("Invalid base64 character") from None


def _read_text(data: Any, _depth: int, _tagged: dict[str, Any]) -> tuple[str, int]:
    text = _text(data)
    return text, size_of_text(text)


def _read_number(data: Any, _depth: int, tagged: dict[str, Any]) -> tuple[Number, int]:
    number, size, tagged["N"] = _number(data)
    return number, size


def _read_bytes(data: Any, _depth: int, tagged: dict[str, Any]) -> tuple[bytes, int]:
    read = tagged["B"] = _bytes(data)
    return read, len(read)


def _read_bool(data: Any, _depth: int, _tagged: dict[str, Any]) -> tuple[bool, int]:
    if type(data) is not bool:
        raise wrong_type(data, "Boolean")
    return data, SCALAR_BYTES


def _read_null(data: Any, depth: int, tagged: dict[str, Any]) -> tuple[None, int]:
    if not _read_bool(data, depth, tagged)[0]:
        raise invalid_values("Null attribute value types must have the value of true")
    return None, SCALAR_BYTES


def _read_list(data: Any, depth: int, _tagged: dict[str, Any]) -> tuple[list[Value], int]:
    if type(data) is not list:
        raise wrong_type(data, "List")
    values = []
    size = CONTAINER_BYTES + MEMBER_BYTES * len(data)
    for place, tagged in enumerate(data):
        data[place] = only = _only(tagged)
        value, bytes_read = _read_value(only, depth + 1)
        values.append(value)
        size += bytes_read
    return values, size


def _read_map(data: Any, depth: int, _tagged: dict[str, Any]) -> tuple[Item, int]:
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


def _read_texts(data: Any, _depth: int, tagged: dict[str, Any]) -> tuple[frozenset[str], int]:
    members, texts = _members(data, _text, "An string set  may not be empty")
    if len(texts) != len(members):
        raise invalid_values(f"Input collection [{', '.join(members)}] contains duplicates.")
    tagged["SS"] = sorted(texts)
    return texts, sum(map(size_of_text, members))


def _read_numbers(data: Any, _depth: int, tagged: dict[str, Any]) -> tuple[frozenset[Number], int]:
    members, numbers = _members(data, lambda member: _number(member)[0], "An number set  may not be empty")
    if len(numbers) != len(members):
        raise validation("Input collection contains duplicates")
    tagged["NS"] = list(map(write_number, sorted(numbers)))
    return numbers, sum(map(size_of_number, members))


def _read_binaries(data: Any, _depth: int, tagged: dict[str, Any]) -> tuple[frozenset[bytes], int]:
    members, binaries = _members(data, _bytes, "Binary sets should not be empty")
    if len(binaries) != len(members):
        raise invalid_values(f"Input collection [{', '.join(data)}]of type BS contains duplicates.")
    tagged["BS"] = sorted(binaries)
    return binaries, sum(map(len, members))


_READERS: Final[dict[str, Callable[[Any, int, dict[str, Any]], tuple[Value, int]]]] = {
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
