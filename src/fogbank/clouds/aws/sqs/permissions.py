"""Amazon SQS's AddPermission and RemovePermission: statements of a queue's policy, by their labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.sqs.errors import invalid, invalid_value, missing
from fogbank.clouds.aws.sqs.names import scope_arn
from fogbank.clouds.aws.sqs.service import Sqs, queue_of
from fogbank.engines.messaging import queues
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import QueueConfig

POLICY: Final = "Policy"
STATEMENTS_MAX: Final = 20
ACTIONS_MAX: Final = 7
_LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
# Amazon SQS API Reference, "AddPermission", Actions.
_ACTIONS: Final = frozenset({
    "*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues",
    "PurgeQueue", "ReceiveMessage", "SendMessage",
})  # fmt: skip


class AddPermission(Input):
    """Input of AddPermission."""

    QueueUrl: str
    Label: str
    AWSAccountIds: list[str]
    Actions: list[str]


@operation(AddPermission)
async def add_permission(sqs: Sqs, call: Call, request: AddPermission) -> Reply:
    """Add a statement to a queue's policy."""
    name = queue_of(call, request.QueueUrl)
    if not _LABEL.fullmatch(request.Label):
        reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        raise invalid_value(request.Label, "Label", reason)
    _check_lists(request)
    arn = scope_arn(*name)
    statement = {
        "Sid": request.Label,
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_all([f"arn:aws:iam::{account}:root" for account in request.AWSAccountIds])},
        "Action": _one_or_all([f"SQS:{action}" for action in request.Actions]),
        "Resource": arn,
    }

    def change(config: QueueConfig) -> QueueConfig:
        policy = _policy(config) or {"Version": "2012-10-17", "Id": f"{arn}/SQSDefaultPolicy", "Statement": []}
        if any(each.get("Sid") == request.Label for each in policy["Statement"]):
            raise invalid_value(request.Label, "Label", "Already exists.")
        if len(policy["Statement"]) >= STATEMENTS_MAX:
            msg = f"{STATEMENTS_MAX} statements were found, and that is the most that there may be."
            raise AwsError("OverLimit", msg, 403)
        return _with_policy(config, {**policy, "Statement": [*policy["Statement"], statement]})

    await sqs.store.run(queues.update, name, change)
    return None


class RemovePermission(Input):
    """Input of RemovePermission."""

    QueueUrl: str
    Label: str


@operation(RemovePermission)
async def remove_permission(sqs: Sqs, call: Call, request: RemovePermission) -> Reply:
    """Remove a statement from a queue's policy."""

    def change(config: QueueConfig) -> QueueConfig:
        policy = _policy(config)
        kept = [] if policy is None else [each for each in policy["Statement"] if each.get("Sid") != request.Label]
        if policy is None or len(kept) == len(policy["Statement"]):
            raise invalid_value(request.Label, "Label", "can't find label on existing policy.")
        return _with_policy(config, {**policy, "Statement": kept} if kept else None)

    await sqs.store.run(queues.update, queue_of(call, request.QueueUrl), change)
    return None


def _check_lists(request: AddPermission) -> None:
    if not request.AWSAccountIds:
        raise missing("AWSAccountIds")
    if not request.Actions:
        raise missing("Actions")
    for account in request.AWSAccountIds:
        if not _ACCOUNT.fullmatch(account):
            raise invalid_value(account, "PrincipalId", "Unable to verify.")
    for action in request.Actions:
        if action not in _ACTIONS:
            reason = "Only the queue owner is allowed to invoke this action."
            raise invalid_value(f"SQS:{action}", "ActionName", reason)
    if len(request.Actions) > ACTIONS_MAX:
        raise invalid(f"{len(request.Actions)} Actions were found, maximum allowed is {ACTIONS_MAX}.")


def _policy(config: QueueConfig) -> dict[str, Any] | None:
    text = config.labels.get(POLICY)
    if text is None:
        return None
    policy: dict[str, Any] = msgspec.json.decode(text)
    statements = policy.get("Statement", [])
    return {**policy, "Statement": statements if isinstance(statements, list) else [statements]}


def _with_policy(config: QueueConfig, policy: dict[str, Any] | None) -> QueueConfig:
    labels = {name: value for name, value in config.labels.items() if name != POLICY}
    if policy is not None:
        labels[POLICY] = msgspec.json.encode(policy).decode()
    return msgspec.structs.replace(config, labels=labels)


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


OPERATIONS: Final = (add_permission, remove_permission)
