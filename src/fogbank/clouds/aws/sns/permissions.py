"""Amazon SNS's AddPermission and RemovePermission: statements of a topic's policy, which is kept and not evaluated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.sns.errors import invalid
from fogbank.clouds.aws.sns.service import Sns, read_topic
from fogbank.clouds.aws.sns.topics import policy_of
from fogbank.engines.messaging import topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.topic_model import TopicConfig
    from fogbank.storage import Tx

ACTIONS: Final = frozenset({
    "AddPermission", "DeleteTopic", "GetTopicAttributes", "ListSubscriptionsByTopic", "ListTagsForResource",
    "Publish", "Receive", "RemovePermission", "SetTopicAttributes", "Subscribe", "TagResource", "UntagResource",
})  # fmt: skip
_ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)
_LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")


class AddPermission(Input):
    """Input of AddPermission."""

    TopicArn: str
    Label: str
    AWSAccountId: list[str]
    ActionName: list[str]


@operation(AddPermission)
async def add_permission(sns: Sns, call: Call, request: AddPermission) -> Reply:
    """Add a statement to a topic's policy that allows accounts some actions."""
    del call
    name = read_topic(request.TopicArn)
    if not _LABEL.fullmatch(request.Label):
        raise invalid("Label")
    if not request.AWSAccountId or not all(_ACCOUNT.fullmatch(each) for each in request.AWSAccountId):
        raise invalid("AWSAccountId")
    if not request.ActionName or not ACTIONS.issuperset(request.ActionName):
        raise invalid("Policy statement action out of service scope!")
    accounts = [f"arn:aws:iam::{account}:root" for account in request.AWSAccountId]
    actions = [f"SNS:{action}" for action in request.ActionName]
    statement = {
        "Sid": request.Label,
        "Effect": "Allow",
        "Principal": {"AWS": accounts[0] if len(accounts) == 1 else accounts},
        "Action": actions[0] if len(actions) == 1 else actions,
        "Resource": request.TopicArn,
    }

    def add(statements: list[Any]) -> list[Any]:
        if any(_sid(each) == request.Label for each in statements):
            raise invalid("Statement already exists")
        return [*statements, statement]

    await sns.store.run(_change, name, add)
    return None


class RemovePermission(Input):
    """Input of RemovePermission."""

    TopicArn: str
    Label: str


@operation(RemovePermission)
async def remove_permission(sns: Sns, call: Call, request: RemovePermission) -> Reply:
    """Remove a statement from a topic's policy; one that isn't there counts as removed."""
    del call

    def remove(statements: list[Any]) -> list[Any]:
        return [each for each in statements if _sid(each) != request.Label]

    await sns.store.run(_change, read_topic(request.TopicArn), remove)
    return None


def _sid(statement: Any) -> Any:
    return statement.get("Sid") if isinstance(statement, dict) else None


async def _change(tx: Tx, now_us: int, name: Name, change: Callable[[list[Any]], list[Any]]) -> None:
    policy = msgspec.json.decode(policy_of(await topics.find(tx, now_us, name)))
    statements = policy.get("Statement", [])
    policy["Statement"] = change(statements if isinstance(statements, list) else [statements])
    text = msgspec.json.encode(policy).decode()

    def label(config: TopicConfig) -> TopicConfig:
        return msgspec.structs.replace(config, labels={**config.labels, "Policy": text})

    await topics.update(tx, now_us, name, label)


OPERATIONS: Final = (add_permission, remove_permission)
