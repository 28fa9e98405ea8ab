"""Pub/Sub's filters on the attributes of messages.

Google Cloud, "Filter messages from a subscription": `attributes:KEY`, `attributes.KEY = "VALUE"`, `!=`,
`hasPrefix(attributes.KEY, "PREFIX")`, combined by NOT or `-`, AND, OR and parentheses; AND and OR aren't combined
without parentheses.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from fogbank.languages.pratt import END, Grammar, Lexer, Parser, Token, TooDeepError, UnexpectedTokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Attributes: TypeAlias = Mapping[str, str]
    Filter: TypeAlias = Callable[[Attributes], bool]

DEPTH_MAX: Final = 64
_OR, _AND, _NOT = 10, 20, 30
_ESCAPE: Final = re.compile(r'\\(["\\])')
_LEXER: Final = Lexer(
    {"string": r'"(?:[^"\\]|\\.)*"', "word": r"[A-Za-z_][A-Za-z0-9_-]*"},
    ("(", ")", ",", ":", ".", "!=", "=", "-"),
)
_grammar: Grammar[Filter] = Grammar()


class FilterError(Exception):
    """A text that is no filter."""


@lru_cache(maxsize=1024)
def compile_filter(text: str) -> Filter:
    """Return the filter that a text says; raises `FilterError`."""
    parser: Parser[Filter] = Parser(_grammar, _LEXER, text, DEPTH_MAX)
    try:
        found = parser.expression()
        if parser.token.kind != END:
            raise parser.unexpected()
    except UnexpectedTokenError as error:
        told = repr(error.token.text) if error.token.text else "the end"
        msg = f"{told} is unexpected at position {error.token.start}"
        raise FilterError(msg) from None
    except TooDeepError:
        msg = "it is nested too deeply"
        raise FilterError(msg) from None
    return found


@_grammar.prefix("(")
def _group(parser: Parser[Filter], _token: Token) -> Filter:
    inner = parser.expression()
    parser.expect(")")
    return inner


@_grammar.prefix("-")
def _minus(parser: Parser[Filter], _token: Token) -> Filter:
    return _negated(parser.expression(_NOT))


@_grammar.prefix("word")
def _word(parser: Parser[Filter], token: Token) -> Filter:
    if token.text == "NOT":
        return _negated(parser.expression(_NOT))
    if token.text == "hasPrefix":
        return _has_prefix(parser)
    if token.text != "attributes":
        raise parser.unexpected(token)
    if parser.accept(":"):
        key = _key(parser)
        return lambda attributes: key in attributes
    parser.expect(".")
    key = _key(parser)
    operator = parser.expect("=", "!=")
    value = _unquoted(parser.expect("string"))
    if operator.kind == "=":
        return lambda attributes: attributes.get(key) == value
    return lambda attributes: attributes.get(key) != value


def _has_prefix(parser: Parser[Filter]) -> Filter:
    parser.expect("(")
    word = parser.expect("word")
    if word.text != "attributes":
        raise parser.unexpected(word)
    parser.expect(".")
    key = _key(parser)
    parser.expect(",")
    prefix = _unquoted(parser.expect("string"))
    parser.expect(")")
    return lambda attributes: attributes.get(key, "").startswith(prefix) if key in attributes else False


def _key(parser: Parser[Filter]) -> str:
    token = parser.expect("word", "string")
    return token.text if token.kind == "word" else _unquoted(token)


def _unquoted(token: Token) -> str:
    return _ESCAPE.sub(r"\1", token.text[1:-1])


def _negated(inner: Filter) -> Filter:
    return lambda attributes: not inner(attributes)


def _operator(parser: Parser[Filter], left: Filter, token: Token) -> Filter:
    """Combine with what follows: all by the same word."""
    if token.text not in ("AND", "OR"):
        raise parser.unexpected(token)
    parts = [left, parser.expression(_AND)]
    while parser.token.kind == "word":
        if parser.token.text != token.text:
            raise parser.unexpected()
        parser.advance()
        parts.append(parser.expression(_AND))
    if token.text == "AND":
        return lambda attributes: all(part(attributes) for part in parts)
    return lambda attributes: any(part(attributes) for part in parts)


_grammar.infix(_OR, "word")(_operator)
