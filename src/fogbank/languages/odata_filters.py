"""OData's filters on the properties of entities, as tables of Azure Storage have them.

"Querying tables and entities" (https://learn.microsoft.com/rest/api/storageservices/querying-tables-and-entities):
comparisons (`eq ne gt ge lt le`) of a property with a value, combined by `and`, `or`, `not` and parentheses; a Boolean
property alone is a condition. A property that an entity lacks, or that has a value of another type, fails every
comparison.
"""

from __future__ import annotations

import operator
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from fogbank.languages.pratt import END, Grammar, Lexer, Parser, Token, TooDeepError, UnexpectedTokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    # What is compared is of one kind, which no type says.
    _Comparable: TypeAlias = Any

DEPTH_MAX: Final = 64
_OR, _AND, _NOT, _COMPARE = 10, 20, 30, 40
_MIRRORED: Final = {"eq": "eq", "ne": "ne", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
_OPERATORS: Final[dict[str, Callable[[_Comparable, _Comparable], bool]]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
_MOMENT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
_GUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_LEXER: Final = Lexer(
    {
        "typed": r"(?:datetime|guid|binary|X)'(?:[^']|'')*'",
        "string": r"'(?:[^']|'')*'",
        "number": r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[LlDdFfMm]?",
        "compare": r"(?:eq|ne|gt|ge|lt|le)\b",
        "and": r"and\b",
        "or": r"or\b",
        "not": r"not\b",
        "boolean": r"(?:true|false)\b",
        "word": r"[^\W\d]\w*",
    },
    ("(", ")"),
)


class Guid(str):
    """A GUID, in small letters with hyphens."""

    __slots__ = ()


class Moment(str):
    """A time in UTC with seven digits of a second: texts compare as times do."""

    __slots__ = ()


Value: TypeAlias = "str | bool | int | float | bytes | Guid | Moment"
Entity: TypeAlias = "Mapping[str, Value]"


class FilterError(Exception):
    """A text that is no filter; the message says why."""


class Bound(NamedTuple):
    """A text that a property must be at or beyond; `included` if it may be that itself."""

    value: str
    included: bool


class Comparison(NamedTuple):
    """A property compared with a value."""

    name: str
    operator: str
    value: Value

    def holds(self, entity: Entity) -> bool:
        """Tell whether an entity fulfils it."""
        found: _Comparable = entity.get(self.name)
        return _kind(found) is _kind(self.value) and _OPERATORS[self.operator](found, self.value)


class Always(NamedTuple):
    """A condition that is a constant."""

    value: bool

    def holds(self, _entity: Entity) -> bool:
        """Tell the constant."""
        return self.value


class All(NamedTuple):
    """Conditions that must all hold."""

    parts: list[Condition]

    def holds(self, entity: Entity) -> bool:
        """Tell whether an entity fulfils all."""
        return all(part.holds(entity) for part in self.parts)


class OneOf(NamedTuple):
    """Conditions of which one must hold."""

    parts: list[Condition]

    def holds(self, entity: Entity) -> bool:
        """Tell whether an entity fulfils any."""
        return any(part.holds(entity) for part in self.parts)


class Not(NamedTuple):
    """A condition that must not hold."""

    inner: Condition

    def holds(self, entity: Entity) -> bool:
        """Tell whether an entity doesn't fulfil it."""
        return not self.inner.holds(entity)


class _Property(NamedTuple):
    name: str


class _Literal(NamedTuple):
    value: Value


Condition: TypeAlias = "Comparison | Always | All | OneOf | Not"
_Node: TypeAlias = "Condition | _Property | _Literal"
_grammar: Grammar[_Node] = Grammar()


@lru_cache(maxsize=512)
def compile_filter(text: str) -> Condition:
    """Return the condition that a text says; raises `FilterError`."""
    parser: Parser[_Node] = Parser(_grammar, _LEXER, text, DEPTH_MAX)
    try:
        found = _condition(parser.expression())
        if parser.token.kind != END:
            raise parser.unexpected()
    except UnexpectedTokenError as error:
        told = repr(error.token.text) if error.token.text else "the end"
        raise FilterError(f"{told} is unexpected at position {error.token.start}.") from None
    except TooDeepError:
        raise FilterError("It is nested too deeply.") from None
    return found


def bounds(condition: Condition, name: str) -> tuple[Bound | None, Bound | None]:
    """Return between which texts a property must be for a condition to hold; None where there is no bound."""
    low: Bound | None = None
    high: Bound | None = None
    for part in _conjuncts(condition):
        if part.name != name or type(part.value) is not str:
            continue
        bound = Bound(part.value, part.operator in ("eq", "ge", "le"))
        if part.operator in ("eq", "gt", "ge") and (
            low is None or (bound.value, not bound.included) > (low.value, not low.included)
        ):
            low = bound
        if part.operator in ("eq", "lt", "le") and (high is None or bound < high):
            high = bound
    return low, high


def _conjuncts(condition: Condition) -> Iterator[Comparison]:
    for part in condition.parts if isinstance(condition, All) else (condition,):
        if isinstance(part, Comparison):
            yield part
        elif isinstance(part, All):
            yield from _conjuncts(part)


def read_moment(text: str) -> Moment:
    """Return a time that is written as ISO 8601 does, without a zone in UTC; raises `ValueError`."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    at = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    zone = match[8]
    if zone and zone != "Z":
        ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
        try:
            at = at - ahead if zone[0] == "+" else at + ahead
        except OverflowError:
            raise ValueError(text) from None
    return Moment(f"{at.replace(tzinfo=None).isoformat()}.{(match[7] or '').ljust(7, '0')}Z")


def read_guid(text: str) -> Guid:
    """Return a GUID in its one form; raises `ValueError`."""
    if not _GUID.fullmatch(text):
        raise ValueError(text)
    return Guid(text.lower())


def _kind(value: object) -> object:
    """Return what a value can be compared with: others of the same kind."""
    kind = type(value)
    if kind is bool or value is None:
        return kind
    if isinstance(value, int | float):
        return float
    return kind


def _condition(node: _Node) -> Condition:
    if isinstance(node, _Property):
        return Comparison(node.name, "eq", True)
    if isinstance(node, _Literal):
        if type(node.value) is not bool:
            raise FilterError("A value alone is no condition.")
        return Always(node.value)
    return node


@_grammar.prefix("(")
def _group(parser: Parser[_Node], _token: Token) -> _Node:
    inner = parser.expression()
    parser.expect(")")
    return inner


@_grammar.prefix("not")
def _not(parser: Parser[_Node], _token: Token) -> _Node:
    return Not(_condition(parser.expression(_NOT)))


@_grammar.prefix("word")
def _word(_parser: Parser[_Node], token: Token) -> _Node:
    return _Property(token.text)


@_grammar.prefix("string")
def _string(_parser: Parser[_Node], token: Token) -> _Node:
    return _Literal(token.text[1:-1].replace("''", "'"))


@_grammar.prefix("boolean")
def _boolean(_parser: Parser[_Node], token: Token) -> _Node:
    return _Literal(token.text == "true")


@_grammar.prefix("number")
def _number(parser: Parser[_Node], token: Token) -> _Node:
    text = token.text.rstrip("LlDdFfMm")
    if len(text) > 400:
        raise parser.unexpected(token)
    if text.lstrip("-").isdigit() and token.text[-1] not in "DdFfMm":
        return _Literal(int(text))
    return _Literal(float(text))


@_grammar.prefix("typed")
def _typed(parser: Parser[_Node], token: Token) -> _Node:
    kind, _, rest = token.text.partition("'")
    try:
        if kind == "datetime":
            return _Literal(read_moment(rest[:-1]))
        if kind == "guid":
            return _Literal(read_guid(rest[:-1]))
        return _Literal(bytes.fromhex(rest[:-1]))
    except ValueError:
        raise parser.unexpected(token) from None


@_grammar.infix(_COMPARE, "compare")
def _compare(parser: Parser[_Node], left: _Node, token: Token) -> _Node:
    right = parser.expression(_COMPARE)
    if isinstance(left, _Property) and isinstance(right, _Literal):
        return Comparison(left.name, token.text, right.value)
    if isinstance(left, _Literal) and isinstance(right, _Property):
        return Comparison(right.name, _MIRRORED[token.text], left.value)
    raise FilterError("A comparison is of a property with a value.")


@_grammar.infix(_AND, "and")
def _and(parser: Parser[_Node], left: _Node, _token: Token) -> _Node:
    right = _condition(parser.expression(_AND))
    if isinstance(left, All):
        left.parts.append(right)
        return left
    return All([_condition(left), right])


@_grammar.infix(_OR, "or")
def _or(parser: Parser[_Node], left: _Node, _token: Token) -> _Node:
    right = _condition(parser.expression(_OR))
    if isinstance(left, OneOf):
        left.parts.append(right)
        return left
    return OneOf([_condition(left), right])
