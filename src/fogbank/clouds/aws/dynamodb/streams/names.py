"""What streams, their shards and the records in them are called, from the change feed's own names and numbers.

Amazon DynamoDB Developer Guide, "Change data capture for DynamoDB Streams"; API Reference, "Shard", "StreamRecord".
A stream's label is the time at which it was enabled; it has one shard.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.kernel.clock import MILLISECOND_US

# Sequence numbers have 21 digits at the least.
_BEFORE_FIRST: Final = 10**23
_PREFIX: Final = "documents/"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LABEL: Final = "%Y-%m-%dT%H:%M:%S.%f"


def label_of(opened_ms: int) -> str:
    """Return the label of a stream that was enabled then: `2015-05-20T20:51:10.252`."""
    at = _EPOCH + timedelta(milliseconds=opened_ms)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // MILLISECOND_US:03}"


def stream_arn(feed: str) -> str:
    """Return the ARN of the stream that a change feed is."""
    _realm, account, region, table, opened_ms = feed.removeprefix(_PREFIX).split("/")
    return str(Arn("aws", "dynamodb", region, account, f"table/{table}/stream/{label_of(int(opened_ms))}"))


def feed_of(arn: str) -> str | None:
    """Return the name of the change feed that a stream's ARN names; None if it isn't one."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "dynamodb":
        return None
    parts = parsed.resource.split("/")
    if len(parts) != 4 or (parts[0], parts[2]) != ("table", "stream"):
        return None
    try:
        at = datetime.strptime(parts[3], _LABEL).replace(tzinfo=UTC)
    except ValueError:
        return None
    opened_ms = (at - _EPOCH) // timedelta(milliseconds=1)
    return f"{_PREFIX}{parsed.scope}/{parts[1]}/{opened_ms}"


def shard_of(feed: str) -> str:
    """Return the id of a stream's shard."""
    opened_ms = int(feed.rpartition("/")[2])
    return f"shardId-{opened_ms:020}-{sha256(feed.encode()).hexdigest()[:8]}"


def sequence_number(seq: int) -> str:
    """Return the sequence number of an entry of a change feed; of 0, what stands before all of them."""
    return str(_BEFORE_FIRST + seq)


def entry_of(number: str) -> int | None:
    """Return the entry that a sequence number names; None if it can't be one of ours."""
    if not (number.isascii() and number.isdecimal()):
        return None
    seq = int(number) - _BEFORE_FIRST
    return seq if seq >= 0 else None


def event_id(feed: str, seq: int) -> str:
    """Return what tells a record from all others, the same each time it is read."""
    return sha256(f"{feed}/{seq}".encode()).hexdigest()[:32]
