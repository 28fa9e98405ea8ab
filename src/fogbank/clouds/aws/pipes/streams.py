"""Streams as sources of pipes: how their records are taken, and what is told of those that were given up.

Amazon EventBridge User Guide, "Amazon DynamoDB stream as a source for EventBridge Pipes" and "Amazon EventBridge Pipes
error handling and troubleshooting": https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-dynamodb.html and
eb-pipes-error-troubleshooting.html. Records are those that functions get.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.dynamodb.streams.names import stream_arn
from fogbank.clouds.aws.dynamodb.streams.records import read_change
from fogbank.clouds.aws.lambda_.mappings.criteria import matches
from fogbank.clouds.aws.lambda_.mappings.stream_events import batch_info, stream_record
from fogbank.clouds.aws.lambda_.queued.records import parcel
from fogbank.clouds.aws.lambda_.queued.targets import DEAD_LETTERS, check_target
from fogbank.clouds.aws.pipes.errors import invalid
from fogbank.clouds.aws.pipes.service import pipe_arn
from fogbank.clouds.aws.pipes.settings import FromStream, read_kept
from fogbank.clouds.aws.sns.content import timestamp
from fogbank.engines.documents import feeds
from fogbank.engines.documents.errors import FeedNotFoundError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.connectors.destinations import Parcel
    from fogbank.connectors.piping.lanes import Discarded
    from fogbank.engines.documents.feeds import Feed
    from fogbank.engines.messaging.pipes import Pipe
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Tx
    from fogbank.storage.change_feed import Entry

AGE_SECONDS_MIN: Final = 60
FOR_EVER: Final = -1


def check_stream(given: FromStream | None) -> FromStream:
    """Return what is said of a stream, or raise the error for what can't be."""
    if given is None or given.StartingPosition is None:
        raise invalid("SourceParameters.DynamoDBStreamParameters.StartingPosition is required for this source.")
    age = given.MaximumRecordAgeInSeconds
    if age is not None and age != FOR_EVER and age < AGE_SECONDS_MIN:
        raise invalid(f"MaximumRecordAgeInSeconds must be {FOR_EVER} or at least {AGE_SECONDS_MIN}.")
    dead_letters = dead_letters_of(given)
    if dead_letters:
        try:
            check_target(dead_letters, DEAD_LETTERS)
        except AwsError:
            raise invalid(f"DeadLetterConfig.Arn {dead_letters} is not a standard queue or topic.") from None
    return given


def dead_letters_of(given: FromStream) -> str:
    """Return the queue or topic that is told of what is given up, or nothing."""
    return "" if given.DeadLetterConfig is None else given.DeadLetterConfig.Arn or ""


def configured_stream(given: FromStream) -> dict[str, Any]:
    """Return what the engine's configuration of a pipe says of a stream."""
    retries, age = given.MaximumRetryAttempts, given.MaximumRecordAgeInSeconds
    return {
        "is_feed": True,
        "from_latest": given.StartingPosition == "LATEST",
        "lanes": given.ParallelizationFactor or 1,
        "retries_max": None if retries == FOR_EVER else retries,
        "age_seconds_max": None if age == FOR_EVER else age,
        "bisect": given.OnPartialBatchItemFailure is not None,
    }


class PipedStream:
    """How one pipe reads its stream."""

    def __init__(self, pipe: Pipe, feed: Feed, origin: str, clock: Clock, ids: Ids) -> None:
        self._pipe = pipe
        self._feed = feed
        self._arn = stream_arn(feed.name)
        self._told = origin, clock, ids
        kept = read_kept(pipe.config.body)
        self._patterns = kept.patterns
        self._dead_letters = dead_letters_of(kept.source_parameters.DynamoDBStreamParameters or FromStream())

    def key(self, entry: Entry) -> bytes:
        """Return the partition key of the item that was written."""
        return read_change(entry.payload).partition

    def record(self, entry: Entry) -> bytes | None:
        """Return a record in JSON, if one of the pipe's filters matches it."""
        record = stream_record(self._feed, self._arn, entry)
        return record if not self._patterns or matches(self._patterns, msgspec.json.decode(record)) else None

    def discarded(self, discarded: Discarded) -> list[Parcel]:
        """Tell the pipe's dead letters of a batch that was given up: what it was, without its content."""
        if not self._dead_letters:
            return []
        told = {
            "context": {
                "partnerResourceArn": pipe_arn(self._pipe),
                "condition": "RecordAgeExceeded" if discarded.too_old else "RetryAttemptsExhausted",
            },
            "version": "1.0",
            "timestamp": timestamp(discarded.now_us),
            "DDBStreamBatchInfo": batch_info(self._feed, discarded.handed),
        }
        return [parcel(self._dead_letters, msgspec.json.encode(told), {}, self._told[0], "", *self._told[1:])]


async def piped_stream(tx: Tx, now_us: int, pipe: Pipe, origin: str, clock: Clock, ids: Ids) -> PipedStream | None:
    """Return how a pipe reads its stream; None if that is gone."""
    try:
        feed = await feeds.find(tx, now_us, pipe.config.source)
    except FeedNotFoundError:
        return None
    return PipedStream(pipe, feed, origin, clock, ids)
