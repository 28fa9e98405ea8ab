"""AWS Identity and Access Management operations on managed policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.iam.catalogue import Found, aws_policies, customer_policy, find_policy, own_policy
from fogbank.clouds.aws.iam.errors import limit_exceeded, no_such_policy
from fogbank.clouds.aws.iam.service import Paged, Tag, after_marker, in_account, in_pages, read_tags, show_tags
from fogbank.clouds.aws.policy_documents import Kind, check_policy, size_of
from fogbank.engines.identity import attachments, policies
from fogbank.engines.identity.model import PolicyConfig
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.aws.iam.service import Iam
    from fogbank.engines.identity.attachments import Uses

POLICY_CHARACTERS_MAX: Final = 6_144
# What the quota can be raised to.
POLICIES_MAX: Final = 5_000


class CreatePolicy(Input):
    """Input of CreatePolicy."""

    PolicyName: str
    PolicyDocument: str
    Path: str = "/"
    Description: str | None = None
    Tags: list[Tag] | None = None


@operation(CreatePolicy)
async def create_policy(iam: Iam, call: Call, request: CreatePolicy) -> Reply:
    """Create a managed policy with its first version."""
    check_document(request.PolicyDocument)
    config = PolicyConfig(path=request.Path, description=request.Description, tags=read_tags(request.Tags))
    name = in_account(call, request.PolicyName)
    number = iam.ids.sequence()
    made = await iam.store.run(policies.create, name, number, config, request.PolicyDocument, POLICIES_MAX)
    return {"Policy": await _show_one(iam, call, customer_policy(made))}


class GetPolicy(Input):
    """Input of GetPolicy."""

    PolicyArn: str


@operation(GetPolicy)
async def get_policy(iam: Iam, call: Call, request: GetPolicy) -> Reply:
    """Return a managed policy without its document."""
    found = await find_policy(iam, call, request.PolicyArn)
    if found is None:
        raise no_such_policy(request.PolicyArn)
    return {"Policy": await _show_one(iam, call, found)}


class ListPolicies(Paged):
    """Input of ListPolicies."""

    Scope: str = "All"
    OnlyAttached: bool = False
    PathPrefix: str = "/"
    PolicyUsageFilter: str | None = None


@operation(ListPolicies)
async def list_policies(iam: Iam, call: Call, request: ListPolicies) -> Reply:
    """List managed policies, the account's own and AWS's, by ARN."""
    scope, _ = in_account(call, "")
    after = after_marker(request)
    found: list[Found] = []
    if request.Scope != "AWS":
        # All of them, since the order is that of ARNs.
        own = await iam.store.scan(policies.list_policies, scope, request.PathPrefix, "", POLICIES_MAX)
        found += map(customer_policy, own)
    if request.Scope != "Local":
        found += [policy for policy in aws_policies() if policy.path.startswith(request.PathPrefix)]
    found = sorted((policy for policy in found if policy.arn > after), key=lambda policy: policy.arn)
    uses = await iam.store.scan(attachments.count_uses, scope, [policy.arn for policy in found])
    usage = request.PolicyUsageFilter or ("Any" if request.OnlyAttached else None)
    chosen = [policy for policy in found if _is_used(uses[policy.arn], usage)]
    shown = [_show(policy, uses[policy.arn], in_full=False) for policy in chosen[: request.MaxItems + 1]]
    return in_pages("Policies", shown, request, lambda policy: str(policy["Arn"]))


class DeletePolicy(Input):
    """Input of DeletePolicy."""

    PolicyArn: str


@operation(DeletePolicy)
async def delete_policy(iam: Iam, call: Call, request: DeletePolicy) -> Reply:
    """Delete a managed policy that nothing has attached and that has no other versions than the default one."""
    name = await own_policy(iam, call, request.PolicyArn)
    await iam.store.run(policies.delete, name, request.PolicyArn)
    return None


def check_document(document: str) -> None:
    """Refuse a document that can't be a managed policy's."""
    check_policy(document, Kind.MANAGED)
    if size_of(document) > POLICY_CHARACTERS_MAX:
        raise limit_exceeded(f"Cannot exceed quota for PolicySize: {POLICY_CHARACTERS_MAX}")


def _is_used(uses: Uses, usage: str | None) -> bool:
    if usage == "PermissionsPolicy":
        return uses.grants > 0
    if usage == "PermissionsBoundary":
        return uses.bounds > 0
    return usage is None or uses.grants > 0 or uses.bounds > 0


async def _show_one(iam: Iam, call: Call, policy: Found) -> dict[str, Any]:
    scope, _ = in_account(call, "")
    uses = await iam.store.read(attachments.count_uses, scope, [policy.arn])
    return _show(policy, uses[policy.arn], in_full=True)


def _show(policy: Found, uses: Uses, *, in_full: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "PolicyName": policy.name,
        "PolicyId": policy.policy_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{policy.default}",
        "AttachmentCount": uses.grants,
        "PermissionsBoundaryUsageCount": uses.bounds,
        "IsAttachable": True,
        "CreateDate": policy.created_us // SECOND_US,
        "UpdateDate": policy.modified_us // SECOND_US,
    }
    if in_full:
        shown["Description"] = policy.description
        shown["Tags"] = show_tags(policy.tags)
    return shown


OPERATIONS: Final = (create_policy, delete_policy, get_policy, list_policies)
