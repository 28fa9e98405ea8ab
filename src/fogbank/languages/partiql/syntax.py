"""What all statements have in common: tokens, names, paths, values, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from fogbank.languages.dynamodb.nodes import Node, Path
from fogbank.languages.dynamodb.numbers import NumberError, read_number
from fogbank.languages.dynamodb.syntax import INDEX_MAX, PATH_PARTS_MAX
from fogbank.languages.partiql.values import Constant, Inline, ListOf, MapOf, Parameter, SetOf, Term
from fogbank.languages.pratt import END, Lexer, Parser, Token

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_KEYWORDS: Final = """
AND AS ASC BETWEEN BY CASE DELETE DESC EXISTS FALSE FROM GROUP HAVING IN INSERT INTO IS JOIN LIKE LIMIT MISSING NOT
NULL OR ORDER REMOVE RETURNING SELECT SET TRUE UNION UPDATE VALUE VALUES WHERE
"""
KEYWORDS: Final = frozenset(_KEYWORDS.split())
_SYMBOLS: Final = (
    "=", "<>", "!=", "<", "<=", ">", ">=", "(", ")", "[", "]", "{", "}", "<<", ">>", ",", ".", ":", "?", "*", "+", "-",
    ";",
)  # fmt: skip
_KINDS: Final = {
    "word": "[A-Za-z_$][A-Za-z0-9_$]*",
    "text": "'[^']*(?:''[^']*)*'",
    "quoted": '"[^"]*(?:""[^"]*)*"',
    "number": r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
}
LEXER: Final = Lexer(_KINDS, _SYMBOLS, KEYWORDS)
# The first tokens of values.
VALUES: Final = ("text", "number", "+", "-", "?", "[", "{", "<<", "TRUE", "FALSE", "NULL")
_CONSTANTS: Final = {"TRUE": True, "FALSE": False, "NULL": None}


class StatementError(Exception):
    """A statement that isn't well formed. The text says why."""


def unfit(token: Token) -> StatementError:
    """Return the error for a token that can't stand where it stands."""
    if token.kind == END:
        return StatementError("Unexpected end of statement")
    return StatementError("Unexpected keyword" if token.kind in KEYWORDS else "Unexpected term")


def parse_name(parser: Parser[Node]) -> str:
    """Parse the name of a table, an index or an attribute."""
    return name_from(parser.expect("word", "quoted"))


def name_from(token: Token) -> str:
    """Return the name that a word or a quoted text stands for."""
    return token.text[1:-1].replace('""', '"') if token.kind == "quoted" else token.text


def parse_path(parser: Parser[Node]) -> Path:
    """Parse a document path."""
    return path_from(parser, parser.expect("word", "quoted"))


def path_from(parser: Parser[Node], first: Token) -> Path:
    """Parse a document path whose first token has been gone over."""
    parts: list[str | int] = [name_from(first)]
    while token := parser.accept(".", "["):
        if token.kind == ".":
            if parser.token.kind not in ("word", "quoted"):
                raise StatementError("Invalid path dot component")
            parts.append(parse_name(parser))
        else:
            index = parser.expect("number").text
            if not index.isdecimal() or len(index) > len(str(INDEX_MAX)) or int(index) > INDEX_MAX:
                raise StatementError("Unexpected path component")
            parts.append(int(index))
            parser.expect("]")
    if len(parts) > PATH_PARTS_MAX:
        raise StatementError("Unexpected path component")
    return Path(tuple(parts))


def parse_value(parser: Parser[Node]) -> Term:
    """Parse a value."""
    return value_from(parser, parser.expect(*VALUES))


def inline(token: Token, term: Term) -> Inline:
    """Return the operand that a value is, whose first token is given."""
    return Inline(f":{token.start}", term)


def value_from(parser: Parser[Node], first: Token) -> Term:
    """Parse a value whose first token has been gone over."""
    if first.kind == "text":
        return Constant(first.text[1:-1].replace("''", "'"))
    if first.kind == "?":
        return Parameter(first.start)
    if first.kind in _CONSTANTS:
        return Constant(_CONSTANTS[first.kind])
    if first.kind in ("number", "+", "-"):
        return _number(first.text if first.kind == "number" else first.kind + parser.expect("number").text)
    parser.enter()
    made: Term
    if first.kind == "[":
        made = ListOf(sequence(parser, "]", parse_value))
    elif first.kind == "<<":
        made = SetOf(sequence(parser, ">>", parse_value))
    else:
        made = MapOf(tuple(each for each in sequence(parser, "}", _entry) if each is not None))
    parser.leave()
    return made


def sequence(parser: Parser[Node], end: str, parse_one: Callable[[Parser[Node]], T]) -> tuple[T, ...]:
    """Parse what stands between commas, up to a token that ends it; perhaps nothing."""
    if parser.accept(end):
        return ()
    found = [parse_one(parser)]
    while parser.accept(","):
        found.append(parse_one(parser))
    parser.expect(end)
    return tuple(found)


def _entry(parser: Parser[Node]) -> tuple[str, Term] | None:
    """Parse one attribute of a map; one that is MISSING isn't in it."""
    token = parser.expect("text", "quoted")
    name = token.text[1:-1].replace("''", "'") if token.kind == "text" else name_from(token)
    parser.expect(":")
    return None if parser.accept("MISSING") else (name, parse_value(parser))


def _number(text: str) -> Constant:
    try:
        return Constant(read_number(text))
    except NumberError as error:
        raise StatementError(str(error)) from None
