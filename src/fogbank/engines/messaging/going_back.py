"""Going back: what was acknowledged is received again, from a time on or from what somebody remembered.

All are store operations on queues by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.engines.messaging import queues
from fogbank.storage.leasing import retained

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.storage import Tx


async def to_time(tx: Tx, now_us: int, name: Name, at_us: int) -> None:
    """Have everything sent before a time acknowledged, and everything sent since not, as far as it is retained."""
    queue = await queues.find(tx, now_us, name)
    await retained.seek(tx, now_us, queue.store, queue.config.rules, at_us)


async def remember(tx: Tx, now_us: int, name: Name) -> list[int]:
    """Return what a queue holds unacknowledged, for `to_memory`."""
    queue = await queues.find(tx, now_us, name)
    return await retained.unacknowledged(tx, now_us, queue.store)


async def to_memory(tx: Tx, now_us: int, name: Name, at_us: int, unacknowledged: set[int]) -> None:
    """Go back to how it was at a time, when of what had been sent those messages were unacknowledged."""
    queue = await queues.find(tx, now_us, name)
    await retained.seek_to(tx, now_us, queue.store, queue.config.rules, at_us, unacknowledged)
