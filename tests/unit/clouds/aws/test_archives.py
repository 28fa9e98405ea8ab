"""Archives of SNS's topics, on every store: since when they keep messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fogbank.clouds.aws.sns.archiving.archives import ARCHIVE_POLICY, BEGINNING, follow_policy, show_beginning
from fogbank.engines.messaging import topics
from fogbank.engines.messaging.topic_model import TopicConfig
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

NAME = ("aws/000000000000/us-east-1", "orders.fifo")
HOUR_US = 3_600 * SECOND_US


async def test_the_beginning_moves_on_when_the_oldest_messages_go(store: Store, clock: Clock, ids: Ids) -> None:
    config = TopicConfig(ordered=True, labels={ARCHIVE_POLICY: '{"MessageRetentionPeriod": "2"}'}, in_turn=True)
    topic, _ = await store.run(topics.create, NAME, ids.sequence(), config)
    await store.run(follow_policy, topic, ids.sequence())
    await clock.advance(47 * HOUR_US, store.drain)
    assert await store.read(show_beginning, topic) == {BEGINNING: "2026-11-22T12:00:00.000Z"}
    await clock.advance(2 * HOUR_US, store.drain)
    assert await store.read(show_beginning, topic) == {BEGINNING: "2026-11-22T13:00:00.000Z"}
    # A shorter period keeps less.
    labels = {ARCHIVE_POLICY: '{"MessageRetentionPeriod": 1}'}
    topic = topic._replace(config=msgspec.structs.replace(config, labels=labels))
    await store.run(follow_policy, topic, ids.sequence())
    assert await store.read(show_beginning, topic) == {BEGINNING: "2026-11-23T13:00:00.000Z"}
