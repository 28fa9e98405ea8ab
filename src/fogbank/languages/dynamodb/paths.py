"""Several document paths together: they must not overlap, and they can cut a part out of an item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fogbank.languages.dynamodb.errors import ExpressionError
from fogbank.languages.dynamodb.placeholders import show_steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.languages.dynamodb.placeholders import Steps
    from fogbank.languages.dynamodb.types import Item, Value

    Tree: TypeAlias = "dict[str | int, Tree]"

_NOTHING: Final[Any] = object()


def grow_tree(paths: Iterable[Steps]) -> Tree:
    """Return the tree of all paths, whose leaves are their ends.

    Refuses paths of which one lies within the other, or which take the same place for a list and for a map.
    """
    root: Tree = {}
    for path in paths:
        node = root
        for depth, step in enumerate(path):
            if node and type(next(iter(node))) is not type(step):
                _refuse("conflict", (*path[:depth], *_any_leaf(node)), path)
            below = node.get(step)
            if below is None:
                below = node[step] = {}
            elif not below or depth == len(path) - 1:
                _refuse("overlap", (*path[: depth + 1], *_any_leaf(below)), path)
            node = below
    return root


def project(item: Item, tree: Tree) -> Item:
    """Return the part of an item that the tree's paths lead to."""
    part = _cut(item, tree)
    return {} if part is _NOTHING else part


def _cut(value: Value, tree: Tree) -> Value:
    if not tree:
        return value
    if isinstance(value, dict):
        members = {step: _cut(value[step], below) for step, below in tree.items() if step in value}
        kept = {step: member for step, member in members.items() if member is not _NOTHING}
        return kept or _NOTHING
    if isinstance(value, list):
        indexes = sorted(step for step in tree if isinstance(step, int) and step < len(value))
        items = [_cut(value[index], tree[index]) for index in indexes]
        return [item for item in items if item is not _NOTHING] or _NOTHING
    return _NOTHING


def _any_leaf(tree: Tree) -> Steps:
    """Return the way to one of a tree's ends, the one that was added first."""
    steps: list[str | int] = []
    while tree:
        step, tree = next(iter(tree.items()))
        steps.append(step)
    return tuple(steps)


def _refuse(relation: str, one: Steps, other: Steps) -> None:
    raise ExpressionError(
        f"Two document paths {relation} with each other; must remove or rewrite one of these paths;"
        f" path one: {show_steps(one)}, path two: {show_steps(other)}"
    )
