"""Replays: a subscription goes through its topic's archive once more, one message after another.

Whatever is published meanwhile is in the archive, too, and reaches the subscription from there when its turn has
come, so order is kept and nothing is lost. The steps are a durable timer's, which the service's dialect fires; all
are store operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fogbank.engines.messaging import topics
from fogbank.engines.messaging.archiving import archives
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.engines.messaging.topic_model import COMPLETED, FAILED, RUNNING, Replay

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Message, Name
    from fogbank.engines.messaging.topic_model import Subscription, SubscriptionConfig
    from fogbank.storage import Tx


class Step(NamedTuple):
    """What a subscription gets next; whether it had got it, or could have, without the replay."""

    message: Message
    known: bool


async def begin(tx: Tx, now_us: int, subscription: Subscription, archive: Name, since_us: int, until_us: int) -> None:
    """Begin a replay, in the place of one that goes on; raises `QueueNotFoundError` if there is no archive.

    Times are inclusive. The topic's turn must be taken already (`topics.take_turns`).
    """
    latest = await archives.latest(tx, now_us, archive)

    def change(config: SubscriptionConfig) -> SubscriptionConfig:
        known = config.replay.known if config.replay is not None and config.replay.going_on else latest
        replay = Replay(since_us, until_us, min(archives.before(since_us), known), known)
        return msgspec.structs.replace(config, replay=replay)

    await topics.update_subscription(tx, now_us, subscription.scope, subscription.id, change)


async def stop(tx: Tx, now_us: int, subscription: Subscription) -> None:
    """Replay no further; what was published meanwhile is still delivered. The topic's turn must be taken already."""

    def change(config: SubscriptionConfig) -> SubscriptionConfig:
        replay = config.replay
        if replay is None or not replay.going_on:
            return msgspec.structs.replace(config, replay=None)
        return msgspec.structs.replace(config, replay=msgspec.structs.replace(replay, until_us=0, after=replay.known))

    await topics.update_subscription(tx, now_us, subscription.scope, subscription.id, change)


async def fail(tx: Tx, now_us: int, subscription: Subscription) -> None:
    """Take note that a replay couldn't be completed; the subscription gets what is published from now on."""
    await _change(tx, now_us, subscription, state=FAILED)


async def step(tx: Tx, now_us: int, subscription: Subscription, archive: Name) -> Step | None:
    """Return what a subscription gets next, None if its replay is over. The topic's turn must be taken already."""
    replay = subscription.config.replay
    if replay is None or not replay.going_on:
        return None
    try:
        kept = await archives.following(tx, now_us, archive, replay.after)
        while kept is not None and kept.number <= replay.known and kept.sent_us < replay.since_us:
            kept = await archives.following(tx, now_us, archive, kept.number)
        if kept is not None and kept.number <= replay.known and kept.sent_us > replay.until_us:
            # The rest of what it has had isn't wanted.
            kept = await archives.following(tx, now_us, archive, replay.known)
    except QueueNotFoundError:
        await fail(tx, now_us, subscription)
        return None
    if kept is None:
        await _change(tx, now_us, subscription, state=COMPLETED)
        return None
    known = kept.number <= replay.known
    await _change(tx, now_us, subscription, state=RUNNING, after=kept.number, known=max(replay.known, kept.number))
    return Step(kept.message, known)


async def _change(tx: Tx, now_us: int, subscription: Subscription, **changes: object) -> None:
    def change(config: SubscriptionConfig) -> SubscriptionConfig:
        assert config.replay is not None
        return msgspec.structs.replace(config, replay=msgspec.structs.replace(config.replay, **changes))

    await topics.update_subscription(tx, now_us, subscription.scope, subscription.id, change)
