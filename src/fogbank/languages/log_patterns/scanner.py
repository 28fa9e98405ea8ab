"""The words of filter patterns: names, quoted texts, numbers, regular expressions, operators."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Test: TypeAlias = "Callable[[str], bool]"

REGULAR_EXPRESSIONS_MAX: Final = 2
# What a regular expression may be made of, so neither groups nor anything that isn't ASCII.
_EXPRESSION: Final = re.compile(r"%((?:\\[\x20-\x7e]|[A-Za-z0-9 :_#=@/;,\-^$?\[\]{}|*+.])+)%")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_BARE: Final = re.compile(r"[\w.*+\-]+")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_SPACE: Final = re.compile(r"\s*")


class PatternError(Exception):
    """The text isn't a filter pattern; the message is CloudWatch's own."""


class Text(NamedTuple):
    """A text to compare with; asterisks at its ends stand for anything."""

    text: str


class Number(NamedTuple):
    """A number to compare with."""

    value: float


Operand: TypeAlias = "Text | Number | re.Pattern[str]"


class Scanner:
    """Takes a pattern apart from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._expressions = 0

    def done(self) -> bool:
        """Whether nothing but space is left."""
        self.skip()
        return self.at == len(self.text)

    def skip(self) -> None:
        """Pass over space."""
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def take(self, *words: str) -> str | None:
        """Take the first of the words that comes next, after space; None if none does."""
        self.skip()
        for word in words:
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return word
        return None

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take what a pattern matches right here."""
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def expect(self, *words: str) -> str:
        """Take one of the words, or fail."""
        word = self.take(*words)
        if word is None:
            raise self.error()
        return word

    def quoted(self) -> str | None:
        """Take a text in double quotes, if one comes next; a backslash escapes any character."""
        match = self.match(_QUOTED)
        return None if match is None else _ESCAPE.sub(r"\1", match[1])

    def expression(self) -> re.Pattern[str] | None:
        """Take a regular expression between percent signs, if one comes next."""
        match = self.match(_EXPRESSION)
        if match is None:
            return None
        self._expressions += 1
        if self._expressions > REGULAR_EXPRESSIONS_MAX:
            raise invalid()
        try:
            return re.compile(match[1], re.ASCII)
        except (re.error, OverflowError):
            raise invalid() from None

    def operand(self) -> Operand:
        """Take what something is compared with: a quoted or a bare text, a number, a regular expression."""
        self.skip()
        text = self.quoted()
        if text is not None:
            return Text(text)
        expression = self.expression()
        if expression is not None:
            return expression
        bare = self.match(_BARE)
        if bare is None:
            raise self.error()
        number = read_number(bare[0])
        return Text(bare[0]) if number is None else Number(number)

    def error(self) -> PatternError:
        """Return the error for what comes next."""
        self.skip()
        rest = self.text[self.at : self.at + 1]
        if not rest or rest.isalnum() or rest in "_=<>!&|":
            return invalid()
        return PatternError(f"Invalid character(s) in term '{rest}'")


def invalid() -> PatternError:
    """Return the error that names nothing."""
    return PatternError("Invalid filter pattern")


def read_number(text: str) -> float | None:
    """Return the number that a text is, None if it is something else."""
    if _NUMBER.fullmatch(text) is None:
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)
