"""Predicates: conditions on values, and on what labels stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.gremlin.elements import Property, VertexProperty
from fogbank.languages.gremlin.errors import CompileError
from fogbank.languages.gremlin.nodes import Predicate
from fogbank.languages.gremlin.values import identity, rank, same

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Test: TypeAlias = "Callable[[Any], bool]"

_COUNTS: Final = {"inside": 2, "outside": 2, "between": 2}


def compile_predicate(predicate: Predicate) -> Test:
    """Return a predicate as a function of a value; raises `CompileError`."""
    name, arguments = predicate
    if name in ("and", "or", "not"):
        return _combined(name, [compile_predicate(each) for each in arguments])
    if name in ("within", "without"):
        return _membership(name, arguments)
    if len(arguments) != _COUNTS.get(name, 1):
        raise CompileError(f"Unable to find any method '{name}' with {len(arguments)} arguments")
    if name in _TEXTS:
        return _text(name, arguments[0])
    if name in ("eq", "neq"):
        wanted, equal = arguments[0], name == "eq"
        return lambda value: same(_plain(value), wanted) is equal
    return _ordering(name, arguments)


def test_of(argument: Any) -> Test:
    """Return the condition that an argument is: a predicate, or to be the same as a value."""
    return compile_predicate(argument if isinstance(argument, Predicate) else Predicate("eq", (argument,)))


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, VertexProperty | Property) else value


def _combined(name: str, tests: list[Test]) -> Test:
    if name == "not":
        (inner,) = tests
        return lambda value: not inner(value)
    holds = all if name == "and" else any
    return lambda value: holds(test(value) for test in tests)


def _membership(name: str, arguments: tuple[Any, ...]) -> Test:
    wanted = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else arguments
    members = {identity(each) for each in wanted}
    inside = name == "within"
    return lambda value: (identity(_plain(value)) in members) is inside


def _text(name: str, wanted: Any) -> Test:
    if not isinstance(wanted, str):
        raise CompileError(f"{name} compares texts")
    holds, positive = _TEXTS[name]
    return lambda value: isinstance(_plain(value), str) and holds(_plain(value), wanted) is positive


_TEXTS: Final[dict[str, tuple[Callable[[str, str], bool], bool]]] = {
    "startingWith": (str.startswith, True),
    "notStartingWith": (str.startswith, False),
    "endingWith": (str.endswith, True),
    "notEndingWith": (str.endswith, False),
    "containing": (str.__contains__, True),
    "notContaining": (str.__contains__, False),
}
_ORDERS: Final[dict[str, Callable[[Any, Any, Any], bool]]] = {
    "lt": lambda value, low, _high: value < low,
    "lte": lambda value, low, _high: value <= low,
    "gt": lambda value, low, _high: value > low,
    "gte": lambda value, low, _high: value >= low,
    "inside": lambda value, low, high: low < value < high,
    "outside": lambda value, low, high: value < low or value > high,
    "between": lambda value, low, high: low <= value < high,
}


def _ordering(name: str, arguments: tuple[Any, ...]) -> Test:
    low, high = rank(arguments[0]), rank(arguments[-1])
    holds = _ORDERS[name]

    def test(value: Any) -> bool:
        found = rank(_plain(value))
        # Values of other types are neither less nor greater.
        return found[0] == low[0] and holds(found, low, high)

    return test
