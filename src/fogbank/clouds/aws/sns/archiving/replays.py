"""Replays of FIFO topics' archives: the subscription attributes ReplayPolicy and ReplayStatus.

Amazon SNS Developer Guide, "Amazon SNS message replay for FIFO topic subscribers"
(docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-subscriber.html): a replay begins when its policy is
set, in the place of one that goes on; replayed messages pass the filter policy, have the same id and time, and
`Replayed`. What is published meanwhile is delivered when the replay is completed.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.sns.archiving.archives import archive_of, beginning_us
from fogbank.clouds.aws.sns.envelopes import read_archived
from fogbank.clouds.aws.sns.errors import invalid
from fogbank.engines.messaging import publishing, topics
from fogbank.engines.messaging.archiving import replays
from fogbank.engines.messaging.errors import QueueNotFoundError, SubscriptionNotFoundError
from fogbank.engines.messaging.topic_model import COMPLETED, FAILED, PENDING, RUNNING
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import timers
from fogbank.storage.timers import Timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.messaging.topic_model import Subscription, Topic
    from fogbank.storage import Tx

REPLAY_POLICY: Final = "ReplayPolicy"
TIMER: Final = "aws.sns.replay"
_STATUS: Final = {PENDING: "Pending", RUNNING: "In progress", COMPLETED: "Completed", FAILED: "Failed"}
_NAMES: Final = ("PointType", "StartingPoint", "EndingPoint")
_EVER_US: Final = 1 << 60


def check_replay_policy(text: str, *, ordered: bool) -> str:
    """Return a policy if it can be, "" for none; whether the topic keeps that time is another question."""
    if not text:
        return ""
    try:
        policy = msgspec.json.decode(text)
    except msgspec.DecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise invalid(f"{REPLAY_POLICY}: failed to parse JSON.")
    if not policy:
        return ""
    if not ordered:
        raise invalid(f"{REPLAY_POLICY}: it is only valid for subscriptions to FIFO topics")
    for name in policy:
        if name not in _NAMES:
            raise invalid(f"{REPLAY_POLICY}: Unknown attribute {name}")
    if policy.get("PointType") != "Timestamp":
        raise invalid(f"{REPLAY_POLICY}: PointType must be Timestamp")
    start_us, end_us = _period(policy)
    if start_us >= end_us:
        raise invalid(f"{REPLAY_POLICY}: StartingPoint must be before EndingPoint")
    return text


def _period(policy: dict[str, Any]) -> tuple[int, int]:
    end = policy.get("EndingPoint")
    return _time_us(policy, "StartingPoint"), _EVER_US if end is None else _time_us(policy, "EndingPoint")


def _time_us(policy: dict[str, Any], name: str) -> int:
    try:
        time = dt.datetime.fromisoformat(policy[name])
    except (KeyError, TypeError, ValueError):
        raise invalid(f"{REPLAY_POLICY}: {name} must be a time in ISO 8601, such as 2026-01-31T12:00:00.000Z") from None
    return int((time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp() * 1_000) * 1_000


async def follow_policy(tx: Tx, now_us: int, topic: Topic, subscription: Subscription) -> None:
    """Begin the replay that a subscription's policy asks for, or end the one that goes on: part of an operation."""
    policy = subscription.config.labels.get(REPLAY_POLICY)
    name = (topic.scope, topic.name)
    if policy is None:
        if subscription.config.replay is not None:
            await topics.take_turns(tx, now_us, name)
            await replays.stop(tx, now_us, subscription)
        return
    await topics.take_turns(tx, now_us, name)
    since_us, until_us = _period(msgspec.json.decode(policy))
    try:
        beginning = await beginning_us(tx, now_us, topic)
    except QueueNotFoundError:
        raise invalid(f"{REPLAY_POLICY}: the topic has no ArchivePolicy") from None
    # Whoever names the second in which the archive began means its beginning.
    if since_us // SECOND_US < beginning // SECOND_US or since_us > now_us:
        raise invalid(f"{REPLAY_POLICY}: StartingPoint must be between the topic's BeginningArchiveTime and now")
    await replays.begin(tx, now_us, subscription, archive_of(*name), since_us, until_us)
    payload = msgspec.msgpack.encode((*name, subscription.id))
    await timers.arm(tx, now_us, Timer(f"{TIMER}/{subscription.id}", now_us, TIMER, payload))


async def fire(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
    """Give a subscription the next message: what the timer of a replay does; returns when it is due again."""
    scope, topic, number = msgspec.msgpack.decode(timer.payload, type=tuple[str, str, str])
    await topics.take_turns(tx, now_us, (scope, topic))
    return now_us if await _go_on(tx, now_us, scope, number, sequence) else None


async def end_all(tx: Tx, now_us: int, topic: Topic, draw: Callable[[], int]) -> None:
    """End the replays of a topic whose archive goes away: part of an operation that has taken the topic's turn.

    What was published while they went on is delivered, as it is nowhere else.
    """
    for each in await topics.subscriptions_of(tx, now_us, (topic.scope, topic.name)):
        if each.config.replay is not None and each.config.replay.going_on:
            await replays.stop(tx, now_us, each)
            while await _go_on(tx, now_us, each.scope, each.id, draw()):
                pass
            await replays.fail(tx, now_us, each)


async def _go_on(tx: Tx, now_us: int, scope: str, number: str, sequence: int) -> bool:
    """Give a subscription the next message; False if there is none, or no such subscription."""
    try:
        subscription = await topics.find_subscription(tx, now_us, scope, number)
    except SubscriptionNotFoundError:
        return False
    step = await replays.step(tx, now_us, subscription, archive_of(scope, subscription.topic_name))
    if step is None:
        return False
    rendered = read_archived(step.message.body, replayed=step.known).render(subscription, step.message)
    if rendered is not None:
        await publishing.publish_again(tx, now_us, subscription, rendered, sequence, known=step.known)
    return True


def show(subscription: Subscription) -> dict[str, str]:
    """Return the attributes of a subscription that say what it replays, and how far that is."""
    config = subscription.config
    if config.replay is None or REPLAY_POLICY not in config.labels:
        return {}
    return {REPLAY_POLICY: config.labels[REPLAY_POLICY], "ReplayStatus": _STATUS[config.replay.state]}
