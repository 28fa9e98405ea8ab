"""Archives: what a topic gets is kept in a queue that nobody receives from, to be read again in its order.

An archive is one of its topic's subscriptions. Its queue may lie in a scope of its own; then no service lists it as
a subscription. All are store operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.engines.messaging import queues, topics
from fogbank.engines.messaging.delivery_model import QUEUE, endpoint_of
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.engines.messaging.model import Message, QueueConfig, decode_message
from fogbank.engines.messaging.topic_model import SubscriptionConfig
from fogbank.kernel.ids import NODE_BITS
from fogbank.storage.leasing import leased_queue

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name, Queue
    from fogbank.storage import Tx

_MESSAGE_BYTES_MAX: Final = 1 << 30


class Kept(NamedTuple):
    """A message of an archive: its number there grows with time; when it was published."""

    number: int
    sent_us: int
    message: Message


async def keep(
    tx: Tx,
    now_us: int,
    topic: Name,
    archive: Name,
    number: int,
    seconds: int,
    config: SubscriptionConfig = SubscriptionConfig(),  # noqa: B008 - never changed
) -> Queue:
    """Have a topic's messages kept for so long, or change how long; `number` is the queue's, if it is new."""
    found = await topics.find(tx, now_us, topic)
    policies = QueueConfig(
        retention_seconds=seconds,
        message_bytes_max=_MESSAGE_BYTES_MAX,
        fair_by_key=False,
        dialect=found.config.dialect,
    )
    queue, new = await queues.create(tx, now_us, archive, number, policies)
    if not new:
        return await queues.update(tx, now_us, archive, lambda _: policies)
    place = (archive[0], topic[1])
    await topics.add_subscription(tx, found, place, archive[1], QUEUE, endpoint_of(*archive), config)
    return queue


async def drop(tx: Tx, now_us: int, archive: Name) -> bool:
    """Forget what was kept, and keep nothing more; False if there is no such archive."""
    try:
        await queues.delete(tx, now_us, archive)
    except QueueNotFoundError:
        return False
    await topics.unsubscribe(tx, now_us, *archive)
    return True


async def following(tx: Tx, now_us: int, archive: Name, after: int) -> Kept | None:
    """Return the first message after a number, None if there is none; raises `QueueNotFoundError`."""
    queue = await queues.find(tx, now_us, archive)
    found = await leased_queue.peek(tx, now_us, queue.store, 1, after)
    if not found:
        return None
    kept = found[0].message
    return Kept(kept.id, kept.sent_us, decode_message(kept.body))


async def latest(tx: Tx, now_us: int, archive: Name) -> int:
    """Return the number of the newest message, 0 if there is none; raises `QueueNotFoundError`."""
    queue = await queues.find(tx, now_us, archive)
    return await leased_queue.latest(tx, now_us, queue.store)


def before(at_us: int) -> int:
    """Return a number that all messages since a time follow, and hardly any that came before."""
    return max(0, (at_us << NODE_BITS) - 1)
