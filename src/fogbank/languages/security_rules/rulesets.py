"""Rulesets: services with match blocks, allow statements and functions.

Firebase, "Structuring Cloud Firestore Security Rules" (https://firebase.google.com/docs/firestore/security/rules-structure),
and its table of limits: 256 KB of text, 10 match blocks within each other, 20 wildcards in a path, 7 parameters and 10
values of a function.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from fogbank.languages.pratt import END, TooDeepError, UnexpectedTokenError
from fogbank.languages.security_rules.errors import RulesError
from fogbank.languages.security_rules.nodes import Allow, Function, Match, Ruleset, Wildcard
from fogbank.languages.security_rules.syntax import ARGUMENTS_MAX, make_parser, read_string, word

if TYPE_CHECKING:
    from fogbank.languages.pratt import Parser, Token
    from fogbank.languages.security_rules.nodes import Node
    from fogbank.languages.security_rules.syntax import Rules

RULES_BYTES_MAX: Final = 256 * 1_024
NESTED_MATCHES_MAX: Final = 10
WILDCARDS_MAX: Final = 20
BINDINGS_MAX: Final = 10
_METHODS: Final = {
    "read": frozenset({"get", "list"}),
    "write": frozenset({"create", "update", "delete"}),
    **{name: frozenset({name}) for name in ("get", "list", "create", "update", "delete")},
}


class _RefusedError(Exception):
    """What is refused though each token is in its place."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@lru_cache(maxsize=64)
def parse_rules(text: str) -> Ruleset:
    """Read a ruleset; raises `RulesError`. The same text gives the same ruleset."""
    if len(text.encode()) > RULES_BYTES_MAX:
        msg = f"Rules have at most {RULES_BYTES_MAX} bytes."
        raise RulesError(msg, 1, 1)
    parser = make_parser(text)
    try:
        return _Reader(parser).ruleset()
    except UnexpectedTokenError as error:
        raise _placed(text, error.token.start, _unexpected(error.token)) from None
    except TooDeepError:
        raise _placed(text, parser.token.start, "Expressions stand within each other too deeply.") from None
    except _RefusedError as error:
        raise _placed(text, error.at, str(error)) from None


def _unexpected(token: Token) -> str:
    return "Unexpected end of the rules." if token.kind == END else f"Unexpected {token.text[:40]!r}."


def _placed(text: str, at: int, message: str) -> RulesError:
    line = text.count("\n", 0, at) + 1
    return RulesError(message, line, at - text.rfind("\n", 0, at))


class _Reader:
    """One pass."""

    def __init__(self, parser: Rules) -> None:
        self._parser = parser
        self._version = 1

    def ruleset(self) -> Ruleset:
        """Read everything."""
        parser = self._parser
        if parser.token.text == "rules_version":
            parser.advance()
            parser.expect("=")
            token = parser.expect("string")
            given = read_string(token, parser)
            if given not in {"1", "2"}:
                raise _RefusedError(f"There is no rules_version {given!r}.", token.start)
            self._version = int(given)
            parser.accept(";")
        functions: dict[str, Function] = {}
        while parser.token.text == "function":
            self._function(functions)
        self._word("service")
        service = word(parser)
        while parser.accept("."):
            service += "." + word(parser)
        parser.expect("{")
        _, matches = self._block(functions, 0)
        if parser.token.kind != END:
            raise _RefusedError("Fogbank reads one service from a ruleset.", parser.token.start)
        return Ruleset(self._version, service, functions, matches)

    def _word(self, text: str) -> Token:
        if self._parser.token.text != text:
            raise self._parser.unexpected()
        return self._parser.advance()

    def _block(self, functions: dict[str, Function], depth: int) -> tuple[tuple[Allow, ...], tuple[Match, ...]]:
        allows: list[Allow] = []
        matches: list[Match] = []
        while not self._parser.accept("}"):
            text = self._parser.token.text
            if text == "match":
                matches.append(self._match(depth + 1))
            elif text == "function":
                self._function(functions)
            elif text == "allow" and depth:
                allows.append(self._allow())
            else:
                raise self._parser.unexpected()
        return tuple(allows), tuple(matches)

    def _match(self, depth: int) -> Match:
        at = self._word("match").start
        if depth > NESTED_MATCHES_MAX:
            raise _RefusedError(f"Match blocks stand within each other at most {NESTED_MATCHES_MAX} deep.", at)
        pattern = self._pattern(at)
        self._parser.expect("{")
        functions: dict[str, Function] = {}
        allows, matches = self._block(functions, depth)
        return Match(pattern, functions, allows, matches)

    def _pattern(self, at: int) -> tuple[str | Wildcard, ...]:
        parser = self._parser
        segments: list[str | Wildcard] = []
        parser.expect("/")
        while True:
            segments.append(self._wildcard() if parser.accept("{") else self._literal())
            if not parser.accept("/"):
                break
        deep = [index for index, each in enumerate(segments) if isinstance(each, Wildcard) and each.deep]
        if len(deep) > 1 or (deep and self._version == 1 and deep[0] != len(segments) - 1):
            raise _RefusedError("A path has one wildcard with ** at most; with rules_version 1 at its end.", at)
        if sum(isinstance(each, Wildcard) for each in segments) > WILDCARDS_MAX:
            raise _RefusedError(f"A path has at most {WILDCARDS_MAX} wildcards.", at)
        return tuple(segments)

    def _wildcard(self) -> Wildcard:
        name = word(self._parser)
        deep = False
        if self._parser.accept("="):
            deep = self._parser.expect("**", "*").kind == "**"
        self._parser.expect("}")
        return Wildcard(name, deep)

    def _literal(self) -> str:
        parser = self._parser
        text = ""
        end = parser.token.start
        while parser.token.start == end and parser.token.kind not in {"/", "{", "}", ";", END}:
            piece = parser.advance()
            text, end = text + piece.text, piece.end
        if not text:
            raise parser.unexpected()
        return text

    def _allow(self) -> Allow:
        parser = self._parser
        at = self._word("allow").start
        methods: set[str] = set()
        while True:
            token = parser.token
            name = word(parser)
            if name not in _METHODS:
                raise _RefusedError(f"There is no method {name!r}.", token.start)
            methods |= _METHODS[name]
            if not parser.accept(","):
                break
        condition: Node | None = None
        if parser.accept(":"):
            self._word("if")
            condition = parser.expression()
        if not parser.accept(";") and parser.token.kind != "}":
            raise parser.unexpected()
        return Allow(frozenset(methods), condition, parser.text.count("\n", 0, at) + 1)

    def _function(self, functions: dict[str, Function]) -> None:
        parser: Parser[Node] = self._parser
        at = self._word("function").start
        name = word(parser)
        if name in functions:
            raise _RefusedError(f"The function {name} is there already.", at)
        parser.expect("(")
        parameters: list[str] = []
        while not parser.accept(")"):
            if parameters:
                parser.expect(",")
            parameters.append(word(parser))
        parser.expect("{")
        bindings: list[tuple[str, Node]] = []
        while parser.token.text == "let":
            parser.advance()
            bound = word(parser)
            parser.expect("=")
            bindings.append((bound, parser.expression()))
            parser.expect(";")
        self._word("return")
        result = parser.expression()
        parser.accept(";")
        parser.expect("}")
        if len(parameters) > ARGUMENTS_MAX or len(bindings) > BINDINGS_MAX:
            raise _RefusedError(
                f"A function has at most {ARGUMENTS_MAX} parameters and {BINDINGS_MAX} values by let.", at
            )
        functions[name] = Function(name, tuple(parameters), tuple(bindings), result)
