"""Expressions, parsed: what the text says, before names and values stand in for their placeholders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: names (as written, `#name` for a placeholder) and list indexes."""

    parts: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A value's placeholder, `:name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    function: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum or difference, in updates."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands compared."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    """An operand between two bounds, both included."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class In:
    """An operand that is one of several."""

    operand: Operand
    options: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """Conditions of which all (AND) or one (OR) must hold."""

    operator: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """A condition that must not hold."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Group:
    """Anything in parentheses."""

    inner: Operand | Condition


@dataclass(frozen=True, slots=True)
class Action:
    """One action of an update: its section, the path that it changes, and the value but for REMOVE."""

    section: str
    path: Path
    value: Operand | None


Operand: TypeAlias = "Path | Literal | Call | Arithmetic | Group"
Condition: TypeAlias = "Comparison | Between | In | Call | Logic | Not | Group"
Node: TypeAlias = "Operand | Condition"


def ungrouped(node: Node) -> Node:
    """Return what stands in the parentheses, if it stands in any."""
    return ungrouped(node.inner) if isinstance(node, Group) else node


def paths_in(node: Node) -> Iterator[Path]:
    """Yield the paths that an expression reads."""
    if isinstance(node, Path):
        yield node
        return
    for part in _parts(node):
        yield from paths_in(part)


def literals_in(node: Node) -> Iterator[Literal]:
    """Yield the values that an expression reads."""
    if isinstance(node, Literal):
        yield node
        return
    for part in _parts(node):
        yield from literals_in(part)


def _parts(node: Node) -> tuple[Node, ...]:
    match node:
        case Comparison() | Arithmetic():
            return (node.left, node.right)
        case Between():
            return (node.operand, node.low, node.high)
        case In():
            return (node.operand, *node.options)
        case Logic():
            return node.conditions
        case Not():
            return (node.condition,)
        case Group():
            return (node.inner,)
        case Call():
            return node.arguments
        case _:
            return ()
