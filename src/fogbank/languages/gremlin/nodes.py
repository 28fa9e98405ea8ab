"""What a text is parsed to: traversals of steps with arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Argument: TypeAlias = Any
    """A value (str, int, float, bool, None, list, dict), a `Traversal`, a `Predicate` or a `Word`."""


class Word(NamedTuple):
    """One of the language's own words, without what it may be qualified by: id, label, desc, local, single, first."""

    name: str


class Predicate(NamedTuple):
    """A condition on a value: its name in camel case, and what it compares with."""

    name: str
    arguments: tuple[Argument, ...]


class Step(NamedTuple):
    """A step with its arguments, and where it stands in the text."""

    name: str
    arguments: tuple[Argument, ...]
    start: int


class Traversal(NamedTuple):
    """Steps one after another; `spawned` says that it begins with the graph (g), not with what it is given."""

    steps: tuple[Step, ...]
    spawned: bool
