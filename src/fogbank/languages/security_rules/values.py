"""Values of rules: None, bool, int, float, str, bytes, list and dict stand for themselves; the others are here.

Times and durations have nanoseconds. Equality is `same`: 1 equals 1.0, but not true; sets are equal whatever their
order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fogbank.languages.security_rules.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Iterable

Value: TypeAlias = Any
SECOND_NS: Final = 1_000_000_000
INTEGERS: Final = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True, order=True)
class Timestamp:
    """A time in UTC: nanoseconds since 1970."""

    nanos: int


@dataclass(frozen=True, order=True)
class Duration:
    """A length of time, in nanoseconds."""

    nanos: int


@dataclass(frozen=True)
class LatLng:
    """A place on the earth, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Path:
    """The path of a resource, by its segments; a `Hole` is one that `bind` fills."""

    segments: tuple[Any, ...]

    def __str__(self) -> str:
        return "".join(f"/{each}" for each in self.segments)


@dataclass(frozen=True)
class Hole:
    """A segment of a path that has but a name yet."""

    name: str

    def __str__(self) -> str:
        return f"$({self.name})"


class Set:
    """Values, each once, in the order in which they came."""

    __slots__ = ("_members",)

    def __init__(self, members: Iterable[Value]) -> None:
        self._members = {frozen(each): each for each in members}

    def __contains__(self, value: Value) -> bool:
        return frozen(value) in self._members

    def __len__(self) -> int:
        return len(self._members)

    @property
    def members(self) -> list[Value]:
        """The values."""
        return list(self._members.values())

    @property
    def keys(self) -> frozenset[Any]:
        """What tells them apart."""
        return frozenset(self._members)


@dataclass(frozen=True)
class MapDiff:
    """How one map (`after`) differs from another."""

    after: dict[str, Value]
    before: dict[str, Value]

    def keys(self, kind: str) -> Set:
        """Return the keys that were added, removed, changed, affected or left unchanged."""
        added = [each for each in self.after if each not in self.before]
        removed = [each for each in self.before if each not in self.after]
        both = [each for each in self.after if each in self.before]
        changed = [each for each in both if not same(self.after[each], self.before[each])]
        if kind == "unchanged":
            return Set(each for each in both if each not in set(changed))
        chosen = {"added": added, "removed": removed, "changed": changed, "affected": [*added, *removed, *changed]}
        return Set(chosen[kind])


def frozen(value: Value) -> Any:
    """Return what is equal exactly for equal values, and can be looked up."""
    if value is None:
        return ("null",)
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, list):
        return ("list", tuple(frozen(each) for each in value))
    if isinstance(value, dict):
        return ("map", frozenset((key, frozen(each)) for key, each in value.items()))
    if isinstance(value, Set):
        return ("set", value.keys)
    if isinstance(value, MapDiff):
        return ("map_diff", frozen(value.after), frozen(value.before))
    return (type(value).__name__, value)


def same(one: Value, other: Value) -> bool:
    """Tell whether two values are equal."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return bool(frozen(one) == frozen(other))


def type_of(value: Value) -> str:
    """Return the name of a value's type, as `is` has it."""
    return _TYPES[type(value)]


_TYPES: Final[dict[type, str]] = {
    type(None): "null", bool: "bool", int: "int", float: "float", str: "string", bytes: "bytes", list: "list",
    dict: "map", Timestamp: "timestamp", Duration: "duration", LatLng: "latlng", Path: "path", Set: "set",
    MapDiff: "map_diff",
}  # fmt: skip
TYPE_NAMES: Final = frozenset({*_TYPES.values(), "number"})


def integer(number: int) -> int:
    """Return a number that fits into 64 bits, or raise `EvaluationError`."""
    if number not in INTEGERS:
        msg = "Integer overflow."
        raise EvaluationError(msg)
    return number
