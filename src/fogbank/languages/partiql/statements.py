"""The grammar of statements.

Amazon DynamoDB Developer Guide, "PartiQL statements for DynamoDB"
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.statements.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from fogbank.languages.dynamodb.syntax import EXPRESSION_DEPTH_MAX, PARSED_MAX
from fogbank.languages.partiql.conditions import GRAMMAR, parse_where
from fogbank.languages.partiql.syntax import LEXER, StatementError, parse_name, parse_path, unfit, value_from
from fogbank.languages.partiql.updates import parse_actions
from fogbank.languages.partiql.values import MapOf, Parameter
from fogbank.languages.pratt import END, Parser, TooDeepError, UnexpectedTokenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.languages.dynamodb.nodes import Action, Condition, Node, Path

STATEMENT_CHARS_MAX: Final = 8_192


@dataclass(frozen=True, slots=True)
class Select:
    """Items of a table, or of one of its indexes, whole (`paths` is None) or in part.

    `order` are attributes, and whether they go down.
    """

    table: str
    index: str | None
    paths: tuple[Path, ...] | None
    where: Condition | None
    order: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """A check that there is an item that fulfils a condition."""

    select: Select


@dataclass(frozen=True, slots=True)
class Insert:
    """A new item."""

    table: str
    item: MapOf | Parameter


@dataclass(frozen=True, slots=True)
class Update:
    """A change of an item. `returning` is `ALL_OLD`, `MODIFIED_NEW` …, or nothing."""

    table: str
    actions: tuple[Action, ...]
    where: Condition | None
    returning: str


@dataclass(frozen=True, slots=True)
class Delete:
    """The end of an item. `returning` is `ALL_OLD`, or nothing."""

    table: str
    where: Condition | None
    returning: str


Statement: TypeAlias = "Select | Exists | Insert | Update | Delete"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement, and where in its text its parameters stand."""

    statement: Statement
    parameters: tuple[int, ...]


@lru_cache(maxsize=PARSED_MAX)
def parse_statement(text: str) -> Parsed:
    """Parse a statement; raises `StatementError`."""
    if len(text) > STATEMENT_CHARS_MAX:
        raise StatementError("The statement is too long")
    parser = Parser(GRAMMAR, LEXER, text, EXPRESSION_DEPTH_MAX)
    try:
        statement = _statement(parser)
        parser.accept(";")
        parser.expect(END)
    except UnexpectedTokenError as error:
        raise unfit(error.token) from None
    except TooDeepError:
        raise StatementError(f"Nested too deeply, more than {EXPRESSION_DEPTH_MAX} levels") from None
    return Parsed(statement, tuple(token.start for token in LEXER.tokens(text) if token.kind == "?"))


def _statement(parser: Parser[Node]) -> Statement:
    rule = _RULES.get(parser.token.kind)
    if rule is None:
        raise StatementError("Expected data manipulation")
    parser.advance()
    return rule(parser)


def _select(parser: Parser[Node]) -> Select:
    paths = None
    if not parser.accept("*"):
        found = [parse_path(parser)]
        while parser.accept(","):
            found.append(parse_path(parser))
        paths = tuple(found)
    parser.expect("FROM")
    table = parse_name(parser)
    index = parse_name(parser) if parser.accept(".") else None
    return Select(table, index, paths, _where(parser), _order(parser))


def _order(parser: Parser[Node]) -> tuple[tuple[str, bool], ...]:
    if not parser.accept("ORDER"):
        return ()
    parser.expect("BY")
    found = []
    while True:
        name = parse_name(parser)
        direction = parser.accept("ASC", "DESC")
        found.append((name, direction is not None and direction.kind == "DESC"))
        if not parser.accept(","):
            return tuple(found)


def _exists(parser: Parser[Node]) -> Exists:
    parser.expect("(")
    parser.expect("SELECT")
    select = _select(parser)
    parser.expect(")")
    return Exists(select)


def _insert(parser: Parser[Node]) -> Insert:
    parser.expect("INTO")
    table = parse_name(parser)
    parser.expect("VALUE")
    item = value_from(parser, parser.expect("{", "?"))
    assert isinstance(item, MapOf | Parameter)
    return Insert(table, item)


def _update(parser: Parser[Node]) -> Update:
    table = parse_name(parser)
    return Update(table, parse_actions(parser), _where(parser), _returning(parser, ("ALL", "MODIFIED"), ("OLD", "NEW")))


def _delete(parser: Parser[Node]) -> Delete:
    parser.expect("FROM")
    table = parse_name(parser)
    return Delete(table, _where(parser), _returning(parser, ("ALL",), ("OLD",)))


def _where(parser: Parser[Node]) -> Condition | None:
    return parse_where(parser) if parser.accept("WHERE") else None


def _returning(parser: Parser[Node], scopes: tuple[str, ...], times: tuple[str, ...]) -> str:
    if not parser.accept("RETURNING"):
        return ""
    words = []
    for allowed in (scopes, times):
        token = parser.expect("word")
        if token.text.upper() not in allowed:
            raise unfit(token)
        words.append(token.text.upper())
    parser.expect("*")
    return "_".join(words)


_RULES: Final[dict[str, Callable[[Parser[Node]], Statement]]] = {
    "SELECT": _select,
    "EXISTS": _exists,
    "INSERT": _insert,
    "UPDATE": _update,
    "DELETE": _delete,
}
