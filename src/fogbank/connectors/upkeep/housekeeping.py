"""Work that is done by the clock and asked for by nobody: what is deleted, expired or forgotten goes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.documents import collections, documents, feeds, history, requests
from fogbank.engines.documents.copies import graves, journals, replicas
from fogbank.engines.documents.copies import snapshots as document_snapshots
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.identity import sessions
from fogbank.engines.messaging import queues
from fogbank.engines.messaging.whole_queues import snapshots
from fogbank.engines.telemetry import groups
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor
from fogbank.storage import buckets, discarded
from fogbank.storage.leasing import duplicates, leased_queue

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store

SWEEP_SECONDS: Final = 60
DROPS: Final = (leased_queue.drop, documents.drop)


class Housekeeping:
    """Sweeps the store once a minute of its clock."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tasks = Supervisor("housekeeping")

    def start(self) -> None:
        """Begin sweeping."""
        self._tasks.keep("sweep", self._run)

    async def close(self) -> None:
        """Stop."""
        await self._tasks.close()

    async def sweep(self) -> None:
        """Remove what has expired and the remains of what was deleted."""
        while not await self._store.run(discarded.empty, DROPS):
            pass
        for queue in await self._store.read(queues.all_queues):
            retention_us = queue.config.retention_seconds * SECOND_US
            for store in (queue.store, -queue.store) if queue.config.retain_acked else (queue.store,):
                while expired := await self._store.scan(leased_queue.expired, store, retention_us):
                    await self._store.run(leased_queue.remove, store, expired)
        await self._store.run(duplicates.forget_duplicates)
        await self._store.run(snapshots.expire)
        await self._store.run(sessions.forget_expired)
        await self._store.run(requests.forget_expired)
        await self._store.run(buckets.forget_full)
        while not await self._store.run(document_snapshots.forget_expired):
            pass
        for collection in await self._store.read(collections.all_collections):
            if collection.config.journal_seconds:
                while not await self._store.run(journals.trim, collection):
                    pass
            if collection.config.feed_seconds or collection.config.feed_entries:
                while not await self._store.run(history.trim, collection):
                    pass
        for feed in await self._store.read(feeds.all_feeds):
            await self._trim(feed)
        await self._store.run(graves.forget_old)
        await self._sweep_logs()

    async def _trim(self, feed: feeds.Feed) -> None:
        try:
            if not feed.closed_us and await self._store.read(
                replicas.is_behind, (feed.scope, feed.collection), feed.name
            ):
                return
        except CollectionNotFoundError:
            # Deleted since it was read.
            return
        while not await self._store.run(feeds.trim, feed):
            pass

    async def _sweep_logs(self) -> None:
        while not await self._store.run(groups.empty_discarded):
            pass
        for group in await self._store.scan(groups.expired_groups):
            while not await self._store.run(groups.expire, group):
                pass

    async def _run(self) -> None:
        while True:
            await self.sweep()
            await self._clock.sleep(SWEEP_SECONDS, upkeep=True)
