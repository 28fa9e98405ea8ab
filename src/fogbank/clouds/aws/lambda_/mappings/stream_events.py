"""Records of DynamoDB's streams as functions get them, and what is told of those that were given up.

AWS Lambda Developer Guide, "Process DynamoDB records with Lambda" and "Retain discarded records for a DynamoDB event
source in Lambda": https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html and services-dynamodb-errors.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.dynamodb.streams.names import sequence_number, shard_of, stream_arn
from fogbank.clouds.aws.dynamodb.streams.records import read_change, show_record
from fogbank.clouds.aws.lambda_.mappings.criteria import matches
from fogbank.clouds.aws.lambda_.names import LATEST, qualified_arn
from fogbank.clouds.aws.lambda_.queued.records import parcel
from fogbank.clouds.aws.sns.content import timestamp
from fogbank.connectors.queue_triggers import named_failures
from fogbank.engines.documents import feeds
from fogbank.engines.documents.errors import FeedNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.runtimes.model import Ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.connectors.destinations import Parcel
    from fogbank.connectors.piping.lanes import Discarded, Handed
    from fogbank.engines.documents.feeds import Feed
    from fogbank.engines.functions.model import Trigger
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Tx
    from fogbank.storage.change_feed import Entry

_PREFIX: Final = b'{"Records":['


class StreamForm:
    """How one mapping hands on the records of its stream."""

    def __init__(self, trigger: Trigger, feed: Feed, origin: str, clock: Clock, ids: Ids) -> None:
        self._trigger = trigger
        self._feed = feed
        self._arn = stream_arn(feed.name)
        self._told = origin, clock, ids

    def key(self, entry: Entry) -> bytes:
        """Return the partition key of the item that was written."""
        return read_change(entry.payload).partition

    def record(self, entry: Entry) -> bytes | None:
        """Return a record in JSON, if one of the mapping's filters matches it."""
        record = stream_record(self._feed, self._arn, entry)
        filters = self._trigger.config.filters
        return record if not filters or matches(filters, msgspec.json.decode(record)) else None

    def event(self, batch: list[Handed]) -> bytes:
        """Return the event of a batch."""
        return _PREFIX + b",".join(handed.record for handed in batch) + b"]}"

    def failed(self, batch: list[Handed], response: bytes) -> int:
        """Return the first record that a function says it failed with: the one of the lowest sequence number."""
        numbers = [sequence_number(handed.entry.seq) for handed in batch]
        failed = named_failures(set(numbers), response)
        return next((place for place, number in enumerate(numbers) if number in failed), len(batch))

    def discarded(self, discarded: Discarded) -> list[Parcel]:
        """Tell the mapping's destination of a batch that was given up: what it was, without its content."""
        target = self._trigger.config.on_failure
        if not target:
            return []
        told = {
            **self._contexts(discarded),
            "version": "1.0",
            "timestamp": timestamp(discarded.now_us),
            "DDBStreamBatchInfo": batch_info(self._feed, discarded.handed),
        }
        return [parcel(target, msgspec.json.encode(told), {}, self._told[0], "", *self._told[1:])]

    def _contexts(self, discarded: Discarded) -> dict[str, Any]:
        trigger, given = self._trigger, discarded.given
        asked: dict[str, Any] = {
            "requestId": given.id if given is not None and given.id else self._told[2].uuid(),
            "functionArn": qualified_arn(trigger.scope, trigger.function, trigger.qualifier),
            "condition": "RecordAgeExceeded" if discarded.too_old else "RetryAttemptsExhausted",
            "approximateInvokeCount": discarded.tries,
        }
        if given is None or given.outcome is None:
            return {"requestContext": asked}
        answered = {"statusCode": 200, "executedVersion": trigger.qualifier or LATEST}
        if given.outcome.ended is not Ended.OK:
            answered["functionError"] = "Unhandled"
        return {"requestContext": asked, "responseContext": answered}


def stream_record(feed: Feed, arn: str, entry: Entry) -> bytes:
    """Return a record in JSON, as functions and pipes get it."""
    return msgspec.json.encode({**show_record(feed, entry), "eventSourceARN": arn})


def batch_info(feed: Feed, handed: Sequence[Handed]) -> dict[str, Any]:
    """Return what is told of records that were given up."""
    first, last = handed[0].entry, handed[-1].entry
    return {
        "shardId": shard_of(feed.name),
        "startSequenceNumber": sequence_number(first.seq),
        "endSequenceNumber": sequence_number(last.seq),
        "approximateArrivalOfFirstRecord": _second(first.at_us),
        "approximateArrivalOfLastRecord": _second(last.at_us),
        "batchSize": len(handed),
        "streamArn": stream_arn(feed.name),
    }


def _second(at_us: int) -> str:
    """Return a time to the second."""
    return f"{timestamp(at_us // SECOND_US * SECOND_US)[:19]}Z"


async def stream_form(tx: Tx, now_us: int, trigger: Trigger, origin: str, clock: Clock, ids: Ids) -> StreamForm | None:
    """Return how a mapping hands on its stream; None if that is gone."""
    try:
        feed = await feeds.find(tx, now_us, trigger.source)
    except FeedNotFoundError:
        return None
    return StreamForm(trigger, feed, origin, clock, ids)
