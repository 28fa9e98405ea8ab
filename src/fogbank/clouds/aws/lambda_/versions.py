"""AWS Lambda's published versions ("Manage Lambda function versions")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_.configuration import code_sha256, show
from fogbank.clouds.aws.lambda_.errors import invalid, no_such_function
from fogbank.clouds.aws.lambda_.finding import PAGE_MAX, check_revision, find, read_marker
from fogbank.clouds.aws.lambda_.names import LATEST, read_unqualified
from fogbank.clouds.aws.paging import write_token
from fogbank.engines.functions import versions
from fogbank.engines.functions.errors import FunctionNotFoundError

if TYPE_CHECKING:
    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.model import Function, FunctionConfig


class PublishVersion(Input):
    """Input of PublishVersion."""

    FunctionName: str
    CodeSha256: str | None = None
    Description: str | None = None
    RevisionId: str | None = None


@operation(PublishVersion)
async def publish_version(lambda_: Lambda, call: Call, request: PublishVersion) -> Reply:
    """Publish the function as it is; if nothing changed since the last version, that one is returned."""
    name = read_unqualified(call, request.FunctionName)

    def settle(function: Function) -> FunctionConfig:
        check_revision(function, request.RevisionId)
        current = code_sha256(function.config)
        if request.CodeSha256 is not None and request.CodeSha256 != current:
            raise invalid(
                f"CodeSHA256 ({request.CodeSha256}) is different from current CodeSHA256 in $LATEST ({current})."
                " Please try again with the CodeSHA256 in $LATEST."
            )
        if request.Description is None:
            return function.config
        return msgspec.structs.replace(function.config, description=request.Description)

    try:
        version = await lambda_.store.run(versions.publish, name.key, lambda_.ids.sequence(), settle)
    except FunctionNotFoundError:
        raise no_such_function(name.arn) from None
    return show(version, version.version)


class ListVersionsByFunction(Input):
    """Input of ListVersionsByFunction."""

    FunctionName: str
    Marker: str | None = None
    MaxItems: int | None = None


@operation(ListVersionsByFunction)
async def list_versions_by_function(lambda_: Lambda, call: Call, request: ListVersionsByFunction) -> Reply:
    """List a function as it is, then its versions in their order."""
    function = await find(lambda_, read_unqualified(call, request.FunctionName))
    limit = min(request.MaxItems or PAGE_MAX, PAGE_MAX)
    after = read_marker(request.Marker, int, -1)
    found = await lambda_.store.read(versions.list_versions, function, max(after, 0), limit + 1)
    if after < 0:
        found.insert(0, function)
    reply: dict[str, Any] = {"Versions": [show(each, each.version or LATEST) for each in found[:limit]]}
    if len(found) > limit:
        reply["NextMarker"] = write_token(int(found[limit - 1].version or 0))
    return reply


OPERATIONS: Final = (list_versions_by_function, publish_version)
