"""Amazon DynamoDB Streams: what its operations stand on, and the stream that a request means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.streams.names import feed_of
from fogbank.clouds.aws.dynamodbstreams.errors import stream_not_found
from fogbank.engines.documents import feeds
from fogbank.engines.documents.errors import FeedNotFoundError

if TYPE_CHECKING:
    from fogbank.engines.documents.feeds import Feed
    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store


class Streams(NamedTuple):
    """The parts of the server that DynamoDB Streams uses."""

    store: Store
    clock: Clock


def feed_named(arn: str) -> str:
    """Return the name of the change feed that a StreamArn names."""
    feed = feed_of(arn)
    if feed is None:
        raise validation(f"Invalid StreamArn: {arn}")
    return feed


async def find_stream(streams: Streams, arn: str) -> Feed:
    """Return the stream that a StreamArn names."""
    try:
        return await streams.store.read(feeds.find, feed_named(arn))
    except FeedNotFoundError:
        raise stream_not_found(arn) from None
