"""What a document may hold.

Google Cloud, "Usage and limits" (https://cloud.google.com/firestore/quotas): 1 MiB for a document, 20 levels of maps
and arrays, 1 MiB - 89 bytes for a value; names of fields aren't empty, have at most 1,500 bytes and don't match
`__.*__`; no array in an array. "Data types" (https://cloud.google.com/firestore/docs/concepts/data-types): times are
stored in microseconds, what is more precise is rounded down.
"Storage size calculations" (https://cloud.google.com/firestore/docs/storage-size) says what counts how much.
"""

from __future__ import annotations

from typing import Any, Final

from fogbank.clouds.gcp.firestore.field_paths import FIELD_BYTES_MAX, is_reserved
from fogbank.clouds.gcp.firestore.order import is_vector
from fogbank.clouds.gcp.firestore.service import invalid

DOCUMENT_BYTES_MAX: Final = 1_048_576
VALUE_BYTES_MAX: Final = DOCUMENT_BYTES_MAX - 89
DEPTH_MAX: Final = 20
VECTOR_DIMENSIONS_MAX: Final = 2_048
# google/protobuf/timestamp.proto: from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
_TIME_SECONDS: Final = range(-62_135_596_800, 253_402_300_800)
_NANOS: Final = range(1_000_000_000)
_NS_PER_US: Final = 1_000
# What protobuf writes in fewer bytes than these can't be larger than the limit, however it is counted.
_SURELY_SMALL_BYTES: Final = DOCUMENT_BYTES_MAX // 4
_FIXED: Final = {
    "null_value": 1, "boolean_value": 1, "integer_value": 8, "double_value": 8, "timestamp_value": 8,
    "geo_point_value": 16,
}  # fmt: skip


def check_fields(fields: Any, depth: int = 1, where: str = "") -> None:
    """Raise the error for fields that there may not be; times among them become as precise as they are stored."""
    for name, value in fields.items():
        if not name:
            raise invalid("Document fields must not be empty.")
        if is_reserved(name):
            raise invalid(f'Field name "{name}" is reserved.')
        if len(name) * 3 > FIELD_BYTES_MAX and len(name.encode()) > FIELD_BYTES_MAX:
            raise invalid(f"Field names have at most {FIELD_BYTES_MAX} bytes.")
        check_value(value, where or name, depth)


def check_value(value: Any, where: str, depth: int) -> None:
    """Raise the error for a value that there may not be; `where` is the property that has it. Rounds times down."""
    kind = value.WhichOneof("value_type")
    if kind is None:
        raise invalid(f"Property {where} has a value without a type.")
    if kind in {"map_value", "array_value"}:
        if depth > DEPTH_MAX:
            raise invalid(f"Property {where} contains an invalid nested entity: there may be {DEPTH_MAX} levels.")
        if kind == "array_value":
            for each in value.array_value.values:
                if each.WhichOneof("value_type") == "array_value":
                    raise invalid("Cannot convert an array value in an array value.")
                check_value(each, where, depth + 1)
        elif is_vector(value):
            _check_vector(value, where)
        else:
            check_fields(value.map_value.fields, depth + 1, where)
    elif kind not in _KNOWN:
        raise invalid(f"Property {where} has a value that only queries have: {kind}.")
    elif kind == "timestamp_value":
        _settle_time(value.timestamp_value, where)
    elif kind == "geo_point_value":
        place = value.geo_point_value
        if not (-90 <= place.latitude <= 90 and -180 <= place.longitude <= 180):
            raise invalid(f"Property {where} has a geo point that is none.")


_KNOWN: Final = frozenset({*_FIXED, "string_value", "bytes_value", "reference_value"})
_LONG: Final = frozenset({"string_value", "bytes_value"})


def _settle_time(time: Any, where: str) -> None:
    """Round a time down to microseconds."""
    if time.seconds not in _TIME_SECONDS or time.nanos not in _NANOS:
        raise invalid(f"Property {where} has a timestamp that is out of range.")
    if time.nanos % _NS_PER_US:
        time.nanos -= time.nanos % _NS_PER_US


def _check_lengths(value: Any, where: str) -> None:
    """Raise the error for a text, or bytes, that are too long by themselves."""
    kind = value.WhichOneof("value_type")
    if kind == "map_value":
        for each in value.map_value.fields.values():
            _check_lengths(each, where)
    elif kind == "array_value":
        for each in value.array_value.values:
            _check_lengths(each, where)
    elif kind in _LONG and value.ByteSize() > VALUE_BYTES_MAX:
        given = getattr(value, kind)
        if len(given if kind == "bytes_value" else given.encode()) > VALUE_BYTES_MAX:
            # As users quote it (https://github.com/excalidraw/excalidraw/issues/4839).
            raise invalid(f'The value of property "{where}" is longer than {VALUE_BYTES_MAX} bytes.')


def _check_vector(value: Any, where: str) -> None:
    fields = value.map_value.fields
    numbers = fields["value"].array_value.values if "value" in fields else ()
    if not 1 <= len(numbers) <= VECTOR_DIMENSIONS_MAX:
        raise invalid(f"Property {where}: a vector has 1 to {VECTOR_DIMENSIONS_MAX} dimensions.")
    if any(each.WhichOneof("value_type") not in {"double_value", "integer_value"} for each in numbers):
        raise invalid(f"Property {where}: a vector has nothing but numbers.")


def check_size(name: str, message: Any) -> None:
    """Raise the error for a document that is too large, or has a value that is."""
    if message.ByteSize() <= _SURELY_SMALL_BYTES:
        return
    for field, value in message.fields.items():
        _check_lengths(value, field)
    # The name counts with 16 bytes more, the document with 32.
    size = sum(len(each.encode()) + 1 for each in name.split("/")[5:]) + 16 + 32 + _fields_size(message.fields)
    if size > DOCUMENT_BYTES_MAX:
        raise invalid(
            f"Document '{name}' cannot be written because its size ({size:,} bytes) exceeds the maximum allowed size of"
            f" {DOCUMENT_BYTES_MAX:,} bytes."
        )


def _fields_size(fields: Any) -> int:
    return sum(len(name.encode()) + 1 + _size(value) for name, value in fields.items())


def _size(value: Any) -> int:
    kind = value.WhichOneof("value_type")
    if kind in _FIXED:
        return _FIXED[kind]
    if kind == "string_value":
        return len(value.string_value.encode()) + 1
    if kind == "bytes_value":
        return len(value.bytes_value)
    if kind == "array_value":
        return sum(_size(each) for each in value.array_value.values)
    if kind == "map_value":
        return _fields_size(value.map_value.fields)
    return sum(len(each.encode()) + 1 for each in value.reference_value.split("/")[5:]) + 16
