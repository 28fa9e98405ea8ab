"""What texts of rules say: expressions, functions, match blocks. `start` is where in the text something stands."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias


class Constant(NamedTuple):
    """A value that stands in the text."""

    value: Any


class Name(NamedTuple):
    """A variable."""

    name: str


class ListOf(NamedTuple):
    """A list."""

    items: tuple[Node, ...]


class MapOf(NamedTuple):
    """A map."""

    items: tuple[tuple[Node, Node], ...]


class PathOf(NamedTuple):
    """A path: texts, and expressions between `$(` and `)`."""

    segments: tuple[str | Node, ...]


class Member(NamedTuple):
    """`left.name`."""

    left: Node
    name: str


class Index(NamedTuple):
    """`left[place]`."""

    left: Node
    place: Node


class Slice(NamedTuple):
    """`left[begin:end]`; either may be missing."""

    left: Node
    begin: Node | None
    end: Node | None


class Call(NamedTuple):
    """`name(…)` or, with a left side, `left.name(…)`."""

    left: Node | None
    name: str
    arguments: tuple[Node, ...]


class Unary(NamedTuple):
    """`!x` or `-x`."""

    operator: str
    right: Node


class Binary(NamedTuple):
    """`left operator right`."""

    operator: str
    left: Node
    right: Node


class Chain(NamedTuple):
    """Operands of `&&` or of `||`."""

    operator: str
    parts: tuple[Node, ...]


class Conditional(NamedTuple):
    """`test ? yes : no`."""

    test: Node
    yes: Node
    no: Node


class Is(NamedTuple):
    """`left is type`."""

    left: Node
    type: str


Node: TypeAlias = (
    Constant
    | Name
    | ListOf
    | MapOf
    | PathOf
    | Member
    | Index
    | Slice
    | Call
    | Unary
    | Binary
    | Chain
    | Conditional
    | Is
)


class Function(NamedTuple):
    """A function: what it is called with, what it calls its values, and what it returns."""

    name: str
    parameters: tuple[str, ...]
    bindings: tuple[tuple[str, Node], ...]
    result: Node


class Allow(NamedTuple):
    """A statement that allows methods; without a condition always. `line` counts from 1."""

    methods: frozenset[str]
    condition: Node | None
    line: int


class Wildcard(NamedTuple):
    """A segment of a pattern that stands for any one, or (`deep`) for any number of them."""

    name: str
    deep: bool


class Match(NamedTuple):
    """A block: what holds for paths that its pattern fits, and what is within it."""

    pattern: tuple[str | Wildcard, ...]
    functions: dict[str, Function]
    allows: tuple[Allow, ...]
    matches: tuple[Match, ...]


class Ruleset(NamedTuple):
    """All rules for a service. Of version 1, a deep wildcard stands for one segment at least, and at the end."""

    version: int
    service: str
    functions: dict[str, Function]
    matches: tuple[Match, ...]
