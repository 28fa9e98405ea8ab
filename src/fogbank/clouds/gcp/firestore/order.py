"""The order of Firestore's values, as bytes.

Google Cloud, "Value type ordering" (https://cloud.google.com/firestore/docs/concepts/data-types): null, booleans,
numbers with NaN as the least, times, text, bytes, references, places, arrays, vectors, maps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.engines.documents.ordered import (
    END,
    encode_number,
    encode_octets,
    encode_path,
    encode_signed,
    encode_text,
)
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Callable

_NULL: Final = b"\x05"
_BOOLEAN: Final = b"\x0a"
_NUMBER: Final = b"\x0f"
_TIME: Final = b"\x14"
_TEXT: Final = b"\x19"
_BYTES: Final = b"\x1e"
_REFERENCE: Final = b"\x23"
_PLACE: Final = b"\x28"
_ARRAY: Final = b"\x2d"
_VECTOR: Final = b"\x32"
_MAP: Final = b"\x37"
NULL: Final = _NULL
NAN: Final = _NUMBER + encode_number(float("nan"))
VECTOR_TYPE: Final = "__vector__"
# Stands before each part of an array, a map or a reference, so that what ends before another is less.
_PART: Final = b"\x01"
_DOCUMENTS: Final = 5
# The least of the ids that are numbers, which come before all others: clients that delete recursively begin there.
_LEAST_ID: Final = "__id-9223372036854775808__"


def encode(value: Any) -> bytes:
    """Return a value's place in the order, behind which anything may stand."""
    return _ENCODERS[value.WhichOneof("value_type")](value)


def type_of(encoded: bytes) -> int:
    """Return what says of an encoded value which type it has."""
    return encoded[0]


def is_vector(value: Any) -> bool:
    """Whether a map is a vector (google/firestore/v1: a map of `__type__` and `value`)."""
    fields = value.map_value.fields
    return "__type__" in fields and fields["__type__"].string_value == VECTOR_TYPE


def encode_reference(name: str) -> bytes:
    """Encode a document's full name."""
    project, database, path = name.split("/", _DOCUMENTS)[1::2] if name.count("/") >= _DOCUMENTS else ("", "", name)
    segments = ["" if each == _LEAST_ID else each for each in path.split("/")]
    return _REFERENCE + encode_path((project, database, *segments)) + END


def _array(value: Any) -> bytes:
    return _ARRAY + b"".join([_PART + encode(each) for each in value.array_value.values]) + END


def _map(value: Any) -> bytes:
    if is_vector(value):
        numbers = value.map_value.fields["value"].array_value.values
        return _VECTOR + len(numbers).to_bytes(4, "big") + b"".join([encode(each) for each in numbers])
    fields = value.map_value.fields
    names = sorted(fields, key=str.encode)
    return _MAP + b"".join([_PART + encode_text(name) + encode(fields[name]) for name in names]) + END


def _time(value: Any) -> bytes:
    time = value.timestamp_value
    return _TIME + encode_signed(time.seconds) + bytes(time.nanos.to_bytes(4, "big"))


def _place(value: Any) -> bytes:
    place = value.geo_point_value
    return _PLACE + encode_number(place.latitude) + encode_number(place.longitude)


def _nothing(_value: Any) -> bytes:
    raise GrpcError(Code.INVALID_ARGUMENT, "Cannot convert a value without a type.")


_ENCODERS: Final[dict[str | None, Callable[[Any], bytes]]] = {
    "null_value": lambda _value: _NULL,
    "boolean_value": lambda value: _BOOLEAN + (b"\x01" if value.boolean_value else b"\x00"),
    "integer_value": lambda value: _NUMBER + encode_number(value.integer_value),
    "double_value": lambda value: _NUMBER + encode_number(value.double_value),
    "timestamp_value": _time,
    "string_value": lambda value: _TEXT + encode_text(value.string_value),
    "bytes_value": lambda value: _BYTES + encode_octets(value.bytes_value),
    "reference_value": lambda value: encode_reference(value.reference_value),
    "geo_point_value": _place,
    "array_value": _array,
    "map_value": _map,
    None: _nothing,
}
