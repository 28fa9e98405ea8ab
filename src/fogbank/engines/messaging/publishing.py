"""Publishing: one message to all of a topic's subscriptions, in one transaction.

Queues get their messages at once; what goes elsewhere is queued durably and delivered afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.engines.messaging import queues, topics
from fogbank.engines.messaging.dedup import Sent, admit
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.engines.messaging.messages import Send, send_to
from fogbank.engines.messaging.topic_model import QUEUE, Delivery
from fogbank.kernel.errors import EngineError
from fogbank.storage.leasing.work_queue import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.engines.messaging.model import Message, Name
    from fogbank.engines.messaging.topic_model import Render, Topic
    from fogbank.storage import Tx

DELIVERIES: Final = WorkQueue(2, Delivery)


class Publication(NamedTuple):
    """A message to publish: `render` makes what each subscription gets of it."""

    message: Message
    sequence: int
    render: Render


async def publish(
    tx: Tx, now_us: int, name: Name, items: Sequence[Publication], draw: Callable[[], int]
) -> list[Sent | EngineError]:
    """Publish messages in their order; those that the topic doesn't take have errors in their places.

    `draw` gives sequence numbers (`Ids.sequence`): how many are needed depends on who has subscribed.
    """
    topic = await topics.find(tx, now_us, name)
    outcomes: list[Sent | EngineError] = []
    for item in items:
        message = item.message
        if topic.config.ordered:
            admitted = await admit(tx, now_us, topic.id, topic.config, message, item.sequence)
            if isinstance(admitted, Sent | EngineError):
                outcomes.append(admitted)
                continue
            message = admitted
        await _fan_out(tx, now_us, topic, message, item.render, draw)
        outcomes.append(Sent(message.id, item.sequence))
    return outcomes


async def _fan_out(
    tx: Tx, now_us: int, topic: Topic, message: Message, render: Render, draw: Callable[[], int]
) -> None:
    deliveries: list[tuple[int, Delivery]] = []
    for subscription in await topics.subscriptions_by_id(tx, now_us, topic.id):
        if not subscription.config.confirmed:
            continue
        rendered = render(subscription, message)
        if rendered is None:
            continue
        if subscription.kind == QUEUE:
            assert rendered.message is not None
            await _to_queue(tx, now_us, subscription.endpoint, Send(rendered.message, draw()))
        else:
            delivery = Delivery(
                subscription.kind, subscription.endpoint, rendered.content, subscription.id, rendered.headers
            )
            deliveries.append((draw(), delivery))
    if deliveries:
        await DELIVERIES.put(tx, now_us, deliveries)


async def _to_queue(tx: Tx, now_us: int, endpoint: str, send: Send) -> None:
    """Send to a subscribed queue; one that is gone, or doesn't take the message, goes without."""
    scope, _, name = endpoint.rpartition("/")
    try:
        queue = await queues.find(tx, now_us, (scope, name))
    except QueueNotFoundError:
        return
    await send_to(tx, now_us, queue, [send])


async def enqueue(tx: Tx, now_us: int, sequence: int, delivery: Delivery) -> None:
    """Queue a delivery that no publication caused."""
    await DELIVERIES.put(tx, now_us, [(sequence, delivery)])
