"""Computed properties: names below a document that stand for an expression over it.

"Computed properties in Azure Cosmos DB for NoSQL" (https://learn.microsoft.com/azure/cosmos-db/nosql/query/computed-
properties). A query that names one is changed into one that has the expression in its place, so that what is selected
as a whole has only what the document has.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.cosmos_sql.aggregates import AGGREGATES
from fogbank.languages.cosmos_sql.errors import FORBIDDEN, QueryError
from fogbank.languages.cosmos_sql.functions import SYSTEM
from fogbank.languages.cosmos_sql.nodes import UDF, Call, Constant, Name, Parameter, Path, Select, Subquery
from fogbank.languages.cosmos_sql.queries import parse
from fogbank.languages.cosmos_sql.running import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fogbank.languages.cosmos_sql.nodes import Node

_CLAUSES: Final = ("distinct", "top", "where", "groups", "orders", "offset", "limit", "rank")


def read_definition(text: str) -> Select:
    """Return the query that a computed property is defined by; raises `QueryError` for one that can't be."""
    query = parse(text)
    source = query.sources[0] if len(query.sources) == 1 else None
    if query.value is None or source is None or source.each or not isinstance(source.value, Name):
        raise QueryError(FORBIDDEN, "A computed property's query must be 'SELECT VALUE' of an expression 'FROM c'.")
    for clause in _CLAUSES:
        if getattr(query, clause):
            raise QueryError(FORBIDDEN, f"A computed property's query can't have the clause {clause.upper()}.")
    for node in _within(query.value):
        if isinstance(node, Subquery) and node.kind != "ARRAY":
            raise QueryError(FORBIDDEN, "A computed property's query can't have a subquery.")
        if isinstance(node, Parameter):
            raise QueryError(FORBIDDEN, "A computed property's query can't have parameters.")
        if isinstance(node, Call) and (node.name in AGGREGATES or _needs_more(node.name)):
            raise QueryError(FORBIDDEN, f"A computed property's query can't have the function {node.text}.")
    Program(query)
    return query


def _needs_more(name: str) -> bool:
    """Whether a function depends on more than its arguments, which an index doesn't have."""
    function = SYSTEM.get(name)
    return name.startswith(UDF) or (function is not None and bool(function.beside))


def names_in(query: Select) -> set[str]:
    """Return the names of the properties at the top of a document that a definition is made of."""
    alias = query.sources[0].alias
    return {name for node in _within(query.value) if (name := _property(node, alias)) is not None}


def expand(query: Select, alias: str, definitions: Mapping[str, Select]) -> Select:
    """Return a query with expressions in the place of computed properties of the document, which is called `alias`."""

    def change(node: Any) -> Any:
        name = _property(node, alias)
        definition = None if name is None else definitions.get(name)
        if definition is None:
            return None
        # A path still, so that it is told apart from others where results are grouped.
        return Path(_renamed(definition, alias), tuple(_changed(step, alias, change) for step in node.steps[1:]))

    expanded: Select = _members(query, alias, change)
    return expanded


def _renamed(definition: Select, alias: str) -> Node:
    """Return the expression of a definition over a document that is called something else."""
    own = definition.sources[0].alias

    def change(node: Any) -> Any:
        return Name(alias, node.start) if isinstance(node, Name) and node.text == own else None

    value: Node = _changed(definition.value, own, change)
    return value


def _property(node: object, alias: str) -> str | None:
    """Return the name of a property at the top of the document, if a path begins with one."""
    if not isinstance(node, Path) or not isinstance(node.root, Name) or node.root.text != alias or not node.steps:
        return None
    first = node.steps[0]
    return first.value if isinstance(first, Constant) and isinstance(first.value, str) else None


def _changed(node: Any, alias: str, change: Callable[[Any], Any]) -> Any:
    """Return a node, or a part of one, with other nodes in it; not where another source has the alias."""
    if isinstance(node, tuple):
        return tuple(_changed(each, alias, change) for each in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, Constant):
        return node
    if isinstance(node, Select) and any(source.alias == alias for source in node.sources):
        return node
    found = change(node)
    return _members(node, alias, change) if found is None else found


def _members(node: Any, alias: str, change: Callable[[Any], Any]) -> Any:
    return type(node)(*[_changed(getattr(node, each.name), alias, change) for each in dataclasses.fields(node)])


def _within(node: Any) -> Iterator[Any]:
    """Yield a node and all that it is made of."""
    if isinstance(node, tuple):
        for each in node:
            yield from _within(each)
    elif dataclasses.is_dataclass(node):
        yield node
        for field in dataclasses.fields(node):
            yield from _within(getattr(node, field.name))
