"""Following what is to run by itself: begun with what there is, changed as its feed tells, on every node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.storage import change_feed

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from fogbank.kernel.clock import Clock
    from fogbank.kernel.tasks import Supervisor
    from fogbank.storage import Store

ENTRIES_MAX: Final = 100


class Follower:
    """Follows a feed: `begin` starts all that there is, and nothing else; `apply` gets each new entry's payload."""

    def __init__(
        self,
        parts: tuple[Store, Clock, Supervisor],
        feed: str,
        begin: Callable[[], Awaitable[None]],
        apply: Callable[[bytes], Awaitable[None]],
    ) -> None:
        self._store, self._clock, self._tasks = parts
        self._feed = feed
        self._begin = begin
        self._apply = apply
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Follow the feed from its end, also when it was followed before."""
        if self._task is not None:
            self._task.cancel()
        self._task = self._tasks.keep("follow", self._run)

    async def _run(self) -> None:
        with self._store.signals.listen(change_feed.topic(self._feed)) as listener:
            place = await self._store.read(change_feed.last, self._feed)
            await self._begin()
            while True:
                entries = await self._store.read(change_feed.read, self._feed, place, ENTRIES_MAX)
                for entry in entries:
                    place = entry.seq
                    await self._apply(entry.payload)
                if entries:
                    continue
                last = await self._store.read(change_feed.last, self._feed)
                if last < place:
                    # Another node deleted everything, and the feed begins anew.
                    place = last
                    await self._begin()
                else:
                    await listener.wait(None)
