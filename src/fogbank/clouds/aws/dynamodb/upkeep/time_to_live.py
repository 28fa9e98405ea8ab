"""Amazon DynamoDB operations on time to live: the attribute that says when an item goes away.

Amazon DynamoDB API Reference, "UpdateTimeToLive": https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
API_UpdateTimeToLive.html; Developer Guide, "Using time to live (TTL) in DynamoDB". AWS removes what has expired within
a few days, and lets nobody change the setting again within the hour; here items go when their time comes, and the
setting may be changed at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.errors import table_not_found, validation
from fogbank.clouds.aws.dynamodb.replicas.sharing import PEERS_MAX, share
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.model import CollectionConfig, Name
    from fogbank.storage import Tx


class TimeToLiveSpecification(Input):
    """Whether items expire, and by which attribute."""

    Enabled: bool = REQUIRED
    AttributeName: str = REQUIRED


class UpdateTimeToLive(Input):
    """Input of UpdateTimeToLive."""

    TableName: str = REQUIRED
    TimeToLiveSpecification: TimeToLiveSpecification = REQUIRED


@operation(UpdateTimeToLive)
async def update_time_to_live(dynamo: Dynamo, call: Call, request: UpdateTimeToLive) -> Reply:
    """Let items expire, or no more; those that are there are taken in in the background."""
    wanted = request.TimeToLiveSpecification

    def change(config: CollectionConfig) -> CollectionConfig:
        if wanted.Enabled:
            if config.expiry:
                _check_name(config, wanted.AttributeName)
                raise validation("TimeToLive is already enabled")
            return msgspec.structs.replace(config, expiry=wanted.AttributeName, expiry_building=True)
        if not config.expiry:
            raise validation("TimeToLive is already disabled")
        _check_name(config, wanted.AttributeName)
        return msgspec.structs.replace(config, expiry="", expiry_building=False)

    try:
        await dynamo.store.run(_update, table_of(call, request.TableName), change)
    except CollectionNotFoundError as error:
        raise table_not_found(error.name) from None
    return {"TimeToLiveSpecification": {"Enabled": wanted.Enabled, "AttributeName": wanted.AttributeName}}


async def _update(tx: Tx, now_us: int, name: Name, change: Callable[[CollectionConfig], CollectionConfig]) -> None:
    """Change a table, and its replicas as it is."""
    await share(tx, now_us, await collections.update(tx, now_us, name, change), range(PEERS_MAX))


class DescribeTimeToLive(Input):
    """Input of DescribeTimeToLive."""

    TableName: str = REQUIRED


@operation(DescribeTimeToLive)
async def describe_time_to_live(dynamo: Dynamo, call: Call, request: DescribeTimeToLive) -> Reply:
    """Return whether items expire, and by which attribute."""
    try:
        table = await dynamo.store.read(collections.find, table_of(call, request.TableName))
    except CollectionNotFoundError as error:
        raise table_not_found(error.name) from None
    config = table.config
    if not config.expiry:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    shown: dict[str, Any] = {
        "TimeToLiveStatus": "ENABLING" if config.expiry_building else "ENABLED",
        "AttributeName": config.expiry,
    }
    return {"TimeToLiveDescription": shown}


def _check_name(config: CollectionConfig, name: str) -> None:
    if name != config.expiry:
        raise validation(f"TimeToLive is active on a different AttributeName: current AttributeName is {config.expiry}")


OPERATIONS: Final = (describe_time_to_live, update_time_to_live)
