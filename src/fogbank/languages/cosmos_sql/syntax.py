"""Tokens and expressions.

Azure Cosmos DB for NoSQL, "Query language": "Constants", "Operators", "Keywords"
(https://learn.microsoft.com/cosmos-db/query/overview).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.languages.cosmos_sql.errors import ENDED, LITERAL, SYNTAX, QueryError
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
    Node,
    Object,
    Parameter,
    Path,
    Subquery,
    Unary,
)
from fogbank.languages.pratt import Grammar, Lexer, Parser, Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.languages.cosmos_sql.nodes import Select

# How deeply expressions may stand within each other; each level costs the interpreter some frames.
DEPTH_MAX: Final = 48
# How tightly operators hold their left sides.
CONDITIONAL, COALESCE, OR, AND, NOT, COMPARISON, BIT_OR, BIT_XOR, BIT_AND, SHIFT, SUM, PRODUCT, SIGN, MEMBER = range(
    1, 15
)
KEYWORDS: Final = (
    "AND", "ARRAY", "AS", "ASC", "BETWEEN", "BY", "DESC", "DISTINCT", "ESCAPE", "EXISTS", "FALSE", "FROM", "GROUP",
    "IN", "JOIN", "LIKE", "LIMIT", "NOT", "NULL", "OFFSET", "OR", "ORDER", "SELECT", "TOP", "TRUE", "UNDEFINED",
    "VALUE", "WHERE",
)  # fmt: skip
# Words that are names where nothing else can be meant.
_ALSO_NAMES: Final = ("VALUE", "TOP", "ARRAY", "OFFSET", "LIMIT", "ESCAPE", "ASC", "DESC", "GROUP", "BY", "ORDER")
_LEXER: Final = Lexer(
    {
        # Texts that don't end are tokens, too: looking for their ends again and again would take too long.
        "string": r""""(?:[^"\\]|\\.?)*"?|'(?:[^'\\]|\\.?)*'?""",
        "number": r"0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
        "parameter": r"@[^\W\d]\w*",
        "word": r"[^\W\d]\w*",
    },
    (
        "(", ")", "[", "]", "{", "}", ",", ".", ":", "?", "??", "=", "!=", "<>", "<", "<=", ">", ">=", "+", "-", "*",
        "/", "%", "&", "|", "^", "~", "<<", ">>", ">>>", "||",
    ),
    KEYWORDS,
)  # fmt: skip
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
GRAMMAR: Grammar[Node] = Grammar()
# The rule for queries, which stand within expressions; `queries` registers it.
SUBQUERY: list[Callable[[Parser[Node]], Select]] = []


def parser_of(text: str) -> Parser[Node]:
    """Return a parser for a text."""
    return Parser(GRAMMAR, _LEXER, text, DEPTH_MAX)


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a text."""
    return _LEXER.tokens(text)


def syntax_error(token: Token) -> QueryError:
    """Return the error for a token that can't stand where it stands."""
    near = token.text[:100]
    if not near:
        return QueryError(ENDED, "Syntax error, unexpected end-of-file.", token.start, token.end)
    return QueryError(SYNTAX, f"Syntax error, incorrect syntax near '{near}'.", token.start, token.end)


def string_of(token: Token) -> str:
    """Return the text that a literal says."""
    text = token.text
    if len(text) < 2 or text[-1] != text[0] or _is_open(text):
        message = f"Syntax error, invalid string literal token '{text[:100]}'."
        raise QueryError(LITERAL, message, token.start, token.end)
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    unescaped = _ESCAPE.sub(_unescape, inner)
    # Two escapes may make one character together.
    return unescaped.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_open(text: str) -> bool:
    """Whether the last quotation mark is escaped."""
    return (len(text) - len(text[:-1].rstrip("\\")) - 1) % 2 == 1


def _unescape(match: re.Match[str]) -> str:
    what = match[1]
    return chr(int(what[1:], 16)) if len(what) == 5 else _ESCAPED.get(what, what)


def name_token(parser: Parser[Node]) -> Token:
    """Go over a name, which some keywords may be, too."""
    return parser.expect("word", *_ALSO_NAMES)


def subquery(parser: Parser[Node]) -> Select:
    """Parse a query in its own right, one level deeper."""
    parser.enter()
    found = SUBQUERY[0](parser)
    parser.leave()
    return found


@GRAMMAR.prefix("string")
def _string(_parser: Parser[Node], token: Token) -> Node:
    return Constant(string_of(token))


@GRAMMAR.prefix("number")
def _number(parser: Parser[Node], token: Token) -> Node:
    text = token.text
    if parser.token.kind == "word" and parser.token.start == token.end:
        raise syntax_error(token)
    if text[:2] in ("0x", "0X"):
        return Constant(float(int(text, 16)) if len(text) > 16 else int(text, 16))
    if text.isdigit() and len(text) < 17:
        return Constant(int(text))
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise syntax_error(token)
    return Constant(value)


@GRAMMAR.prefix("parameter")
def _parameter(_parser: Parser[Node], token: Token) -> Node:
    return Parameter(token.text)


@GRAMMAR.prefix("TRUE", "FALSE")
def _truth(_parser: Parser[Node], token: Token) -> Node:
    return Constant(token.kind == "TRUE")


@GRAMMAR.prefix("NULL")
def _null(_parser: Parser[Node], _token: Token) -> Node:
    return Constant(None)


@GRAMMAR.prefix("UNDEFINED")
def _undefined(_parser: Parser[Node], _token: Token) -> Node:
    from fogbank.languages.cosmos_sql.values import UNDEFINED  # noqa: PLC0415 - once for each query that says it

    return Constant(UNDEFINED)


@GRAMMAR.prefix("word", *_ALSO_NAMES)
def _word(parser: Parser[Node], token: Token) -> Node:
    if token.kind == "ARRAY" and parser.token.kind == "(":
        parser.advance()
        query = subquery(parser)
        parser.expect(")")
        return Subquery("ARRAY", query)
    if token.text.lower() == "udf" and parser.token.kind == ".":
        parser.advance()
        name = name_token(parser)
        return _call(parser, UDF + name.text, token.start, UDF + name.text)
    if parser.token.kind == "(":
        return _call(parser, token.text.upper(), token.start, token.text)
    return Name(token.text, token.start)


def _call(parser: Parser[Node], name: str, start: int, text: str) -> Call:
    arguments, end = _arguments(parser)
    return Call(name, arguments, start, text, end)


def _arguments(parser: Parser[Node]) -> tuple[tuple[Node, ...], int]:
    """Return arguments, and where their parenthesis ends."""
    parser.expect("(")
    found = []
    if parser.token.kind != ")":
        found.append(parser.expression())
        while parser.accept(","):
            found.append(parser.expression())
    return tuple(found), parser.expect(")").end


@GRAMMAR.prefix("EXISTS")
def _exists(parser: Parser[Node], _token: Token) -> Node:
    parser.expect("(")
    query = subquery(parser)
    parser.expect(")")
    return Subquery("EXISTS", query)


@GRAMMAR.prefix("(")
def _group(parser: Parser[Node], _token: Token) -> Node:
    if parser.token.kind == "SELECT":
        found: Node = Subquery("", subquery(parser))
    else:
        found = parser.expression()
    parser.expect(")")
    return found


@GRAMMAR.prefix("[")
def _array(parser: Parser[Node], _token: Token) -> Node:
    items = []
    while parser.token.kind != "]":
        items.append(parser.expression())
        if not parser.accept(","):
            break
    parser.expect("]")
    return Array(tuple(items))


@GRAMMAR.prefix("{")
def _object(parser: Parser[Node], _token: Token) -> Node:
    members = []
    while parser.token.kind != "}":
        token = parser.accept("string")
        name = string_of(token) if token else name_token(parser).text
        parser.expect(":")
        members.append((name, parser.expression()))
        if not parser.accept(","):
            break
    parser.expect("}")
    return Object(tuple(members))


@GRAMMAR.prefix("-", "+", "~")
def _sign(parser: Parser[Node], token: Token) -> Node:
    operand = parser.expression(SIGN)
    if token.kind == "-" and isinstance(operand, Constant) and type(operand.value) in (int, float):
        return Constant(-operand.value)
    return Unary(token.kind, operand)


@GRAMMAR.prefix("NOT")
def _not(parser: Parser[Node], _token: Token) -> Node:
    return Unary("NOT", parser.expression(NOT))


@GRAMMAR.infix(MEMBER, ".", "[")
def _member(parser: Parser[Node], left: Node, token: Token) -> Node:
    steps: list[Node] = []
    current: Token | None = token
    while current is not None:
        if current.kind == ".":
            steps.append(Constant(parser.expect("word", *KEYWORDS).text))
        else:
            steps.append(parser.expression())
            parser.expect("]")
        current = parser.accept(".", "[")
    return Path(left, tuple(steps))


def _joined(power: int, *operators: str) -> None:
    """Register operators of one power: whatever follows one another stands in one chain, so that none is deep."""

    @GRAMMAR.infix(power, *operators)
    def chain(parser: Parser[Node], left: Node, token: Token) -> Node:
        rest = [(token.kind, parser.expression(power))]
        while (more := parser.accept(*operators)) is not None:
            rest.append((more.kind, parser.expression(power)))
        return Chain(left, tuple(rest))


_joined(BIT_OR, "|")
_joined(BIT_XOR, "^")
_joined(BIT_AND, "&")
_joined(SHIFT, "<<", ">>", ">>>")
_joined(SUM, "+", "-", "||")
_joined(PRODUCT, "*", "/", "%")


def _logic(power: int, operator: str) -> None:
    @GRAMMAR.infix(power, operator)
    def logic(parser: Parser[Node], left: Node, _token: Token) -> Node:
        parts = [left, parser.expression(power)]
        while parser.accept(operator):
            parts.append(parser.expression(power))
        return Logic(operator, tuple(parts))


_logic(OR, "OR")
_logic(AND, "AND")


@GRAMMAR.infix(COALESCE, "??")
def _coalesce(parser: Parser[Node], left: Node, _token: Token) -> Node:
    parts = [left, parser.expression(COALESCE)]
    while parser.accept("??"):
        parts.append(parser.expression(COALESCE))
    return Coalesce(tuple(parts))


@GRAMMAR.infix(CONDITIONAL, "?")
def _conditional(parser: Parser[Node], left: Node, _token: Token) -> Node:
    then = parser.expression()
    parser.expect(":")
    return Conditional(left, then, parser.expression())


@GRAMMAR.infix(COMPARISON, "=", "!=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN", "LIKE", "NOT")
def _comparison(parser: Parser[Node], left: Node, token: Token) -> Node:
    negated = token.kind == "NOT"
    if negated:
        token = parser.expect("BETWEEN", "IN", "LIKE")
    found: Node
    if token.kind == "BETWEEN":
        low = parser.expression(COMPARISON)
        parser.expect("AND")
        found = Between(left, low, parser.expression(COMPARISON))
    elif token.kind == "IN":
        found = In(left, _arguments(parser)[0])
    elif token.kind == "LIKE":
        pattern = parser.expression(COMPARISON)
        found = Like(left, pattern, string_of(parser.expect("string")) if parser.accept("ESCAPE") else "")
    else:
        found = Compare("!=" if token.kind == "<>" else token.kind, left, parser.expression(COMPARISON))
    if parser.token.kind in _COMPARISONS:
        # One comparison of another's result says nothing, and a chain of them would be deep.
        raise parser.unexpected()
    return Unary("NOT", found) if negated else found


_COMPARISONS: Final = frozenset({"=", "!=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN", "LIKE", "NOT"})
