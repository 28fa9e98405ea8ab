"""What expressions are worth: one evaluation for each request and allow statement.

Limits are Firebase's ("Security Rules limits", https://firebase.google.com/docs/firestore/quotas#security_rules): 20
calls of functions within each other, 1,000 expressions for a request, 10 documents that a request for a single one or
a query may look at, 20 for transactions and batches of writes. A call to itself is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from fogbank.languages.security_rules import nodes, operators
from fogbank.languages.security_rules.errors import EvaluationError, LimitError, NeedsDocumentError
from fogbank.languages.security_rules.functions import GLOBALS, NAMESPACES, call_function, call_method
from fogbank.languages.security_rules.unknown import UNKNOWN, Unknown
from fogbank.languages.security_rules.values import Hole, Path, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.languages.security_rules.nodes import Function, Node
    from fogbank.languages.security_rules.values import Value

EXPRESSIONS_MAX: Final = 1_000
CALLS_MAX: Final = 20
# How deeply evaluations may stand within each other: the interpreter's own frames are limited.
DEPTH_MAX: Final = 180
_LOOKS: Final = {"get": False, "exists": False, "getAfter": True, "existsAfter": True}


class Scope:
    """Variables and functions that can be seen from somewhere."""

    def __init__(self, variables: dict[str, Value], functions: dict[str, Function], outer: Scope | None = None) -> None:
        self.variables = variables
        self.functions = functions
        self.outer = outer

    def variable(self, name: str) -> tuple[bool, Value]:
        """Return whether there is a variable, and its value."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return True, scope.variables[name]
            scope = scope.outer
        return False, None

    def function(self, name: str) -> tuple[Function, Scope] | None:
        """Return a function, and where it was defined."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.functions:
                return scope.functions[name], scope
            scope = scope.outer
        return None


class Documents:
    """What a request's rules have looked at: documents by their paths, as maps, None for what isn't there."""

    def __init__(self, each_max: int, known_max: int = 0) -> None:
        """Take how many may be looked at for one operation, and for all of them together."""
        self._known: dict[tuple[tuple[str, ...], bool], Value] = {}
        self._each_max = each_max
        self._known_max = known_max or each_max
        self._begun = 0

    def begin(self) -> None:
        """Begin with another operation; what is known already doesn't count again."""
        self._begun = len(self._known)

    def put(self, path: tuple[str, ...], value: Value, *, after: bool) -> None:
        """Take note of a document."""
        self._known[path, after] = value

    def find(self, path: tuple[str, ...], *, after: bool) -> Value:
        """Return a document; raises `NeedsDocumentError` for one that wasn't looked at yet."""
        if (path, after) in self._known:
            return self._known[path, after]
        if len(self._known) >= self._known_max or len(self._known) - self._begun >= self._each_max:
            most = self._known_max if len(self._known) >= self._known_max else self._each_max
            msg = f"A request's rules look at {most} documents at most."
            raise LimitError(msg)
        raise NeedsDocumentError(path, after=after)


class Evaluation:
    """Evaluates expressions for one request. `log` takes what `debug()` is given."""

    def __init__(self, documents: Documents, log: Callable[[Value], None]) -> None:
        self._documents = documents
        self._log = log
        self._count = 0
        self._depth = 0
        self._calls: list[str] = []

    def holds(self, condition: Node, scope: Scope) -> bool:
        """Tell whether a condition holds; raises `EvaluationError` for what is neither true nor false."""
        found = self.value(condition, scope)
        if isinstance(found, Unknown):
            msg = "The query's conditions don't say."
            raise EvaluationError(msg)
        return _truth(found)

    def value(self, node: Node, scope: Scope) -> Value:
        """Return the value of an expression."""
        if type(node) is nodes.Constant:
            return node.value
        self._count += 1
        if self._count > EXPRESSIONS_MAX:
            msg = f"A request's rules evaluate {EXPRESSIONS_MAX} expressions at most."
            raise LimitError(msg)
        self._depth += 1
        if self._depth > DEPTH_MAX:
            msg = "Expressions stand within each other too deeply."
            raise LimitError(msg)
        try:
            return self._RULES[type(node)](self, node, scope)
        finally:
            self._depth -= 1

    def _name(self, node: nodes.Name, scope: Scope) -> Value:
        found, value = scope.variable(node.name)
        if not found:
            msg = f"Variable not found error: Name: [{node.name}]."
            raise EvaluationError(msg)
        return value

    def _list(self, node: nodes.ListOf, scope: Scope) -> Value:
        return _known_or_not([self.value(each, scope) for each in node.items])

    def _map(self, node: nodes.MapOf, scope: Scope) -> Value:
        keys = [self.value(key, scope) for key, _ in node.items]
        values = [self.value(value, scope) for _, value in node.items]
        if any(not isinstance(each, str) for each in keys):
            msg = "Keys of maps are texts."
            raise EvaluationError(msg)
        return UNKNOWN if _known_or_not(values) is UNKNOWN else dict(zip(keys, values, strict=True))

    def _path(self, node: nodes.PathOf, scope: Scope) -> Value:
        segments: list[Any] = []
        for each in node.segments:
            if isinstance(each, str):
                segments.append(each)
            elif isinstance(each, nodes.Name) and not scope.variable(each.name)[0]:
                segments.append(Hole(each.name))
            else:
                value = self.value(each, scope)
                if isinstance(value, Unknown):
                    return UNKNOWN
                if isinstance(value, Path):
                    segments += value.segments
                elif isinstance(value, str):
                    segments += value.split("/")
                else:
                    msg = f"A path can't have {type_of(value)}."
                    raise EvaluationError(msg)
        return Path(tuple(segments))

    def _member(self, node: nodes.Member, scope: Scope) -> Value:
        return _member_of(self.value(node.left, scope), node.name)

    def _index(self, node: nodes.Index, scope: Scope) -> Value:
        left = self.value(node.left, scope)
        index = self.value(node.place, scope)
        if isinstance(left, Unknown):
            return left.member(index) if isinstance(index, str) else UNKNOWN
        if isinstance(index, Unknown):
            return UNKNOWN
        return operators.at_index(left, index)

    def _slice(self, node: nodes.Slice, scope: Scope) -> Value:
        ends = [None if each is None else self.value(each, scope) for each in (node.begin, node.end)]
        left = self.value(node.left, scope)
        if _known_or_not([left, *ends]) is UNKNOWN:
            return UNKNOWN
        return operators.slice_of(left, *ends)

    def _unary(self, node: nodes.Unary, scope: Scope) -> Value:
        value = self.value(node.right, scope)
        if isinstance(value, Unknown):
            return UNKNOWN
        return not _truth(value) if node.operator == "!" else operators.negated(value)

    def _binary(self, node: nodes.Binary, scope: Scope) -> Value:
        one, other = self.value(node.left, scope), self.value(node.right, scope)
        if isinstance(one, Unknown) or isinstance(other, Unknown):
            return _told(_binary_unknown(node.operator, one, other))
        return operators.binary(node.operator, one, other)

    def _chain(self, node: nodes.Chain, scope: Scope) -> Value:
        """Return a conjunction or a disjunction: what decides it counts, whatever the other parts are."""
        decisive = node.operator == "||"
        error: EvaluationError | None = None
        unknown = False
        for part in node.parts:
            try:
                value = self.value(part, scope)
                if isinstance(value, Unknown):
                    unknown = True
                elif _truth(value) is decisive:
                    return decisive
            except EvaluationError as found:
                error = found
        if error is not None:
            raise error
        return UNKNOWN if unknown else not decisive

    def _conditional(self, node: nodes.Conditional, scope: Scope) -> Value:
        test = self.value(node.test, scope)
        if isinstance(test, Unknown):
            return UNKNOWN
        return self.value(node.yes if _truth(test) else node.no, scope)

    def _is(self, node: nodes.Is, scope: Scope) -> Value:
        value = self.value(node.left, scope)
        if isinstance(value, Unknown):
            return _told(value.is_type(node.type))
        kind = type_of(value)
        return kind == node.type or (node.type == "number" and kind in {"int", "float"})

    def _call(self, node: nodes.Call, scope: Scope) -> Value:
        if node.left is None:
            return self._call_function(node, scope)
        if isinstance(node.left, nodes.Name) and node.left.name in NAMESPACES and not scope.variable(node.left.name)[0]:
            arguments = [self.value(each, scope) for each in node.arguments]
            if _known_or_not(arguments) is UNKNOWN:
                return UNKNOWN
            return call_function(node.left.name, node.name, arguments)
        left = self.value(node.left, scope)
        arguments = [self.value(each, scope) for each in node.arguments]
        if isinstance(left, Unknown):
            return _call_unknown(left, node.name, arguments)
        if _known_or_not(arguments) is UNKNOWN:
            return UNKNOWN
        return call_method(left, node.name, arguments)

    def _call_function(self, node: nodes.Call, scope: Scope) -> Value:
        found = scope.function(node.name)
        arguments = [self.value(each, scope) for each in node.arguments]
        if found is not None:
            return self._call_own(*found, arguments)
        if node.name in _LOOKS:
            return self._look(node.name, arguments)
        if node.name == "debug" and len(arguments) == 1:
            self._log(arguments[0])
            return arguments[0]
        if node.name in GLOBALS and _known_or_not(arguments) is UNKNOWN:
            return UNKNOWN
        return call_function("", node.name, arguments)

    def _call_own(self, function: Function, home: Scope, arguments: Sequence[Value]) -> Value:
        if len(arguments) != len(function.parameters):
            msg = f"{function.name} takes {len(function.parameters)} values, not {len(arguments)}."
            raise EvaluationError(msg)
        if function.name in self._calls:
            msg = f"{function.name} calls itself."
            raise LimitError(msg)
        if len(self._calls) >= CALLS_MAX:
            msg = f"Functions call each other {CALLS_MAX} deep at most."
            raise LimitError(msg)
        self._calls.append(function.name)
        try:
            inner = Scope(dict(zip(function.parameters, arguments, strict=True)), {}, home)
            for name, node in function.bindings:
                inner.variables[name] = self.value(node, inner)
            return self.value(function.result, inner)
        finally:
            self._calls.pop()

    def _look(self, name: str, arguments: Sequence[Value]) -> Value:
        if len(arguments) != 1:
            msg = f"{name} takes a path."
            raise EvaluationError(msg)
        (path,) = arguments
        if isinstance(path, Unknown):
            return UNKNOWN
        if not isinstance(path, Path) or any(not isinstance(each, str) for each in path.segments):
            msg = f"{name} takes a path."
            raise EvaluationError(msg)
        found = self._documents.find(path.segments, after=_LOOKS[name])
        if name.startswith("exists"):
            return found is not None
        return found

    _RULES: ClassVar[dict[type, Callable[[Evaluation, Any, Scope], Value]]] = {
        nodes.Name: _name,
        nodes.ListOf: _list,
        nodes.MapOf: _map,
        nodes.PathOf: _path,
        nodes.Member: _member,
        nodes.Index: _index,
        nodes.Slice: _slice,
        nodes.Call: _call,
        nodes.Unary: _unary,
        nodes.Binary: _binary,
        nodes.Chain: _chain,
        nodes.Conditional: _conditional,
        nodes.Is: _is,
    }


def _truth(value: Value) -> bool:
    if not isinstance(value, bool):
        msg = f"true or false is needed, not {type_of(value)}."
        raise EvaluationError(msg)
    return value


def _known_or_not(values: Sequence[Value]) -> Value:
    return UNKNOWN if any(isinstance(each, Unknown) for each in values) else list(values)


def _told(decided: bool | None) -> Value:
    return UNKNOWN if decided is None else decided


def _member_of(left: Value, name: str) -> Value:
    if isinstance(left, Unknown):
        return left.member(name)
    if isinstance(left, dict):
        if name in left:
            return left[name]
        msg = f"Property {name} is undefined on object."
        raise EvaluationError(msg)
    if left is None:
        msg = "Null value error."
        raise EvaluationError(msg)
    msg = f"Property {name} is undefined on {type_of(left)}."
    raise EvaluationError(msg)


_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def _binary_unknown(operator: str, one: Value, other: Value) -> bool | None:
    """Decide on a comparison one side of which isn't known."""
    if operator == "in":
        if isinstance(one, Unknown) and isinstance(other, list):
            return one.is_among(other)
        if isinstance(other, Unknown) and not isinstance(one, Unknown):
            # A member of a list, or a key of a map.
            return other.has(one) or other.contains(one)
        return None
    if operator not in _TURNED or (isinstance(one, Unknown) and isinstance(other, Unknown)):
        return None
    if isinstance(one, Unknown):
        return one.compare(operator, other)
    assert isinstance(other, Unknown)
    return other.compare(_TURNED[operator], one)


def _call_unknown(left: Unknown, name: str, arguments: Sequence[Value]) -> Value:
    """Return what a method of an unknown value is known to give."""
    if name == "keys" and not arguments and left.path is not None:
        return Unknown(left.path, left.facts, keys=True)
    if _known_or_not(arguments) is UNKNOWN or not arguments:
        return UNKNOWN
    given = arguments[0]
    if name == "get" and left.has(given) and isinstance(given, str):
        return left.member(given)
    if name == "hasAll" and isinstance(given, list):
        decided = [left.has(each) if left.keys else left.contains(each) for each in given]
        return _told(True if all(decided) else None)
    if name == "hasAny" and isinstance(given, list):
        if left.keys:
            return _told(True if any(left.has(each) for each in given) else None)
        return _told(left.contains_any(given))
    return UNKNOWN
