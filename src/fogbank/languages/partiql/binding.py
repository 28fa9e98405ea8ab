"""A statement with its parameters: what its values are, and which key its condition names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError
from fogbank.languages.dynamodb.key_conditions import compile_key_condition
from fogbank.languages.dynamodb.matching import compile_condition
from fogbank.languages.dynamodb.nodes import Logic, literals_in
from fogbank.languages.dynamodb.placeholders import Placeholders
from fogbank.languages.partiql.conditions import conjuncts
from fogbank.languages.partiql.statements import Exists, Insert, Select
from fogbank.languages.partiql.values import Inline, evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.languages.dynamodb.key_conditions import KeyTerm
    from fogbank.languages.dynamodb.matching import Matcher
    from fogbank.languages.dynamodb.nodes import Condition, Path
    from fogbank.languages.dynamodb.placeholders import Steps
    from fogbank.languages.dynamodb.types import Item, Value
    from fogbank.languages.partiql.statements import Parsed, Statement


class Asked(NamedTuple):
    """What a condition asks: of the key, by the names of its attributes, and beyond that."""

    key: dict[str, KeyTerm]
    rest: Matcher | None

    def values(self, names: Sequence[str]) -> Item | None:
        """Return the key that is asked for by equality; None if some attribute of it isn't."""
        terms = [self.key.get(name) for name in names]
        found = {term.name: term.values[0] for term in terms if term is not None and term.operator == "="}
        return found if len(found) == len(names) else None


class Bound(Placeholders):
    """The values of a statement, in which names are written as they are."""

    __slots__ = ("parameters",)

    def __init__(self, parsed: Parsed, parameters: Sequence[Value]) -> None:
        if len(parameters) != len(parsed.parameters):
            raise MisuseError("Number of parameters in request and statement don't match.")
        self.parameters = dict(zip(parsed.parameters, parameters, strict=True))
        values = {literal.name: evaluate(literal.term, self.parameters) for literal in _literals(parsed.statement)}
        super().__init__({}, values)

    def steps(self, path: Path) -> Steps:
        """Return a path's names and indexes."""
        return path.parts


def ask(where: Condition | None, names: Sequence[str], bound: Bound) -> Asked:
    """Split a condition; each attribute of the key counts once, preferably where it is said to be equal.

    Raises `ExpressionError`, `MisuseError`.
    """
    parts = [] if where is None else conjuncts(where)
    terms = [_key_term(part, names, bound) for part in parts]
    chosen: dict[str, int] = {}
    for number, term in enumerate(terms):
        if term is None:
            continue
        before = chosen.get(term.name)
        if before is None or (term.operator == "=" and _operator(terms[before]) != "="):
            chosen[term.name] = number
    taken = set(chosen.values())
    rest = [part for number, part in enumerate(parts) if number not in taken]
    key = {name: term for name, number in chosen.items() if (term := terms[number]) is not None}
    if not rest:
        return Asked(key, None)
    node = rest[0] if len(rest) == 1 else Logic("AND", tuple(rest))
    return Asked(key, compile_condition(node, bound))


def _operator(term: KeyTerm | None) -> str:
    return "" if term is None else term.operator


def _key_term(part: Condition, names: Sequence[str], bound: Bound) -> KeyTerm | None:
    """Return what a condition asks of the key alone; None for any other."""
    try:
        (term,) = compile_key_condition(part, bound)
    except (ExpressionError, MisuseError):
        return None
    return term if term.name in names else None


def _literals(statement: Statement) -> list[Inline]:
    """Return the values in a statement that stand for themselves."""
    if isinstance(statement, Insert):
        return []
    if isinstance(statement, Exists):
        return _literals(statement.select)
    nodes = [] if statement.where is None else list(literals_in(statement.where))
    if not isinstance(statement, Select):
        actions = getattr(statement, "actions", ())
        nodes += [each for action in actions if action.value is not None for each in literals_in(action.value)]
    return [node for node in nodes if isinstance(node, Inline)]
