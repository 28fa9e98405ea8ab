"""The grammar of traversals as text: what Groovy's would be without anything that computes.

Closures, variables and operators are refused; names that the text doesn't explain are bindings of the request. Time is
linear in the text, depth is bounded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.gremlin.errors import SyntaxFaultError
from fogbank.languages.gremlin.nodes import Predicate, Step, Traversal, Word
from fogbank.languages.pratt import END, Grammar, Lexer, Parser, Token, TooDeepError, UnexpectedTokenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.languages.gremlin.nodes import Argument

DEPTH_MAX: Final = 40
# "Azure Cosmos DB service quotas", "Gremlin-specific limits": script length, operator depth.
TEXT_BYTES_MAX: Final = 65_536
STEPS_MAX: Final = 400
PREDICATES: Final = frozenset({
    "eq", "neq", "lt", "lte", "gt", "gte", "inside", "outside", "between", "within", "without", "startingWith",
    "endingWith", "containing", "notStartingWith", "notEndingWith", "notContaining", "not",
})  # fmt: skip
# What words may be qualified by; a word that stands alone must be one of these.
_OWNERS: Final = {
    "T": frozenset({"id", "label", "key", "value"}),
    "Order": frozenset({"incr", "decr", "asc", "desc", "shuffle"}),
    "Scope": frozenset({"local", "global"}),
    "Cardinality": frozenset({"single", "list", "set"}),
    "Pop": frozenset({"first", "last", "all", "mixed"}),
    "Column": frozenset({"keys", "values"}),
    "Pick": frozenset({"any", "none"}),
    "Operator": frozenset({"sum", "minus", "mult", "div", "min", "max", "assign", "addAll"}),
}
_WORDS: Final = frozenset().union(*_OWNERS.values())
_CONSTANTS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_LEXER: Final = Lexer(
    {
        "string": r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"",
        # A text without an end, which is looked for once.
        "open": r"['\"](?:[^\\]|\\.)*\\?",
        "number": r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[LlIiDdFfGg]?",
        "word": r"[^\W\d]\w*",
    },
    (".", ",", "(", ")", "[", "]", ":", ";"),
)
_NONE: Final[Grammar[Any]] = Grammar()


def parse(text: str, bindings: Mapping[str, Any]) -> Traversal:
    """Return the traversal that a text is; `bindings` are values for names in it. Raises `SyntaxFaultError`."""
    if len(text.encode(errors="replace")) > TEXT_BYTES_MAX:
        raise SyntaxFaultError(f"The script is longer than {TEXT_BYTES_MAX} bytes.")
    parser = _Parser(text, bindings)
    try:
        return parser.script()
    except UnexpectedTokenError as error:
        token = error.token
        told = f"Unexpected '{token.text}' at position {token.start}" if token.text else "Unexpected end"
        raise SyntaxFaultError(f"Script compile error: {told}") from None
    except TooDeepError:
        raise SyntaxFaultError(f"Script compile error: traversals are nested more than {DEPTH_MAX} deep") from None


class _Parser(Parser[Any]):
    """One pass over one text."""

    def __init__(self, text: str, bindings: Mapping[str, Any]) -> None:
        super().__init__(_NONE, _LEXER, text, DEPTH_MAX)
        self._bindings = bindings

    def script(self) -> Traversal:
        """Parse the whole text: `g` and its steps."""
        first = self.expect("word")
        if first.text != "g" or self.token.kind != ".":
            raise self.unexpected(first)
        found = self._chain(spawned=True)
        self.accept(";")
        if self.token.kind != END:
            raise self.unexpected()
        return found

    def _chain(self, *, spawned: bool, first: Token | None = None) -> Traversal:
        """Parse steps, the name of the first of which was read already if it is given."""
        steps: list[Step] = []
        if first is not None:
            steps.append(self._step(first))
        while self.accept("."):
            steps.append(self._step(self.expect("word")))
        return Traversal(tuple(steps), spawned)

    def _step(self, name: Token) -> Step:
        self.operators += 1
        if self.operators > STEPS_MAX:
            raise SyntaxFaultError(f"The traversal has more than {STEPS_MAX} steps.")
        return Step(name.text, self._arguments(), name.start)

    def _arguments(self) -> tuple[Argument, ...]:
        self.expect("(")
        found: list[Argument] = []
        if self.accept(")"):
            return ()
        while True:
            found.append(self._argument())
            if self.expect(",", ")").kind == ")":
                return tuple(found)

    def _argument(self) -> Argument:
        self.enter()
        token = self.expect("string", "number", "word", "[")
        if token.kind == "string":
            value: Argument = _text(token.text)
        elif token.kind == "number":
            value = _number(token.text)
        elif token.kind == "[":
            value = self._list()
        else:
            value = self._word(token)
        self.leave()
        return value

    def _list(self) -> Argument:
        """Parse what follows a bracket: a list, or a map if there are colons."""
        if self.accept("]"):
            return []
        if self.accept(":"):
            self.expect("]")
            return {}
        items: list[Any] = []
        pairs: dict[Any, Any] = {}
        while True:
            item = self._argument()
            if self.accept(":"):
                pairs[item.name if isinstance(item, Word) else item] = self._argument()
            else:
                items.append(item)
            if self.expect(",", "]").kind == "]":
                break
        if pairs and items:
            raise self.unexpected()
        return pairs or items

    def _word(self, token: Token) -> Argument:
        """Parse what begins with a word: a constant, a binding, a predicate, a word of the language or a traversal."""
        name = token.text
        if self.token.kind == ".":
            return self._qualified(token)
        if self.token.kind == "(":
            if name in PREDICATES:
                return self._predicate(token)
            return self._chain(spawned=False, first=token)
        if name in self._bindings:
            return self._bindings[name]
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name in _WORDS:
            return Word(name)
        raise SyntaxFaultError(f"Script compile error: No such property: {name}")

    def _qualified(self, token: Token) -> Argument:
        """Parse what stands behind `g.`, `__.`, `P.`, `T.` and their like."""
        if token.text == "g":
            return self._chain(spawned=True)
        if token.text == "__":
            return self._chain(spawned=False)
        if token.text == "VertexProperty":
            self.advance()
            token = self.expect("word")
        self.expect(".")
        name = self.expect("word")
        if token.text in ("P", "TextP"):
            if name.text not in PREDICATES:
                raise SyntaxFaultError(f"Script compile error: Unable to find any method '{name.text}'")
            return self._predicate(name)
        if name.text not in _OWNERS.get(token.text, ()):
            raise self.unexpected(token)
        return Word(name.text)

    def _predicate(self, name: Token) -> Argument:
        """Parse a predicate and those that are combined with it; `not` of a traversal is the step."""
        arguments = self._arguments()
        if name.text == "not" and not (len(arguments) == 1 and isinstance(arguments[0], Predicate)):
            step = Step("not", arguments, name.start)
            return Traversal((step, *self._chain(spawned=False).steps), spawned=False)
        found = Predicate(name.text, arguments)
        while self.accept("."):
            joint = self.expect("word")
            others = self._arguments()
            if joint.text == "negate" and not others:
                found = Predicate("not", (found,))
            elif joint.text in ("and", "or") and len(others) == 1 and isinstance(others[0], Predicate):
                found = Predicate(joint.text, (found, others[0]))
            else:
                raise self.unexpected(joint)
        return found


def _text(quoted: str) -> str:
    return _ESCAPE.sub(_unescaped, quoted[1:-1]) if "\\" in quoted else quoted[1:-1]


def _unescaped(match: re.Match[str]) -> str:
    found = match[1]
    return chr(int(found[1:], 16)) if len(found) > 1 else _ESCAPED.get(found, found)


def _number(text: str) -> float:
    digits = text.rstrip("LlIiDdFfGg")
    if digits.lstrip("-").isdigit() and text[-1] not in "DdFf":
        if len(digits) > 20:
            raise SyntaxFaultError(f"Script compile error: {digits} is out of range")
        return int(digits)
    return float(digits)
