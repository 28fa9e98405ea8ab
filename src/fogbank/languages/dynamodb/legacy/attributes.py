"""Attributes by their names alone: AttributeUpdates and AttributesToGet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.languages.dynamodb.applying import ADDABLE, compile_update
from fogbank.languages.dynamodb.errors import MisuseError
from fogbank.languages.dynamodb.nodes import Action, Literal, Path
from fogbank.languages.dynamodb.paths import grow_tree
from fogbank.languages.dynamodb.placeholders import Placeholders
from fogbank.languages.dynamodb.types import SETS, type_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.languages.dynamodb.applying import Update
    from fogbank.languages.dynamodb.paths import Tree
    from fogbank.languages.dynamodb.types import Value

_INVALID: Final = "One or more parameter values were invalid: "
# Unlike an expression's, this ADD appends to lists, too (measured by moto's contributors: its pull request 3585).
_ADDABLE: Final = ADDABLE | {"L"}
_MISMATCH: Final = "Type mismatch for attribute to update"


class AttributeChange(NamedTuple):
    """What is done to one attribute: `PUT`, `ADD`, `DELETE` with a value, or `REMOVE` without."""

    name: str
    action: str
    value: Value = None


def compile_changes(changes: Sequence[AttributeChange]) -> Update:
    """Return the update that changes attributes; raises `MisuseError`."""
    names: dict[str, str] = {}
    values: dict[str, Value] = {}
    actions = []
    for number, change in enumerate(changes):
        _check_change(change)
        names[f"#{number}"] = change.name
        section = "SET" if change.action == "PUT" else change.action
        if section == "REMOVE":
            actions.append(Action(section, Path((f"#{number}",)), None))
        else:
            values[f":{number}"] = change.value
            actions.append(Action(section, Path((f"#{number}",)), Literal(f":{number}")))
    # What is refused of the values is worded for expressions, unless nothing is known of them.
    update = compile_update(tuple(actions), Placeholders(names, values), mismatch=_MISMATCH, addable=_ADDABLE)
    return update._replace(given={})


def compile_names(names: Sequence[str]) -> Tree:
    """Return the tree of attributes that are wanted; raises `MisuseError`."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise MisuseError(f"{_INVALID}Duplicate value in attribute name: {name}")
        seen.add(name)
    return grow_tree([(name,) for name in names])


def _check_change(change: AttributeChange) -> None:
    if change.action in ("PUT", "REMOVE"):
        return
    kind = type_of(change.value)
    if change.action == "DELETE" and kind not in SETS:
        raise MisuseError(f"{_INVALID}DELETE action with value is not supported for the type {kind}")
    if change.action == "ADD" and kind not in _ADDABLE:
        raise MisuseError(f"{_INVALID}ADD action is not supported for the type {kind}")
