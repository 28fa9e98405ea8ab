"""AWS Lambda's tags and resource policies: kept and shown; policies are not evaluated yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.lambda_.configuration import revision_id
from fogbank.clouds.aws.lambda_.errors import invalid, unsupported
from fogbank.clouds.aws.lambda_.functions import find
from fogbank.clouds.aws.lambda_.names import read_unqualified
from fogbank.engines.functions import functions, triggers
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.model import FunctionConfig, Trigger

_POLICY: Final = "policy"
TAGS_MAX: Final = 50


class TagResource(Input):
    """Input of TagResource."""

    Resource: str
    Tags: dict[str, str]


@operation(TagResource)
async def tag_resource(lambda_: Lambda, call: Call, request: TagResource) -> Reply:
    """Add tags to a function or a mapping, or replace those of the same keys."""
    await _change_tags(lambda_, call, request.Resource, lambda tags: {**tags, **request.Tags})
    return None


class UntagResource(Input):
    """Input of UntagResource."""

    Resource: str
    TagKeys: list[str]


@operation(UntagResource)
async def untag_resource(lambda_: Lambda, call: Call, request: UntagResource) -> Reply:
    """Remove tags; keys that aren't there are passed over."""

    def change(tags: dict[str, str]) -> dict[str, str]:
        return {key: value for key, value in tags.items() if key not in request.TagKeys}

    await _change_tags(lambda_, call, request.Resource, change)
    return None


class ListTags(Input):
    """Input of ListTags."""

    Resource: str


@operation(ListTags)
async def list_tags(lambda_: Lambda, call: Call, request: ListTags) -> Reply:
    """Return the tags of a function or a mapping."""
    mapping = _mapping_id(request.Resource)
    if mapping is not None:
        return {"Tags": (await lambda_.store.read(triggers.find, call.scope, mapping)).config.tags}
    return {"Tags": (await find(lambda_, read_unqualified(call, request.Resource))).config.tags}


class AddPermission(Input):
    """Input of AddPermission."""

    FunctionName: str
    StatementId: str
    Action: str
    Principal: str
    SourceArn: str | None = None
    SourceAccount: str | None = None
    PrincipalOrgID: str | None = None
    RevisionId: str | None = None


@operation(AddPermission)
async def add_permission(lambda_: Lambda, call: Call, request: AddPermission) -> Reply:
    """Add a statement to a function's policy."""
    name = read_unqualified(call, request.FunctionName)
    await find(lambda_, name)
    statement = _statement(request, name.arn)

    def change(config: FunctionConfig) -> FunctionConfig:
        policy = _read_policy(config)
        if any(each["Sid"] == request.StatementId for each in policy):
            raise AwsError(
                "ResourceConflictException",
                f"The statement id ({request.StatementId}) provided already exists. Please provide a new statement id,"
                " or remove the existing statement.",
                409,
            )
        return _with_policy(config, [*policy, statement])

    await lambda_.store.run(functions.set_facts, name.key, change)
    return {"Statement": msgspec.json.encode(statement).decode()}


class RemovePermission(Input):
    """Input of RemovePermission."""

    FunctionName: str
    StatementId: str
    RevisionId: str | None = None


@operation(RemovePermission)
async def remove_permission(lambda_: Lambda, call: Call, request: RemovePermission) -> Reply:
    """Remove a statement from a function's policy."""
    name = read_unqualified(call, request.FunctionName)
    await find(lambda_, name)

    def change(config: FunctionConfig) -> FunctionConfig:
        policy = _read_policy(config)
        kept = [each for each in policy if each["Sid"] != request.StatementId]
        if len(kept) == len(policy):
            msg = f"Statement {request.StatementId} is not found in resource policy."
            raise AwsError("ResourceNotFoundException", msg, 404)
        return _with_policy(config, kept)

    await lambda_.store.run(functions.set_facts, name.key, change)
    return None


class GetPolicy(Input):
    """Input of GetPolicy."""

    FunctionName: str
    Qualifier: str | None = None


@operation(GetPolicy)
async def get_policy(lambda_: Lambda, call: Call, request: GetPolicy) -> Reply:
    """Return a function's policy."""
    function = await find(lambda_, read_unqualified(call, request.FunctionName, request.Qualifier))
    statements = _read_policy(function.config)
    if not statements:
        raise AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
    return {"Policy": msgspec.json.encode(policy).decode(), "RevisionId": revision_id(function.revision)}


def _statement(request: AddPermission, arn: str) -> dict[str, Any]:
    """Return the statement that a permission becomes."""
    who = request.Principal
    principal: Any = who
    if who != "*":
        principal = {"Service": who} if "." in who else {"AWS": _principal_arn(who)}
    statement: dict[str, Any] = {
        "Sid": request.StatementId,
        "Effect": "Allow",
        "Principal": principal,
        "Action": request.Action,
        "Resource": arn,
    }
    condition: dict[str, Any] = {}
    if request.SourceAccount is not None:
        condition["StringEquals"] = {"AWS:SourceAccount": request.SourceAccount}
    if request.PrincipalOrgID is not None:
        condition.setdefault("StringEquals", {})["aws:PrincipalOrgID"] = request.PrincipalOrgID
    if request.SourceArn is not None:
        condition["ArnLike"] = {"AWS:SourceArn": request.SourceArn}
    if condition:
        statement["Condition"] = condition
    return statement


def _principal_arn(principal: str) -> str:
    if principal.isdigit():
        return f"arn:aws:iam::{principal}:root"
    if parse_arn(principal) is None:
        raise invalid(f"The provided principal was invalid. Please check the principal and try again: {principal}")
    return principal


def _read_policy(config: FunctionConfig) -> list[dict[str, Any]]:
    return msgspec.json.decode(config.labels.get(_POLICY, "[]"), type=list[dict[str, Any]])


def _with_policy(config: FunctionConfig, statements: list[dict[str, Any]]) -> FunctionConfig:
    text = msgspec.json.encode(statements).decode()
    return msgspec.structs.replace(config, labels={**config.labels, _POLICY: text})


async def _change_tags(
    lambda_: Lambda, call: Call, resource: str, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    def checked(tags: dict[str, str]) -> dict[str, str]:
        changed = change(tags)
        if len(changed) > TAGS_MAX:
            raise invalid(f"A resource can have {TAGS_MAX} tags at most.")
        return changed

    mapping = _mapping_id(resource)
    if mapping is not None:

        def change_trigger(trigger: Trigger) -> Trigger:
            config = trigger.config
            return trigger._replace(config=msgspec.structs.replace(config, tags=checked(config.tags)))

        await lambda_.store.run(triggers.update, call.scope, mapping, change_trigger)
        return
    name = read_unqualified(call, resource)
    await find(lambda_, name)

    def change_config(config: FunctionConfig) -> FunctionConfig:
        return msgspec.structs.replace(config, tags=checked(config.tags))

    await lambda_.store.run(functions.set_facts, name.key, change_config)


def _mapping_id(resource: str) -> str | None:
    """Return the id of the mapping that an ARN names, None if it names a function."""
    arn = parse_arn(resource)
    if arn is None or arn.service != "lambda":
        raise invalid(f"{resource} is not the ARN of a function or an event source mapping.")
    kind, _, rest = arn.resource.partition(":")
    if kind == "event-source-mapping":
        return rest
    if kind != "function":
        raise unsupported(f"tags of {kind}s")
    return None


OPERATIONS: Final = (
    add_permission,
    get_policy,
    list_tags,
    remove_permission,
    tag_resource,
    untag_resource,
)
