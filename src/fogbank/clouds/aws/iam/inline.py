"""AWS Identity and Access Management operations on the policies that are embedded in one role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.iam.errors import limit_exceeded
from fogbank.clouds.aws.iam.service import Paged, after_marker, in_account, in_pages
from fogbank.clouds.aws.policy_documents import Kind, check_policy, size_of
from fogbank.engines.identity import principals
from fogbank.engines.identity.errors import TooManyError

if TYPE_CHECKING:
    from fogbank.clouds.aws.iam.service import Iam

INLINE_CHARACTERS_MAX: Final = 10_240


class PutRolePolicy(Input):
    """Input of PutRolePolicy."""

    RoleName: str
    PolicyName: str
    PolicyDocument: str


@operation(PutRolePolicy)
async def put_role_policy(iam: Iam, call: Call, request: PutRolePolicy) -> Reply:
    """Embed a policy in a role, or replace it."""
    check_policy(request.PolicyDocument, Kind.INLINE)
    name = in_account(call, request.RoleName)
    limit = INLINE_CHARACTERS_MAX
    try:
        await iam.store.run(principals.put_inline, name, request.PolicyName, request.PolicyDocument, size_of, limit)
    except TooManyError:
        msg = f"Maximum policy size of {limit} bytes exceeded for role {request.RoleName}"
        raise limit_exceeded(msg) from None
    return None


class GetRolePolicy(Input):
    """Input of GetRolePolicy."""

    RoleName: str
    PolicyName: str


@operation(GetRolePolicy)
async def get_role_policy(iam: Iam, call: Call, request: GetRolePolicy) -> Reply:
    """Return a policy that is embedded in a role."""
    name = in_account(call, request.RoleName)
    document = await iam.store.read(principals.find_inline, name, request.PolicyName)
    return {
        "RoleName": request.RoleName,
        "PolicyName": request.PolicyName,
        "PolicyDocument": quote(document, safe=""),
    }


class ListRolePolicies(Paged):
    """Input of ListRolePolicies."""

    RoleName: str


@operation(ListRolePolicies)
async def list_role_policies(iam: Iam, call: Call, request: ListRolePolicies) -> Reply:
    """List the names of the policies that are embedded in a role."""
    name = in_account(call, request.RoleName)
    found = await iam.store.read(principals.list_inline, name, after_marker(request), request.MaxItems + 1)
    return in_pages("PolicyNames", found, request, str)


class DeleteRolePolicy(Input):
    """Input of DeleteRolePolicy."""

    RoleName: str
    PolicyName: str


@operation(DeleteRolePolicy)
async def delete_role_policy(iam: Iam, call: Call, request: DeleteRolePolicy) -> Reply:
    """Remove a policy that is embedded in a role."""
    await iam.store.run(principals.delete_inline, in_account(call, request.RoleName), request.PolicyName)
    return None


OPERATIONS: Final = (delete_role_policy, get_role_policy, list_role_policies, put_role_policy)
