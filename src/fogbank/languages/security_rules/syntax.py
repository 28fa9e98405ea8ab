"""Tokens and expressions of rules.

Firebase, "How Security Rules work" and "Security Rules language" (https://firebase.google.com/docs/rules/rules-language):
operators in the order of their precedence are `a[i]`, `a()`, `a.f`; `-a`, `!a`; `* / %`; `+ -`; `< <= > >=`; `in`,
`is`; `== !=`; `&&`; `||`; `a ? b : c`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.languages.pratt import Grammar, Lexer, Parser, Token
from fogbank.languages.security_rules.nodes import (
    Binary,
    Call,
    Chain,
    Conditional,
    Constant,
    Index,
    Is,
    ListOf,
    MapOf,
    Member,
    Name,
    Node,
    PathOf,
    Slice,
    Unary,
)
from fogbank.languages.security_rules.values import INTEGERS, TYPE_NAMES

if TYPE_CHECKING:
    from typing import TypeAlias

    Rules: TypeAlias = Parser[Node]

# How deeply expressions may stand within each other.
DEPTH_MAX: Final = 48
ARGUMENTS_MAX: Final = 7
CONDITIONAL, OR, AND, EQUALITY, MEMBERSHIP, COMPARISON, SUM, PRODUCT, SIGN, MEMBER = range(1, 11)
_LEXER: Final = Lexer(
    {
        "string": r""""(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?""",
        "float": r"[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+",
        "int": r"0[xX][0-9a-fA-F]+|[0-9]+",
        "in": r"in\b",
        "is": r"is\b",
        "constant": r"(?:true|false|null)\b",
        "word": r"[A-Za-z_][A-Za-z0-9_]*",
    },
    ("==", "!=", "<=", ">=", "&&", "||", "$(", "**", *"<>+-*/%!?:.,;=()[]{}~@|&"),
)
_WORDS: Final = ("word", "in", "is", "constant")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
# A comment, or a text that may look as if there were one in it. A path may hold `/**` nowhere.
_COMMENT: Final = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|//[^\n]*|/\*.*?\*/""", re.DOTALL)
GRAMMAR: Final[Grammar[Node]] = Grammar()


def make_parser(text: str) -> Rules:
    """Return a parser of a text, whose comments count as space."""
    plain = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]) if match[0][0] == "/" else match[0], text)
    return Parser(GRAMMAR, _LEXER, plain, DEPTH_MAX)


def word(parser: Rules) -> str:
    """Go over a name."""
    return parser.expect(*_WORDS).text


def read_string(token: Token, parser: Rules) -> str:
    """Return what a text in quotes says."""
    if len(token.text) < 2 or token.text[-1] != token.text[0]:
        raise parser.unexpected(token)
    return _ESCAPE.sub(_unescape, token.text[1:-1])


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _ESCAPES.get(match[3], match[3])


@GRAMMAR.prefix("string")
def _string(parser: Rules, token: Token) -> Node:
    return Constant(read_string(token, parser))


@GRAMMAR.prefix("int")
def _int(parser: Rules, token: Token) -> Node:
    number = int(token.text, 16 if token.text[:2] in {"0x", "0X"} else 10) if len(token.text) < 32 else 1 << 64
    if number not in INTEGERS and number != 1 << 63:
        raise parser.unexpected(token)
    return Constant(number)


@GRAMMAR.prefix("float")
def _float(_parser: Rules, token: Token) -> Node:
    return Constant(float(token.text))


@GRAMMAR.prefix("constant")
def _constant(_parser: Rules, token: Token) -> Node:
    return Constant({"true": True, "false": False, "null": None}[token.text])


@GRAMMAR.prefix("word")
def _word(parser: Rules, token: Token) -> Node:
    if parser.accept("("):
        return Call(None, token.text, _arguments(parser))
    return Name(token.text)


def _arguments(parser: Rules) -> tuple[Node, ...]:
    found: list[Node] = []
    while not parser.accept(")"):
        if found:
            parser.expect(",")
        found.append(parser.expression())
    return tuple(found)


@GRAMMAR.prefix("(")
def _parentheses(parser: Rules, _token: Token) -> Node:
    inner = parser.expression()
    parser.expect(")")
    return inner


@GRAMMAR.prefix("[")
def _list(parser: Rules, _token: Token) -> Node:
    items: list[Node] = []
    while not parser.accept("]"):
        if items:
            parser.expect(",")
            if parser.accept("]"):
                break
        items.append(parser.expression())
    return ListOf(tuple(items))


@GRAMMAR.prefix("{")
def _map(parser: Rules, _token: Token) -> Node:
    items: list[tuple[Node, Node]] = []
    while not parser.accept("}"):
        if items:
            parser.expect(",")
            if parser.accept("}"):
                break
        key = parser.expression()
        parser.expect(":")
        items.append((key, parser.expression()))
    return MapOf(tuple(items))


@GRAMMAR.prefix("/")
def _path(parser: Rules, token: Token) -> Node:
    """Read a path: segments without space between them."""
    segments: list[str | Node] = []
    end = token.end
    while True:
        if parser.token.kind == "$(" and parser.token.start == end:
            parser.advance()
            segments.append(parser.expression())
            end = parser.expect(")").end
        else:
            text, end = _segment(parser, end)
            segments.append(text)
        if parser.token.kind != "/" or parser.token.start != end:
            return PathOf(tuple(segments))
        end = parser.advance().end


def _segment(parser: Rules, end: int) -> tuple[str, int]:
    """Return a segment that stands in the text; `(default)` is one."""
    text = ""
    while parser.token.start == end:
        kind = parser.token.kind
        if kind in {*_WORDS, "int", "float", "-", ".", "~", "@", "%", "unknown"} and not (kind == "." and not text):
            piece = parser.advance()
        elif kind == "(" and not text:
            parser.advance()
            text = f"({word(parser)})"
            end = parser.expect(")").end
            continue
        else:
            break
        text, end = text + piece.text, piece.end
    if not text:
        raise parser.unexpected()
    return text, end


@GRAMMAR.prefix("!", "-")
def _unary(parser: Rules, token: Token) -> Node:
    return Unary(token.kind, parser.expression(SIGN))


@GRAMMAR.infix(MEMBER, ".")
def _member(parser: Rules, left: Node, _token: Token) -> Node:
    name = word(parser)
    if parser.accept("("):
        return Call(left, name, _arguments(parser))
    return Member(left, name)


@GRAMMAR.infix(MEMBER, "[")
def _index(parser: Rules, left: Node, _token: Token) -> Node:
    begin = None if parser.token.kind == ":" else parser.expression()
    if parser.accept(":"):
        end = None if parser.token.kind == "]" else parser.expression()
        parser.expect("]")
        return Slice(left, begin, end)
    parser.expect("]")
    assert begin is not None
    return Index(left, begin)


def _binary(power: int, *kinds: str) -> None:
    @GRAMMAR.infix(power, *kinds)
    def rule(parser: Rules, left: Node, token: Token) -> Node:
        return Binary(token.kind, left, parser.expression(power))


_binary(PRODUCT, "*", "/", "%")
_binary(SUM, "+", "-")
_binary(COMPARISON, "<", "<=", ">", ">=")
_binary(MEMBERSHIP, "in")
_binary(EQUALITY, "==", "!=")


@GRAMMAR.infix(MEMBERSHIP, "is")
def _is(parser: Rules, left: Node, _token: Token) -> Node:
    token = parser.expect(*_WORDS)
    if token.text not in TYPE_NAMES:
        raise parser.unexpected(token)
    return Is(left, token.text)


def _chain(power: int, kind: str) -> None:
    @GRAMMAR.infix(power, kind)
    def rule(parser: Rules, left: Node, _token: Token) -> Node:
        parts = [left, parser.expression(power)]
        while parser.accept(kind):
            parts.append(parser.expression(power))
        return Chain(kind, tuple(parts))


_chain(AND, "&&")
_chain(OR, "||")


@GRAMMAR.infix(CONDITIONAL, "?")
def _conditional(parser: Rules, left: Node, _token: Token) -> Node:
    yes = parser.expression()
    parser.expect(":")
    return Conditional(left, yes, parser.expression(CONDITIONAL - 1))
