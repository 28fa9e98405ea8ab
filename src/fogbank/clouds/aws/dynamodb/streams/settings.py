"""StreamSpecification: whether a table has a stream, and what its records tell.

Amazon DynamoDB API Reference, "StreamSpecification" and "UpdateTable": a stream that is enabled can't be enabled, nor
one that isn't disabled, so that another view type is a new stream.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Input
from fogbank.clouds.aws.dynamodb.errors import invalid_values, validation
from fogbank.clouds.aws.dynamodb.streams.names import label_of
from fogbank.engines.documents import collections, feeds

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.model import Collection, CollectionConfig, Name
    from fogbank.storage import Tx

VIEW: Final = "StreamViewType"
LABEL: Final = "StreamLabel"


class StreamSpecification(Input):
    """Whether there is a stream, and what is in it."""

    StreamEnabled: bool = REQUIRED
    StreamViewType: str | None = None


def check_stream(wanted: StreamSpecification | None, *, new: bool = False) -> None:
    """For a `new` table or one that is there, refuse a stream without a view type, and a view type without a stream."""
    if wanted is None:
        return
    if wanted.StreamEnabled and wanted.StreamViewType is None:
        raise invalid_values("StreamViewType must be specified when StreamEnabled is true")
    if new and not wanted.StreamEnabled and wanted.StreamViewType is not None:
        raise invalid_values("Table is being created with a stream disabled, UpdateViewType should not be specified")
    if not wanted.StreamEnabled and wanted.StreamViewType is not None:
        raise invalid_values("StreamViewType must not be specified when StreamEnabled is false")


async def create_with_stream(
    tx: Tx, now_us: int, name: Name, number: int, config: CollectionConfig, wanted: StreamSpecification | None
) -> Collection:
    """Create a table, and its stream if it has one."""
    table = await collections.create(tx, now_us, name, number, config)
    if wanted is None or not wanted.StreamEnabled:
        return table
    return await _open(tx, now_us, name, wanted, lambda config: config)


async def update_with_stream(
    tx: Tx,
    now_us: int,
    name: Name,
    change: Callable[[CollectionConfig], CollectionConfig],
    wanted: StreamSpecification | None,
) -> Collection:
    """Change a table, and enable or disable its stream; replicas keep theirs."""
    if wanted is None:
        return await collections.update(tx, now_us, name, change)
    if wanted.StreamEnabled:
        return await _open(tx, now_us, name, wanted, change)

    def close(config: CollectionConfig) -> CollectionConfig:
        if not config.feed:
            raise validation(f"Table is already disabled for streams: TableName: {name[1]}")
        if config.peers:
            raise validation(f"The stream of a table with replicas cannot be disabled: TableName: {name[1]}")
        return change(config)

    return await feeds.close_feed(tx, now_us, name, close)


async def _open(
    tx: Tx,
    now_us: int,
    name: Name,
    wanted: StreamSpecification,
    change: Callable[[CollectionConfig], CollectionConfig],
) -> Collection:
    view = {VIEW: str(wanted.StreamViewType)}

    def opened(config: CollectionConfig, opened_ms: int) -> CollectionConfig:
        if config.feed:
            raise validation(f"Table already has an enabled stream: TableName: {name[1]}")
        changed = change(config)
        return msgspec.structs.replace(changed, labels=changed.labels | view | {LABEL: label_of(opened_ms)})

    return await feeds.open_feed(tx, now_us, name, view, opened)


def show_stream(config: CollectionConfig, table_arn: str) -> dict[str, Any]:
    """Return what DescribeTable shows of a table's stream, or of the last one that it had."""
    label = config.labels.get(LABEL)
    if label is None:
        return {}
    shown: dict[str, Any] = {"LatestStreamLabel": label, "LatestStreamArn": f"{table_arn}/stream/{label}"}
    if config.feed:
        shown["StreamSpecification"] = {"StreamEnabled": True, VIEW: config.labels[VIEW]}
    return shown
