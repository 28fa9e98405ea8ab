"""Values in a statement: literals, parameters, and lists, maps and sets of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from fogbank.languages.dynamodb.errors import MisuseError
from fogbank.languages.dynamodb.nodes import Literal
from fogbank.languages.dynamodb.types import type_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.languages.dynamodb.types import Item, Value

_MEMBERS: Final = frozenset({"S", "N", "B"})


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the statement says."""

    value: Value


@dataclass(frozen=True, slots=True)
class Parameter:
    """A question mark, told by where in the statement it stands."""

    start: int


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map; of a name that comes twice the last counts."""

    items: tuple[tuple[str, Term], ...]


@dataclass(frozen=True, slots=True)
class SetOf:
    """A set."""

    items: tuple[Term, ...]


Term: TypeAlias = "Constant | Parameter | ListOf | MapOf | SetOf"


@dataclass(frozen=True, slots=True)
class Inline(Literal):
    """A value where an expression would have a placeholder for it; the name is where in the statement it stands."""

    term: Term


def evaluate(term: Term, parameters: Mapping[int, Value]) -> Value:
    """Return a term's value, with the parameters by where they stand; raises `MisuseError`."""
    match term:
        case Constant():
            return term.value
        case Parameter():
            return parameters[term.start]
        case ListOf():
            return [evaluate(each, parameters) for each in term.items]
        case MapOf():
            return evaluate_map(term, parameters)
        case SetOf():
            return _set([evaluate(each, parameters) for each in term.items])


def evaluate_map(term: MapOf, parameters: Mapping[int, Value]) -> Item:
    """Return a map's value; raises `MisuseError`."""
    return {name: evaluate(each, parameters) for name, each in term.items}


def _set(members: list[Value]) -> frozenset[Value]:
    kinds = {type_of(member) for member in members}
    if not members:
        raise MisuseError("One or more parameter values were invalid: An set may not be empty")
    if len(kinds) > 1 or not kinds <= _MEMBERS:
        raise MisuseError("One or more parameter values were invalid: All members of a set must be of the same type")
    return frozenset(members)
