"""Amazon CloudWatch Logs: FilterLogEvents, which searches the streams of a log group."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.logs.errors import invalid, invalid_token
from fogbank.clouds.aws.logs.events import EVENTS_READ_MAX, show, write_place
from fogbank.clouds.aws.logs.names import group_of
from fogbank.clouds.aws.paging import InvalidTokenError, read_token, write_token
from fogbank.engines.telemetry import entries
from fogbank.engines.telemetry.entries import Query
from fogbank.engines.telemetry.model import Place
from fogbank.kernel.clock import MILLISECOND_US
from fogbank.languages.log_patterns import PatternError, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.aws.logs.service import Logs
    from fogbank.engines.telemetry.model import Logged

# 1 January 2024: before that, events are given oldest first only.
_DESCENDING_FROM_MS: Final = 1_704_067_200_000


class FilterLogEvents(Input):
    """Input of FilterLogEvents; streams are always interleaved and nothing is masked, whatever is asked for."""

    logGroupName: str | None = None
    logGroupIdentifier: str | None = None
    logStreamNames: list[str] | None = None
    logStreamNamePrefix: str | None = None
    startTime: int | None = None
    endTime: int | None = None
    filterPattern: str | None = None
    nextToken: str | None = None
    limit: int = EVENTS_READ_MAX
    startFromHead: bool = True
    interleaved: bool = True
    unmask: bool = False


@operation(FilterLogEvents)
async def filter_log_events(logs: Logs, call: Call, request: FilterLogEvents) -> Reply:
    """Search a log group; a page may be short or empty and still be followed by others, as documented."""
    group = group_of(call, request.logGroupName, request.logGroupIdentifier)
    if request.logStreamNames is not None and request.logStreamNamePrefix is not None:
        msg = "logStreamNames and logStreamNamePrefix are mutually exclusive parameters."
        raise invalid(msg)
    newest_first, beyond = not request.startFromHead, None
    if request.nextToken is not None:
        newest_first, *place = _read(request.nextToken)
        beyond = Place(*place)
    if newest_first and (request.startTime or 0) < _DESCENDING_FROM_MS:
        msg = "startFromHead can be false only if startTime is on or after Jan 1, 2024 00:00:00 UTC."
        raise invalid(msg)
    query = Query(
        streams=request.logStreamNames,
        prefix=request.logStreamNamePrefix or "",
        from_us=(request.startTime or 0) * MILLISECOND_US,
        beyond=beyond,
        newest_first=newest_first,
        limit=request.limit,
        matches=_test(request.filterPattern or ""),
    )
    if request.endTime is not None:
        query = query._replace(until_us=(request.endTime + 1) * MILLISECOND_US)
    page = await logs.store.scan(entries.read, group, query)
    found = [
        {"logStreamName": entry.stream, **show(entry), "eventId": write_place(entry.place)} for entry in page.entries
    ]
    reply: dict[str, Any] = {"events": found, "searchedLogStreams": []}
    if page.beyond is not None:
        reply["nextToken"] = write_token((newest_first, *page.beyond))
    return reply


@lru_cache(maxsize=256)
def _test(pattern: str) -> Callable[[Logged], bool] | None:
    if not pattern.strip():
        return None
    try:
        matches = compile_pattern(pattern)
    except PatternError as error:
        raise invalid(str(error)) from None
    return lambda entry: matches(entry.text)


def _read(token: str) -> tuple[bool, int, int]:
    try:
        return read_token(token, tuple[bool, int, int])
    except InvalidTokenError:
        raise invalid_token() from None


OPERATIONS: Final = (filter_log_events,)
