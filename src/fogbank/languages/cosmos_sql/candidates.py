"""Which documents a condition can hold for: by one path below the document, and the values that it may have.

What is found is a superset: the condition is still to be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from fogbank.languages.cosmos_sql.nodes import Between, Call, Compare, Constant, In, Logic, Name, Parameter, Path
from fogbank.languages.cosmos_sql.values import UNDEFINED, is_primitive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fogbank.languages.cosmos_sql.nodes import Node, Select

    Steps: TypeAlias = "tuple[str, ...]"

CHOICES_MAX: Final = 100
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


class Restriction(NamedTuple):
    """What a condition says of a path.

    `kind` is "equal" (one of `values`), "range" (from `low` to `high`, both included, None for no bound; values of
    their type), "prefix" (texts that begin with `low`) or "defined".
    """

    path: Steps
    kind: str
    values: tuple[Any, ...] = ()
    low: Any = UNDEFINED
    high: Any = UNDEFINED


def restrictions(query: Select, alias: str, parameters: Mapping[str, Any]) -> list[Restriction]:
    """Return what must hold for documents that a query finds; `alias` is the document's."""
    if query.where is None or not alias:
        return []
    parts = query.where.parts if isinstance(query.where, Logic) and query.where.operator == "AND" else (query.where,)
    found: list[Restriction] = []
    for part in parts:
        found.extend(_read(part, alias, parameters))
    return _narrowed(found)


def steps_of(node: Node, alias: str) -> Steps | None:
    """Return the names of which a path below the document is made; None for what is no such path."""
    if not isinstance(node, Path) or not isinstance(node.root, Name) or node.root.text != alias:
        return None
    names = [step.value for step in node.steps if isinstance(step, Constant) and isinstance(step.value, str)]
    return tuple(names) if len(names) == len(node.steps) else None


def _read(node: Node, alias: str, parameters: Mapping[str, Any]) -> Iterator[Restriction]:
    if isinstance(node, Compare) and node.operator in _MIRRORED:
        for path, value, operator in (
            (node.left, node.right, node.operator),
            (node.right, node.left, _MIRRORED[node.operator]),
        ):
            steps, constant = steps_of(path, alias), _constant(value, parameters)
            if steps is None or not is_primitive(constant):
                continue
            if operator == "=":
                yield Restriction(steps, "equal", (constant,))
            elif operator[0] == "<":
                yield Restriction(steps, "range", high=constant)
            else:
                yield Restriction(steps, "range", low=constant)
    elif isinstance(node, Between):
        steps = steps_of(node.operand, alias)
        low, high = _constant(node.low, parameters), _constant(node.high, parameters)
        if steps is not None and is_primitive(low) and is_primitive(high):
            yield Restriction(steps, "range", low=low, high=high)
    elif isinstance(node, In):
        steps = steps_of(node.operand, alias)
        values = tuple(_constant(each, parameters) for each in node.choices)
        if steps is not None and all(map(is_primitive, values)) and len(values) <= CHOICES_MAX:
            yield Restriction(steps, "equal", values)
    elif isinstance(node, Logic) and node.operator == "OR":
        yield from _read_choices(node, alias, parameters)
    elif isinstance(node, Call):
        yield from _read_call(node, alias, parameters)


def _read_choices(node: Logic, alias: str, parameters: Mapping[str, Any]) -> Iterator[Restriction]:
    """Put together what each of several conditions says of one path, as when many items are read at once."""
    choices: list[dict[Steps, tuple[Any, ...]]] = []
    for each in node.parts:
        parts = each.parts if isinstance(each, Logic) and each.operator == "AND" else (each,)
        read = [one for part in parts if not isinstance(part, Logic) for one in _read(part, alias, parameters)]
        choices.append({one.path: one.values for one in read if one.kind == "equal"})
    for path in choices[0]:
        if all(path in each for each in choices):
            values = tuple(value for each in choices for value in each[path])
            yield Restriction(path, "equal", values)


def _read_call(node: Call, alias: str, parameters: Mapping[str, Any]) -> Iterator[Restriction]:
    steps = steps_of(node.arguments[0], alias) if node.arguments else None
    if steps is None:
        return
    if node.name == "STARTSWITH" and len(node.arguments) == 2:
        prefix = _constant(node.arguments[1], parameters)
        if isinstance(prefix, str):
            yield Restriction(steps, "prefix", low=prefix)


def _constant(node: Node, parameters: Mapping[str, Any]) -> Any:
    if isinstance(node, Constant):
        return node.value
    return parameters.get(node.name, UNDEFINED) if isinstance(node, Parameter) else UNDEFINED


def _narrowed(found: list[Restriction]) -> list[Restriction]:
    """Put a lower and an upper bound of one path together."""
    narrowed: list[Restriction] = []
    for each in found:
        if each.kind == "range" and each.high is UNDEFINED:
            other = next(
                (one for one in found if one.kind == "range" and one.path == each.path and one.low is UNDEFINED), None
            )
            narrowed.append(each if other is None else each._replace(high=other.high))
        else:
            narrowed.append(each)
    return narrowed
