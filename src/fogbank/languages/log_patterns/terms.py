"""Patterns of terms: all that stand plain, none that is excluded, or any of the optional ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.languages.log_patterns.scanner import invalid

if TYPE_CHECKING:
    from fogbank.languages.log_patterns.scanner import Scanner, Test

_TERM: Final = re.compile(r"\w+")
_END: Final = re.compile(r"(?=\s|$)")


def compile_terms(scanner: Scanner) -> Test:
    """Return the test of a pattern of terms; a regular expression stands for itself."""
    expression = scanner.expression()
    if expression is not None:
        if not scanner.done():
            raise invalid()
        search = expression.search
        return lambda message: search(message) is not None
    terms: dict[str | None, list[str]] = {None: [], "-": [], "?": []}
    while not scanner.done():
        sign = scanner.take("-", "?")
        scanner.skip()
        term = scanner.quoted()
        if term is None:
            match = scanner.match(_TERM)
            if match is None:
                raise scanner.error()
            term = match[0]
        if scanner.match(_END) is None:
            raise scanner.error()
        # A quoted blank is how "everything" is written.
        terms[sign].append(term.strip() and term)
    included, excluded, optional = terms[None], terms["-"], terms["?"]
    if optional and not included and not excluded:
        return lambda message: any(term in message for term in optional)
    # Beside other terms the optional ones count for nothing, as documented.
    return lambda message: all(term in message for term in included) and not any(term in message for term in excluded)
