"""Archives and replays, on every store: order, what is published meanwhile, what ends a replay."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fogbank.engines.messaging import messages, publishing, queues, topics
from fogbank.engines.messaging.archiving import archives, replays
from fogbank.engines.messaging.delivery_model import QUEUE, endpoint_of
from fogbank.engines.messaging.model import Message, QueueConfig
from fogbank.engines.messaging.publishing import Publication
from fogbank.engines.messaging.topic_model import (
    COMPLETED,
    FAILED,
    Rendered,
    Subscription,
    SubscriptionConfig,
    TopicConfig,
)

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

SCOPE = "realm/1/x"
TOPIC, NAME, ARCHIVE = (SCOPE, "topic"), (SCOPE, "queue"), ("archives/1/x", "topic")
FOREVER_US = 1 << 60


class Replayed:
    """A topic with an archive and one subscription."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self.store = store
        self.ids = ids

    async def make(self) -> None:
        run, draw = self.store.run, self.ids.sequence
        config = TopicConfig(ordered=True, content_dedup=True, in_turn=True)
        await run(topics.create, TOPIC, draw(), config)
        await run(archives.keep, TOPIC, ARCHIVE, draw(), 86_400)
        await run(queues.create, NAME, draw(), QueueConfig(ordered=True, content_dedup=True))
        await run(topics.subscribe_as, TOPIC, "s", QUEUE, endpoint_of(*NAME), SubscriptionConfig())

    def items(self, *texts: str) -> list[Publication]:
        def render(_subscription: Subscription, message: Message) -> Rendered:
            return Rendered(message)

        return [
            Publication(Message(text, text.encode(), ordering_key="k"), self.ids.sequence(), render) for text in texts
        ]

    async def publish(self, *texts: str) -> None:
        await self.store.run(publishing.publish, TOPIC, self.items(*texts), self.ids.sequence)

    async def begin(self, since_us: int = 0, until_us: int = FOREVER_US) -> None:
        await self.store.run(replays.begin, await self.subscription(), ARCHIVE, since_us, until_us)

    async def subscription(self) -> Subscription:
        return await self.store.read(topics.find_subscription, SCOPE, "s")

    async def state(self) -> str:
        replay = (await self.subscription()).config.replay
        assert replay is not None
        return replay.state

    async def step(self) -> bool:
        """Do what a service's timer does; False if the replay is over."""

        async def step(tx: Tx, now_us: int, sequence: int) -> bool:
            await topics.take_turns(tx, now_us, TOPIC)
            subscription = await topics.find_subscription(tx, now_us, SCOPE, "s")
            found = await replays.step(tx, now_us, subscription, ARCHIVE)
            if found is None:
                return False
            rendered = Rendered(found.message)
            await publishing.publish_again(tx, now_us, subscription, rendered, sequence, known=found.known)
            return True

        return await self.store.run(step, self.ids.sequence())

    async def finish(self) -> None:
        while await self.step():
            pass

    async def texts(self) -> list[str]:
        """What the queue has, in its order."""
        return [each.message.body.decode() for each in await self.store.read(messages.peek, NAME, 100)]


@pytest.fixture
async def replayed(store: Store, ids: Ids) -> Replayed:
    made = Replayed(store, ids)
    await made.make()
    return made


async def test_what_is_published_meanwhile_comes_last_and_once(replayed: Replayed) -> None:
    await replayed.publish("a", "b")
    assert await replayed.texts() == ["a", "b"]
    await replayed.begin()
    assert await replayed.step()
    await replayed.publish("c")
    assert await replayed.texts() == ["a", "b", "a"]
    await replayed.finish()
    await replayed.publish("d")
    assert await replayed.texts() == ["a", "b", "a", "b", "c", "d"]
    assert await replayed.state() == COMPLETED
    assert not await replayed.step()


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
async def test_a_replay_waits_for_a_publication_that_is_under_way(replayed: Replayed) -> None:
    await replayed.publish("a")
    await replayed.begin()
    written = asyncio.Event()

    async def slowly(tx: Tx, now_us: int) -> None:
        await publishing.publish(tx, now_us, TOPIC, replayed.items("b"), replayed.ids.sequence)
        written.set()
        # Until the replay has found the archive's end, or waits for us.
        await asyncio.sleep(0.1)

    publication = asyncio.create_task(replayed.store.run(slowly))
    await written.wait()
    await replayed.finish()
    await publication
    assert await replayed.texts() == ["a", "a", "b"]


async def test_a_period_ends_and_what_is_published_meanwhile_comes_all_the_same(
    replayed: Replayed, clock: Clock, store: Store
) -> None:
    times = []
    for text in ("a", "b", "c", "d"):
        times.append(clock.now())
        await replayed.publish(text)
        await clock.advance(1_000, store.drain)
    await replayed.begin(times[1], times[2])
    await replayed.publish("e")
    await replayed.finish()
    assert (await replayed.texts())[4:] == ["b", "c", "e"]


async def test_another_replay_takes_the_place_of_one_that_goes_on(replayed: Replayed) -> None:
    await replayed.publish("a", "b")
    await replayed.begin()
    await replayed.step()
    await replayed.publish("c")
    await replayed.begin()
    await replayed.finish()
    assert (await replayed.texts())[2:] == ["a", "a", "b", "c"]


async def test_a_replay_that_is_stopped_loses_nothing(replayed: Replayed) -> None:
    await replayed.publish("a", "b")
    await replayed.begin()
    await replayed.publish("c")
    await replayed.store.run(replays.stop, await replayed.subscription())
    await replayed.finish()
    assert await replayed.texts() == ["a", "b", "c"]
    await replayed.store.run(replays.stop, await replayed.subscription())
    assert (await replayed.subscription()).config.replay is None


async def test_a_replay_fails_when_the_archive_is_gone(replayed: Replayed) -> None:
    await replayed.publish("a")
    await replayed.begin()
    assert await replayed.store.run(archives.drop, ARCHIVE)
    assert not await replayed.store.run(archives.drop, ARCHIVE)
    assert not await replayed.step()
    assert await replayed.state() == FAILED
    await replayed.publish("b")
    assert await replayed.texts() == ["a", "b"]
