"""AWS Security Token Service operations. Policies are checked and kept; nothing is evaluated."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.identities import (
    account_scope,
    parse_iam_arn,
    subject_of,
)
from fogbank.clouds.aws.policy_documents import Kind, check_policy
from fogbank.clouds.aws.sessions import SessionRefusedError
from fogbank.clouds.aws.validation import invalid
from fogbank.engines.identity import principals
from fogbank.engines.identity.errors import PrincipalNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fogbank.clouds.aws.sts.service import Sts
    from fogbank.engines.identity.model import Principal, Session

HOUR_SECONDS: Final = 3_600
POLICY_ARNS_MAX: Final = 10
POLICY_CHARACTERS_MAX: Final = 2_048
PACKED_BYTES_MAX: Final = 2_048


class GetCallerIdentity(Input):
    """Input of GetCallerIdentity."""


@operation(GetCallerIdentity)
async def get_caller_identity(sts: Sts, call: Call, _request: GetCallerIdentity) -> Reply:
    """Say whose credentials signed the request; credentials that were not issued here are the account's root's."""
    subject = subject_of(call.account, await sts.sessions.find(call.access_key))
    return {"UserId": subject.user_id, "Account": call.account, "Arn": subject.arn}


class Tag(Input):
    """A session tag."""

    Key: str
    Value: str


class PolicyDescriptorType(Input):
    """A managed policy that narrows a session."""

    arn: str


class AssumeRole(Input):
    """Input of AssumeRole."""

    RoleArn: str
    RoleSessionName: str
    PolicyArns: list[PolicyDescriptorType] | None = None
    Policy: str | None = None
    DurationSeconds: int = HOUR_SECONDS
    Tags: list[Tag] | None = None
    TransitiveTagKeys: list[str] | None = None
    ExternalId: str | None = None
    SourceIdentity: str | None = None


@operation(AssumeRole)
async def assume_role(sts: Sts, call: Call, request: AssumeRole) -> Reply:
    """Issue credentials for a role; its trust policy, and so the external id, isn't evaluated."""
    caller = await sts.sessions.find(call.access_key)
    role = await _role(sts, call, caller, request.RoleArn)
    _check_duration(request.DurationSeconds, role, caller)
    facts = _narrowing(request.Policy, request.PolicyArns, request.Tags)
    tags: dict[str, str] = facts["tags"]
    transitive = request.TransitiveTagKeys or []
    if not tags.keys() >= set(transitive):
        msg = "The specified transitive tag key must be included in the requested tags."
        raise AwsError("InvalidParameterValue", msg)
    if caller is not None:
        tags.update({key: caller.tags[key] for key in caller.transitive})
        transitive = [*transitive, *caller.transitive]
    session = await sts.sessions.issue(
        role.scope,
        request.DurationSeconds,
        principal=role.id,
        principal_name=role.name,
        name=request.RoleSessionName,
        transitive=transitive,
        source=(caller.source if caller else "") or request.SourceIdentity or "",
        **facts,
    )
    subject = subject_of(call.account, session)
    reply = _show(session) | {"AssumedRoleUser": {"AssumedRoleId": subject.user_id, "Arn": subject.arn}}
    if session.source:
        reply["SourceIdentity"] = session.source
    return reply


class GetSessionToken(Input):
    """Input of GetSessionToken."""

    DurationSeconds: int | None = None


@operation(GetSessionToken)
async def get_session_token(sts: Sts, call: Call, request: GetSessionToken) -> Reply:
    """Issue credentials for the account itself, for an hour at the most, as documented for its root."""
    await _refuse_sessions(sts, call, "GetSessionToken")
    seconds = min(request.DurationSeconds or HOUR_SECONDS, HOUR_SECONDS)
    return _show(await sts.sessions.issue(account_scope(call.account), seconds))


class GetFederationToken(Input):
    """Input of GetFederationToken."""

    Name: str
    Policy: str | None = None
    PolicyArns: list[PolicyDescriptorType] | None = None
    DurationSeconds: int | None = None
    Tags: list[Tag] | None = None


@operation(GetFederationToken)
async def get_federation_token(sts: Sts, call: Call, request: GetFederationToken) -> Reply:
    """Issue credentials for somebody the account vouches for, for an hour at the most, as documented for its root."""
    await _refuse_sessions(sts, call, "GetFederationToken")
    facts = _narrowing(request.Policy, request.PolicyArns, request.Tags)
    seconds = min(request.DurationSeconds or HOUR_SECONDS, HOUR_SECONDS)
    session = await sts.sessions.issue(account_scope(call.account), seconds, name=request.Name, **facts)
    subject = subject_of(call.account, session)
    return _show(session) | {"FederatedUser": {"FederatedUserId": subject.user_id, "Arn": subject.arn}}


class GetAccessKeyInfo(Input):
    """Input of GetAccessKeyInfo."""

    AccessKeyId: str


@operation(GetAccessKeyInfo)
async def get_access_key_info(sts: Sts, _call: Call, request: GetAccessKeyInfo) -> Reply:
    """Return the account of an access key; keys that were not issued here count for the default account."""
    try:
        return {"Account": await sts.sessions.account(request.AccessKeyId)}
    except SessionRefusedError:
        msg = "The access key has expired or was not issued here."
        raise AwsError("InvalidClientTokenId", msg, 403) from None


async def _role(sts: Sts, call: Call, caller: Session | None, text: str) -> Principal:
    parts = parse_iam_arn(text, "role")
    if parts is None:
        msg = "Request ARN is invalid"
        raise invalid(msg)
    account, path, name = parts
    try:
        role = await sts.store.read(principals.find, (account_scope(account), name))
    except PrincipalNotFoundError:
        role = None
    if role is None or role.config.path != path:
        who = subject_of(call.account, caller).arn
        msg = f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {text}"
        raise AwsError("AccessDenied", msg, 403)
    return role


def _check_duration(seconds: int, role: Principal, caller: Session | None) -> None:
    if caller is not None and caller.principal_name and seconds > HOUR_SECONDS:
        msg = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        raise invalid(msg)
    if seconds > role.config.session_seconds_max:
        msg = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise invalid(msg)


async def _refuse_sessions(sts: Sts, call: Call, what: str) -> None:
    if await sts.sessions.find(call.access_key) is not None:
        raise AwsError("AccessDenied", f"Cannot call {what} with session credentials", 403)


def _narrowing(policy: str | None, arns: list[PolicyDescriptorType] | None, tags: list[Tag] | None) -> dict[str, Any]:
    """Check what narrows or describes a session, and return it as facts of the session."""
    if policy is not None:
        if len(policy) > POLICY_CHARACTERS_MAX:
            msg = (
                "1 validation error detected: Value at 'policy' failed to satisfy constraint:"
                f" Member must have length less than or equal to {POLICY_CHARACTERS_MAX}"
            )
            raise invalid(msg)
        check_policy(policy, Kind.SESSION)
    if arns is not None and len(arns) > POLICY_ARNS_MAX:
        msg = f"The number of managed session policies exceeds the limit of {POLICY_ARNS_MAX}."
        raise invalid(msg)
    named = {tag.Key: tag.Value for tag in tags or ()}
    if len({key.lower() for key in named}) < len(tags or ()):
        msg = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        raise AwsError("InvalidParameterValue", msg)
    narrowed_by = [*([policy] if policy is not None else ()), *(each.arn for each in arns or ())]
    packed = _packed(narrowed_by, named)
    if packed > 100:
        msg = f"Packed policy consumes {packed}% of allotted space, please use smaller policy."
        raise AwsError("PackedPolicyTooLarge", msg)
    return {"narrowed_by": narrowed_by, "tags": named}


def _packed(narrowed_by: Iterable[str], tags: Mapping[str, str]) -> int:
    """Return how much of the room for policies and tags is taken, in percent; AWS's own packing is a secret."""
    text = "".join([*narrowed_by, *tags, *tags.values()])
    return -(-len(zlib.compress(text.encode())) * 100 // PACKED_BYTES_MAX)


def _show(session: Session) -> dict[str, Any]:
    reply: dict[str, Any] = {
        "Credentials": {
            "AccessKeyId": session.access_key,
            "SecretAccessKey": session.secret,
            "SessionToken": session.token,
            "Expiration": session.until_us // SECOND_US,
        }
    }
    if session.narrowed_by or session.tags:
        reply["PackedPolicySize"] = _packed(session.narrowed_by, session.tags)
    return reply


OPERATIONS: Final = (
    assume_role,
    get_access_key_info,
    get_caller_identity,
    get_federation_token,
    get_session_token,
)
