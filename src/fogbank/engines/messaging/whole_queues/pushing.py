"""Queues whose messages are pushed: their changes are told in a feed that whoever pushes follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.storage import change_feed

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name, QueueConfig
    from fogbank.storage import Tx

FEED: Final = "pushes"


async def tell(tx: Tx, now_us: int, name: Name, before: QueueConfig | None, after: QueueConfig | None) -> None:
    """Tell that a queue changed from one configuration to another, or was made or deleted, if it pushes or did."""
    pushed = before is not None and before.push is not None
    pushes = after is not None and after.push is not None
    if (pushed or pushes) and before != after:
        await change_feed.append(tx, now_us, FEED, msgspec.msgpack.encode(name))


def read(payload: bytes) -> Name:
    """Return the queue that an entry of the feed is of."""
    return msgspec.msgpack.decode(payload, type=tuple[str, str])
