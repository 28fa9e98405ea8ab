"""CloudWatch Logs filter patterns: from a pattern's text to a test of messages.

Amazon CloudWatch Logs User Guide, "Filter pattern syntax for metric filters, subscription filters, filter log
events, and Live Tail". There are four kinds: terms (`ERROR -"not found" ?either ?or`), one regular expression
(`%^a+b%`), conditions on JSON (`{ $.a.b = "x" && $.n > 1 }`) and on fields between spaces (`[ip, ..., n > 1]`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.languages.log_patterns.fields import compile_fields
from fogbank.languages.log_patterns.json_conditions import compile_json
from fogbank.languages.log_patterns.scanner import PatternError, Scanner
from fogbank.languages.log_patterns.terms import compile_terms

if TYPE_CHECKING:
    from fogbank.languages.log_patterns.scanner import Test

__all__ = ["PatternError", "compile_pattern"]


def compile_pattern(text: str) -> Test:
    """Return the test of a pattern, `matches(message)`; raises `PatternError`."""
    text = text.strip()
    for opening, closing, compile_inner in (("{", "}", compile_json), ("[", "]", compile_fields)):
        if text.startswith(opening):
            if not text.endswith(closing):
                msg = f"If a filter pattern starts with '{opening}' it must end with '{closing}'"
                raise PatternError(msg)
            return compile_inner(Scanner(text[1:-1]))
    return compile_terms(Scanner(text))
