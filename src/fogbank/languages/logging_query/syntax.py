"""From a query's text to its nodes.

Google Cloud, "Logging query language" (https://cloud.google.com/logging/docs/view/logging-query-language): NOT and
`-` bind closest, then OR, then AND; what stands side by side without a word is combined by AND. Words of the language
are in capitals; names and texts are compared in any case.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from fogbank.languages.logging_query.errors import QueryError, syntax_error
from fogbank.languages.logging_query.nodes import (
    Anywhere,
    Both,
    Compare,
    Either,
    InNet,
    Literal,
    LogId,
    Node,
    Not,
    Sample,
    Search,
    Source,
)
from fogbank.languages.logging_query.schema import resolve
from fogbank.languages.pratt import END, Grammar, Lexer, Parser, Token, TooDeepError, UnexpectedTokenError

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT_CHARS_MAX: Final = 20_000
DEPTH_MAX: Final = 50
SIGNS: Final = ("<=", ">=", "!=", "=~", "!~", "=", "<", ">", ":")
_NEGATION: Final = "-"
_COMMENT: Final = "comment"
_WORDS: Final = ("AND", "OR", "NOT")
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-7]{3}|.)", re.DOTALL)
_QUOTE: Final = re.compile(r"\\([\"'\\])")
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class _Lexer(Lexer):
    """Leaves comments out."""

    def tokens(self, text: str) -> list[Token]:
        return [token for token in super().tokens(text) if token.kind != _COMMENT]


_LEXER: Final = _Lexer(
    {
        "string": r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'',
        _COMMENT: r"--[^\n]*",
        "word": r"""[^\s()"',<>=!:~\-][^\s()"',<>=!:~]*""",
    },
    (*SIGNS, "(", ")", ",", _NEGATION),
)
_NO_GRAMMAR: Final[Grammar[Node]] = Grammar()


def parse(text: str) -> Node:
    """Return a query's node, which for an empty one holds of everything; raises `QueryError`."""
    if len(text) > TEXT_CHARS_MAX:
        msg = f"The filter has {len(text)} characters; the maximum length of a filter is {TEXT_CHARS_MAX} characters."
        raise QueryError(msg)
    reader = _Reader(Parser(_NO_GRAMMAR, _LEXER, text, DEPTH_MAX))
    try:
        return reader.whole()
    except UnexpectedTokenError as error:
        raise syntax_error(text, error.token.start, error.token.text) from None
    except TooDeepError:
        msg = f"the filter is nested more than {DEPTH_MAX} levels deep"
        raise QueryError(msg) from None


class _Reader:
    """Reads by descent."""

    def __init__(self, parser: Parser[Node]) -> None:
        self._parser = parser

    def whole(self) -> Node:
        if self._at(END):
            return Both(())
        node = self._all_of(self._restriction)
        self._parser.expect(END)
        return node

    def _at(self, *kinds: str) -> bool:
        return self._parser.token.kind in kinds

    def _at_word(self, word: str) -> bool:
        return self._at("word") and self._parser.token.text == word

    def _accept_word(self, word: str) -> bool:
        return self._at_word(word) and self._parser.advance() is not None

    def _all_of(self, one: Callable[[], Node]) -> Node:
        parts = [self._one_of(one)]
        while self._accept_word("AND") or not (self._at(END, ")", ",") or self._at_word("OR")):
            parts.append(self._one_of(one))
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _one_of(self, one: Callable[[], Node]) -> Node:
        parts = [self._maybe_not(one)]
        while self._accept_word("OR"):
            parts.append(self._maybe_not(one))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _maybe_not(self, one: Callable[[], Node]) -> Node:
        negated = False
        while self._accept_word("NOT") or self._parser.accept(_NEGATION):
            negated = not negated
        if self._parser.accept("("):
            self._parser.enter()
            node = self._all_of(one)
            self._parser.expect(")")
            self._parser.leave()
        else:
            node = one()
        return Not(node) if negated else node

    def _restriction(self) -> Node:
        """Read a comparison, a function, or a value that is looked for everywhere."""
        first = self._parser.expect("word", "string")
        if first.text in _WORDS:
            raise self._parser.unexpected(first)
        if first.kind == "word" and self._adjoins(first) and self._at("("):
            return self._function(first)
        path = self._path(first)
        sign = self._parser.accept(*SIGNS)
        if sign is None:
            if len(path) > 1 and first.kind == "string":
                raise self._parser.unexpected()
            return Anywhere(_unquoted(first) if first.kind == "string" else ".".join(path))
        found, _ = resolve(path)
        if self._parser.accept("("):
            self._parser.enter()
            node = self._all_of(lambda: Compare(found, sign.kind, self._value(sign.kind)))
            self._parser.expect(")")
            self._parser.leave()
            return node
        return Compare(found, sign.kind, self._value(sign.kind))

    def _value(self, sign: str) -> Literal:
        minus = self._parser.accept(_NEGATION)
        token = self._parser.expect("word", "string")
        if token.kind == "string":
            if minus is not None:
                raise self._parser.unexpected(minus)
            # Of a regular expression's backslashes, those before quotes and backslashes are the string's.
            text = _QUOTE.sub(r"\1", token.text[1:-1]) if sign in ("=~", "!~") else _unquoted(token)
            return Literal(text, quoted=True)
        if token.text in _WORDS:
            raise self._parser.unexpected(token)
        return Literal(f"-{token.text}" if minus is not None else token.text)

    def _adjoins(self, token: Token) -> bool:
        return self._parser.token.start == token.end

    def _path(self, first: Token) -> list[str]:
        """Read what may follow a path's first token without a space: `labels."a/b".c`."""
        path = [_unquoted(first)] if first.kind == "string" else first.text.split(".")
        last = first
        while self._adjoins(last):
            if last.kind == "word" and last.text.endswith(".") and self._at("string"):
                last = self._parser.advance()
                path[-1] = _unquoted(last)
            elif last.kind == "string" and self._at("word") and self._parser.token.text.startswith("."):
                last = self._parser.advance()
                path += last.text[1:].split(".")
            else:
                break
        return path

    def _function(self, name: Token) -> Node:
        self._parser.expect("(")
        arguments: list[Token | list[str]] = []
        while not self._at(")"):
            if arguments:
                self._parser.expect(",")
            token = self._parser.expect("word", "string")
            arguments.append(token if token.kind == "string" else self._path(token))
        self._parser.expect(")")
        known = _FUNCTIONS.get(name.text.lower())
        if known is None:
            msg = f"Fogbank doesn't support the function {name.text}."
            raise QueryError(msg)
        return known(name.text, arguments)


def _unquoted(token: Token) -> str:
    return _ESCAPE.sub(_unescape, token.text[1:-1])


def _unescape(match: re.Match[str]) -> str:
    said = match[1]
    if len(said) == 5:
        return chr(int(said[1:], 16))
    if len(said) == 3:
        return chr(int(said[1:], 16) if said[0] == "x" else int(said, 8))
    # A backslash before anything else stays, as regular expressions need it.
    return _ESCAPED.get(said, said if said in "\"'\\" else match[0])


def _texts(name: str, arguments: list[Token | list[str]], count: int) -> list[str]:
    if len(arguments) != count:
        msg = f"The function {name} takes {count} argument{'s' if count > 1 else ''}, not {len(arguments)}."
        raise QueryError(msg)
    return [_unquoted(each) if isinstance(each, Token) else ".".join(each) for each in arguments]


def _field(name: str, argument: Token | list[str]) -> tuple[str, ...]:
    if isinstance(argument, Token):
        msg = f"The first argument of the function {name} must be a field."
        raise QueryError(msg)
    return resolve(argument)[0]


def _log_id(name: str, arguments: list[Token | list[str]]) -> Node:
    return LogId(_texts(name, arguments, 1)[0])


def _source(name: str, arguments: list[Token | list[str]]) -> Node:
    return Source(_texts(name, arguments, 1)[0])


def _sample(name: str, arguments: list[Token | list[str]]) -> Node:
    _, share = _texts(name, arguments, 2)
    try:
        number = float(share)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 1.0:
        msg = f"The second argument of the function {name} must be a fraction between 0 and 1."
        raise QueryError(msg)
    return Sample(_field(name, arguments[0]), number)


def _ip_in_net(name: str, arguments: list[Token | list[str]]) -> Node:
    _, network = _texts(name, arguments, 2)
    try:
        ipaddress.ip_network(network, strict=False)
    except ValueError:
        msg = f"Invalid IP address or network: '{network}'."
        raise QueryError(msg) from None
    return InNet(_field(name, arguments[0]), network)


def _search(name: str, arguments: list[Token | list[str]]) -> Node:
    if len(arguments) == 1:
        return Search((), _texts(name, arguments, 1)[0])
    _, query = _texts(name, arguments, 2)
    return Search(_field(name, arguments[0]), query)


_FUNCTIONS: Final[dict[str, Callable[[str, list[Token | list[str]]], Node]]] = {
    "log_id": _log_id,
    "source": _source,
    "sample": _sample,
    "ip_in_net": _ip_in_net,
    "search": _search,
}
