"""Records of a stream, as GetRecords returns them and as functions get them.

Amazon DynamoDB Streams API Reference, "Record", "StreamRecord" and "Identity":
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html; Developer Guide, "DynamoDB
Streams and Time to Live".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.dynamodb.attributes import show_document, write_attributes
from fogbank.clouds.aws.dynamodb.sizes import size_of
from fogbank.clouds.aws.dynamodb.streams.names import event_id, sequence_number
from fogbank.clouds.aws.dynamodb.streams.settings import VIEW
from fogbank.engines.documents import history
from fogbank.engines.documents.documents import EXPIRED
from fogbank.engines.documents.model import Change
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.engines.documents.feeds import Feed
    from fogbank.storage.change_feed import Entry

_SERVICE: Final = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
_NEW: Final = frozenset({"NEW_IMAGE", "NEW_AND_OLD_IMAGES"})
_OLD: Final = frozenset({"OLD_IMAGE", "NEW_AND_OLD_IMAGES"})
read_change: Final = msgspec.msgpack.Decoder(Change).decode


def show_record(feed: Feed, entry: Entry) -> dict[str, Any]:
    """Return an entry of the change feed as a record, with `userIdentity` in the letters that functions get."""
    change = read_change(entry.payload)
    view = feed.config.labels[VIEW]
    before, after = history.before(change), history.after(change)
    latest = before or after
    assert latest is not None
    keys = {name: latest.fields[name] for name in feed.config.key_names}
    told: dict[str, Any] = {
        "ApproximateCreationDateTime": entry.at_us // SECOND_US,
        "Keys": write_attributes(keys),
        "SequenceNumber": sequence_number(entry.seq),
        VIEW: view,
    }
    size = size_of(keys)
    if after is not None and view in _NEW:
        told["NewImage"] = show_document(after)
        size += after.size
    if before is not None and view in _OLD:
        told["OldImage"] = show_document(before)
        size += before.size
    told["SizeBytes"] = size
    record: dict[str, Any] = {
        "eventID": event_id(feed.name, entry.seq),
        "eventName": "INSERT" if before is None else "REMOVE" if after is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": feed.scope.rpartition("/")[2],
        "dynamodb": told,
    }
    if change.cause == EXPIRED:
        record["userIdentity"] = _SERVICE
    return record
