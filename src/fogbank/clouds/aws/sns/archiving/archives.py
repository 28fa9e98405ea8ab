"""Archives of FIFO topics: the topic attributes ArchivePolicy and BeginningArchiveTime.

Amazon SNS Developer Guide, "Amazon SNS message archiving for FIFO topic owners"
(docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-topic-owner.html): messages are kept for 1 to 365 days;
a topic that has an archive can't be deleted; the policy `{}` deletes all that was archived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.sns.content import timestamp
from fogbank.clouds.aws.sns.errors import invalid
from fogbank.engines.messaging import queues, topics
from fogbank.engines.messaging.archiving import archives
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.engines.messaging.topic_model import SubscriptionConfig
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.topic_model import Topic
    from fogbank.storage import Tx

ARCHIVE_POLICY: Final = "ArchivePolicy"
BEGINNING: Final = "BeginningArchiveTime"
# What takes the place of a protocol in the subscription that is the archive.
ARCHIVE: Final = "archive"
DAYS_MAX: Final = 365
_PERIOD: Final = "MessageRetentionPeriod"
_DAY_SECONDS: Final = 86_400


def archive_of(scope: str, topic: str) -> Name:
    """Return the name in the store of the queue that keeps a topic's messages: no service lists it."""
    return f"aws-archives/{scope.partition('/')[2]}", f"sns/{topic}"


def check_archive_policy(text: str, *, ordered: bool) -> str:
    """Return the policy if it can be, "" for none."""
    try:
        policy = msgspec.json.decode(text)
    except msgspec.DecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise invalid(f"{ARCHIVE_POLICY}: failed to parse JSON.")
    if not ordered:
        raise invalid(f"{ARCHIVE_POLICY}: it is only valid for FIFO topics")
    for name in policy:
        if name != _PERIOD:
            raise invalid(f"{ARCHIVE_POLICY}: Unknown attribute {name}")
    if not policy:
        return ""
    if not 1 <= _days(policy) <= DAYS_MAX:
        raise invalid(f"{ARCHIVE_POLICY}: {_PERIOD} must be from 1 to {DAYS_MAX} days")
    return text


def _days(policy: dict[str, Any]) -> int:
    value = policy[_PERIOD]
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


async def follow_policy(tx: Tx, now_us: int, topic: Topic, number: int) -> None:
    """Keep what a topic's policy says, or nothing: part of an operation. `number` is the archive's if it is new."""
    archive = archive_of(topic.scope, topic.name)
    policy = topic.config.labels.get(ARCHIVE_POLICY)
    if policy:
        seconds = _days(msgspec.json.decode(policy)) * _DAY_SECONDS
        config = SubscriptionConfig(labels={"protocol": ARCHIVE})
        await archives.keep(tx, now_us, (topic.scope, topic.name), archive, number, seconds, config)
    else:
        await archives.drop(tx, now_us, archive)


async def delete_topic(tx: Tx, now_us: int, name: Name) -> None:
    """Delete a topic with its subscriptions, unless it has an archive; one that isn't there counts as deleted."""
    try:
        topic = await topics.find(tx, now_us, name)
    except TopicNotFoundError:
        return
    if ARCHIVE_POLICY in topic.config.labels:
        raise AwsError("InvalidState", "Invalid state: Cannot delete a topic with an ArchivePolicy")
    await topics.delete(tx, now_us, name)


async def beginning_us(tx: Tx, now_us: int, topic: Topic) -> int:
    """Return since when what was published is kept; raises `QueueNotFoundError` if nothing is."""
    queue = await queues.find(tx, now_us, archive_of(topic.scope, topic.name))
    return max(queue.created_us, now_us - queue.config.retention_seconds * SECOND_US)


async def show_beginning(tx: Tx, now_us: int, topic: Topic) -> dict[str, str]:
    """Return the attribute that says since when a topic's messages are kept, if they are."""
    if ARCHIVE_POLICY not in topic.config.labels:
        return {}
    return {BEGINNING: timestamp(await beginning_us(tx, now_us, topic))}
