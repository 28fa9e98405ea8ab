"""Values that traversals compare: equality, order, keys of groups."""

from __future__ import annotations

from typing import Any, Final

from fogbank.languages.gremlin.elements import Edge, Element, Property, Vertex, VertexProperty
from fogbank.languages.gremlin.errors import ExecutionError

_RANKS: Final[dict[type, int]] = {type(None): 0, bool: 1, int: 2, float: 2, str: 3}


class Path(list[Any]):
    """The values of a path, and the labels of each."""

    def __init__(self, values: list[Any], labels: list[list[str]]) -> None:
        super().__init__(values)
        self.labels = labels


class Tree(dict[Any, Any]):
    """Paths that share their beginnings: values, each with the tree of what follows it."""


def identity(value: Any) -> Any:
    """Return what is the same of values that are the same to a traversal; 1 and true are not."""
    if isinstance(value, VertexProperty | Property):
        return ("property", value.key, identity(value.value), value.owner)
    if isinstance(value, list):
        return ("list", tuple(identity(each) for each in value))
    if isinstance(value, dict):
        return ("map", tuple((identity(key), identity(each)) for key, each in value.items()))
    if isinstance(value, bool):
        return ("bool", value)
    return value


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same."""
    return bool(identity(one) == identity(other))


def rank(value: Any) -> tuple[Any, ...]:
    """Return what sorts as values do: by their types, then by their values."""
    if isinstance(value, VertexProperty | Property):
        return rank(value.value)
    if isinstance(value, Element):
        return (4, value.id)
    if isinstance(value, list):
        return (5, tuple(rank(each) for each in value))
    if isinstance(value, dict):
        return (6, tuple((rank(key), rank(each)) for key, each in value.items()))
    if isinstance(value, tuple):
        return (7, shown(value))
    kind = _RANKS[type(value)]
    return (kind, value) if value is not None else (kind,)


def number(value: Any, step: str) -> float:
    """Return a value that must be a number."""
    if isinstance(value, VertexProperty | Property):
        value = value.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExecutionError(f"{step}: The value {shown(value)!r} is not a number.")
    return value


def shown(value: Any) -> str:
    """Return a value as text, as keys of maps have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Element):
        return value.id
    if isinstance(value, VertexProperty | Property):
        return shown(value.value)
    if isinstance(value, tuple):
        return _shown_identity(value)
    return "null" if value is None else str(value)


def _shown_identity(value: tuple[Any, ...]) -> str:
    """Return what is the same of a list or a map as text, as keys of groups are told."""
    kind, inner = value[0], value[1]
    if kind == "list":
        return f"[{', '.join(map(shown, inner))}]"
    if kind == "map":
        return "{" + ", ".join(f"{shown(key)}={shown(each)}" for key, each in inner) + "}"
    return shown(value[-2] if kind == "property" else inner)


def values_of(element: Any, keys: tuple[str, ...]) -> list[Any]:
    """Return the values of an element's properties, of those with the keys if there are any."""
    return [each.value for each in properties_of(element, keys)]


def properties_of(element: Any, keys: tuple[str, ...]) -> list[VertexProperty | Property]:
    """Return an element's properties, those with the keys if there are any."""
    if isinstance(element, Vertex):
        names = keys or tuple(element.properties)
        return [each for name in names for each in element.properties.get(name, ())]
    if isinstance(element, Edge):
        names = keys or tuple(element.properties)
        return [Property(name, element.properties[name], element) for name in names if name in element.properties]
    if isinstance(element, VertexProperty):
        names = keys or tuple(element.meta)
        return [
            VertexProperty("", name, element.meta[name], element.owner, {}) for name in names if name in element.meta
        ]
    raise ExecutionError(f"A {kind_of(element)} has no properties.")


def kind_of(value: Any) -> str:
    """Return the word for what a value is."""
    return type(value).__name__.lower()
