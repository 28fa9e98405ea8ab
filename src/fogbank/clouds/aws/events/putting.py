"""PutEvents: events to buses.

Amazon EventBridge API Reference, "PutEvents"; User Guide, "Sending events with PutEvents", "Calculating PutEvents
event entry size"; AWS Compute Blog, "More room to build: serverless services now support payloads up to 1 MB".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.events.errors import invalid
from fogbank.clouds.aws.events.rendering import Event, make_fields
from fogbank.clouds.aws.events.service import read_bus
from fogbank.engines.messaging import publishing
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.engines.messaging.model import encode_message
from fogbank.kernel.clock import SECOND_US
from fogbank.storage.signals import PUBLICATION, Happening

if TYPE_CHECKING:
    from fogbank.clouds.aws.events.service import Events
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.publishing import Publication
    from fogbank.storage import Tx

ENTRIES_BYTES_MAX: Final = 1_048_576
TIME_SECONDS_MAX: Final = 253_402_300_800
_TIME_BYTES: Final = 14
_object: Final = msgspec.json.Decoder(dict[str, Any])


class PutEventsRequestEntry(Input):
    """An event as it is put."""

    Time: float | None = None
    Source: str | None = None
    Resources: list[str] | None = None
    DetailType: str | None = None
    Detail: str | None = None
    EventBusName: str | None = None
    TraceHeader: str | None = None


class PutEvents(Input):
    """Input of PutEvents."""

    Entries: list[PutEventsRequestEntry]


@operation(PutEvents)
async def put_events(events: Events, call: Call, request: PutEvents) -> Reply:
    """Put events on buses, each of which succeeds or fails by itself. One for a bus that isn't there is lost."""
    if sum(_size_of(entry) for entry in request.Entries) > ENTRIES_BYTES_MAX:
        raise invalid("Total size of the entries in the request is over the limit.")
    now_us = events.clock.now()
    told: list[dict[str, str]] = []
    by_bus: dict[Name, list[Publication]] = {}
    for entry in request.Entries:
        try:
            detail = _check(entry)
        except _RefusedError as refused:
            told.append({"ErrorCode": refused.code, "ErrorMessage": refused.message})
            continue
        assert entry.Source is not None
        assert entry.DetailType is not None
        at_us = now_us if entry.Time is None else int(entry.Time * SECOND_US)
        number = events.ids.uuid()
        fields = make_fields(number, call.scope, entry.Source, entry.DetailType, at_us, entry.Resources or [], detail)
        event = Event(fields, now_us, trace=entry.TraceHeader or call.trace, origin=call.origin)
        by_bus.setdefault(read_bus(call, entry.EventBusName), []).append(event.publication(events.ids.sequence()))
        told.append({"EventId": number})
    if by_bus:
        await events.store.run(_publish, events, by_bus)
    return {"FailedEntryCount": sum("ErrorCode" in each for each in told), "Entries": told}


async def _publish(tx: Tx, now_us: int, events: Events, by_bus: dict[Name, list[Publication]]) -> None:
    for name, publications in by_bus.items():
        try:
            await publishing.publish(tx, now_us, name, publications, events.ids.sequence)
        except TopicNotFoundError:
            # AWS takes events for a bus that isn't there, too; and nobody listens to a default bus without rules.
            if tx.witnessed:
                for each in publications:
                    tx.signal(Happening(PUBLICATION, *name, encode_message(each.message)))


class _RefusedError(Exception):
    """An entry isn't taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def _check(entry: PutEventsRequestEntry) -> dict[str, Any]:
    """Return the detail of an entry, or raise what is wrong with it."""
    for name, value in (("Source", entry.Source), ("DetailType", entry.DetailType), ("Detail", entry.Detail)):
        if not value:
            raise _RefusedError(
                "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
            )
    if entry.Time is not None and not 0 <= entry.Time < TIME_SECONDS_MAX:
        raise _RefusedError("InvalidArgument", "Parameter Time is not valid.")
    assert entry.Source is not None
    assert entry.Detail is not None
    if entry.Source.startswith("aws."):
        raise _RefusedError("NotAuthorizedForSourceException", "Not authorized for the source.")
    try:
        return _object.decode(entry.Detail)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        raise _RefusedError("MalformedDetail", "Detail is malformed.") from None


def _size_of(entry: PutEventsRequestEntry) -> int:
    size = 0 if entry.Time is None else _TIME_BYTES
    for text in (entry.Source, entry.DetailType, entry.Detail, *(entry.Resources or ())):
        size += 0 if text is None else len(text) if text.isascii() else len(text.encode())
    return size


OPERATIONS: Final = (put_events,)
