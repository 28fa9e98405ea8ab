"""Amazon DynamoDB Streams operations on streams: which there are, and what they consist of.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html and
API_streams_ListStreams.html. A stream has one shard, which is open as long as the stream is enabled.
"""

from __future__ import annotations

from typing import Any, Final

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.schemas import show_key_schema
from fogbank.clouds.aws.dynamodb.streams.names import label_of, sequence_number, shard_of, stream_arn
from fogbank.clouds.aws.dynamodb.streams.settings import VIEW
from fogbank.clouds.aws.dynamodbstreams.errors import shard_not_found
from fogbank.clouds.aws.dynamodbstreams.service import Streams, feed_named, find_stream
from fogbank.engines.documents import feeds
from fogbank.storage import change_feed

PAGE_MAX: Final = 100
_MILLISECONDS: Final = 1_000


class ListStreams(Input):
    """Input of ListStreams."""

    TableName: str | None = None
    Limit: int | None = None
    ExclusiveStartStreamArn: str | None = None


@operation(ListStreams)
async def list_streams(streams: Streams, call: Call, request: ListStreams) -> Reply:
    """List streams, all or those of a table, also those of the last day that are disabled."""
    limit = min(request.Limit or PAGE_MAX, PAGE_MAX)
    table = request.TableName
    after = (table or "", 0)
    if request.ExclusiveStartStreamArn is not None:
        name, _, opened_ms = feed_named(request.ExclusiveStartStreamArn).rpartition("/")
        after = (name.rpartition("/")[2], int(opened_ms))
    found = await streams.store.read(feeds.list_feeds, call.scope, after, limit + 1)
    if table is not None:
        found = [feed for feed in found if feed.collection == table]
    listed = [
        {
            "StreamArn": stream_arn(feed.name),
            "TableName": feed.collection,
            "StreamLabel": label_of(feed.opened_ms),
        }
        for feed in found[:limit]
    ]
    reply: dict[str, Any] = {"Streams": listed}
    if len(found) > limit:
        reply["LastEvaluatedStreamArn"] = listed[-1]["StreamArn"]
    return reply


class ShardFilter(Input):
    """Which shards are wanted: those that follow another."""

    Type: str | None = None
    ShardId: str | None = None


class DescribeStream(Input):
    """Input of DescribeStream."""

    StreamArn: str = REQUIRED
    Limit: int | None = None
    ExclusiveStartShardId: str | None = None
    ShardFilter: ShardFilter | None = None


@operation(DescribeStream)
async def describe_stream(streams: Streams, _call: Call, request: DescribeStream) -> Reply:
    """Return a stream and its shard; none follows that one."""
    feed = await find_stream(streams, request.StreamArn)
    shard = shard_of(feed.name)
    is_wanted = True
    if request.ExclusiveStartShardId is not None:
        is_wanted = shard > request.ExclusiveStartShardId
    if request.ShardFilter is not None:
        if request.ShardFilter.Type is None or request.ShardFilter.ShardId is None:
            raise validation("ShardFilter requires Type and ShardId")
        if request.ShardFilter.ShardId != shard:
            raise shard_not_found(request.ShardFilter.ShardId, request.StreamArn)
        is_wanted = False
    numbers = {"StartingSequenceNumber": sequence_number(0)}
    if feed.closed_us:
        numbers["EndingSequenceNumber"] = sequence_number(await streams.store.read(change_feed.last, feed.name))
    return {
        "StreamDescription": {
            "StreamArn": request.StreamArn,
            "StreamLabel": label_of(feed.opened_ms),
            "StreamStatus": "DISABLED" if feed.closed_us else "ENABLED",
            "StreamViewType": feed.config.labels[VIEW],
            "CreationRequestDateTime": feed.opened_ms / _MILLISECONDS,
            "TableName": feed.collection,
            "KeySchema": show_key_schema(feed.config),
            "Shards": [{"ShardId": shard, "SequenceNumberRange": numbers}] if is_wanted else [],
        }
    }


OPERATIONS: Final = (describe_stream, list_streams)
