"""Numbers as JSON's are in Cosmos DB: floating-point ones where integers are too large for 64 bits."""

from __future__ import annotations

from typing import Any, Final

import msgspec

# "Azure Cosmos DB service quotas", "Per-item limits": levels of nested objects and arrays.
DEPTH_MAX: Final = 128
_encode: Final = msgspec.msgpack.Encoder().encode
_LEAST: Final = -(1 << 63)
_GREATEST: Final = (1 << 63) - 1


def in_range(data: bytes, value: Any) -> Any:
    """Return the value of a JSON text with numbers that can be kept; `data` is the text."""
    if data.count(b"{") + data.count(b"[") > DEPTH_MAX:
        _check_depth(value)
    try:
        _encode(value)
    except OverflowError:
        return _narrowed(value)
    return value


def _narrowed(value: Any) -> Any:
    kind = type(value)
    if kind is int:
        return value if _LEAST <= value <= _GREATEST else float(value)
    if kind is list:
        return [_narrowed(each) for each in value]
    if kind is dict:
        return {name: _narrowed(each) for name, each in value.items()}
    return value


def _check_depth(value: Any) -> None:
    """Raise `RecursionError` for a value that is nested too deeply."""
    level = [value]
    depth = 0
    while level:
        depth += 1
        if depth > DEPTH_MAX + 1:
            raise RecursionError
        inner: list[Any] = []
        for each in level:
            if type(each) is dict:
                inner.extend(item for item in each.values() if type(item) in (dict, list))
            elif type(each) is list:
                inner.extend(item for item in each if type(item) in (dict, list))
        level = inner
