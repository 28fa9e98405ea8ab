"""Amazon SNS: what its operations stand on, and the names of topics and subscriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.sns.errors import invalid

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.topic_model import Subscription
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

FIFO_SUFFIX: Final = ".fifo"
PENDING: Final = "PendingConfirmation"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")


class Sns(NamedTuple):
    """The parts of the server that SNS uses."""

    store: Store
    clock: Clock
    ids: Ids


def check_name(name: str, *, fifo: bool) -> None:
    """Refuse a name that no topic may have."""
    bare = name.removesuffix(FIFO_SUFFIX) if fifo else name
    if fifo and not name.endswith(FIFO_SUFFIX):
        raise invalid(
            "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII"
            " letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long."
        )
    if not _NAME.fullmatch(bare) or len(name) > 256:
        raise invalid("Topic Name")


def topic_arn(scope: str, name: str) -> str:
    """Return the ARN of a topic."""
    _realm, account, region = scope.split("/")
    return str(Arn("aws", "sns", region, account, name))


def subscription_arn(subscription: Subscription) -> str:
    """Return the ARN of a subscription."""
    return f"{topic_arn(subscription.scope, subscription.topic_name)}:{subscription.id}"


def read_topic(arn: str, parameter: str = "TopicArn") -> Name:
    """Return the topic that an ARN names."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "sns" or ":" in parsed.resource or "/" in parsed.resource:
        raise invalid(
            f"{parameter} Reason: An ARN must have at least 6 elements, not {arn.count(':') + 1}"
            if parsed is None
            else parameter
        )
    return parsed.scope, parsed.resource


def read_subscription(arn: str) -> tuple[str, str]:
    """Return the scope and id of the subscription that an ARN names."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "sns":
        raise invalid(
            "SubscriptionArn Reason: An ARN must have at least 6 elements" if parsed is None else "SubscriptionArn"
        )
    _topic, colon, number = parsed.resource.rpartition(":")
    if not colon:
        raise invalid("SubscriptionId")
    return parsed.scope, number
