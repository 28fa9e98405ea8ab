"""Following what is to run by itself: begun with what there is, changed as the feed tells, on every node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store

FOLLOW_US: Final = 3_600 * SECOND_US
ENTRIES_MAX: Final = 100


async def follow(
    store: Store,
    clock: Clock,
    feed: str,
    begin: Callable[[], Awaitable[None]],
    apply: Callable[[bytes], Awaitable[None]],
) -> None:
    """Follow a feed for ever: `begin` once, then `apply` each new entry's payload."""
    with store.signals.listen(change_feed.topic(feed)) as listener:
        place = await store.read(change_feed.last, feed)
        await begin()
        while True:
            entries = await store.read(change_feed.read, feed, place, ENTRIES_MAX)
            for entry in entries:
                place = entry.seq
                await apply(entry.payload)
            if not entries:
                await listener.wait(clock.now() + FOLLOW_US)
