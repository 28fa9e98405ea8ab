"""Amazon DynamoDB Streams' errors (API Reference, "GetRecords", "GetShardIterator")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.dynamodb.streams.names import stream_arn
from fogbank.engines.documents.errors import FeedNotFoundError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import ErrorTable


def stream_not_found(arn: str) -> AwsError:
    """There is no such stream."""
    return AwsError("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")


def shard_not_found(shard: str, arn: str) -> AwsError:
    """The stream has no such shard."""
    return AwsError(
        "ResourceNotFoundException",
        f"Requested resource not found: Shard: {shard} in Stream: {arn} not found",
    )


def trimmed() -> AwsError:
    """What is to be read is older than what is kept."""
    return AwsError(
        "TrimmedDataAccessException", "The operation attempted to read past the oldest stream record in a shard."
    )


def expired() -> AwsError:
    """The iterator is older than it may be."""
    return AwsError("ExpiredIteratorException", "The shard iterator has expired and can no longer be used.")


ERRORS: Final[ErrorTable] = {FeedNotFoundError: lambda error: stream_not_found(stream_arn(error.name))}
