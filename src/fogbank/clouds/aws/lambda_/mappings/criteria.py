"""Which events of a source a function wants to see.

AWS Lambda Developer Guide, "Control which events Lambda sends to your function" (the patterns are EventBridge's, five
of them at most, one of which must match) and "Using event filtering with an Amazon SQS event source" (a body that is
JSON is looked into, any other is a text; what doesn't match is deleted from the queue).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.lambda_.errors import invalid
from fogbank.languages.matching import InvalidPatternError, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.languages.matching import Pattern

FILTERS_MAX: Final = 5


def check_filters(patterns: Sequence[str | None]) -> tuple[str, ...]:
    """Refuse patterns that can't be, and too many of them."""
    if len(patterns) > FILTERS_MAX:
        raise invalid(f"Number of filters exceeds the limit of {FILTERS_MAX}.")
    found = []
    for pattern in patterns:
        try:
            compiled(pattern or "")
        except (InvalidPatternError, msgspec.DecodeError, RecursionError):
            raise invalid("Invalid filter pattern definition.") from None
        found.append(pattern or "")
    return tuple(found)


@lru_cache(maxsize=1024)
def compiled(text: str) -> Pattern:
    """Return a pattern ready to match; raises `InvalidPatternError`, or `msgspec.DecodeError`."""
    return compile_pattern(msgspec.json.decode(text))


def is_wanted(patterns: Sequence[str], record: dict[str, Any]) -> bool:
    """Tell whether one of the patterns matches a record as the function would get it."""
    return matches(patterns, {**record, "body": parsed(record["body"])})


def matches(patterns: Sequence[str], looked_into: dict[str, Any]) -> bool:
    """Tell whether one of the patterns matches what is in a record."""
    return any(compiled(pattern)(looked_into) for pattern in patterns)


def parsed(body: str) -> Any:
    """Return what a body has in it if it is JSON, or else the text."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return body
