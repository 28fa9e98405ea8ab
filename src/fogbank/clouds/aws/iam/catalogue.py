"""Managed policies by ARN: the account's own, and AWS's, which every account has.

The documents in `aws_policies.json` are those of the "AWS Managed Policy Reference Guide", default versions only, of
the services that Fogbank has and of administration. A policy's date is that of its default version.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.clouds.aws.iam.errors import invalid_arn, no_such_policy, not_yours
from fogbank.clouds.aws.identities import POLICY_PREFIX, account_of, account_scope, iam_arn, parse_iam_arn, unique_id
from fogbank.engines.identity import policies
from fogbank.engines.identity.errors import PolicyNotFoundError
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Call
    from fogbank.clouds.aws.iam.service import Iam
    from fogbank.engines.identity.model import Name, Policy

AWS_ACCOUNT: Final = "aws"


class Found(NamedTuple):
    """A managed policy. One of AWS's brings its document; one of the account's own is `stored`."""

    arn: str
    name: str
    path: str
    policy_id: str
    default: int
    created_us: int
    modified_us: int
    description: str | None
    tags: dict[str, str]
    document: str = ""
    stored: Name | None = None


class _Known(msgspec.Struct):
    """One of AWS's policies, as the file has it."""

    version: int
    date: datetime
    description: str
    document: msgspec.Raw
    path: str = "/"


@cache
def _catalogue() -> dict[str, Found]:
    text = files("fogbank.clouds.aws.iam").joinpath("aws_policies.json").read_bytes()
    known = msgspec.json.decode(text, type=dict[str, _Known])
    found = {}
    for number, (name, policy) in enumerate(sorted(known.items()), 1):
        arn = iam_arn(AWS_ACCOUNT, "policy", policy.path, name)
        at_us = int(policy.date.timestamp()) * SECOND_US
        policy_id = unique_id(POLICY_PREFIX, number)
        document = bytes(policy.document).decode()
        found[arn] = Found(
            arn, name, policy.path, policy_id, policy.version, at_us, at_us, policy.description, {}, document
        )
    return found


def aws_policies() -> list[Found]:
    """Return AWS's own policies, as far as they are known here."""
    return list(_catalogue().values())


def customer_policy(policy: Policy) -> Found:
    """Return one of an account's own policies."""
    config = policy.config
    arn = iam_arn(account_of(policy.scope), "policy", config.path, policy.name)
    return Found(
        arn,
        policy.name,
        config.path,
        unique_id(POLICY_PREFIX, policy.id),
        config.default,
        policy.created_us,
        policy.modified_us,
        config.description,
        config.tags,
        stored=(policy.scope, policy.name),
    )


async def find_policy(iam: Iam, call: Call, arn: str) -> Found | None:
    """Return a managed policy that the caller's account may use, or None; raises `InvalidInput` for no ARN."""
    parts = parse_iam_arn(arn, "policy")
    if parts is None:
        raise invalid_arn(arn)
    account, _, name = parts
    if account == AWS_ACCOUNT:
        return _catalogue().get(arn)
    if account != call.account:
        return None
    try:
        found = customer_policy(await iam.store.read(policies.find, (account_scope(account), name)))
    except PolicyNotFoundError:
        return None
    return found if found.arn == arn else None


async def own_policy(iam: Iam, call: Call, arn: str) -> Name:
    """Return the engine's name of a policy that the caller's account may change."""
    found = await find_policy(iam, call, arn)
    if found is None:
        raise no_such_policy(arn)
    if found.stored is None:
        raise not_yours()
    return found.stored
