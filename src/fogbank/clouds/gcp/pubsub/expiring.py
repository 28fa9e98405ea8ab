"""Subscriptions that nobody uses expire ("Subscription properties", Expiration period).

A durable timer of each subscription looks when it was used last; a use is noted only as exactly as that needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.messaging import queues
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import timers
from fogbank.storage.timers import Timer

if TYPE_CHECKING:
    from fogbank.clouds.gcp.pubsub.service import PubSub
    from fogbank.engines.messaging.model import Name, Queue, QueueConfig
    from fogbank.storage import Tx

TIMER: Final = "gcp.pubsub.expiration"
TTL: Final = "ttl_seconds"
_USED: Final = "used_us"
# A use is noted so many times in a period.
NOTES: Final = 24


async def begin(tx: Tx, now_us: int, queue: Queue) -> None:
    """Look after a subscription, as part of the operation that makes or changes it."""
    name = (queue.scope, queue.name)
    if _ttl_us(queue.config):
        await timers.arm(tx, now_us, _timer(name, now_us + _ttl_us(queue.config)))
    else:
        await timers.disarm(tx, now_us, _timer(name, 0).name)


async def note_use(pubsub: PubSub, queue: Queue) -> None:
    """Take note that a subscription was pulled from."""
    ttl_us = _ttl_us(queue.config)
    now_us = pubsub.clock.now()
    if ttl_us and now_us - _used_us(queue) > ttl_us // NOTES:

        def change(config: QueueConfig) -> QueueConfig:
            return msgspec.structs.replace(config, labels={**config.labels, _USED: str(now_us)})

        await pubsub.store.run(queues.update, (queue.scope, queue.name), change)


def due_us(queue: Queue, now_us: int) -> int | None:
    """Return when a subscription expires, if it isn't used until then; None for never."""
    ttl_us = _ttl_us(queue.config)
    if not ttl_us:
        return None
    # What is pushed is in use.
    return now_us + ttl_us if queue.config.push is not None else _used_us(queue) + ttl_us


def read(timer: Timer) -> Name:
    """Return the subscription that a timer is of."""
    return msgspec.msgpack.decode(timer.payload, type=tuple[str, str])


def _timer(name: Name, due_us: int) -> Timer:
    return Timer(f"{TIMER}/{'/'.join(name)}", due_us, TIMER, msgspec.msgpack.encode(name))


def _ttl_us(config: QueueConfig) -> int:
    return int(config.labels.get(TTL, "0")) * SECOND_US


def _used_us(queue: Queue) -> int:
    return max(queue.created_us, int(queue.config.labels.get(_USED, "0")))
