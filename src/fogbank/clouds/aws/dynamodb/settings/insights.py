"""Amazon DynamoDB operations on CloudWatch Contributor Insights: whether it is enabled is kept, and shown.

Amazon DynamoDB API Reference, "UpdateContributorInsights", "DescribeContributorInsights", "ListContributorInsights":
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContributorInsights.html. Nothing is counted,
since there is no CloudWatch that could show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.dynamodb.errors import table_not_found, validation
from fogbank.clouds.aws.dynamodb.indexes import find_index
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.clouds.aws.paging import InvalidTokenError, read_token, write_token
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from fogbank.engines.documents.model import Collection, CollectionConfig, Index

LISTED_MAX: Final = 100
TABLES_READ_AT_ONCE: Final = 100
_STATUS: Final = "Insights"
_MODE: Final = "InsightsMode"
_AT_US: Final = "InsightsUs"
_MODE_FIRST: Final = "ACCESSED_AND_THROTTLED_KEYS"


class UpdateContributorInsights(Input):
    """Input of UpdateContributorInsights."""

    TableName: str = REQUIRED
    IndexName: str | None = None
    ContributorInsightsAction: str = REQUIRED
    ContributorInsightsMode: str | None = None


@operation(UpdateContributorInsights)
async def update_contributor_insights(dynamo: Dynamo, call: Call, request: UpdateContributorInsights) -> Reply:
    """Enable or disable it for a table or an index; done once this is answered, though it says what AWS's says."""
    name, enable = table_of(call, request.TableName), request.ContributorInsightsAction == "ENABLE"
    now_us = dynamo.clock.now()

    def labelled(labels: dict[str, str]) -> dict[str, str]:
        mode = request.ContributorInsightsMode or labels.get(_MODE, _MODE_FIRST)
        status = "ENABLED" if enable else "DISABLED"
        return labels | {_STATUS: status, _MODE: mode, _AT_US: str(now_us)}

    def change(config: CollectionConfig) -> CollectionConfig:
        if request.IndexName is None:
            return msgspec.structs.replace(config, labels=labelled(config.labels))
        index = _index(config, request.IndexName)
        changed = msgspec.structs.replace(index, labels=labelled(index.labels))
        indexes = tuple(changed if each is index else each for each in config.indexes)
        return msgspec.structs.replace(config, indexes=indexes)

    table = await _named(dynamo.store.run(collections.update, name, change))
    shown = _show(table, request.IndexName)
    return shown | {"ContributorInsightsStatus": "ENABLING" if enable else "DISABLING"}


class DescribeContributorInsights(Input):
    """Input of DescribeContributorInsights."""

    TableName: str = REQUIRED
    IndexName: str | None = None


@operation(DescribeContributorInsights)
async def describe_contributor_insights(dynamo: Dynamo, call: Call, request: DescribeContributorInsights) -> Reply:
    """Return whether it is enabled for a table or an index."""
    table = await _named(dynamo.store.read(collections.look_up, table_of(call, request.TableName)))
    labels = _labels(table.config, request.IndexName)
    shown = _show(table, request.IndexName)
    if _AT_US in labels:
        shown["LastUpdateDateTime"] = int(labels[_AT_US]) / SECOND_US
    return shown


class ListContributorInsights(Input):
    """Input of ListContributorInsights."""

    TableName: str | None = None
    NextToken: str | None = None
    MaxResults: int | None = None


@operation(ListContributorInsights)
async def list_contributor_insights(dynamo: Dynamo, call: Call, request: ListContributorInsights) -> Reply:
    """List tables and indexes for which it was ever set."""
    limit = request.MaxResults or LISTED_MAX
    if limit < 1:
        raise validation("MaxResults must be greater than or equal to 1")
    try:
        after = ("", "") if request.NextToken is None else read_token(request.NextToken, tuple[str, str])
    except InvalidTokenError:
        raise validation("Invalid NextToken") from None
    found: list[dict[str, Any]] = []
    if request.TableName is not None:
        found = _all(await _named(dynamo.store.read(collections.look_up, table_of(call, request.TableName))))
    else:
        last = ""
        while names := await dynamo.store.read(collections.list_names, call.scope, last, TABLES_READ_AT_ONCE):
            last = names[-1]
            for each in names:
                found += _all(await _named(dynamo.store.read(collections.look_up, (call.scope, each))))
    behind = [each for each in found if _place(each) > after]
    page = behind[:limit]
    reply: dict[str, Any] = {"ContributorInsightsSummaries": page}
    return reply | {"NextToken": write_token(_place(page[-1]))} if len(behind) > limit else reply


def _all(table: Collection) -> list[dict[str, Any]]:
    places = [None, *sorted(index.name for index in table.config.indexes)]
    return [_summary(table, place) for place in places if _STATUS in _labels(table.config, place)]


def _place(shown: dict[str, Any]) -> tuple[str, str]:
    return shown["TableName"], shown.get("IndexName", "-")


def _summary(table: Collection, index: str | None) -> dict[str, Any]:
    labels = _labels(table.config, index)
    shown: dict[str, Any] = {"TableName": table.name}
    if index is not None:
        shown["IndexName"] = index
    shown["ContributorInsightsStatus"] = labels.get(_STATUS, "DISABLED")
    if _MODE in labels:
        shown["ContributorInsightsMode"] = labels[_MODE]
    return shown


def _show(table: Collection, index: str | None) -> dict[str, Any]:
    """Return a description, with the rules that CloudWatch would have."""
    shown = _summary(table, index)
    labels = _labels(table.config, index)
    rules = []
    if labels.get(_STATUS) == "ENABLED":
        keyed = table.config if index is None else _index(table.config, index)
        keys = ("PK",) if keyed.sort_key is None else ("PK", "SK")
        kinds = ("T",) if labels[_MODE] == "THROTTLED_KEYS" else ("C", "T")
        place = table.name if index is None else f"{table.name}-{index}"
        at = int(labels[_AT_US]) // SECOND_US
        rules = [f"DynamoDBContributorInsights-{key}{kind}-{place}-{at}" for key in keys for kind in kinds]
    return shown | {"ContributorInsightsRuleList": rules}


def _labels(config: CollectionConfig, index: str | None) -> dict[str, str]:
    return config.labels if index is None else _index(config, index).labels


def _index(config: CollectionConfig, name: str) -> Index:
    index = find_index(config, name)
    if index is None:
        raise AwsError("ResourceNotFoundException", f"Requested resource not found: Index: {name} not found")
    return index


async def _named(work: Awaitable[Collection]) -> Collection:
    try:
        return await work
    except CollectionNotFoundError as error:
        raise table_not_found(error.name) from None


OPERATIONS: Final = (describe_contributor_insights, list_contributor_insights, update_contributor_insights)
