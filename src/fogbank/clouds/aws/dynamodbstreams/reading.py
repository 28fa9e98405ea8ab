"""Amazon DynamoDB Streams operations that read records: an iterator, and what follows it.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html and
API_streams_GetRecords.html: up to 1,000 records or 1 MB at a time; an iterator is good for 15 minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.sizes import KIB
from fogbank.clouds.aws.dynamodb.streams.names import entry_of, shard_of
from fogbank.clouds.aws.dynamodb.streams.records import show_record
from fogbank.clouds.aws.dynamodbstreams.errors import expired, shard_not_found, trimmed
from fogbank.clouds.aws.dynamodbstreams.service import Streams, find_stream
from fogbank.clouds.aws.paging import InvalidTokenError, read_token, write_token
from fogbank.engines.documents import feeds
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from fogbank.engines.documents.feeds import Feed
    from fogbank.storage import Tx
    from fogbank.storage.change_feed import Entry

RECORDS_MAX: Final = 1_000
BYTES_MAX: Final = KIB * KIB
ITERATOR_US: Final = 15 * 60 * SECOND_US
_NUMBERED: Final = ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")


class GetShardIterator(Input):
    """Input of GetShardIterator."""

    StreamArn: str = REQUIRED
    ShardId: str = REQUIRED
    ShardIteratorType: str = REQUIRED
    SequenceNumber: str | None = None
    Timestamp: float | None = None


@operation(GetShardIterator)
async def get_shard_iterator(streams: Streams, _call: Call, request: GetShardIterator) -> Reply:
    """Return an iterator for a place in a shard."""
    feed = await find_stream(streams, request.StreamArn)
    if request.ShardId != shard_of(feed.name):
        raise shard_not_found(request.ShardId, request.StreamArn)
    kind = request.ShardIteratorType
    if (request.SequenceNumber is not None) != (kind in _NUMBERED):
        what = "required" if request.SequenceNumber is None else "not allowed"
        raise validation(f"SequenceNumber is {what} for ShardIteratorType {kind}")
    if (request.Timestamp is not None) != (kind == "AT_TIMESTAMP"):
        what = "required" if request.Timestamp is None else "not allowed"
        raise validation(f"Timestamp is {what} for ShardIteratorType {kind}")
    if kind in _NUMBERED:
        after = await streams.store.read(_numbered, feed.name, str(request.SequenceNumber), kind)
    elif request.Timestamp is not None:
        at_us = int(request.Timestamp * SECOND_US)
        after = await streams.store.scan(change_feed.first_since, feed.name, at_us) - 1
    elif kind == "LATEST":
        after = await streams.store.read(change_feed.last, feed.name)
    else:
        after = await streams.store.read(change_feed.first, feed.name) - 1
    return {"ShardIterator": _iterator(request.StreamArn, feed.name, after, streams.clock.now())}


class GetRecords(Input):
    """Input of GetRecords."""

    ShardIterator: str = REQUIRED
    Limit: int | None = None


@operation(GetRecords)
async def get_records(streams: Streams, _call: Call, request: GetRecords) -> Reply:
    """Return records, and an iterator for those that follow; none at the end of a stream that is disabled."""
    if request.Limit is not None and request.Limit > RECORDS_MAX:
        raise validation(
            f"1 validation error detected: Value '{request.Limit}' at 'limit' failed to satisfy constraint: Member must"
            f" have value less than or equal to {RECORDS_MAX}"
        )
    arn, _, token = request.ShardIterator.partition("|1|")
    try:
        name, after, made_us = read_token(token, tuple[str, int, int])
    except InvalidTokenError:
        raise validation("Invalid ShardIterator") from None
    now_us = streams.clock.now()
    if now_us - made_us > ITERATOR_US:
        raise expired()
    found = await streams.store.read(_read, name, after, request.Limit or RECORDS_MAX)
    reply: dict[str, Any] = {"Records": [_shown(found.feed, entry) for entry in found.entries]}
    after = found.entries[-1].seq if found.entries else after
    if not found.feed.closed_us or after < found.last:
        reply["NextShardIterator"] = _iterator(arn, name, after, now_us)
    return reply


class _Found(NamedTuple):
    feed: Feed
    entries: list[Entry]
    last: int


async def _read(tx: Tx, now_us: int, name: str, after: int, limit: int) -> _Found:
    feed = await feeds.find(tx, now_us, name)
    last = await change_feed.last(tx, now_us, name)
    entries = await change_feed.read_within(tx, now_us, name, after, limit, BYTES_MAX)
    # Without gaps: where the next one isn't there, it is gone.
    if after < last and (not entries or entries[0].seq != after + 1):
        raise trimmed()
    return _Found(feed, entries, last)


async def _numbered(tx: Tx, now_us: int, name: str, number: str, kind: str) -> int:
    seq = entry_of(number)
    if seq is None or seq > await change_feed.last(tx, now_us, name):
        raise validation(f"Invalid SequenceNumber: {number}")
    after = seq - 1 if kind == "AT_SEQUENCE_NUMBER" and seq else seq
    if after + 1 < await change_feed.first(tx, now_us, name):
        raise trimmed()
    return after


def _iterator(arn: str, name: str, after: int, now_us: int) -> str:
    return f"{arn}|1|{write_token((name, after, now_us))}"


def _shown(feed: Feed, entry: Entry) -> dict[str, Any]:
    """Return a record with an identity in the letters of this API."""
    record = show_record(feed, entry)
    identity = record.get("userIdentity")
    if identity is not None:
        record["userIdentity"] = {"PrincipalId": identity["principalId"], "Type": identity["type"]}
    return record


OPERATIONS: Final = (get_records, get_shard_iterator)
