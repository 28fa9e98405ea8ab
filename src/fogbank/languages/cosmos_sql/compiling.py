"""Expressions as functions from a row: what the aliases of sources, and parameters with their `@`, stand for.

Names are looked up when a query is compiled: one that stands for nothing is an error then.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fogbank.languages.cosmos_sql.errors import ARGUMENTS, FORBIDDEN, FUNCTION, UNRESOLVED, QueryError
from fogbank.languages.cosmos_sql.functions import SYSTEM
from fogbank.languages.cosmos_sql.functions.scores import VECTOR_SCORE, vector_score
from fogbank.languages.cosmos_sql.functions.vectors import VECTOR_DISTANCE, vector_distance
from fogbank.languages.cosmos_sql.nodes import (
    UDF,
    Array,
    Between,
    Call,
    Chain,
    Coalesce,
    Compare,
    Conditional,
    Constant,
    In,
    Like,
    Logic,
    Name,
    Object,
    Parameter,
    Path,
    Subquery,
    Unary,
)
from fogbank.languages.cosmos_sql.operators import ARITHMETIC, COMPARISONS, UNARY, like
from fogbank.languages.cosmos_sql.values import UNDEFINED, equal

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.languages.cosmos_sql.nodes import Node, Select
    from fogbank.languages.cosmos_sql.values import Value

    Row: TypeAlias = "dict[str, Any]"
    Evaluate: TypeAlias = "Callable[[Row], Value]"
    Plan: TypeAlias = "Callable[[Select, frozenset[str]], Callable[[Row], list[Value]]]"

AGGREGATES: Final = frozenset({"COUNT", "COUNTIF", "SUM", "AVG", "MIN", "MAX"})
# What calls user-defined functions, by their names and with a list of arguments.
FUNCTIONS: Final = "@@functions"
# Names of what JSON has no numbers for.
_NO_NUMBERS: Final = frozenset({"NaN", "Infinity"})
_RANKED: Final = ("FULLTEXTSCORE", "RRF")


class Compiler:
    """Compiles one query's expressions. `plan` compiles queries within it.

    With `collect` aggregates are allowed: it is given each with what it is of, and returns what finds its result. What
    a row is grouped by stands in `groups`; outside of aggregates nothing else may be named where there are any.
    """

    def __init__(
        self,
        names: frozenset[str],
        plan: Plan,
        collect: Callable[[str, Evaluate], Evaluate] | None = None,
        groups: tuple[Node, ...] | None = None,
    ) -> None:
        self.names = names
        self._plan = plan
        self._collect = collect
        self._groups = groups

    def compile(self, node: Node) -> Evaluate:
        """Return the function that evaluates an expression."""
        if self._groups is not None and node in self._groups:
            return Compiler(self.names, self._plan).compile(node)
        return _COMPILE[type(node)](self, node)

    def constant(self, node: Constant) -> Evaluate:
        """Compile a literal."""
        value = node.value
        return lambda _row: value

    def parameter(self, node: Parameter) -> Evaluate:
        """Compile a parameter; one that wasn't given is undefined."""
        name = node.name
        return lambda row: row.get(name, UNDEFINED)

    def name(self, node: Name) -> Evaluate:
        """Compile a source's alias."""
        name = node.text
        if self._no_number(node):
            return lambda _row: UNDEFINED
        if name not in self.names:
            message = f"Identifier '{name}' could not be resolved."
            raise QueryError(UNRESOLVED, message, node.start, node.start + len(name))
        if self._groups is not None:
            raise _ungrouped(name)
        return lambda row: row[name]

    def path(self, node: Path) -> Evaluate:
        """Compile a path."""
        if self._groups is not None and isinstance(node.root, Name):
            shown = "".join([f".{step.value}" if isinstance(step, Constant) else "[]" for step in node.steps])
            raise _ungrouped(node.root.text + shown)
        found = self.compile(node.root)
        for step in node.steps:
            if isinstance(step, Constant):
                found = _step(found, step.value)
            else:
                found = _computed_step(found, self.compile(step))
        return found

    def unary(self, node: Unary) -> Evaluate:
        """Compile an operator before its operand."""
        operate, operand = UNARY[node.operator], self.compile(node.operand)
        return lambda row: operate(operand(row))

    def chain(self, node: Chain) -> Evaluate:
        """Compile operators of one power."""
        first = self.compile(node.first)
        rest = [(ARITHMETIC[operator], self.compile(each)) for operator, each in node.rest]

        def run(row: Row) -> Value:
            value = first(row)
            for operate, operand in rest:
                value = operate(value, operand(row))
            return value

        return run

    def compare(self, node: Compare) -> Evaluate:
        """Compile a comparison."""
        operate, left, right = COMPARISONS[node.operator], self.compile(node.left), self.compile(node.right)
        return lambda row: operate(left(row), right(row))

    def logic(self, node: Logic) -> Evaluate:
        """Compile AND and OR: what is known to decide does, otherwise nothing undefined may be among the parts."""
        parts = [self.compile(each) for each in node.parts]
        decides = node.operator == "OR"

        def run(row: Row) -> Value:
            found: Value = not decides
            for part in parts:
                value = part(row)
                if value is decides:
                    return decides
                if type(value) is not bool:
                    found = UNDEFINED
            return found

        return run

    def between(self, node: Between) -> Evaluate:
        """Compile BETWEEN."""
        at_least, at_most = COMPARISONS[">="], COMPARISONS["<="]
        operand, low, high = self.compile(node.operand), self.compile(node.low), self.compile(node.high)

        def run(row: Row) -> Value:
            value = operand(row)
            above, below = at_least(value, low(row)), at_most(value, high(row))
            if above is False or below is False:
                return False
            return UNDEFINED if UNDEFINED in (above, below) else True

        return run

    def among(self, node: In) -> Evaluate:
        """Compile IN."""
        operand, choices = self.compile(node.operand), [self.compile(each) for each in node.choices]

        def run(row: Row) -> Value:
            value = operand(row)
            if value is UNDEFINED:
                return UNDEFINED
            return any(equal(value, choice(row)) is True for choice in choices)

        return run

    def like(self, node: Like) -> Evaluate:
        """Compile LIKE."""
        operand, pattern, escape = self.compile(node.operand), self.compile(node.pattern), node.escape

        def run(row: Row) -> Value:
            value, wanted = operand(row), pattern(row)
            if type(value) is not str or type(wanted) is not str:
                return UNDEFINED
            return like(wanted, escape)(value)

        return run

    def conditional(self, node: Conditional) -> Evaluate:
        """Compile `? :`."""
        condition, then = self.compile(node.condition), self.compile(node.then)
        otherwise = self.compile(node.otherwise)
        return lambda row: then(row) if condition(row) is True else otherwise(row)

    def coalesce(self, node: Coalesce) -> Evaluate:
        """Compile `??`."""
        parts = [self.compile(each) for each in node.parts]

        def run(row: Row) -> Value:
            return next((value for part in parts if (value := part(row)) is not UNDEFINED), UNDEFINED)

        return run

    def _no_number(self, node: object) -> str:
        if isinstance(node, Name) and node.text in _NO_NUMBERS and node.text not in self.names:
            return node.text
        return ""

    def call(self, node: Call) -> Evaluate:
        """Compile a function or an aggregate."""
        name, place = node.name, node.place
        if name in AGGREGATES:
            return self._aggregate(node, place)
        if name.startswith(UDF):
            return self._script(node, place)
        if name == VECTOR_DISTANCE:
            return vector_distance(self, node)
        if name == VECTOR_SCORE:
            return vector_score(self, node)
        if name in _RANKED:
            message = f"The {node.text} function can only be used in an ORDER BY RANK clause."
            raise QueryError(FORBIDDEN, message, *place)
        function = SYSTEM.get(name)
        if function is None:
            raise QueryError(FUNCTION, f"'{node.text}' is not a recognized built-in function name.", *place)
        count = len(node.arguments)
        if not function.least <= count <= function.most:
            wanted = str(function.least) if function.least == function.most else f"{function.least} to {function.most}"
            message = f"The {node.text} function requires {wanted} argument(s)."
            raise QueryError(ARGUMENTS, message, *node.whole)
        if name == "TOSTRING" and (text := self._no_number(node.arguments[0])):
            return lambda _row: text
        arguments = [self.compile(each) for each in node.arguments]
        run = function.run
        if beside := function.beside:
            return lambda row: run(row.get(beside), *[argument(row) for argument in arguments])
        if count == 1:
            (only,) = arguments
            return lambda row: run(only(row))
        return lambda row: run(*[argument(row) for argument in arguments])

    def _script(self, node: Call, place: tuple[int, int]) -> Evaluate:
        """Compile a user-defined function: what calls such stands in the row."""
        name, arguments = node.name.removeprefix(UDF), [self.compile(each) for each in node.arguments]

        def run(row: Row) -> Value:
            call = row.get(FUNCTIONS)
            if call is None:
                raise QueryError(FUNCTION, f"The function '{node.text}' can't be called here.", *place)
            return call(name, [argument(row) for argument in arguments])

        return run

    def _aggregate(self, node: Call, place: tuple[int, int]) -> Evaluate:
        if self._collect is None:
            message = f"Cannot perform an aggregate function '{node.text}' here."
            raise QueryError(FORBIDDEN, message, *place)
        if len(node.arguments) != 1:
            raise QueryError(ARGUMENTS, f"The {node.text} function requires 1 argument(s).", *node.whole)
        return self._collect(node.name, Compiler(self.names, self._plan).compile(node.arguments[0]))

    def array(self, node: Array) -> Evaluate:
        """Compile an array; undefined members are left out."""
        if all(isinstance(each, Constant) for each in node.items):
            # A vector, say, which need not be made anew for every row.
            known = [each.value for each in node.items if isinstance(each, Constant) and each.value is not UNDEFINED]
            return lambda _row: known
        items = [self.compile(each) for each in node.items]
        return lambda row: [value for item in items if (value := item(row)) is not UNDEFINED]

    def object(self, node: Object) -> Evaluate:
        """Compile an object; undefined members are left out."""
        members = [(name, self.compile(each)) for name, each in node.members]
        return lambda row: {name: value for name, member in members if (value := member(row)) is not UNDEFINED}

    def subquery(self, node: Subquery) -> Evaluate:
        """Compile a query within the query."""
        names = self.names if self._groups is None else frozenset()
        run, kind = self._plan(node.query, names), node.kind
        if kind == "ARRAY":
            return run
        if kind == "EXISTS":
            return lambda row: bool(run(row))
        return partial(_only, run)


def _ungrouped(shown: str) -> QueryError:
    message = (
        f"Property reference '{shown}' is invalid in the select list because it is not contained in either an aggregate"
        " function or the GROUP BY clause."
    )
    return QueryError(FORBIDDEN, message)


def _only(run: Callable[[Row], list[Value]], row: Row) -> Value:
    found = run(row)
    return found[0] if len(found) == 1 else UNDEFINED


def _step(found: Evaluate, name: Value) -> Evaluate:
    if type(name) is str:

        def member(row: Row) -> Value:
            value = found(row)
            return value.get(name, UNDEFINED) if type(value) is dict else UNDEFINED

        return member
    return lambda row: _below(found(row), name)


def _computed_step(found: Evaluate, name: Evaluate) -> Evaluate:
    return lambda row: _below(found(row), name(row))


def _below(value: Value, name: Value) -> Value:
    if type(name) is str:
        return value.get(name, UNDEFINED) if type(value) is dict else UNDEFINED
    if type(name) is int and type(value) is list and 0 <= name < len(value):
        return value[name]
    return UNDEFINED


_COMPILE: Final[dict[type, Callable[[Compiler, Any], Evaluate]]] = {
    Constant: Compiler.constant,
    Parameter: Compiler.parameter,
    Name: Compiler.name,
    Path: Compiler.path,
    Unary: Compiler.unary,
    Chain: Compiler.chain,
    Compare: Compiler.compare,
    Logic: Compiler.logic,
    Between: Compiler.between,
    In: Compiler.among,
    Like: Compiler.like,
    Conditional: Compiler.conditional,
    Coalesce: Compiler.coalesce,
    Call: Compiler.call,
    Array: Compiler.array,
    Object: Compiler.object,
    Subquery: Compiler.subquery,
}
