"""Publishing: messages to all of a topic's subscriptions, in one transaction.

Queues get their messages at once; what goes elsewhere is queued durably and delivered afterwards.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fogbank.engines.messaging import queues, topics
from fogbank.engines.messaging.dedup import Sent, admit
from fogbank.engines.messaging.delivery_model import DELIVERIES, QUEUE, Delivery, split_endpoint
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.engines.messaging.messages import Send, send_to
from fogbank.engines.messaging.model import encode_message
from fogbank.engines.messaging.topic_model import Rendered
from fogbank.kernel.errors import EngineError
from fogbank.languages.matching import compile_pattern
from fogbank.storage.signals import PUBLICATION, Happening

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.engines.messaging.model import Message, Name
    from fogbank.engines.messaging.topic_model import Render, Subscription, Topic
    from fogbank.languages.matching import Pattern
    from fogbank.storage import Tx


class Publication(NamedTuple):
    """A message to publish.

    `render` makes what each subscription gets of it; `event` makes a CloudEvent of it, as JSON, for routes to other
    services. `hops` counts the topics that it came through.
    """

    message: Message
    sequence: int
    render: Render
    event: Callable[[Topic, Message], bytes] | None = None
    hops: int = 0


async def publish(
    tx: Tx, now_us: int, name: Name, items: Sequence[Publication], draw: Callable[[], int]
) -> list[Sent | EngineError]:
    """Publish messages in their order; those that the topic doesn't take have errors in their places.

    `draw` gives sequence numbers (`Ids.sequence`): how many are needed depends on who has subscribed.
    """
    return await publish_to(tx, now_us, await topics.find(tx, now_us, name), items, draw)


async def publish_to(
    tx: Tx, now_us: int, topic: Topic, items: Sequence[Publication], draw: Callable[[], int]
) -> list[Sent | EngineError]:
    """Publish to a topic that was found in the same transaction."""
    outcomes: list[Sent | EngineError] = []
    admitted: list[Publication] = []
    if topic.config.in_turn:
        await topics.take_turns(tx, now_us, (topic.scope, topic.name))
    removes_duplicates = topic.config.ordered and topic.config.dedup_window_seconds
    for item in items:
        if removes_duplicates:
            told = await admit(tx, now_us, topic.id, topic.config, item.message, item.sequence)
            if isinstance(told, Sent | EngineError):
                outcomes.append(told)
                continue
            admitted.append(item._replace(message=told))
        else:
            admitted.append(item)
        outcomes.append(Sent(item.message.id, item.sequence))
        if tx.witnessed:
            tx.signal(Happening(PUBLICATION, topic.scope, topic.name, encode_message(admitted[-1].message)))
    if admitted:
        await _fan_out(tx, now_us, topic, admitted, draw)
    return outcomes


async def _fan_out(tx: Tx, now_us: int, topic: Topic, items: Sequence[Publication], draw: Callable[[], int]) -> None:
    deliveries: list[tuple[int, Delivery]] = []
    # The publications' own numbers are those of the first copies; more are drawn only if there are more, or if the
    # order in which they were drawn may not be that in which they are published.
    fresh = not topic.config.in_turn
    for subscription in await topics.subscriptions_by_id(tx, now_us, topic.id):
        config = subscription.config
        if not config.takes:
            continue
        sends = []
        for item in items:
            rendered = _rendered(topic, subscription, item)
            if rendered is None:
                continue
            if subscription.kind == QUEUE and not config.route:
                assert rendered.message is not None
                number = item.sequence if fresh else draw()
                send = Send(rendered.message, number, lives_seconds=rendered.lives_seconds)
                sends.append((send, rendered, item.hops + 1))
            else:
                deliveries.append((draw(), delivery_to(subscription, rendered, now_us, item.hops + 1)))
        if sends:
            fresh = False
            failed = await _to_queue(tx, now_us, subscription, sends)
            deliveries += [(draw(), each) for each in failed]
    if deliveries:
        await DELIVERIES.put(tx, now_us, deliveries)


def _rendered(topic: Topic, subscription: Subscription, item: Publication) -> Rendered | None:
    """Return what a subscription gets of a message; None if it doesn't want it."""
    if not subscription.config.route:
        return item.render(subscription, item.message)
    if item.event is None:
        return None
    event = item.event(topic, item.message)
    pattern = subscription.config.filter
    if pattern and not _compiled(pattern)(msgspec.json.decode(event)):
        return None
    return Rendered(content=event)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Pattern:
    return compile_pattern(msgspec.json.decode(pattern))


def delivery_to(subscription: Subscription, rendered: Rendered, now_us: int, hops: int = 0) -> Delivery:
    """Return the delivery of what was rendered for a subscription."""
    config = subscription.config
    return Delivery(
        subscription.kind,
        subscription.endpoint,
        rendered.content,
        subscription.id,
        rendered.headers,
        courier=config.courier,
        retry=config.retry,
        dead_letter=config.dead_letter,
        first_us=now_us,
        facts=rendered.facts,
        method=rendered.method,
        seconds_max=config.seconds_max,
        hops=hops,
        per_second=config.per_second,
    )


async def _to_queue(
    tx: Tx, now_us: int, subscription: Subscription, sends: list[tuple[Send, Rendered, int]]
) -> list[Delivery]:
    """Send to a subscribed queue; returns deliveries of what the queue didn't take, or of all if it is gone."""
    try:
        queue = await queues.find(tx, now_us, split_endpoint(subscription.endpoint))
    except QueueNotFoundError:
        outcomes: Sequence[Sent | EngineError] = [QueueNotFoundError()] * len(sends)
    else:
        outcomes = await send_to(tx, now_us, queue, [send for send, _, _ in sends])
    return [
        delivery_to(subscription, rendered._replace(content=encode_message(send.message)), now_us, hops)
        for (send, rendered, hops), outcome in zip(sends, outcomes, strict=True)
        if isinstance(outcome, EngineError)
    ]


async def publish_again(
    tx: Tx, now_us: int, subscription: Subscription, rendered: Rendered, sequence: int, *, known: bool
) -> None:
    """Give one subscription what was published before; if it is `known`, that is no duplicate."""
    deliveries = [delivery_to(subscription, rendered, now_us, 1)]
    if subscription.kind == QUEUE:
        assert rendered.message is not None
        send = Send(rendered.message, sequence, lives_seconds=rendered.lives_seconds, again=known)
        deliveries = await _to_queue(tx, now_us, subscription, [(send, rendered, 1)])
    if deliveries:
        await DELIVERIES.put(tx, now_us, [(sequence, each) for each in deliveries])


async def enqueue(tx: Tx, now_us: int, sequence: int, delivery: Delivery) -> None:
    """Queue a delivery that no publication caused."""
    await DELIVERIES.put(tx, now_us, [(sequence, delivery)])
