"""AWS Identity and Access Management operations on the tags of roles and managed policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.iam.catalogue import own_policy
from fogbank.clouds.aws.iam.errors import limit_exceeded
from fogbank.clouds.aws.iam.service import Paged, Tag, after_marker, in_account, in_pages, read_tags, show_tags
from fogbank.engines.identity import policies, principals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.aws.iam.service import Iam

TAGS_MAX: Final = 50


class TagRole(Input):
    """Input of TagRole."""

    RoleName: str
    Tags: list[Tag]


@operation(TagRole)
async def tag_role(iam: Iam, call: Call, request: TagRole) -> Reply:
    """Add tags to a role, or replace those of the same keys."""
    tags = read_tags(request.Tags)
    await iam.store.run(
        principals.update,
        in_account(call, request.RoleName),
        lambda config: msgspec.structs.replace(config, tags=_merge(config.tags, tags, "TagsPerRole")),
    )
    return None


class UntagRole(Input):
    """Input of UntagRole."""

    RoleName: str
    TagKeys: list[str]


@operation(UntagRole)
async def untag_role(iam: Iam, call: Call, request: UntagRole) -> Reply:
    """Remove tags from a role; keys that aren't there are passed over."""
    await iam.store.run(
        principals.update,
        in_account(call, request.RoleName),
        lambda config: msgspec.structs.replace(config, tags=_without(config.tags, request.TagKeys)),
    )
    return None


class ListRoleTags(Paged):
    """Input of ListRoleTags."""

    RoleName: str


@operation(ListRoleTags)
async def list_role_tags(iam: Iam, call: Call, request: ListRoleTags) -> Reply:
    """List a role's tags by key."""
    role = await iam.store.read(principals.find, in_account(call, request.RoleName))
    return _page(role.config.tags, request)


class TagPolicy(Input):
    """Input of TagPolicy."""

    PolicyArn: str
    Tags: list[Tag]


@operation(TagPolicy)
async def tag_policy(iam: Iam, call: Call, request: TagPolicy) -> Reply:
    """Add tags to a managed policy, or replace those of the same keys."""
    tags = read_tags(request.Tags)
    await iam.store.run(
        policies.update,
        await own_policy(iam, call, request.PolicyArn),
        lambda config: msgspec.structs.replace(config, tags=_merge(config.tags, tags, "TagsPerPolicy")),
    )
    return None


class UntagPolicy(Input):
    """Input of UntagPolicy."""

    PolicyArn: str
    TagKeys: list[str]


@operation(UntagPolicy)
async def untag_policy(iam: Iam, call: Call, request: UntagPolicy) -> Reply:
    """Remove tags from a managed policy; keys that aren't there are passed over."""
    await iam.store.run(
        policies.update,
        await own_policy(iam, call, request.PolicyArn),
        lambda config: msgspec.structs.replace(config, tags=_without(config.tags, request.TagKeys)),
    )
    return None


class ListPolicyTags(Paged):
    """Input of ListPolicyTags."""

    PolicyArn: str


@operation(ListPolicyTags)
async def list_policy_tags(iam: Iam, call: Call, request: ListPolicyTags) -> Reply:
    """List a managed policy's tags by key."""
    policy = await iam.store.read(policies.find, await own_policy(iam, call, request.PolicyArn))
    return _page(policy.config.tags, request)


def _merge(old: dict[str, str], new: dict[str, str], quota: str) -> dict[str, str]:
    merged = {**old, **new}
    if len(merged) > TAGS_MAX:
        raise limit_exceeded(f"Cannot exceed quota for {quota}: {TAGS_MAX}")
    return merged


def _without(tags: dict[str, str], keys: Iterable[str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in keys}


def _page(tags: dict[str, str], request: Paged) -> Reply:
    after = after_marker(request)
    return in_pages("Tags", [tag for tag in show_tags(tags) if tag["Key"] > after], request, lambda tag: tag["Key"])


OPERATIONS: Final = (list_policy_tags, list_role_tags, tag_policy, tag_role, untag_policy, untag_role)
