"""Whole queries: SELECT, FROM, WHERE, GROUP BY, ORDER BY, OFFSET LIMIT.

Azure Cosmos DB for NoSQL, "Clauses" (https://learn.microsoft.com/cosmos-db/query/select). A parsed query is kept by
its text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from fogbank.languages.cosmos_sql.errors import SYNTAX, TOO_LONG, TOO_MANY_FUNCTIONS, TOO_MANY_JOINS, QueryError
from fogbank.languages.cosmos_sql.nodes import (
    UDF,
    Call,
    Column,
    Constant,
    Name,
    Node,
    Order,
    Parameter,
    Path,
    Select,
    Source,
    Subquery,
    parts_of,
)
from fogbank.languages.cosmos_sql.syntax import SUBQUERY, name_token, parser_of, subquery, syntax_error
from fogbank.languages.pratt import END, Parser, TooDeepError, UnexpectedTokenError

if TYPE_CHECKING:
    from collections.abc import Callable

# "Azure Cosmos DB service quotas", "SQL query limits".
LENGTH_MAX: Final = 524_288
JOINS_MAX: Final = 10
FUNCTIONS_MAX: Final = 10
PARSED_MAX: Final = 512


@lru_cache(maxsize=PARSED_MAX)
def parse(text: str) -> Select:
    """Parse a query; raises `QueryError`."""
    return _whole(text, _select)


@lru_cache(maxsize=PARSED_MAX)
def parse_filter(text: str) -> Select:
    """Parse the condition of a patch, which begins with FROM."""
    return _whole(text, _filter)


def _whole(text: str, rule: Callable[[Parser[Node]], Select]) -> Select:
    if len(text) > LENGTH_MAX:
        message = f"The SQL query text exceeded the maximum limit of {LENGTH_MAX} characters."
        raise QueryError(TOO_LONG, message, 0, len(text))
    parser = parser_of(text)
    try:
        found = rule(parser)
        parser.expect(END)
    except UnexpectedTokenError as error:
        raise syntax_error(error.token) from None
    except TooDeepError:
        raise QueryError(SYNTAX, "The query is nested too deeply.") from None
    _check(found, len(text))
    return found


def _check(query: Select, length: int) -> None:
    """Refuse a query of too many parts."""
    functions = joins = 0
    for part in parts_of(query):
        if isinstance(part, Select):
            joins = max(joins, len(part.sources) - 1)
        elif isinstance(part, Call) and part.name.startswith(UDF):
            functions += 1
    if joins > JOINS_MAX:
        message = f"The SQL query exceeded the maximum number of joins. The allowed limit is {JOINS_MAX}."
        raise QueryError(TOO_MANY_JOINS, message, 0, length)
    if functions > FUNCTIONS_MAX:
        message = (
            "The SQL query exceeded the maximum number of user-defined function calls."
            f" The allowed limit is {FUNCTIONS_MAX}."
        )
        raise QueryError(TOO_MANY_FUNCTIONS, message, 0, length)


def _filter(parser: Parser[Node]) -> Select:
    if parser.token.kind != "FROM":
        raise parser.unexpected()
    sources = _sources(parser)
    return Select(sources, where=parser.expression() if parser.accept("WHERE") else None)


def _select(parser: Parser[Node]) -> Select:
    parser.expect("SELECT")
    distinct = bool(parser.accept("DISTINCT"))
    top = _count(parser) if parser.accept("TOP") else None
    value: Node | None = None
    columns: tuple[Column, ...] = ()
    star = bool(parser.accept("*"))
    if not star:
        if parser.accept("VALUE"):
            value = parser.expression()
        else:
            columns = _columns(parser)
    sources = _sources(parser) if parser.token.kind == "FROM" else ()
    if star and not sources and parser.token.kind != END:
        raise parser.unexpected()
    if star and not sources:
        raise QueryError(SYNTAX, "'SELECT *' is not valid if FROM clause is omitted.")
    if star and len(sources) != 1:
        raise QueryError(SYNTAX, "'SELECT *' is only valid with a single input set.")
    where = parser.expression() if parser.accept("WHERE") else None
    groups: tuple[Node, ...] = ()
    if parser.accept("GROUP"):
        parser.expect("BY")
        groups = _list(parser)
    orders: tuple[Order, ...] = ()
    rank: Node | None = None
    if parser.accept("ORDER"):
        parser.expect("BY")
        orders, rank = _orders(parser)
    offset = limit = None
    if parser.accept("OFFSET"):
        offset = _count(parser)
        parser.expect("LIMIT")
        limit = _count(parser)
    return Select(sources, value, columns, distinct, top, where, groups, orders, offset, limit, rank)


SUBQUERY.append(_select)


def _count(parser: Parser[Node]) -> Node:
    token = parser.expect("number", "parameter")
    if token.kind == "parameter":
        return Parameter(token.text)
    if not token.text.isdigit() or len(token.text) > 10:
        raise syntax_error(token)
    return Constant(int(token.text))


def _list(parser: Parser[Node]) -> tuple[Node, ...]:
    found = [parser.expression()]
    while parser.accept(","):
        found.append(parser.expression())
    return tuple(found)


def _columns(parser: Parser[Node]) -> tuple[Column, ...]:
    found = [_column(parser)]
    while parser.accept(","):
        found.append(_column(parser))
    return tuple(found)


def _column(parser: Parser[Node]) -> Column:
    value = parser.expression()
    if parser.accept("AS"):
        return Column(name_token(parser).text, value)
    if parser.token.kind == "word":
        return Column(parser.advance().text, value)
    if isinstance(value, Name):
        return Column(value.text, value)
    if isinstance(value, Path) and isinstance(value.steps[-1], Constant) and isinstance(value.steps[-1].value, str):
        return Column(value.steps[-1].value, value)
    return Column("", value)


def _orders(parser: Parser[Node]) -> tuple[tuple[Order, ...], Node | None]:
    """Parse what results are sorted by, or what they are ranked by."""
    found: list[Order] = []
    while True:
        value = parser.expression()
        if not found and isinstance(value, Name) and value.text.upper() == "RANK" and parser.token.kind == "word":
            return (), parser.expression()
        direction = parser.accept("ASC", "DESC")
        found.append(Order(value, direction is not None and direction.kind == "DESC", direction is not None))
        if not parser.accept(","):
            return tuple(found), None


def _sources(parser: Parser[Node]) -> tuple[Source, ...]:
    parser.expect("FROM")
    found = [_source(parser)]
    while parser.accept("JOIN"):
        found.append(_source(parser))
    return tuple(found)


def _source(parser: Parser[Node]) -> Source:
    if parser.token.kind == "(":
        value = _collection(parser)
        return Source(_alias(parser, ""), value, each=True)
    token = name_token(parser)
    if parser.accept("IN"):
        return Source(token.text, _collection(parser), each=True)
    value = _path(parser, Name(token.text, token.start))
    if isinstance(value, Name):
        return Source(_alias(parser, value.text), value, each=False)
    last = value.steps[-1] if isinstance(value, Path) else None
    name = last.value if isinstance(last, Constant) and isinstance(last.value, str) else ""
    return Source(_alias(parser, name), value, each=False)


def _alias(parser: Parser[Node], name: str) -> str:
    if parser.accept("AS"):
        return name_token(parser).text
    token = parser.accept("word")
    return token.text if token else name


def _collection(parser: Parser[Node]) -> Node:
    """Parse what a source's rows come from: a query in parentheses, an array, or a path."""
    if parser.token.kind == "(":
        parser.advance()
        query = subquery(parser)
        parser.expect(")")
        return Subquery("ARRAY", query)
    if parser.token.kind in ("[", "parameter"):
        return parser.expression()
    token = name_token(parser)
    return _path(parser, Name(token.text, token.start))


def _path(parser: Parser[Node], root: Node) -> Node:
    steps: list[Node] = []
    while token := parser.accept(".", "["):
        if token.kind == ".":
            steps.append(Constant(name_token(parser).text))
        else:
            steps.append(parser.expression())
            parser.expect("]")
    return Path(root, tuple(steps)) if steps else root
