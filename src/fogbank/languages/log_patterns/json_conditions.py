"""Patterns on JSON messages: `{ ($.user.id = 1 || $.tags[*] = "x*") && $.error NOT EXISTS }`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fogbank.languages.log_patterns.comparisons import OPERATORS, compile_comparison
from fogbank.languages.log_patterns.scanner import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.languages.log_patterns.scanner import Scanner, Test

Condition: TypeAlias = "Callable[[Any], bool]"
# A key, an index, or None for any of them.
Step: TypeAlias = "str | int | None"

NESTING_MAX: Final = 100
WILDCARDS_MAX: Final = 3
_NAME: Final = re.compile(r"\.([\w\-]+)")
_KEY: Final = re.compile(r"\.?\['([^']+)'\]")
_INDEX: Final = re.compile(r"\[(\d{1,9})\]", re.ASCII)
_ANY: Final = re.compile(r"\.\*|\[\*\]")
_IS: Final = {"NULL": None, "TRUE": True, "FALSE": False}


def compile_json(scanner: Scanner) -> Test:
    """Return the test of what stands between the braces."""
    condition = _Parser(scanner).whole()

    def matches(message: str) -> bool:
        try:
            value = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return condition(value)

    return matches


class _Parser:
    """Reads conditions by descent: brackets bind closer than `&&`, that closer than `||`."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._depth = 0
        self._wildcards = 0

    def whole(self) -> Condition:
        condition = self._either()
        if not self._scanner.done():
            raise self._scanner.error()
        return condition

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._scanner.take("||"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda value: any(part(value) for part in parts)

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._scanner.take("&&"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda value: all(part(value) for part in parts)

    def _one(self) -> Condition:
        if not self._scanner.take("("):
            return self._condition()
        self._depth += 1
        if self._depth > NESTING_MAX:
            raise invalid()
        condition = self._either()
        self._depth -= 1
        self._scanner.expect(")")
        return condition

    def _condition(self) -> Condition:
        scanner = self._scanner
        steps = self._selector()
        sign = scanner.take(*OPERATORS)
        if sign is not None:
            test = compile_comparison(sign, scanner.operand())
            return lambda value: any(map(test, _select(value, steps)))
        if scanner.take("IS"):
            wanted = _IS[scanner.expect(*_IS)]
            return lambda value: any(found is wanted for found in _select(value, steps))
        scanner.expect("NOT")
        scanner.expect("EXISTS")
        return lambda value: next(_select(value, steps), steps) is steps

    def _selector(self) -> tuple[Step, ...]:
        scanner = self._scanner
        scanner.expect("$")
        steps: list[Step] = []
        while True:
            if match := scanner.match(_NAME) or scanner.match(_KEY):
                steps.append(match[1])
            elif steps and (match := scanner.match(_INDEX)):
                steps.append(int(match[1]))
            elif scanner.match(_ANY):
                steps.append(None)
            else:
                break
        wildcards = steps.count(None)
        self._wildcards += wildcards
        if not steps or wildcards > 1 or self._wildcards > WILDCARDS_MAX:
            raise scanner.error() if not steps else invalid()
        return tuple(steps)


def _select(value: Any, steps: tuple[Step, ...]) -> Iterator[Any]:
    """Yield the values that a selector leads to."""
    for at, step in enumerate(steps):
        if step is None:
            below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            for each in below:
                yield from _select(each, steps[at + 1 :])
            return
        keyed: Any = value if isinstance(value, dict if isinstance(step, str) else list) else ()
        try:
            value = keyed[step]
        except (KeyError, IndexError, TypeError):
            return
    yield value
