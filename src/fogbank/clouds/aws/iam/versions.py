"""AWS Identity and Access Management operations on the versions of managed policies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.iam.catalogue import find_policy, own_policy
from fogbank.clouds.aws.iam.errors import no_such, no_such_policy
from fogbank.clouds.aws.iam.policies import check_document
from fogbank.clouds.aws.iam.service import Paged, after_marker, in_pages
from fogbank.engines.identity import policies
from fogbank.engines.identity.errors import PolicyVersionNotFoundError
from fogbank.engines.identity.model import PolicyVersion
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.aws.iam.catalogue import Found
    from fogbank.clouds.aws.iam.service import Iam
    from fogbank.wire.aws.errors import AwsError

VERSIONS_MAX: Final = 5
_VERSION: Final = re.compile(r"v([1-9]\d{0,8})", re.ASCII)


class CreatePolicyVersion(Input):
    """Input of CreatePolicyVersion."""

    PolicyArn: str
    PolicyDocument: str
    SetAsDefault: bool = False


@operation(CreatePolicyVersion)
async def create_policy_version(iam: Iam, call: Call, request: CreatePolicyVersion) -> Reply:
    """Add a version to a managed policy."""
    check_document(request.PolicyDocument)
    name = await own_policy(iam, call, request.PolicyArn)
    _, made = await iam.store.run(
        policies.add_version, name, request.PolicyDocument, VERSIONS_MAX, default=request.SetAsDefault
    )
    return {"PolicyVersion": _show(made, default=request.SetAsDefault)}


class GetPolicyVersion(Input):
    """Input of GetPolicyVersion."""

    PolicyArn: str
    VersionId: str


@operation(GetPolicyVersion)
async def get_policy_version(iam: Iam, call: Call, request: GetPolicyVersion) -> Reply:
    """Return a version of a managed policy with its document; of AWS's own the default one is known."""
    policy, versions = await _versions(iam, call, request.PolicyArn)
    for version in versions:
        if f"v{version.number}" == request.VersionId:
            default = version.number == policy.default
            return {"PolicyVersion": _show(version, default=default, document=True)}
    raise _no_version(request.PolicyArn, request.VersionId)


class ListPolicyVersions(Paged):
    """Input of ListPolicyVersions."""

    PolicyArn: str


@operation(ListPolicyVersions)
async def list_policy_versions(iam: Iam, call: Call, request: ListPolicyVersions) -> Reply:
    """List the versions of a managed policy, the newest first, without their documents."""
    policy, versions = await _versions(iam, call, request.PolicyArn)
    after = after_marker(request)
    ids = [f"v{version.number}" for version in versions]
    rest = versions[ids.index(after) + 1 :] if after in ids else versions
    shown = [_show(version, default=version.number == policy.default) for version in rest]
    return in_pages("Versions", shown, request, lambda version: str(version["VersionId"]))


class SetDefaultPolicyVersion(Input):
    """Input of SetDefaultPolicyVersion."""

    PolicyArn: str
    VersionId: str


@operation(SetDefaultPolicyVersion)
async def set_default_policy_version(iam: Iam, call: Call, request: SetDefaultPolicyVersion) -> Reply:
    """Make a version of a managed policy the default one."""
    name = await own_policy(iam, call, request.PolicyArn)
    number = _number(request.PolicyArn, request.VersionId)
    try:
        await iam.store.run(policies.set_default, name, number)
    except PolicyVersionNotFoundError:
        raise _no_version(request.PolicyArn, request.VersionId) from None
    return None


class DeletePolicyVersion(Input):
    """Input of DeletePolicyVersion."""

    PolicyArn: str
    VersionId: str


@operation(DeletePolicyVersion)
async def delete_policy_version(iam: Iam, call: Call, request: DeletePolicyVersion) -> Reply:
    """Delete a version of a managed policy that isn't the default one."""
    name = await own_policy(iam, call, request.PolicyArn)
    number = _number(request.PolicyArn, request.VersionId)
    try:
        await iam.store.run(policies.delete_version, name, number)
    except PolicyVersionNotFoundError:
        raise _no_version(request.PolicyArn, request.VersionId) from None
    return None


async def _versions(iam: Iam, call: Call, arn: str) -> tuple[Found, list[PolicyVersion]]:
    policy = await find_policy(iam, call, arn)
    if policy is None:
        raise no_such_policy(arn)
    if policy.stored is None:
        return policy, [PolicyVersion(policy.default, policy.document, policy.modified_us)]
    _, versions = await iam.store.read(policies.list_versions, policy.stored)
    return policy, versions


def _number(arn: str, version_id: str) -> int:
    match = _VERSION.fullmatch(version_id)
    if match is None:
        raise _no_version(arn, version_id)
    return int(match[1])


def _no_version(arn: str, version_id: str) -> AwsError:
    return no_such(f"Policy {arn} version {version_id} does not exist or is not attachable.")


def _show(version: PolicyVersion, *, default: bool, document: bool = False) -> dict[str, Any]:
    return {
        "Document": quote(version.document, safe="") if document else None,
        "VersionId": f"v{version.number}",
        "IsDefaultVersion": default,
        "CreateDate": version.created_us // SECOND_US,
    }


OPERATIONS: Final = (
    create_policy_version,
    delete_policy_version,
    get_policy_version,
    list_policy_versions,
    set_default_policy_version,
)
