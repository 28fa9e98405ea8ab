"""AWS Identity and Access Management operations that attach managed policies to roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.iam.catalogue import find_policy
from fogbank.clouds.aws.iam.errors import no_such_policy, not_attachable
from fogbank.clouds.aws.iam.service import Paged, after_marker, in_account, in_pages
from fogbank.clouds.aws.identities import ROLE_PREFIX, parse_iam_arn, unique_id
from fogbank.engines.identity import attachments
from fogbank.engines.identity.attachments import BOUNDS, GRANTS

if TYPE_CHECKING:
    from fogbank.clouds.aws.iam.service import Iam

ATTACHED_MAX: Final = 10
_ROLES: Final = {None: (GRANTS, BOUNDS), "PermissionsPolicy": (GRANTS,), "PermissionsBoundary": (BOUNDS,)}


class AttachRolePolicy(Input):
    """Input of AttachRolePolicy."""

    RoleName: str
    PolicyArn: str


@operation(AttachRolePolicy)
async def attach_role_policy(iam: Iam, call: Call, request: AttachRolePolicy) -> Reply:
    """Attach a managed policy to a role."""
    policy = await find_policy(iam, call, request.PolicyArn)
    if policy is None:
        raise not_attachable(request.PolicyArn)
    name = in_account(call, request.RoleName)
    await iam.store.run(attachments.attach, name, policy.arn, ATTACHED_MAX, stored=policy.stored)
    return None


class DetachRolePolicy(Input):
    """Input of DetachRolePolicy."""

    RoleName: str
    PolicyArn: str


@operation(DetachRolePolicy)
async def detach_role_policy(iam: Iam, call: Call, request: DetachRolePolicy) -> Reply:
    """Detach a managed policy from a role."""
    await iam.store.run(attachments.detach, in_account(call, request.RoleName), request.PolicyArn)
    return None


class ListAttachedRolePolicies(Paged):
    """Input of ListAttachedRolePolicies."""

    RoleName: str
    PathPrefix: str = "/"


@operation(ListAttachedRolePolicies)
async def list_attached_role_policies(iam: Iam, call: Call, request: ListAttachedRolePolicies) -> Reply:
    """List the managed policies that are attached to a role."""
    arns = await iam.store.read(attachments.list_attached, in_account(call, request.RoleName))
    after = after_marker(request)
    shown = []
    for arn in arns:
        parts = parse_iam_arn(arn, "policy")
        if arn > after and parts is not None and parts[1].startswith(request.PathPrefix):
            shown.append({"PolicyName": parts[2], "PolicyArn": arn})
    return in_pages("AttachedPolicies", shown, request, lambda policy: str(policy["PolicyArn"]))


class ListEntitiesForPolicy(Paged):
    """Input of ListEntitiesForPolicy."""

    PolicyArn: str
    EntityFilter: str | None = None
    PathPrefix: str = "/"
    PolicyUsageFilter: str | None = None


@operation(ListEntitiesForPolicy)
async def list_entities_for_policy(iam: Iam, call: Call, request: ListEntitiesForPolicy) -> Reply:
    """List the roles that have a managed policy; there are no users or groups."""
    if await find_policy(iam, call, request.PolicyArn) is None:
        raise no_such_policy(request.PolicyArn)
    scope, _ = in_account(call, "")
    roles: list[dict[str, Any]] = []
    if request.EntityFilter in (None, "Role"):
        chosen = _ROLES[request.PolicyUsageFilter]
        found = await iam.store.scan(attachments.holders, scope, request.PolicyArn, chosen)
        after = after_marker(request)
        roles = [
            {"RoleName": role.name, "RoleId": unique_id(ROLE_PREFIX, role.id)}
            for role in found
            if role.name > after and role.path.startswith(request.PathPrefix)
        ]
    page = in_pages("PolicyRoles", roles, request, lambda role: str(role["RoleName"]))
    return {"PolicyGroups": [], "PolicyUsers": [], **page}


OPERATIONS: Final = (
    attach_role_policy,
    detach_role_policy,
    list_attached_role_policies,
    list_entities_for_policy,
)
