"""Queries, parsed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the names of user-defined functions begin with where they are called.
UDF: Final = "udf."


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter, with its `@`."""

    name: str


@dataclass(frozen=True, slots=True)
class Name:
    """The alias of a source."""

    text: str
    start: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Path:
    """What is found below a value by names and indexes, which may be expressions."""

    root: Node
    steps: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """An operator before its operand."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands joined by operators of one binding power, from left to right."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """Two operands compared."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """Conditions joined, all by AND or all by OR."""

    operator: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """An operand between two bounds, both included."""

    operand: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class In:
    """An operand among others."""

    operand: Node
    choices: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """Text that looks like a pattern."""

    operand: Node
    pattern: Node
    escape: str


@dataclass(frozen=True, slots=True)
class Conditional:
    """One of two values, by a condition."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first of several values that is defined."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments; `name` is in capital letters."""

    name: str
    arguments: tuple[Node, ...]
    start: int = field(compare=False)
    text: str = field(compare=False)
    end: int = field(compare=False)

    @property
    def place(self) -> tuple[int, int]:
        """Where the name stands."""
        return self.start, self.start + len(self.text)

    @property
    def whole(self) -> tuple[int, int]:
        """Where all of it stands, with its arguments."""
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class Array:
    """An array made of expressions."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Object:
    """An object made of expressions."""

    members: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Subquery:
    """A query within a query; `kind` is "" for its only value, "ARRAY" for all of them, "EXISTS" for if there are."""

    kind: str
    query: Select


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from: one for a value, or with `each` one for every member of an array."""

    alias: str
    value: Node | None
    each: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A member of a selected object; without a name it has none of its own."""

    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class Order:
    """What results are sorted by; `stated` says that the direction is."""

    value: Node
    descending: bool
    stated: bool = False

    @property
    def by_similarity(self) -> bool:
        """Whether the most similar vectors come first."""
        return isinstance(self.value, Call) and self.value.name == "VECTORDISTANCE" and not self.stated


@dataclass(frozen=True, slots=True)
class Select:
    """A query. What is selected is `value`, or the `columns`, or with neither all of the only source."""

    sources: tuple[Source, ...]
    value: Node | None = None
    columns: tuple[Column, ...] = ()
    distinct: bool = False
    top: Node | None = None
    where: Node | None = None
    groups: tuple[Node, ...] = ()
    orders: tuple[Order, ...] = ()
    offset: Node | None = None
    limit: Node | None = None
    rank: Node | None = None


Node: TypeAlias = (
    "Constant | Parameter | Name | Path | Unary | Chain | Compare | Logic | Between | In | Like | Conditional"
    " | Coalesce | Call | Array | Object | Subquery"
)


def parts_of(node: object, *, within: bool = True) -> Iterator[object]:
    """Yield all that an expression is made of, itself included, with `within` also what its queries are made of."""
    if isinstance(node, tuple):
        for each in node:
            yield from parts_of(each, within=within)
        return
    yield node
    if isinstance(node, Constant) or (isinstance(node, Subquery) and not within):
        return
    for name in getattr(type(node), "__slots__", ()):
        yield from parts_of(getattr(node, name), within=within)


def calls_in(node: object, *, within: bool = True) -> Iterator[Call]:
    """Yield the functions and aggregates that are called in an expression, with `within` also those of its queries."""
    for part in parts_of(node, within=within):
        if isinstance(part, Call):
            yield part
