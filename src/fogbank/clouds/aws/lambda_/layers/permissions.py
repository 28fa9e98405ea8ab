"""Which accounts may use a version of a layer: kept and shown; it is not evaluated yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_.configuration import revision_id
from fogbank.clouds.aws.lambda_.errors import conflict, invalid, not_found, outdated
from fogbank.clouds.aws.lambda_.layers.names import read_layer
from fogbank.clouds.aws.lambda_.permissions import check_size, write_policy
from fogbank.engines.functions import layers
from fogbank.engines.functions.errors import LayerNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.aws.lambda_.layers.names import LayerName
    from fogbank.clouds.aws.lambda_.permissions import Statements
    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.layers import LayerVersion

_POLICY: Final = "policy"
_REVISION: Final = "policy_revision"


class AddLayerVersionPermission(Input):
    """Input of AddLayerVersionPermission."""

    LayerName: str
    VersionNumber: int
    StatementId: str
    Action: str
    Principal: str
    OrganizationId: str | None = None
    RevisionId: str | None = None


@operation(AddLayerVersionPermission)
async def add_layer_version_permission(lambda_: Lambda, call: Call, request: AddLayerVersionPermission) -> Reply:
    """Add a statement to the policy of a layer's version."""
    name = read_layer(call, request.LayerName)
    if request.OrganizationId is not None and request.Principal != "*":
        raise invalid("OrganizationId can be given with the Principal * only.")
    who = request.Principal
    statement: dict[str, Any] = {
        "Sid": request.StatementId,
        "Effect": "Allow",
        "Principal": who if who == "*" else {"AWS": f"arn:aws:iam::{who}:root" if who.isdecimal() else who},
        "Action": request.Action,
        "Resource": f"{name.arn}:{request.VersionNumber}",
    }
    if request.OrganizationId is not None:
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": request.OrganizationId}}

    def change(policy: Statements) -> Statements:
        if any(each["Sid"] == request.StatementId for each in policy):
            raise conflict(
                f"The statement id ({request.StatementId}) provided already exists. Please provide a new statement id,"
                " or remove the existing statement."
            )
        return [*policy, statement]

    version = await _change(lambda_, name, request.VersionNumber, request.RevisionId, change)
    return {"Statement": msgspec.json.encode(statement).decode(), "RevisionId": _revision(version)}


class RemoveLayerVersionPermission(Input):
    """Input of RemoveLayerVersionPermission."""

    LayerName: str
    VersionNumber: int
    StatementId: str
    RevisionId: str | None = None


@operation(RemoveLayerVersionPermission)
async def remove_layer_version_permission(lambda_: Lambda, call: Call, request: RemoveLayerVersionPermission) -> Reply:
    """Remove a statement from the policy of a layer's version."""

    def change(policy: Statements) -> Statements:
        kept = [each for each in policy if each["Sid"] != request.StatementId]
        if len(kept) == len(policy):
            raise not_found(f"Statement {request.StatementId} is not found in resource policy.")
        return kept

    name = read_layer(call, request.LayerName)
    await _change(lambda_, name, request.VersionNumber, request.RevisionId, change)
    return None


class GetLayerVersionPolicy(Input):
    """Input of GetLayerVersionPolicy."""

    LayerName: str
    VersionNumber: int


@operation(GetLayerVersionPolicy)
async def get_layer_version_policy(lambda_: Lambda, call: Call, request: GetLayerVersionPolicy) -> Reply:
    """Return the policy of a layer's version."""
    name = read_layer(call, request.LayerName)
    try:
        version = await lambda_.store.read(layers.find, name.key, request.VersionNumber)
    except LayerNotFoundError:
        raise _missing(name, request.VersionNumber) from None
    statements = _read(version)
    if not statements:
        raise not_found("No policy is associated with the given resource.")
    return {"Policy": write_policy(statements), "RevisionId": _revision(version)}


async def _change(
    lambda_: Lambda, name: LayerName, number: int, revision: str | None, change: Callable[[Statements], Statements]
) -> LayerVersion:
    own = str(lambda_.ids.sequence())

    def relabel(version: LayerVersion) -> dict[str, str]:
        if revision is not None and revision != _revision(version):
            raise outdated("GetLayerPolicy")
        statements = change(_read(version))
        check_size(statements)
        text = msgspec.json.encode(statements).decode()
        return {**version.config.labels, _POLICY: text, _REVISION: own}

    try:
        return await lambda_.store.run(layers.label, name.key, number, relabel)
    except LayerNotFoundError:
        raise _missing(name, number) from None


def _missing(name: LayerName, number: int) -> Exception:
    return not_found(f"Layer version {name.arn}:{number} does not exist.")


def _revision(version: LayerVersion) -> str:
    return revision_id(int(version.config.labels.get(_REVISION, "0")))


def _read(version: LayerVersion) -> Statements:
    return msgspec.json.decode(version.config.labels.get(_POLICY, "[]"), type=list[dict[str, Any]])


OPERATIONS: Final = (add_layer_version_permission, get_layer_version_policy, remove_layer_version_permission)
