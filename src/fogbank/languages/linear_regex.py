"""Regular expressions that take time linear in the text, whatever the pattern: for patterns and texts of strangers.

Ken Thompson, "Regular Expression Search Algorithm" (1968), with threads in the order of their preference (Rob Pike's
virtual machine), as RE2 has it (https://swtch.com/~rsc/regexp/regexp2.html). What RE2 doesn't have, such as
references back and looking around, is refused.
"""

from __future__ import annotations

import re
import re._constants as kinds  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATTERN_CHARS_MAX: Final = 2_000
INSTRUCTIONS_MAX: Final = 2_000
# Steps of threads; beyond that a text is too long for its pattern.
STEPS_MAX: Final = 500_000
_FLAGS: Final = re.ASCII
_CATEGORIES: Final = {
    kinds.CATEGORY_DIGIT: r"[0-9]", kinds.CATEGORY_NOT_DIGIT: r"[^0-9]",
    kinds.CATEGORY_SPACE: r"[\t\n\f\r ]", kinds.CATEGORY_NOT_SPACE: r"[^\t\n\f\r ]",
    kinds.CATEGORY_WORD: r"[0-9A-Za-z_]", kinds.CATEGORY_NOT_WORD: r"[^0-9A-Za-z_]",
}  # fmt: skip
_WORD: Final = re.compile(r"[0-9A-Za-z_]")


class PatternError(Exception):
    """The pattern is none, has what isn't supported, or is too large for its text."""


class _Take(NamedTuple):
    """Go on with the next character if it is one of these."""

    fits: Callable[[str], bool]


class _Split(NamedTuple):
    """Go on in both places, preferably the first; places are distances from here."""

    first: int
    second: int


class _Assert(NamedTuple):
    """Go on if this holds of a place in a text."""

    holds: Callable[[str, int], bool]


_MATCH: Final = object()


class LinearRegex:
    """A compiled pattern."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > PATTERN_CHARS_MAX:
            msg = f"The pattern has more than {PATTERN_CHARS_MAX} characters."
            raise PatternError(msg)
        try:
            parsed = parser.parse(pattern, _FLAGS)
        except (re.error, RecursionError, OverflowError) as error:
            raise PatternError(str(error)) from None
        self._flags = parsed.state.flags
        self._code: list[Any] = [*self._sequence(parsed, 0), _MATCH]

    def fits(self, text: str) -> bool:
        """Tell whether the whole text is one that the pattern describes."""
        return self._run(text, 0, whole=True) is not None

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the pattern is found, from left to right, without overlaps."""
        at = 0
        while at <= len(text):
            found = self._run(text, at, whole=False)
            if found is None:
                return
            yield found
            at = found[1] if found[1] > found[0] else found[1] + 1

    def _run(self, text: str, begin: int, *, whole: bool) -> tuple[int, int] | None:
        if (len(text) - begin + 1) * len(self._code) > STEPS_MAX:
            msg = "The text is too long for the pattern."
            raise PatternError(msg)
        found: tuple[int, int] | None = None
        threads: list[tuple[int, int]] = []
        for at in range(begin, len(text) + 1):
            reached: dict[int, int] = {}
            for place, start in threads:
                self._follow(reached, place, start, text, at)
            if found is None and (not whole or at == begin):
                self._follow(reached, 0, at, text, at)
            threads = []
            for place, start in reached.items():
                instruction = self._code[place]
                if instruction is _MATCH:
                    if whole and at < len(text):
                        continue
                    # What is less preferred doesn't matter any more.
                    found = (start, at)
                    break
                if at < len(text) and instruction.fits(text[at]):
                    threads.append((place + 1, start))
            if not threads and (found is not None or whole):
                break
        return found

    def _follow(self, reached: dict[int, int], place: int, start: int, text: str, at: int) -> None:
        """Add the places that are reached without taking a character, in the order of preference."""
        waiting = [place]
        seen: set[int] = set()
        while waiting:
            place = waiting.pop()
            if place in reached or place in seen:
                continue
            instruction = self._code[place]
            if isinstance(instruction, _Split):
                seen.add(place)
                waiting += (place + instruction.second, place + instruction.first)
            elif isinstance(instruction, _Assert):
                seen.add(place)
                if instruction.holds(text, at):
                    waiting.append(place + 1)
            else:
                reached[place] = start

    def _sequence(self, items: Any, depth: int) -> list[Any]:
        code: list[Any] = []
        for kind, value in items:
            code += self._one(kind, value, depth + 1)
            if len(code) > INSTRUCTIONS_MAX:
                msg = "The pattern is too large."
                raise PatternError(msg)
        return code

    def _one(self, kind: Any, value: Any, depth: int) -> list[Any]:
        if kind in {kinds.LITERAL, kinds.NOT_LITERAL, kinds.ANY, kinds.IN}:
            return [_Take(self._class_of(kind, value))]
        if kind is kinds.AT:
            return [_Assert(self._assertion(value))]
        if kind is kinds.SUBPATTERN:
            _, added, removed, inner = value
            if added or removed:
                msg = "Flags within a pattern are only supported at its beginning."
                raise PatternError(msg)
            return self._sequence(inner, depth)
        if kind is kinds.BRANCH:
            return self._branch([self._sequence(each, depth) for each in value[1]])
        if kind in {kinds.MAX_REPEAT, kinds.MIN_REPEAT}:
            return self._repeat(value, greedy=kind is kinds.MAX_REPEAT, depth=depth)
        msg = f"Patterns can't have {str(kind).lower()}."
        raise PatternError(msg)

    def _branch(self, branches: list[list[Any]]) -> list[Any]:
        code: list[Any] = branches[-1]
        for each in reversed(branches[:-1]):
            code = [_Split(1, len(each) + 2), *each, _Split(len(code) + 1, len(code) + 1), *code]
        return code

    def _repeat(self, value: Any, *, greedy: bool, depth: int) -> list[Any]:
        least, most, inner = value
        body = self._sequence(inner, depth)
        if (least + 1 if most is kinds.MAXREPEAT else most) * (len(body) + 1) > INSTRUCTIONS_MAX:
            msg = "The pattern is too large."
            raise PatternError(msg)
        code: list[Any] = body * least
        beyond = len(body) + 1
        if most is kinds.MAXREPEAT:
            over = (1, beyond + 1) if greedy else (beyond + 1, 1)
            return [*code, _Split(*over), *body, _Split(-beyond, -beyond)]
        over = (1, beyond) if greedy else (beyond, 1)
        for _ in range(most - least):
            code += [_Split(*over), *body]
        return code

    def _class_of(self, kind: Any, value: Any) -> Callable[[str], bool]:
        """Return what tells whether a character fits, by way of a pattern for a single one."""
        if kind is kinds.ANY:
            text = "."
        elif kind is kinds.LITERAL:
            text = re.escape(chr(value))
        elif kind is kinds.NOT_LITERAL:
            text = f"[^{re.escape(chr(value))}]"
        else:
            negated = bool(value) and value[0][0] is kinds.NEGATE
            parts = [_member(*each) for each in value if each[0] is not kinds.NEGATE]
            text = f"(?!{'|'.join(parts)})." if negated else "|".join(parts)
            if negated:
                return _fitting(text, self._flags & re.IGNORECASE | re.DOTALL)
        return _fitting(text, self._flags & (re.IGNORECASE | re.DOTALL))

    def _assertion(self, value: Any) -> Callable[[str, int], bool]:
        multiline = bool(self._flags & re.MULTILINE)
        if value is kinds.AT_BEGINNING and multiline:
            return lambda text, at: at == 0 or text[at - 1] == "\n"
        if value is kinds.AT_END and multiline:
            return lambda text, at: at == len(text) or text[at] == "\n"
        found = _ASSERTIONS.get(value)
        if found is None:
            msg = f"Patterns can't have {str(value).lower()}."
            raise PatternError(msg)
        return found


def _member(kind: Any, value: Any) -> str:
    if kind is kinds.LITERAL:
        return re.escape(chr(value))
    if kind is kinds.RANGE:
        return f"[{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}]"
    return _CATEGORIES[value]


@lru_cache(maxsize=1_024)
def _fitting(text: str, flags: int) -> Callable[[str], bool]:
    single = re.compile(text, flags).match
    return lambda character: single(character) is not None


def _at_boundary(text: str, at: int) -> bool:
    before = at > 0 and _WORD.match(text[at - 1]) is not None
    behind = at < len(text) and _WORD.match(text[at]) is not None
    return before is not behind


_ASSERTIONS: Final[dict[Any, Callable[[str, int], bool]]] = {
    kinds.AT_BEGINNING: lambda _text, at: at == 0,
    kinds.AT_BEGINNING_STRING: lambda _text, at: at == 0,
    kinds.AT_END: lambda text, at: at == len(text),
    kinds.AT_END_STRING: lambda text, at: at == len(text),
    kinds.AT_BOUNDARY: _at_boundary,
    kinds.AT_NON_BOUNDARY: lambda text, at: not _at_boundary(text, at),
}


@lru_cache(maxsize=512)
def compile_linear(pattern: str) -> LinearRegex:
    """Compile a pattern; raises `PatternError`."""
    return LinearRegex(pattern)
