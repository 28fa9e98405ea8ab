"""A kit for small languages: a lexer made from one regular expression, and a Pratt parser.

Vaughan Pratt, "Top Down Operator Precedence" (1973): each kind of token has a rule for standing at the beginning of
an expression (prefix), one for standing behind a left side (infix), or both; an infix rule's binding power says how
tightly it holds its left side. Time is linear in the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Node = TypeVar("Node")

END: Final = "end"
UNKNOWN: Final = "unknown"
_SPACE: Final = "space"
_SYMBOL: Final = "symbol"


class Token(NamedTuple):
    """A piece of text: its kind, the text itself, and where it starts."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


class UnexpectedTokenError(Exception):
    """A token that can't stand where it stands. `near` is the text around it, one token to each side."""

    def __init__(self, token: Token, near: str) -> None:
        super().__init__(f"{token.text!r} in {near!r}")
        self.token = token
        self.near = near


class TooDeepError(Exception):
    """Expressions stand within each other more deeply than the language allows."""


class Lexer:
    """Splits text into tokens.

    `kinds` are regular expressions by the kind of token they make, tried in their order; they must not need to go
    back over what they have matched. `symbols` are tokens that are their own kind. A token of the kind `word` whose
    upper case is among `keywords` has that as its kind. White space separates; any other character is `unknown`.
    """

    def __init__(self, kinds: Mapping[str, str], symbols: Iterable[str], keywords: Iterable[str] = ()) -> None:
        longest_first = sorted(symbols, key=len, reverse=True)
        parts = [f"(?P<{kind}>{pattern})" for kind, pattern in kinds.items()]
        parts.append(f"(?P<{_SYMBOL}>{'|'.join(map(re.escape, longest_first))})")
        parts.append(rf"(?P<{_SPACE}>\s+)")
        parts.append(f"(?P<{UNKNOWN}>.)")
        self._pattern = re.compile("|".join(parts), re.DOTALL)
        self._keywords = frozenset(keywords)

    def tokens(self, text: str) -> list[Token]:
        """Return the text's tokens, the last of which is of the kind `end`."""
        found = []
        end = 0
        for match in self._pattern.finditer(text):
            kind = match.lastgroup
            if kind == _SPACE:
                continue
            piece = match[0]
            if kind == _SYMBOL:
                kind = piece
            elif kind == "word" and piece.upper() in self._keywords:
                kind = piece.upper()
            assert kind is not None
            found.append(Token(kind, piece, match.start()))
            end = match.end()
        found.append(Token(END, "", end))
        return found


Prefix: TypeAlias = "Callable[[Parser[Node], Token], Node]"
Infix: TypeAlias = "Callable[[Parser[Node], Node, Token], Node]"


class Grammar(Generic[Node]):
    """The rules of a language, by kinds of tokens."""

    def __init__(self) -> None:
        self.prefixes: dict[str, Prefix[Node]] = {}
        self.infixes: dict[str, tuple[int, Infix[Node]]] = {}

    def prefix(self, *kinds: str) -> Callable[[Prefix[Node]], Prefix[Node]]:
        """Register a rule `(parser, token)` for tokens that begin an expression."""

        def register(rule: Prefix[Node]) -> Prefix[Node]:
            self.prefixes.update(dict.fromkeys(kinds, rule))
            return rule

        return register

    def infix(self, power: int, *kinds: str) -> Callable[[Infix[Node]], Infix[Node]]:
        """Register a rule `(parser, left, token)` for tokens that go on from a left side, with their power."""

        def register(rule: Infix[Node]) -> Infix[Node]:
            self.infixes.update(dict.fromkeys(kinds, (power, rule)))
            return rule

        return register


class Parser(Generic[Node]):
    """One pass over one text. `depth_max` is how deeply expressions may stand within each other.

    `operators` is for the rules, to count what the language limits.
    """

    def __init__(self, grammar: Grammar[Node], lexer: Lexer, text: str, depth_max: int) -> None:
        self.text = text
        self.operators = 0
        self._grammar = grammar
        self._tokens = lexer.tokens(text)
        self._at = 0
        self._depth = 0
        self._depth_max = depth_max
        self.token = self._tokens[0]

    def advance(self) -> Token:
        """Go on to the next token; returns the one gone over. Nothing follows the last."""
        token = self.token
        if token.kind != END:
            self._at += 1
            self.token = self._tokens[self._at]
        return token

    def accept(self, *kinds: str) -> Token | None:
        """Go over the token if it is of one of those kinds."""
        return self.advance() if self.token.kind in kinds else None

    def expect(self, *kinds: str) -> Token:
        """Go over a token that must be of one of those kinds."""
        if self.token.kind not in kinds:
            raise self.unexpected()
        return self.advance()

    def expression(self, power: int = 0) -> Node:
        """Parse an expression whose operators bind more tightly than `power`."""
        self.enter()
        rule = self._grammar.prefixes.get(self.token.kind)
        if rule is None:
            raise self.unexpected()
        left = rule(self, self.advance())
        while (operator := self._grammar.infixes.get(self.token.kind)) is not None and operator[0] > power:
            left = operator[1](self, left, self.advance())
        self.leave()
        return left

    def enter(self) -> None:
        """Go one level deeper; for rules that call themselves and not `expression`."""
        self._depth += 1
        if self._depth > self._depth_max:
            raise TooDeepError

    def leave(self) -> None:
        """Come back from one level."""
        self._depth -= 1

    def unexpected(self, token: Token | None = None) -> UnexpectedTokenError:
        """Return the error for a token, the present one unless another is given."""
        at = self._at
        while token is not None and at and self._tokens[at] != token:
            at -= 1
        first = self._tokens[max(0, at - 1)]
        last = self._tokens[min(at + 1, len(self._tokens) - 1)]
        return UnexpectedTokenError(self._tokens[at], self.text[first.start : last.end])
