"""Patterns on fields between spaces: `[ip, user, ..., status = 4* && status != 404, bytes > 1000]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.languages.log_patterns.comparisons import OPERATORS, compile_comparison
from fogbank.languages.log_patterns.scanner import invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.languages.log_patterns.scanner import Scanner, Test

_NAME: Final = re.compile(r"[\w\-]*")
# What stands in square brackets or in quotes is one field, without them.
_FIELD: Final = re.compile(r'\[([^\]]*)\](?=\s|$)|"([^"]*)"(?=\s|$)|(\S+)')
_ELLIPSIS: Final = ("...", "…")


class _Span(NamedTuple):
    """A field of a message: what it says and where it begins."""

    text: str
    start: int


def compile_fields(scanner: Scanner) -> Test:
    """Return the test of what stands between the brackets.

    Without an ellipsis the last field takes all that is left of the message.
    """
    if scanner.done():
        raise invalid()
    before: list[Callable[[str], bool] | None] = []
    after: list[Callable[[str], bool] | None] = []
    fields = before
    while True:
        if scanner.take(*_ELLIPSIS):
            if fields is after:
                raise invalid()
            fields = after
        else:
            fields.append(_field(scanner))
        if not scanner.take(","):
            break
    if not scanner.done():
        raise scanner.error()
    ellipsis = fields is after

    def matches(message: str) -> bool:
        spans = _split(message)
        if len(spans) < len(before) + len(after):
            return False
        texts = [span.text for span in spans]
        if not ellipsis and len(spans) > len(before):
            last = len(before) - 1
            texts[last:] = [message[spans[last].start :].rstrip()]
        tail = texts[len(texts) - len(after) :]
        head = zip(before, texts, strict=False)
        return all(test is None or test(text) for test, text in (*head, *zip(after, tail, strict=True)))

    return matches


def _field(scanner: Scanner) -> Callable[[str], bool] | None:
    """Read one field: its name, with conditions that repeat the name."""
    scanner.skip()
    match = scanner.match(_NAME)
    assert match is not None
    name = match[0]
    sign = scanner.take(*OPERATORS)
    if sign is None:
        return None
    either = [[compile_comparison(sign, scanner.operand())]]
    while word := scanner.take("&&", "||"):
        scanner.skip()
        match = scanner.match(_NAME)
        if match is None or match[0] != name:
            raise invalid()
        test = compile_comparison(scanner.expect(*OPERATORS), scanner.operand())
        if word == "||":
            either.append([test])
        else:
            either[-1].append(test)
    return lambda text: any(all(test(text) for test in both) for both in either)


def _split(message: str) -> list[_Span]:
    return [_Span(next(filter(None, match.groups()), ""), match.start()) for match in _FIELD.finditer(message)]
