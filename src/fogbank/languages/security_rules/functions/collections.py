"""Methods of lists, maps, sets, differences and paths.

https://firebase.google.com/docs/reference/rules/rules.List, rules.Map, rules.MapDiff, rules.Set, rules.Path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.security_rules.values import Hole, MapDiff, Path, Set

if TYPE_CHECKING:
    from collections.abc import Callable


def members(value: Any) -> list[Any]:
    """Return the members of a list or a set."""
    if isinstance(value, Set):
        return value.members
    if isinstance(value, list):
        return value
    msg = "a list or a set is needed"
    raise TypeError(msg)


def has_all(value: Any, wanted: Any) -> bool:
    """Tell whether all that is wanted is there."""
    there = Set(members(value))
    return all(each in there for each in members(wanted))


def _has_any(value: Any, wanted: Any) -> bool:
    there = Set(members(value))
    return any(each in there for each in members(wanted))


def _has_only(value: Any, wanted: Any) -> bool:
    return Set(members(value)).keys == Set(members(wanted)).keys


def _list_has_only(value: Any, wanted: Any) -> bool:
    allowed = Set(members(wanted))
    return all(each in allowed for each in members(value))


def _join(value: list[Any], separator: str) -> str:
    return separator.join(value)


def _get(value: dict[str, Any], key: Any, default: Any) -> Any:
    """Return the value of a key, or of keys within each other; the default if there is none."""
    found: Any = value
    for each in key if isinstance(key, list) else [key]:
        if not isinstance(each, str):
            msg = "a key is a text"
            raise TypeError(msg)
        if not isinstance(found, dict) or each not in found:
            return default
        found = found[each]
    return found


def _diff(value: dict[str, Any], other: Any) -> MapDiff:
    if not isinstance(other, dict):
        msg = "a map is needed"
        raise TypeError(msg)
    return MapDiff(value, other)


def _without(value: list[Any], others: Any) -> list[Any]:
    gone = Set(members(others))
    return [each for each in value if each not in gone]


def _bind(path: Path, values: dict[str, Any]) -> Path:
    return Path(
        tuple(values[each.name] if isinstance(each, Hole) and each.name in values else each for each in path.segments)
    )


def _intersection(value: Set, other: Set) -> Set:
    return Set(each for each in value.members if each in other)


def _difference(value: Set, other: Set) -> Set:
    return Set(each for each in value.members if each not in other)


LIST: Final[dict[str, Callable[..., Any]]] = {
    "concat": lambda value, other: [*value, *members(other)],
    "hasAll": has_all,
    "hasAny": _has_any,
    "hasOnly": _list_has_only,
    "join": _join,
    "removeAll": _without,
    "size": len,
    "toSet": Set,
}
MAP: Final[dict[str, Callable[..., Any]]] = {
    "diff": _diff,
    "get": _get,
    "keys": list,
    "size": len,
    "values": lambda value: list(value.values()),
}
SET: Final[dict[str, Callable[..., Any]]] = {
    "difference": _difference,
    "hasAll": has_all,
    "hasAny": _has_any,
    "hasOnly": _has_only,
    "intersection": _intersection,
    "size": len,
    "union": lambda value, other: Set([*value.members, *other.members]),
}
MAP_DIFF: Final[dict[str, Callable[..., Any]]] = {
    "addedKeys": lambda value: value.keys("added"),
    "affectedKeys": lambda value: value.keys("affected"),
    "changedKeys": lambda value: value.keys("changed"),
    "removedKeys": lambda value: value.keys("removed"),
    "unchangedKeys": lambda value: value.keys("unchanged"),
}
PATH: Final[dict[str, Callable[..., Any]]] = {"bind": _bind}
