"""Amazon DynamoDB operations on tags of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.clouds.aws.paging import InvalidTokenError, read_token, write_token
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from fogbank.engines.documents.model import Collection, CollectionConfig, Name

TAGS_MAX: Final = 50
TAGS_LISTED_MAX: Final = 10


class Tag(Input):
    """A tag."""

    Key: str = REQUIRED
    Value: str = REQUIRED


class TagResource(Input):
    """Input of TagResource."""

    ResourceArn: str = REQUIRED
    Tags: list[Tag] = REQUIRED


@operation(TagResource)
async def tag_resource(dynamo: Dynamo, call: Call, request: TagResource) -> Reply:
    """Add tags to a table, or replace those of the same keys."""

    def change(config: CollectionConfig) -> CollectionConfig:
        return msgspec.structs.replace(config, tags=read_tags(config.tags, request.Tags))

    name = _table_of_arn(call, request.ResourceArn)
    await _named(request.ResourceArn, dynamo.store.run(collections.update, name, change))
    return None


class UntagResource(Input):
    """Input of UntagResource."""

    ResourceArn: str = REQUIRED
    TagKeys: list[str] = REQUIRED


@operation(UntagResource)
async def untag_resource(dynamo: Dynamo, call: Call, request: UntagResource) -> Reply:
    """Remove tags from a table; keys that aren't there are passed over."""
    if not request.TagKeys:
        raise validation("Atleast one Tag Key needs to be provided as Input.")

    def change(config: CollectionConfig) -> CollectionConfig:
        kept = {key: value for key, value in config.tags.items() if key not in request.TagKeys}
        return msgspec.structs.replace(config, tags=kept)

    name = _table_of_arn(call, request.ResourceArn)
    await _named(request.ResourceArn, dynamo.store.run(collections.update, name, change))
    return None


class ListTagsOfResource(Input):
    """Input of ListTagsOfResource."""

    ResourceArn: str = REQUIRED
    NextToken: str | None = None


@operation(ListTagsOfResource)
async def list_tags_of_resource(dynamo: Dynamo, call: Call, request: ListTagsOfResource) -> Reply:
    """List a table's tags by key, ten at a time."""
    name = _table_of_arn(call, request.ResourceArn)
    table = await _named(request.ResourceArn, dynamo.store.read(collections.find, name))
    try:
        after = "" if request.NextToken is None else read_token(request.NextToken, str)
    except InvalidTokenError:
        raise validation("Invalid NextToken") from None
    tags = table.config.tags
    keys = sorted(key for key in tags if key > after)
    page = keys[:TAGS_LISTED_MAX]
    listed = [{"Key": key, "Value": tags[key]} for key in page]
    return {"Tags": listed, "NextToken": write_token(page[-1])} if len(keys) > len(page) else {"Tags": listed}


def read_tags(present: Mapping[str, str], added: Iterable[Tag]) -> dict[str, str]:
    """Return a table's tags with those added."""
    tags = {**present, **{tag.Key: tag.Value for tag in added}}
    if len(tags) > TAGS_MAX:
        raise validation(f"One or more parameter values were invalid: Number of tags exceeds {TAGS_MAX}")
    return tags


def _table_of_arn(call: Call, text: str) -> Name:
    if parse_arn(text) is None:
        raise validation(f"Invalid TableArn: Invalid ResourceArn provided as input {text}")
    return table_of(call, text)


async def _named(arn: str, work: Awaitable[Collection]) -> Collection:
    """Let an error name the resource that isn't there."""
    try:
        return await work
    except CollectionNotFoundError:
        msg = f"Requested resource not found: ResourcArn: {arn} not found"
        raise AwsError("ResourceNotFoundException", msg) from None


OPERATIONS: Final = (list_tags_of_resource, tag_resource, untag_resource)
