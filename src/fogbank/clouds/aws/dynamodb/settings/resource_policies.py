"""Amazon DynamoDB operations on policies of tables and streams. They are checked and kept; nothing is denied by them.

Amazon DynamoDB API Reference, "PutResourcePolicy", "GetResourcePolicy" and "DeleteResourcePolicy":
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import REQUIRED, Call, Input, Reply, operation
from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.dynamodb.errors import validation
from fogbank.clouds.aws.dynamodb.service import Dynamo, table_of
from fogbank.clouds.aws.dynamodb.streams.names import feed_of
from fogbank.clouds.aws.policy_documents import Kind, check_policy
from fogbank.engines.documents import collections, feeds
from fogbank.engines.documents.errors import CollectionNotFoundError, FeedNotFoundError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.engines.documents.feeds import FeedConfig
    from fogbank.engines.documents.model import CollectionConfig

    Labels = Mapping[str, str]

POLICY_BYTES_MAX: Final = 20 * 1_024
NO_POLICY: Final = "NO_POLICY"
_POLICY: Final = "ResourcePolicy"
_REVISION: Final = "ResourcePolicyRevision"


class PutResourcePolicy(Input):
    """Input of PutResourcePolicy."""

    ResourceArn: str = REQUIRED
    Policy: str = REQUIRED
    ExpectedRevisionId: str | None = None
    ConfirmRemoveSelfResourceAccess: bool | None = None


@operation(PutResourcePolicy)
async def put_resource_policy(dynamo: Dynamo, call: Call, request: PutResourcePolicy) -> Reply:
    """Give a table or a stream its policy; the one that it has already keeps its revision."""
    wanted = policy_labels(dynamo, request.Policy)

    def change(labels: Labels) -> dict[str, str]:
        _check_revision(labels, request.ExpectedRevisionId, request.ResourceArn)
        return dict(labels) if labels.get(_POLICY) == request.Policy else {**labels, **wanted}

    return {"RevisionId": (await _change(dynamo, call, request.ResourceArn, change))[_REVISION]}


class GetResourcePolicy(Input):
    """Input of GetResourcePolicy."""

    ResourceArn: str = REQUIRED


@operation(GetResourcePolicy)
async def get_resource_policy(dynamo: Dynamo, call: Call, request: GetResourcePolicy) -> Reply:
    """Return a table's or a stream's policy."""
    arn = request.ResourceArn
    feed = feed_of(arn)
    try:
        if feed is None:
            labels = (await dynamo.store.read(collections.look_up, table_of(call, _checked(arn)))).config.labels
        else:
            labels = (await dynamo.store.read(feeds.find, feed)).config.labels
    except (CollectionNotFoundError, FeedNotFoundError):
        raise _resource_not_found(arn) from None
    if _POLICY not in labels:
        raise _policy_not_found(arn)
    return {"Policy": labels[_POLICY], "RevisionId": labels[_REVISION]}


class DeleteResourcePolicy(Input):
    """Input of DeleteResourcePolicy."""

    ResourceArn: str = REQUIRED
    ExpectedRevisionId: str | None = None


@operation(DeleteResourcePolicy)
async def delete_resource_policy(dynamo: Dynamo, call: Call, request: DeleteResourcePolicy) -> Reply:
    """Take a table's or a stream's policy away; that there is none is refused only where a revision is expected."""
    gone = ""

    def change(labels: Labels) -> dict[str, str]:
        nonlocal gone
        _check_revision(labels, request.ExpectedRevisionId, request.ResourceArn)
        gone = labels.get(_REVISION, "")
        return {name: value for name, value in labels.items() if name not in (_POLICY, _REVISION)}

    await _change(dynamo, call, request.ResourceArn, change)
    return {"RevisionId": gone} if gone else {}


def policy_labels(dynamo: Dynamo, policy: str | None) -> dict[str, str]:
    """Return the labels that keep a policy, with a new revision; refuses what is no policy of a resource."""
    if policy is None:
        return {}
    if len(policy.encode()) > POLICY_BYTES_MAX:
        raise validation(f"Resource policy size exceeds the limit of {POLICY_BYTES_MAX} bytes")
    try:
        check_policy(policy, Kind.RESOURCE)
    except AwsError as error:
        raise validation(f"Invalid policy document: {error.message}") from None
    return {_POLICY: policy, _REVISION: str(dynamo.ids.sequence())}


async def _change(
    dynamo: Dynamo, call: Call, arn: str, change: Callable[[Labels], dict[str, str]]
) -> Mapping[str, str]:
    """Change the labels of a table or a stream; returns them."""

    def of_table(config: CollectionConfig) -> CollectionConfig:
        return msgspec.structs.replace(config, labels=change(config.labels))

    def of_stream(config: FeedConfig) -> FeedConfig:
        return msgspec.structs.replace(config, labels=change(config.labels))

    feed = feed_of(arn)
    try:
        if feed is not None:
            return (await dynamo.store.run(feeds.update, feed, of_stream)).config.labels
        name = table_of(call, _checked(arn))
        return (await dynamo.store.run(collections.update, name, of_table)).config.labels
    except (CollectionNotFoundError, FeedNotFoundError):
        raise _resource_not_found(arn) from None


def _checked(arn: str) -> str:
    if parse_arn(arn) is None:
        raise validation(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    return arn


def _check_revision(labels: Labels, expected: str | None, arn: str) -> None:
    if expected is not None and labels.get(_REVISION, NO_POLICY) != expected:
        raise _policy_not_found(arn)


def _policy_not_found(arn: str) -> AwsError:
    return AwsError("PolicyNotFoundException", f"Resource-based policy not found for the provided ResourceArn: {arn}")


def _resource_not_found(arn: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"Requested resource not found: ResourcArn: {arn} not found")


OPERATIONS: Final = (delete_resource_policy, get_resource_policy, put_resource_policy)
