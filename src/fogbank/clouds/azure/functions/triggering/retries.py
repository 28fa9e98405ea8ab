"""Retry policies of functions: how often and after how long an invocation that failed is tried again.

"Azure Functions error handling and retries" (https://learn.microsoft.com/azure/azure-functions/functions-bindings-error-
pages): `fixedDelay` with a `delayInterval`, `exponentialBackoff` from a `minimumInterval` to a `maximumInterval`;
a `maxRetryCount` of -1 is for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.kernel.clock import SECOND_US
from fogbank.languages.cron import parse_timespan

if TYPE_CHECKING:
    from collections.abc import Mapping

FOREVER: Final = -1
_LEAST_SECONDS: Final = 0.001
_MEMBERS: Final = {
    "fixeddelay": frozenset({"delayinterval"}),
    "exponentialbackoff": frozenset({"minimuminterval", "maximuminterval"}),
}
# As the worker of Node.js adds it.
_COPIES: Final = "retrystrategy"


class RetryError(Exception):
    """A retry policy can't be followed; the message says why."""


class Retry(NamedTuple):
    """A policy: pauses in seconds, twice as long each time up to the longest; `count_max` None is for ever."""

    count_max: int | None
    pause_seconds: float
    pause_seconds_max: float


def read_retry(given: Any) -> Retry | None:
    """Return the policy that a function's description has, None for none; raises `RetryError`."""
    if given is None:
        return None
    if not isinstance(given, dict):
        raise RetryError("The retry policy must be an object.")
    told = {name.lower().replace("_", ""): value for name, value in given.items() if value is not None}
    strategy = str(told.pop("strategy", "")).lower().replace("_", "")
    if strategy not in _MEMBERS:
        msg = f"The strategy of a retry policy must be fixedDelay or exponentialBackoff, not {strategy!r}."
        raise RetryError(msg)
    count = _count(told.pop("maxretrycount", None))
    told.pop(_COPIES, None)
    unknown = told.keys() - _MEMBERS[strategy]
    if unknown:
        msg = f"Fogbank does not support {min(unknown)} in retry policies of the strategy {strategy}."
        raise RetryError(msg)
    if strategy == "fixeddelay":
        pause = _seconds(told, "delayinterval")
        return Retry(count, pause, pause)
    least, most = _seconds(told, "minimuminterval"), _seconds(told, "maximuminterval")
    if least > most:
        raise RetryError("The minimumInterval of a retry policy is longer than its maximumInterval.")
    return Retry(count, least, most)


def _count(given: Any) -> int | None:
    try:
        count = int(given)
    except (TypeError, ValueError):
        count = FOREVER - 1
    if count < FOREVER:
        raise RetryError("The maxRetryCount of a retry policy must be a number from 0 on, or -1.")
    return None if count == FOREVER else count


def _seconds(told: Mapping[str, Any], name: str) -> float:
    """Return a span: a text `hh:mm:ss`, a number of seconds, or an object of such numbers."""
    given = told.get(name)
    span_us = parse_timespan(given) if isinstance(given, str) else None
    if isinstance(given, dict):
        units = {"hours": 3_600, "minutes": 60, "seconds": 1, "milliseconds": 0.001}
        if given.keys() <= units.keys() and all(isinstance(each, (int, float)) for each in given.values()):
            span_us = int(sum(units[unit] * number for unit, number in given.items()) * SECOND_US)
    elif isinstance(given, (int, float)) and not isinstance(given, bool):
        span_us = int(given * SECOND_US)
    if span_us is None or span_us < 0:
        msg = f"The {name} of a retry policy must be a time span."
        raise RetryError(msg)
    return max(_LEAST_SECONDS, span_us / SECOND_US)
