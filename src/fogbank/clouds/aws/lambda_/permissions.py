"""Who may call a function, version or alias: resource policies, kept and shown; they are not evaluated yet.

AWS Lambda Developer Guide, "Viewing resource-based IAM policies in Lambda"; API Reference, "AddPermission".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.lambda_.configuration import revision_id
from fogbank.clouds.aws.lambda_.errors import conflict, invalid, no_such_resource, not_found, outdated
from fogbank.clouds.aws.lambda_.finding import find_version
from fogbank.clouds.aws.lambda_.names import LATEST, FunctionName, read_name
from fogbank.engines.functions import facts
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.facts import Fact

    Statements: TypeAlias = list[dict[str, Any]]

POLICY: Final = "policy"
# AWS Lambda Developer Guide, "Lambda quotas": resource-based policies.
POLICY_BYTES_MAX: Final = 20_480
URL_ACTION: Final = "lambda:InvokeFunctionUrl"


class AddPermission(Input):
    """Input of AddPermission."""

    FunctionName: str
    StatementId: str
    Action: str
    Principal: str
    EventSourceToken: str | None = None
    FunctionUrlAuthType: str | None = None
    InvokedViaFunctionUrl: bool | None = None
    PrincipalOrgID: str | None = None
    Qualifier: str | None = None
    RevisionId: str | None = None
    SourceAccount: str | None = None
    SourceArn: str | None = None


@operation(AddPermission)
async def add_permission(lambda_: Lambda, call: Call, request: AddPermission) -> Reply:
    """Add a statement to the policy of a function, version or alias."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    if name.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    if request.FunctionUrlAuthType is not None and request.Action != URL_ACTION:
        raise invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    statement = make_statement(request, name.qualified_arn)

    def change(policy: Statements) -> Statements:
        if any(each["Sid"] == request.StatementId for each in policy):
            raise conflict(
                f"The statement id ({request.StatementId}) provided already exists. Please provide a new statement id,"
                " or remove the existing statement."
            )
        return [*policy, statement]

    await _change(lambda_, name, request.RevisionId, change)
    return {"Statement": msgspec.json.encode(statement).decode()}


class RemovePermission(Input):
    """Input of RemovePermission."""

    FunctionName: str
    StatementId: str
    Qualifier: str | None = None
    RevisionId: str | None = None


@operation(RemovePermission)
async def remove_permission(lambda_: Lambda, call: Call, request: RemovePermission) -> Reply:
    """Remove a statement from the policy of a function, version or alias."""
    name = read_name(call, request.FunctionName, request.Qualifier)

    def change(policy: Statements) -> Statements:
        kept = [each for each in policy if each["Sid"] != request.StatementId]
        if not policy:
            raise not_found("No policy is associated with the given resource.")
        if len(kept) == len(policy):
            raise not_found(f"Statement {request.StatementId} is not found in resource policy.")
        return kept

    await _change(lambda_, name, request.RevisionId, change)
    return None


class GetPolicy(Input):
    """Input of GetPolicy."""

    FunctionName: str
    Qualifier: str | None = None


@operation(GetPolicy)
async def get_policy(lambda_: Lambda, call: Call, request: GetPolicy) -> Reply:
    """Return the policy of a function, version or alias."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    function = await find_version(lambda_, name)
    fact = await lambda_.store.read(facts.find, function.root, POLICY, name.target)
    if fact is None:
        raise no_such_resource()
    return {"Policy": write_policy(_read(fact)), "RevisionId": revision_id(fact.revision)}


def make_statement(request: Any, resource: str) -> dict[str, Any]:
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
        "Resource": resource,
    }
    condition: dict[str, dict[str, str]] = {}
    for operator, key, value in (
        ("StringEquals", "AWS:SourceAccount", request.SourceAccount),
        ("StringEquals", "aws:PrincipalOrgID", request.PrincipalOrgID),
        ("StringEquals", "lambda:EventSourceToken", request.EventSourceToken),
        ("StringEquals", "lambda:FunctionUrlAuthType", request.FunctionUrlAuthType),
        ("Bool", "lambda:InvokedViaFunctionUrl", _boolean(request.InvokedViaFunctionUrl)),
        ("ArnLike", "AWS:SourceArn", request.SourceArn),
    ):
        if value is not None:
            condition.setdefault(operator, {})[key] = value
    if condition:
        statement["Condition"] = condition
    return statement


def write_policy(statements: Statements) -> str:
    """Return the policy's document."""
    return msgspec.json.encode({"Version": "2012-10-17", "Id": "default", "Statement": statements}).decode()


def check_size(statements: Statements) -> None:
    """Refuse a policy that is too long."""
    size = len(write_policy(statements))
    if size > POLICY_BYTES_MAX:
        raise AwsError(
            "PolicyLengthExceededException", f"The final policy size ({size}) is bigger than the limit (20480)."
        )


def _boolean(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()


def _principal_arn(principal: str) -> str:
    if principal.isdigit():
        return f"arn:aws:iam::{principal}:root"
    if parse_arn(principal) is None:
        raise invalid(f"The provided principal was invalid. Please check the principal and try again: {principal}")
    return principal


def _read(fact: Fact | None) -> Statements:
    if fact is None:
        return []
    return msgspec.json.decode(fact.value, type=list[dict[str, Any]])


async def _change(
    lambda_: Lambda, name: FunctionName, revision: str | None, change: Callable[[Statements], Statements]
) -> None:
    function = await find_version(lambda_, name)

    def decide(fact: Fact | None) -> bytes | None:
        if revision is not None and revision != revision_id(function.revision if fact is None else fact.revision):
            raise outdated("GetPolicy")
        statements = change(_read(fact))
        check_size(statements)
        return msgspec.json.encode(statements) if statements else None

    await lambda_.store.run(facts.change, function.root, POLICY, name.target, lambda_.ids.sequence(), decide)


OPERATIONS: Final = (add_permission, get_policy, remove_permission)
