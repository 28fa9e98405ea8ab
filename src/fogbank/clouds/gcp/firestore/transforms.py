"""What transforms make of fields: google/firestore/v1/write.proto, `DocumentTransform.FieldTransform`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.field_paths import value_at
from fogbank.clouds.gcp.firestore.order import encode
from fogbank.clouds.gcp.firestore.service import invalid, set_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath

_INTEGER_MIN: Final = -(1 << 63)
_INTEGER_MAX: Final = (1 << 63) - 1
_NUMBERS: Final = {"integer_value", "double_value"}
REQUEST_TIME: Final = 1
_MILLISECOND_US: Final = 1_000


def check(transform: Any) -> None:
    """Raise the error for a transform that there isn't."""
    kind = transform.WhichOneof("transform_type")
    if kind is None:
        raise invalid("A transform of a field has no type.")
    if kind == "set_to_server_value":
        if transform.set_to_server_value != REQUEST_TIME:
            raise invalid(f"Invalid server value {transform.set_to_server_value}.")
    elif kind in {"increment", "maximum", "minimum"}:
        operand = getattr(transform, kind)
        if operand.WhichOneof("value_type") not in _NUMBERS:
            raise invalid(f"{kind} operand must be a number.")


def server_time(time_us: int) -> int:
    """Return the time that transforms set for a commit: in whole milliseconds, as Google's are."""
    return time_us - time_us % _MILLISECOND_US


def apply(fields: Any, path: FieldPath, transform: Any, time_us: int) -> None:
    """Transform a field of a document's message."""
    kind = transform.WhichOneof("transform_type")
    target = place(fields, path)
    if kind == "set_to_server_value":
        target.Clear()
        set_time(target.timestamp_value, server_time(time_us))
    elif kind == "append_missing_elements":
        _append(target, transform.append_missing_elements.values)
    elif kind == "remove_all_from_array":
        _remove(target, transform.remove_all_from_array.values)
    else:
        _ARITHMETIC[kind](target, getattr(transform, kind))


def result(fields: Any, path: FieldPath, transform: Any) -> Any:
    """Return what a transform made of a field, None where the API tells null."""
    kind = transform.WhichOneof("transform_type")
    if kind in {"append_missing_elements", "remove_all_from_array"}:
        return None
    return value_at(fields, path)


def place(fields: Any, path: FieldPath) -> Any:
    """Return the value at a path, which is made if it isn't there; what is no map on the way becomes one."""
    for name in path[:-1]:
        value = fields[name]
        if value.WhichOneof("value_type") != "map_value":
            value.Clear()
            value.map_value.SetInParent()
        fields = value.map_value.fields
    return fields[path[-1]]


def _append(target: Any, values: Any) -> None:
    _make_array(target)
    there = {encode(each) for each in target.array_value.values}
    for each in values:
        encoded = encode(each)
        if encoded not in there:
            there.add(encoded)
            target.array_value.values.append(each)


def _remove(target: Any, values: Any) -> None:
    _make_array(target)
    gone = {encode(each) for each in values}
    kept = [each for each in target.array_value.values if encode(each) not in gone]
    if len(kept) != len(target.array_value.values):
        made = type(target)()
        made.array_value.values.extend(kept)
        made.array_value.SetInParent()
        target.CopyFrom(made)


def _make_array(target: Any) -> None:
    if target.WhichOneof("value_type") != "array_value":
        target.Clear()
        target.array_value.SetInParent()


def _number(value: Any) -> int | float | None:
    kind = value.WhichOneof("value_type")
    if kind not in _NUMBERS:
        return None
    number: int | float = getattr(value, kind)
    return number


def _increment(target: Any, operand: Any) -> None:
    before, by = _number(target), _number(operand)
    if before is None or by is None:
        target.CopyFrom(operand)
    elif isinstance(before, int) and isinstance(by, int):
        target.integer_value = min(max(before + by, _INTEGER_MIN), _INTEGER_MAX)
    else:
        target.double_value = float(before) + float(by)


def _extreme(target: Any, operand: Any, sign: int) -> None:
    before, given = _number(target), _number(operand)
    if before is None or given is None or math.isnan(given):
        target.CopyFrom(operand)
    elif not math.isnan(before) and (given > before if sign > 0 else given < before):
        # Equal ones, zeros of either sign among them, stay as they are.
        target.CopyFrom(operand)


_ARITHMETIC: Final[dict[str, Callable[[Any, Any], None]]] = {
    "increment": _increment,
    "maximum": lambda target, operand: _extreme(target, operand, 1),
    "minimum": lambda target, operand: _extreme(target, operand, -1),
}
