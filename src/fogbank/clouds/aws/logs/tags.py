"""Amazon CloudWatch Logs operations on the tags of log groups, by ARN and, older, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.logs.names import group_arn, group_by_arn
from fogbank.engines.telemetry import groups
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.clouds.aws.logs.service import Logs
    from fogbank.engines.telemetry.model import LogGroupConfig, Name

TAGS_MAX: Final = 50


class TagResource(Input):
    """Input of TagResource."""

    resourceArn: str
    tags: dict[str, str]


@operation(TagResource)
async def tag_resource(logs: Logs, call: Call, request: TagResource) -> Reply:
    """Add tags to a log group, or replace those of the same keys."""
    await _tag(logs, group_by_arn(call, request.resourceArn), request.tags)
    return None


class UntagResource(Input):
    """Input of UntagResource."""

    resourceArn: str
    tagKeys: list[str]


@operation(UntagResource)
async def untag_resource(logs: Logs, call: Call, request: UntagResource) -> Reply:
    """Remove tags from a log group; keys that aren't there are passed over."""
    await _untag(logs, group_by_arn(call, request.resourceArn), request.tagKeys)
    return None


class ListTagsForResource(Input):
    """Input of ListTagsForResource."""

    resourceArn: str


@operation(ListTagsForResource)
async def list_tags_for_resource(logs: Logs, call: Call, request: ListTagsForResource) -> Reply:
    """Return a log group's tags."""
    group = await logs.store.read(groups.find, group_by_arn(call, request.resourceArn))
    return {"tags": group.config.tags}


class TagLogGroup(Input):
    """Input of TagLogGroup."""

    logGroupName: str
    tags: dict[str, str]


@operation(TagLogGroup)
async def tag_log_group(logs: Logs, call: Call, request: TagLogGroup) -> Reply:
    """Do what TagResource does, by name."""
    await _tag(logs, (call.scope, request.logGroupName), request.tags)
    return None


class UntagLogGroup(Input):
    """Input of UntagLogGroup."""

    logGroupName: str
    tags: list[str]


@operation(UntagLogGroup)
async def untag_log_group(logs: Logs, call: Call, request: UntagLogGroup) -> Reply:
    """Do what UntagResource does, by name."""
    await _untag(logs, (call.scope, request.logGroupName), request.tags)
    return None


class ListTagsLogGroup(Input):
    """Input of ListTagsLogGroup."""

    logGroupName: str


@operation(ListTagsLogGroup)
async def list_tags_log_group(logs: Logs, call: Call, request: ListTagsLogGroup) -> Reply:
    """Do what ListTagsForResource does, by name."""
    group = await logs.store.read(groups.find, (call.scope, request.logGroupName))
    return {"tags": group.config.tags}


async def _tag(logs: Logs, name: Name, tags: Mapping[str, str]) -> None:
    def change(config: LogGroupConfig) -> LogGroupConfig:
        merged = {**config.tags, **tags}
        if len(merged) > TAGS_MAX:
            fields = {"resourceName": group_arn(*name)}
            raise AwsError("TooManyTagsException", "A resource can have no more than 50 tags.", fields=fields)
        return msgspec.structs.replace(config, tags=merged)

    await logs.store.run(groups.update, name, change)


async def _untag(logs: Logs, name: Name, keys: Sequence[str]) -> None:
    def change(config: LogGroupConfig) -> LogGroupConfig:
        kept = {key: value for key, value in config.tags.items() if key not in keys}
        return msgspec.structs.replace(config, tags=kept)

    await logs.store.run(groups.update, name, change)


OPERATIONS: Final = (
    list_tags_for_resource,
    list_tags_log_group,
    tag_log_group,
    tag_resource,
    untag_log_group,
    untag_resource,
)
