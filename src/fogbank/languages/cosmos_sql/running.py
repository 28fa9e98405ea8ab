"""Queries as programs that run over documents.

A program whose rows each become a result by themselves can be run document by document; others need all documents
first (`whole`).
"""

from __future__ import annotations

from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.languages.cosmos_sql.aggregates import AGGREGATES
from fogbank.languages.cosmos_sql.compiling import Compiler
from fogbank.languages.cosmos_sql.errors import FORBIDDEN, QueryError
from fogbank.languages.cosmos_sql.functions.model import DRAWS, NOW
from fogbank.languages.cosmos_sql.functions.vectors import dissimilarity
from fogbank.languages.cosmos_sql.nodes import UDF, Call, Constant, Name, Parameter, Path, Subquery, calls_in, parts_of
from fogbank.languages.cosmos_sql.ranking import Ranking
from fogbank.languages.cosmos_sql.values import UNDEFINED, identity, is_number, order_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fogbank.languages.cosmos_sql.aggregates import State
    from fogbank.languages.cosmos_sql.compiling import Evaluate, Row
    from fogbank.languages.cosmos_sql.nodes import Node, Order, Select
    from fogbank.languages.cosmos_sql.values import Value

# What the document that a query is about stands under, whatever the query calls it.
ROOT: Final = "@@root"
# So many results more than are wanted are kept before they are sorted and the rest is let go.
SPARE: Final = 1_000


class _Input(NamedTuple):
    """A source: its alias, what it finds in a row, and whether that is an array of which each member makes a row."""

    alias: str
    value: Evaluate
    each: bool


class Program:
    """A compiled query. `outer` are the names of the rows that it stands within; at the top there are none.

    Where it was made of another one, that is what it was `written` as.
    """

    def __init__(self, query: Select, outer: frozenset[str] | None = None, written: Select | None = None) -> None:
        self.query = query if written is None else written
        self._outer = outer
        names = frozenset(outer or ())
        self._inputs: list[_Input] = []
        # What is to be run over all documents before this is run over its results.
        self.first: Program | None = None
        for number, source in enumerate(query.sources):
            root = number == 0 and outer is None
            if root and isinstance(source.value, Subquery) and source.value.query.sources:
                self._inputs.append(_Input(source.alias, self._over(Program(source.value.query)), each=True))
                names |= {source.alias} if source.alias else frozenset()
                continue
            compiler = Compiler(names | _root_of(source.value) if root else names, _plan)
            assert source.value is not None
            value = compiler.compile(_rooted(source.value) if root else source.value)
            self._inputs.append(_Input(source.alias, value, source.each))
            names |= {source.alias} if source.alias else frozenset()
        self.names = names
        plain = Compiler(names, _plan)
        self._where = None if query.where is None else plain.compile(query.where)
        self._groups = [plain.compile(each) for each in query.groups]
        for each in self.query.groups:
            _check_group(each)
        self._aggregates: list[tuple[str, Evaluate]] = []
        self.grouped = bool(query.groups) or any(map(_has_aggregate, _selected(query)))
        groups = query.groups if self.grouped else None
        chosen = Compiler(names, _plan, self._collect if self.grouped else None, groups)
        self.select = self._selection(chosen, query)
        if self.grouped and (query.orders or query.rank is not None):
            raise QueryError(FORBIDDEN, "'ORDER BY' is not supported in presence of aggregates or 'GROUP BY'.")
        self._orders = [_order(plain, each) for each in query.orders]
        self.ranking = None if query.rank is None else Ranking(plain, query.rank)
        if self.ranking is not None and (self.joins or not self.alias):
            raise QueryError(FORBIDDEN, "Fogbank does not support ORDER BY RANK but on the documents themselves.")

    def _over(self, inner: Program) -> Evaluate:
        """Return what finds the results of a query that stands in the place of the documents."""
        if inner.whole or any(each is not None for each in (inner.query.top, inner.query.offset, inner.query.limit)):
            self.first = inner
            return lambda row: [row[ROOT]]
        return lambda row: list(inner.results(row))

    @property
    def joins(self) -> bool:
        """Whether a document may make other rows than one of its own."""
        return len(self._inputs) != 1 or self._inputs[0].each

    @property
    def whole(self) -> bool:
        """Whether results depend on more than one document each."""
        alone = self.ranking is None and self.first is None
        return self.grouped or self.query.distinct or bool(self.query.orders) or not alone

    def _selection(self, compiler: Compiler, query: Select) -> Evaluate:
        if query.value is not None:
            return compiler.compile(query.value)
        if not query.columns:
            alias = query.sources[0].alias
            return lambda row: row[alias]
        members = []
        unnamed = 0
        for column in query.columns:
            name = column.name
            if not name:
                unnamed += 1
                name = f"${unnamed}"
            members.append((name, compiler.compile(column.value)))
        return lambda row: {name: value for name, member in members if (value := member(row)) is not UNDEFINED}

    def _collect(self, name: str, value: Evaluate) -> Evaluate:
        slot = f"@@{len(self._aggregates)}"
        self._aggregates.append((name, value))
        return lambda row: row[slot]

    def matches(self, document: Any, base: Row) -> bool:
        """Whether a document has a row that meets the condition."""
        return next(self.rows({**base, ROOT: document}), None) is not None

    def rows(self, base: Row) -> Iterator[Row]:
        """Yield the rows that a document makes and that meet the condition; it stands in `base`."""
        for row in self._joined(base, 0):
            if self._where is None or self._where(row) is True:
                yield row

    def _joined(self, row: Row, at: int) -> Iterator[Row]:
        if at == len(self._inputs):
            yield row
            return
        alias, evaluate, each = self._inputs[at]
        value = evaluate(row)
        if not each:
            if value is not UNDEFINED:
                yield from self._joined({**row, alias: value}, at + 1)
        elif type(value) is list:
            for item in value:
                yield from self._joined({**row, alias: item}, at + 1)

    def results(self, base: Row) -> Iterator[Value]:
        """Yield the results that come of one document, where each row makes one."""
        for row in self.rows(base):
            value = self.select(row)
            if value is not UNDEFINED:
                yield value

    def run(self, bases: Iterable[Row], parameters: Row) -> list[Value]:
        """Return all results that come of documents, each in a row of its own with the parameters."""
        gathering = Gathering(self, parameters)
        for base in bases if self._inputs else (parameters,):
            gathering.add(base)
        return gathering.results()

    def bounds(self, parameters: Row) -> tuple[int, int | None]:
        """Return how many results are left out, and how many wanted at the most (None for all)."""
        skipped = self._number(self.query.offset, parameters, "OFFSET") or 0
        limit = self._number(self.query.limit, parameters, "LIMIT")
        top = self._number(self.query.top, parameters, "TOP")
        given = [each for each in (limit, top) if each is not None]
        return skipped, min(given) if given else None

    def _number(self, node: Node | None, parameters: Row, what: str) -> int | None:
        if node is None:
            return None
        value: Value = parameters.get(node.name) if isinstance(node, Parameter) else None
        if isinstance(node, Constant):
            value = node.value
        if not is_number(value) or value < 0 or int(value) != value:
            raise QueryError(FORBIDDEN, f"The {what} clause requires a non-negative integer.")
        return int(value)

    def sort_key(self, row: Row) -> tuple[Any, ...]:
        """Return what a row is sorted by."""
        return tuple(
            _Descending(order_key(evaluate(row))) if order.descending else order_key(evaluate(row))
            for order, evaluate in zip(self.query.orders, self._orders, strict=True)
        )

    def group_of(self, row: Row) -> tuple[bytes, ...]:
        """Return what tells a row's group from others."""
        return tuple([identity(group(row)) for group in self._groups])

    def new_states(self) -> list[State]:
        """Return the aggregates of a group, of which nothing is known yet."""
        return [AGGREGATES[name]() for name, _value in self._aggregates]

    def count_in(self, states: list[State], row: Row) -> None:
        """Have a row counted by its group's aggregates."""
        for state, (_name, value) in zip(states, self._aggregates, strict=True):
            state.add(value(row))

    def conclude(self, row: Row, states: list[State]) -> Value:
        """Return what is selected of a group, of which `row` is the first."""
        slots = {f"@@{number}": state.result() for number, state in enumerate(states)}
        return self.select({**row, **slots})

    @cached_property
    def functions(self) -> frozenset[str]:
        """The names of the user-defined functions that the query calls."""
        return frozenset({each.name.removeprefix(UDF) for each in calls_in(self.query) if each.name.startswith(UDF)})

    @cached_property
    def alias(self) -> str:
        """The name that the query has for the document, if that is what its first source is; "" otherwise."""
        source = self.query.sources[0] if self.query.sources else None
        return source.alias if source is not None and not source.each and isinstance(source.value, Name) else ""


def _order(compiler: Compiler, order: Order) -> Evaluate:
    value = order.value
    return (
        dissimilarity(compiler, value) if order.by_similarity and isinstance(value, Call) else compiler.compile(value)
    )


class _Descending:
    """A key of the reverse order."""

    __slots__ = ("_key",)

    def __init__(self, key: Any) -> None:
        self._key = key

    def __lt__(self, other: _Descending) -> bool:
        return bool(other._key < self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(other._key == self._key)

    __hash__ = None  # type: ignore[assignment]


class Gathering:
    """Results that are being gathered, document by document. TOP, OFFSET and LIMIT count."""

    def __init__(self, program: Program, parameters: Row) -> None:
        self._program = program
        self._parameters = parameters
        self._skipped, wanted = program.bounds(parameters)
        self._until = None if wanted is None else self._skipped + wanted
        self._groups: dict[tuple[bytes, ...], tuple[Row, list[State]]] = {}
        self._found: list[tuple[tuple[Any, ...], Value]] = []
        self._seen: set[bytes] = set()
        self._ordered = bool(program.query.orders)
        self._first = None if program.first is None else Gathering(program.first, parameters)
        self._ranker = None if program.ranking is None else program.ranking.start(parameters)
        if program.grouped and not program.query.groups:
            self._groups[()] = (parameters, program.new_states())

    def add(self, base: Row) -> None:
        """Take a document in; it stands in a row of its own, with the parameters."""
        if self._first is not None:
            self._first.add(base)
        else:
            self._take(base)

    def _take(self, base: Row) -> None:
        program = self._program
        if self.full:
            return
        if self._ranker is not None:
            self.note(base)
        for row in program.rows(base):
            if program.grouped:
                mark = program.group_of(row)
                if mark not in self._groups:
                    self._groups[mark] = (row, program.new_states())
                program.count_in(self._groups[mark][1], row)
            elif (value := program.select(row)) is not UNDEFINED:
                self._keep(row, value)
        if self._ordered and self._until is not None and len(self._found) > 2 * self._until + SPARE:
            self._found.sort(key=_place)
            del self._found[self._until :]

    def note(self, base: Row) -> None:
        """Take a document in that is not wanted itself, but counts for how others are ranked."""
        if self._ranker is not None:
            self._ranker.note({**base, self._program.alias: base[ROOT]})

    @property
    def full(self) -> bool:
        """Whether nothing that could come changes the results."""
        if self._first is not None:
            return self._first.full
        if self._until is None or self._program.grouped or self._ordered or self._ranker is not None:
            return False
        return len(self._found) >= self._until

    def _keep(self, row: Row, value: Value) -> None:
        if self._program.query.distinct and not self._is_new(value):
            return
        if self._ranker is not None:
            self._ranker.add(row)
        self._found.append((self._program.sort_key(row) if self._ordered else (), value))

    def _is_new(self, value: Value) -> bool:
        mark = identity(value)
        if mark in self._seen:
            return False
        self._seen.add(mark)
        return True

    def results(self) -> list[Value]:
        """Return what has come of all."""
        program = self._program
        if self._first is not None:
            for value in self._first.results():
                self._take({**self._parameters, ROOT: value})
        if program.grouped:
            concluded = [program.conclude(*group) for group in self._groups.values()]
            distinct = program.query.distinct
            found = [each for each in concluded if each is not UNDEFINED and (not distinct or self._is_new(each))]
        else:
            if self._ordered:
                self._found.sort(key=_place)
            found = [value for _key, value in self._found]
            if self._ranker is not None:
                found = [found[number] for number in self._ranker.order()]
        return found[self._skipped : self._until]


def _place(keyed: tuple[tuple[Any, ...], Value]) -> tuple[Any, ...]:
    return keyed[0]


def base_row(parameters: Row, now_us: int) -> Row:
    """Return what all rows of a query have: its parameters by their names, with `@`, the time, and random numbers."""
    return {**parameters, NOW: now_us, DRAWS: count(now_us << 32)}


def _plan(query: Select, names: frozenset[str]) -> Any:
    program = Program(query, names)
    return lambda row: program.run((row,), row)


def _root_of(node: Node | None) -> frozenset[str]:
    """Return the name that stands for the document in the first source."""
    return frozenset({ROOT}) if isinstance(node, Name | Path) else frozenset()


def _rooted(node: Node) -> Node:
    """Have the first source begin with the document, whatever it is called there."""
    if isinstance(node, Name):
        return Name(ROOT, node.start)
    if isinstance(node, Path) and isinstance(node.root, Name):
        return Path(Name(ROOT, node.root.start), node.steps)
    return node


def _selected(query: Select) -> list[Node]:
    return [*([] if query.value is None else [query.value]), *[column.value for column in query.columns]]


def _check_group(node: Node) -> None:
    """Refuse what rows can't be grouped by; aggregates are refused elsewhere."""
    parts = list(parts_of(node, within=False))
    if any(isinstance(part, Subquery) for part in parts):
        raise QueryError(FORBIDDEN, "Cannot perform a subquery in the GROUP BY clause.")
    if not any(isinstance(part, Name) for part in parts):
        raise QueryError(FORBIDDEN, "Each expression in the GROUP BY clause must contain a property reference.")


def _has_aggregate(node: Node) -> bool:
    """Whether an aggregate stands in an expression, not counting queries within it."""
    return any(call.name in AGGREGATES for call in calls_in(node, within=False))
