"""What the placeholders of an expression stand for: `#name` for attribute names, `:name` for values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fogbank.languages.dynamodb.nodes import Path
    from fogbank.languages.dynamodb.types import Value

Steps: TypeAlias = "tuple[str | int, ...]"
"""A document path with its names resolved."""

MISSING: Final[Any] = object()
"""Stands where an item has nothing at a path."""

_NAME: Final = re.compile(r"#[A-Za-z0-9_]+")
_VALUE: Final = re.compile(r":[A-Za-z0-9_]+")


class Placeholders:
    """The names and values that a request brings, and which of them its expressions have used."""

    __slots__ = ("_names", "_unused_names", "_unused_values", "_values")

    def __init__(self, names: Mapping[str, str], values: Mapping[str, Value]) -> None:
        self._names = names
        self._values = values
        self._unused_names = set(names)
        self._unused_values = set(values)

    def value(self, name: str) -> Value:
        """Return the value of a `:name`."""
        if name not in self._values:
            raise ExpressionError(
                f"An expression attribute value used in expression is not defined; attribute value: {name}"
            )
        self._unused_values.discard(name)
        return self._values[name]

    def steps(self, path: Path) -> Steps:
        """Return a path with the names that it is written with resolved."""
        for part in path.parts:
            if type(part) is str and part[0] == "#":
                return tuple(map(self._step, path.parts))
        return path.parts

    def check_used(self) -> None:
        """Refuse what no expression has used."""
        for kind, unused in (("Names", self._unused_names), ("Values", self._unused_values)):
            if unused:
                keys = ", ".join(sorted(unused))
                raise MisuseError(
                    f"Value provided in ExpressionAttribute{kind} unused in expressions: keys: {{{keys}}}"
                )

    def _step(self, part: str | int) -> str | int:
        if isinstance(part, int) or part[0] != "#":
            return part
        if part not in self._names:
            raise ExpressionError(
                f"An expression attribute name used in the document path is not defined; attribute name: {part}"
            )
        self._unused_names.discard(part)
        return self._names[part]


def check_name_keys(keys: Iterable[str]) -> None:
    """Refuse keys of ExpressionAttributeNames that can't be placeholders."""
    _check_keys("Names", _NAME, keys)


def check_value_keys(keys: Iterable[str]) -> None:
    """Refuse keys of ExpressionAttributeValues that can't be placeholders."""
    _check_keys("Values", _VALUE, keys)


def resolve(value: Value, steps: Steps) -> Value:
    """Return what an item, or a value in it, has at a path, or `MISSING`."""
    for step in steps:
        if isinstance(step, str):
            if type(value) is not dict:
                return MISSING
            value = value.get(step, MISSING)
        else:
            if type(value) is not list or step >= len(value):
                return MISSING
            value = value[step]
    return value


def show_steps(steps: Steps) -> str:
    """Write a path as DynamoDB's messages do: `[a, b, [1]]`."""
    return f"[{', '.join(f'[{step}]' if isinstance(step, int) else step for step in steps)}]"


def _check_keys(kind: str, form: re.Pattern[str], keys: Iterable[str]) -> None:
    keys = list(keys)
    if not keys:
        raise MisuseError(f"ExpressionAttribute{kind} must not be empty")
    for key in keys:
        if not form.fullmatch(key):
            raise MisuseError(f'ExpressionAttribute{kind} contains invalid key: Syntax error; key: "{key}"')
