"""What isn't known of the documents that a query finds, and what the query says of them all the same.

Rules are not filters: a query is allowed only if its own conditions make sure that every document that it may find is
(Firebase, "Securely query data", https://firebase.google.com/docs/firestore/security/rules-query). So a condition of
rules is evaluated with fields that have no value but facts: `decide` says yes, no, or that it can't be told (None).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.languages.security_rules.values import same, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.languages.security_rules.values import Value

_RANGES: Final = {"<", "<=", ">", ">="}
_ORDERED: Final = {"number", "string", "timestamp"}


class Fact(NamedTuple):
    """A condition of a query: the path of a field, an operator (`==`, `in`, `array-contains` …) and its values.

    The operator `there` says no more than that the field is there.
    """

    path: tuple[str, ...]
    operator: str
    values: tuple[Value, ...]


class Unknown:
    """A value that isn't known: a field of the documents that are found, or (`path` None) what nothing is known of.

    `keys` is for the keys of a map that isn't known.
    """

    __slots__ = ("facts", "keys", "path")

    def __init__(self, path: tuple[str, ...] | None = None, facts: Sequence[Fact] = (), *, keys: bool = False) -> None:
        self.path = path
        self.facts = facts
        self.keys = keys

    def member(self, name: str) -> Unknown:
        """Return what is known of a field within this one."""
        return UNKNOWN if self.path is None or self.keys else Unknown((*self.path, name), self.facts)

    def has(self, name: Value) -> bool | None:
        """Tell whether there is a field of that name within this one."""
        if self.path is None or not isinstance(name, str):
            return None
        inside = (*self.path, name)
        return True if any(each.path[: len(inside)] == inside for each in self.facts) else None

    def compare(self, operator: str, value: Value) -> bool | None:
        """Tell whether the value compares like that with a known one."""
        if self.keys:
            return None
        decided = [_decide(each, operator, value) for each in self._own()]
        return True if True in decided else False if False in decided else None

    def is_type(self, name: str) -> bool | None:
        """Tell whether the value has a type."""
        for each in self._own():
            if each.operator in {"==", "in", *_RANGES}:
                types = {type_of(value) for value in each.values}
                if types <= {"int", "float"}:
                    # Numbers of both kinds are equal, and in one order.
                    return True if name == "number" else None if name in {"int", "float"} else False
                return True if types == {name} else False if name not in types else None
            if each.operator.startswith("array-contains"):
                return name == "list"
        return None

    def contains(self, value: Value) -> bool | None:
        """Tell whether the value is a list that has this member."""
        for each in self._own():
            if each.operator == "array-contains" and same(each.values[0], value):
                return True
        return None

    def contains_any(self, values: Sequence[Value]) -> bool | None:
        """Tell whether the value is a list that has one of these members at least."""
        for each in self._own():
            if each.operator in {"array-contains", "array-contains-any"} and all(
                any(same(one, other) for other in values) for one in each.values
            ):
                return True
        return None

    def is_among(self, values: Sequence[Value]) -> bool | None:
        """Tell whether the value is one of these."""
        for each in self._own():
            if each.operator in {"==", "in"}:
                found = {any(same(one, other) for other in values) for one in each.values}
                if len(found) == 1:
                    return found.pop()
        decided = [self.compare("==", each) for each in values]
        return True if True in decided else False if all(each is False for each in decided) else None

    def _own(self) -> list[Fact]:
        return [] if self.path is None else [each for each in self.facts if each.path == self.path]


UNKNOWN: Final = Unknown()


def _kind(value: Value) -> str:
    name = type_of(value)
    return "number" if name in {"int", "float"} else name


def _decide(fact: Fact, operator: str, value: Value) -> bool | None:
    """Tell what a fact says of a comparison with a value."""
    if operator == "!=":
        decided = _decide(fact, "==", value)
        return None if decided is None else not decided
    if fact.operator in {"==", "in"}:
        decisions = {_holds(operator, each, value) for each in fact.values}
        return decisions.pop() if len(decisions) == 1 else None
    if operator == "==":
        return _excludes(fact, value)
    if fact.operator in _RANGES and _kind(fact.values[0]) == _kind(value) and operator in _RANGES:
        return _COMPARED[fact.operator[0], operator[0]](fact, operator, value)
    return None


def _excludes(fact: Fact, value: Value) -> bool | None:
    """Tell whether a fact says that a field doesn't have a value; False for that, None if it may."""
    if fact.operator in {"!=", "not-in"}:
        return False if value is None or any(same(each, value) for each in fact.values) else None
    if fact.operator in _RANGES:
        if _kind(fact.values[0]) != _kind(value):
            return False
        return None if _holds(fact.operator, value, fact.values[0]) else False
    if fact.operator.startswith("array-contains"):
        return False if type_of(value) != "list" else None
    return None


def _holds(operator: str, one: Value, other: Value) -> bool | None:
    if operator == "==":
        return same(one, other)
    if _kind(one) != _kind(other) or _kind(one) not in _ORDERED:
        return None
    return bool(ORDERS[operator](one, other))


def _same_side(fact: Fact, operator: str, value: Value) -> bool | None:
    """Decide `x > 5` by `x >= 6`, and so on: both go to the same side."""
    bound = fact.values[0]
    reaches = bound > value if operator[0] == ">" else bound < value
    if reaches or (same(bound, value) and (fact.operator == operator or len(operator) == 2)):
        return True
    return None


def _other_side(fact: Fact, operator: str, value: Value) -> bool | None:
    """Decide `x > 5` by `x <= 4`, and so on: they exclude each other, or nothing is known."""
    bound = fact.values[0]
    excluded = bound < value if operator[0] == ">" else bound > value
    if excluded or (same(bound, value) and not (len(fact.operator) == len(operator) == 2)):
        return False
    return None


_COMPARED: Final[dict[tuple[str, str], Callable[[Fact, str, Value], bool | None]]] = {
    (">", ">"): _same_side, ("<", "<"): _same_side, (">", "<"): _other_side, ("<", ">"): _other_side,
}  # fmt: skip
ORDERS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
