"""Amazon CloudWatch Logs operations on the events of one log stream."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.logs.errors import invalid, invalid_token
from fogbank.clouds.aws.logs.groups import DAY_SECONDS
from fogbank.clouds.aws.logs.names import group_of
from fogbank.engines.telemetry import entries, groups
from fogbank.engines.telemetry.entries import Query
from fogbank.engines.telemetry.model import LogEntry, Place
from fogbank.kernel.clock import MILLISECOND_US, SECOND_US

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.aws.logs.service import Logs
    from fogbank.engines.telemetry.model import Logged, LogGroup

BATCH_BYTES_MAX: Final = 1_048_576
EVENT_BYTES_EXTRA: Final = 26
BATCH_SPAN_MS: Final = DAY_SECONDS * 1_000
AGE_SECONDS_MAX: Final = 14 * DAY_SECONDS
AHEAD_SECONDS_MAX: Final = 2 * 3_600
EVENTS_READ_MAX: Final = 10_000
_TOKEN: Final = re.compile(r"([fb])/(\d{26})(\d{30})/s", re.ASCII)


class InputLogEvent(Input):
    """One event to put; its time is in milliseconds."""

    timestamp: int
    message: str


class PutLogEvents(Input):
    """Input of PutLogEvents; the sequence token is taken and counts for nothing, as in the service itself."""

    logGroupName: str
    logStreamName: str
    logEvents: list[InputLogEvent]
    sequenceToken: str | None = None


@operation(PutLogEvents)
async def put_log_events(logs: Logs, call: Call, request: PutLogEvents) -> Reply:
    """Add events to a stream; those that are too old, too new or expired are left out, and told of."""
    name = (call.scope, request.logGroupName)
    group = await logs.store.read(groups.find, name)
    events = request.logEvents
    _check_order_and_size(events)
    start, end, rejected = _acceptable(events, group, logs.clock.now())
    if end > start and events[end - 1].timestamp - events[start].timestamp > BATCH_SPAN_MS:
        msg = "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        raise invalid(msg)
    if end > start:
        sequence = logs.ids.sequence
        lines = [LogEntry(sequence(), event.timestamp * MILLISECOND_US, event.message) for event in events[start:end]]
        await logs.store.run(entries.append, name, request.logStreamName, lines)
    reply: dict[str, Any] = {"nextSequenceToken": f"{logs.ids.sequence():056d}"}
    if rejected:
        reply["rejectedLogEventsInfo"] = rejected
    return reply


class GetLogEvents(Input):
    """Input of GetLogEvents; nothing is masked, so `unmask` finds nothing to do."""

    logStreamName: str
    logGroupName: str | None = None
    logGroupIdentifier: str | None = None
    startTime: int | None = None
    endTime: int | None = None
    nextToken: str | None = None
    limit: int = EVENTS_READ_MAX
    startFromHead: bool = False
    unmask: bool = False


@operation(GetLogEvents)
async def get_log_events(logs: Logs, call: Call, request: GetLogEvents) -> Reply:
    """Read a stream from its head or its tail, or on from a token, whose direction then counts."""
    group = group_of(call, request.logGroupName, request.logGroupIdentifier)
    place = None
    backwards = not request.startFromHead
    if request.nextToken is not None:
        backwards, place = _read_place(request.nextToken)
    query = Query(
        streams=[request.logStreamName],
        from_us=(request.startTime or 0) * MILLISECOND_US,
        beyond=place,
        newest_first=backwards,
        limit=request.limit,
    )
    if request.endTime is not None:
        query = query._replace(until_us=request.endTime * MILLISECOND_US)
    page = await logs.store.scan(entries.read, group, query)
    found = page.entries[::-1] if backwards else page.entries
    before, behind = _around(found, place, backwards=backwards)
    return {
        "events": [show(entry) for entry in found],
        "nextForwardToken": f"f/{write_place(behind)}/s",
        "nextBackwardToken": f"b/{write_place(before)}/s",
    }


def show(entry: Logged) -> dict[str, Any]:
    """Show an event as the stream's reader sees it."""
    return {
        "timestamp": entry.place.at_us // MILLISECOND_US,
        "message": entry.text,
        "ingestionTime": entry.ingested_us // MILLISECOND_US,
    }


def write_place(place: Place) -> str:
    """Return a place as 56 digits, the form of event ids; they sort as the places do."""
    return f"{place.at_us:026d}{place.id:030d}"


def _read_place(token: str) -> tuple[bool, Place]:
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise invalid_token()
    return match[1] == "b", Place(int(match[2]), int(match[3]))


def _around(found: Sequence[Logged], place: Place | None, *, backwards: bool) -> tuple[Place, Place]:
    """Return where reading backwards and forwards goes on; where there is no more, the place stays as it was."""
    if found:
        return found[0].place, found[-1].place
    if place is None:
        return Place(0, 0), Place(0, 0)
    if backwards:
        return place, place._replace(id=max(0, place.id - 1))
    return place._replace(id=place.id + 1), place


def _check_order_and_size(events: Sequence[InputLogEvent]) -> None:
    if any(later.timestamp < earlier.timestamp for earlier, later in itertools.pairwise(events)):
        msg = "Log events in a single PutLogEvents request must be in chronological order."
        raise invalid(msg)
    size = sum(len(event.message.encode()) + EVENT_BYTES_EXTRA for event in events)
    if size > BATCH_BYTES_MAX:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {BATCH_BYTES_MAX}")


def _acceptable(events: Sequence[InputLogEvent], group: LogGroup, now_us: int) -> tuple[int, int, dict[str, int]]:
    """Return which events are taken, from one index to before another, and what is said of the others."""
    times_us = [event.timestamp * MILLISECOND_US for event in events]
    too_old = sum(at_us < now_us - AGE_SECONDS_MAX * SECOND_US for at_us in times_us)
    expired = sum(at_us < groups.oldest_us(group, now_us) for at_us in times_us)
    too_new = sum(at_us > now_us + AHEAD_SECONDS_MAX * SECOND_US for at_us in times_us)
    end = len(events) - too_new
    rejected = {}
    if too_new:
        rejected["tooNewLogEventStartIndex"] = end
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired:
        rejected["expiredLogEventEndIndex"] = expired
    return max(too_old, expired), end, rejected


OPERATIONS: Final = (get_log_events, put_log_events)
