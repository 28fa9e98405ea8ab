"""Event patterns: checked, compiled once, and tested against an event.

Amazon EventBridge User Guide, "Creating Amazon EventBridge event patterns", "Comparison operators".
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.events.errors import invalid, invalid_pattern
from fogbank.languages.matching import InvalidPatternError, Pattern, compile_pattern

if TYPE_CHECKING:
    from fogbank.clouds.aws.events.service import Events

NUMBER_MAX: Final = 5e9
# "Amazon EventBridge quotas": an event pattern's size.
PATTERN_CHARS_MAX: Final = 2_048


@lru_cache(maxsize=4096)
def compiled(text: str) -> Pattern:
    """Return the compiled pattern, or raise the error."""
    try:
        pattern = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid_pattern(f"Invalid JSON: {error}") from None
    if not isinstance(pattern, dict):
        raise invalid_pattern("Filter is not an object")
    if not pattern:
        raise invalid_pattern("Empty event pattern is not allowed")
    try:
        return compile_pattern(pattern, number_max=NUMBER_MAX)
    except InvalidPatternError as error:
        raise invalid_pattern(str(error)) from None


def check_pattern(text: str) -> str:
    """Return a pattern's text if it can be, or raise the error."""
    compiled(text)
    return text


class TestEventPattern(Input):
    """Input of TestEventPattern."""

    EventPattern: str
    Event: str


@operation(TestEventPattern)
async def test_event_pattern(events: Events, call: Call, request: TestEventPattern) -> Reply:
    """Tell whether an event matches a pattern."""
    del events, call
    matches = compiled(request.EventPattern)
    try:
        event = msgspec.json.decode(request.Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise invalid("Parameter Event is not valid.")
    for field in ("id", "account", "source", "time", "region", "resources", "detail-type"):
        if field not in event:
            raise invalid(f"Parameter Event is not valid. Reason: {field} is a required field.")
    return {"Result": matches(event)}


OPERATIONS: Final = (test_event_pattern,)
