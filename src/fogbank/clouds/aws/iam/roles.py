"""AWS Identity and Access Management operations on roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.iam.catalogue import Found, find_policy
from fogbank.clouds.aws.iam.errors import limit_exceeded, no_such
from fogbank.clouds.aws.iam.service import Paged, Tag, after_marker, in_account, in_pages, read_tags, show_tags
from fogbank.clouds.aws.identities import ROLE_PREFIX, account_of, iam_arn, unique_id
from fogbank.clouds.aws.policy_documents import Kind, check_policy, size_of
from fogbank.engines.identity import attachments, principals
from fogbank.engines.identity.model import PrincipalConfig
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.aws.iam.service import Iam
    from fogbank.engines.identity.model import Name, Principal
    from fogbank.storage import Tx

TRUST_CHARACTERS_MAX: Final = 2_048
# What the quota can be raised to.
ROLES_MAX: Final = 5_000


class CreateRole(Input):
    """Input of CreateRole."""

    RoleName: str
    AssumeRolePolicyDocument: str
    Path: str = "/"
    Description: str | None = None
    MaxSessionDuration: int = 3_600
    PermissionsBoundary: str | None = None
    Tags: list[Tag] | None = None


@operation(CreateRole)
async def create_role(iam: Iam, call: Call, request: CreateRole) -> Reply:
    """Create a role."""
    _check_trust(request.AssumeRolePolicyDocument)
    config = PrincipalConfig(
        path=request.Path,
        trust=request.AssumeRolePolicyDocument,
        description=request.Description,
        session_seconds_max=request.MaxSessionDuration,
        tags=read_tags(request.Tags),
    )
    boundary = None
    if request.PermissionsBoundary is not None:
        boundary = await _boundary(iam, call, request.PermissionsBoundary)
    name = in_account(call, request.RoleName)
    return {"Role": show_role(await iam.store.run(_create, name, iam.ids.sequence(), config, boundary))}


class GetRole(Input):
    """Input of GetRole."""

    RoleName: str


@operation(GetRole)
async def get_role(iam: Iam, call: Call, request: GetRole) -> Reply:
    """Return a role; when it was last used isn't kept."""
    role = await iam.store.read(principals.find, in_account(call, request.RoleName))
    return {"Role": show_role(role) | {"RoleLastUsed": {}}}


class ListRoles(Paged):
    """Input of ListRoles."""

    PathPrefix: str = "/"


@operation(ListRoles)
async def list_roles(iam: Iam, call: Call, request: ListRoles) -> Reply:
    """List roles by name, without the details that only GetRole returns, as documented."""
    scope, _ = in_account(call, "")
    wanted = request.MaxItems + 1
    found = await iam.store.scan(principals.list_principals, scope, request.PathPrefix, after_marker(request), wanted)
    shown = [show_role(role, in_full=False) for role in found]
    return in_pages("Roles", shown, request, lambda role: str(role["RoleName"]))


class UpdateRole(Input):
    """Input of UpdateRole."""

    RoleName: str
    Description: str | None = None
    MaxSessionDuration: int | None = None


@operation(UpdateRole)
async def update_role(iam: Iam, call: Call, request: UpdateRole) -> Reply:
    """Change a role's description or how long its sessions may be; what isn't given stays."""
    changes: dict[str, Any] = {}
    if request.Description is not None:
        changes["description"] = request.Description
    if request.MaxSessionDuration is not None:
        changes["session_seconds_max"] = request.MaxSessionDuration
    await _change(iam, call, request.RoleName, **changes)
    return {}


class UpdateRoleDescription(Input):
    """Input of UpdateRoleDescription."""

    RoleName: str
    Description: str


@operation(UpdateRoleDescription)
async def update_role_description(iam: Iam, call: Call, request: UpdateRoleDescription) -> Reply:
    """Change a role's description."""
    return {"Role": show_role(await _change(iam, call, request.RoleName, description=request.Description))}


class UpdateAssumeRolePolicy(Input):
    """Input of UpdateAssumeRolePolicy."""

    RoleName: str
    PolicyDocument: str


@operation(UpdateAssumeRolePolicy)
async def update_assume_role_policy(iam: Iam, call: Call, request: UpdateAssumeRolePolicy) -> Reply:
    """Change who may assume a role."""
    _check_trust(request.PolicyDocument)
    await _change(iam, call, request.RoleName, trust=request.PolicyDocument)
    return None


class DeleteRole(Input):
    """Input of DeleteRole."""

    RoleName: str


@operation(DeleteRole)
async def delete_role(iam: Iam, call: Call, request: DeleteRole) -> Reply:
    """Delete a role that has no policies any more."""
    await iam.store.run(principals.delete, in_account(call, request.RoleName))
    return None


class PutRolePermissionsBoundary(Input):
    """Input of PutRolePermissionsBoundary."""

    RoleName: str
    PermissionsBoundary: str


@operation(PutRolePermissionsBoundary)
async def put_role_permissions_boundary(iam: Iam, call: Call, request: PutRolePermissionsBoundary) -> Reply:
    """Set the policy that bounds what others grant a role."""
    policy = await _boundary(iam, call, request.PermissionsBoundary)
    name = in_account(call, request.RoleName)
    await iam.store.run(attachments.bound, name, policy.arn, stored=policy.stored)
    return None


class DeleteRolePermissionsBoundary(Input):
    """Input of DeleteRolePermissionsBoundary."""

    RoleName: str


@operation(DeleteRolePermissionsBoundary)
async def delete_role_permissions_boundary(iam: Iam, call: Call, request: DeleteRolePermissionsBoundary) -> Reply:
    """Remove a role's permissions boundary."""
    name = in_account(call, request.RoleName)
    role = await iam.store.read(principals.find, name)
    if role.bound is None:
        raise no_such(f"Role {role.name} does not have a permissions boundary set.")
    await iam.store.run(attachments.bound, name, None)
    return None


class ListInstanceProfilesForRole(Paged):
    """Input of ListInstanceProfilesForRole."""

    RoleName: str


@operation(ListInstanceProfilesForRole)
async def list_instance_profiles_for_role(iam: Iam, call: Call, request: ListInstanceProfilesForRole) -> Reply:
    """List a role's instance profiles, of which there are none: nothing here makes any."""
    await iam.store.read(principals.find, in_account(call, request.RoleName))
    return in_pages("InstanceProfiles", [], request, str)


def show_role(role: Principal, *, in_full: bool = True) -> dict[str, Any]:
    """Show a role; documents are URL-encoded, as documented."""
    config = role.config
    account = account_of(role.scope)
    shown: dict[str, Any] = {
        "Path": config.path,
        "RoleName": role.name,
        "RoleId": unique_id(ROLE_PREFIX, role.id),
        "Arn": iam_arn(account, "role", config.path, role.name),
        "CreateDate": role.created_us // SECOND_US,
        "AssumeRolePolicyDocument": quote(config.trust, safe=""),
        "Description": config.description,
        "MaxSessionDuration": config.session_seconds_max,
    }
    if in_full and role.bound is not None:
        boundary = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": role.bound}
        shown["PermissionsBoundary"] = boundary
    if in_full and config.tags:
        shown["Tags"] = show_tags(config.tags)
    return shown


async def _create(
    tx: Tx, now_us: int, name: Name, number: int, config: PrincipalConfig, boundary: Found | None
) -> Principal:
    role = await principals.create(tx, now_us, name, number, config, ROLES_MAX)
    if boundary is None:
        return role
    await attachments.bound(tx, now_us, name, boundary.arn, stored=boundary.stored)
    return role._replace(bound=boundary.arn)


async def _change(iam: Iam, call: Call, role: str, **changes: Any) -> Principal:
    return await iam.store.run(
        principals.update, in_account(call, role), lambda config: msgspec.structs.replace(config, **changes)
    )


async def _boundary(iam: Iam, call: Call, arn: str) -> Found:
    found = await find_policy(iam, call, arn)
    if found is None:
        raise no_such(f"Scope ARN: {arn} does not exist or is not attachable.")
    return found


def _check_trust(document: str) -> None:
    check_policy(document, Kind.TRUST)
    if size_of(document) > TRUST_CHARACTERS_MAX:
        raise limit_exceeded(f"Cannot exceed quota for ACLSizePerRole: {TRUST_CHARACTERS_MAX}")


OPERATIONS: Final = (
    create_role,
    delete_role,
    delete_role_permissions_boundary,
    get_role,
    list_instance_profiles_for_role,
    list_roles,
    put_role_permissions_boundary,
    update_assume_role_policy,
    update_role,
    update_role_description,
)
