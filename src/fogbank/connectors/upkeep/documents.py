"""What documents need without anybody asking: new indexes take in what is there, and what has expired goes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.documents import collections, documents
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.traits import FIELDS
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.engines.documents.model import Collection, Index
    from fogbank.engines.documents.traits import Shape
    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store

ENTERED_AT_ONCE: Final = 200
EXPIRED_AT_ONCE: Final = 100
# What says that it has expired longer ago than this isn't believed (Amazon DynamoDB Developer Guide, "Using time to
# live in DynamoDB").
BELIEVED_US: Final = 5 * 365 * 86_400 * SECOND_US


class DocumentUpkeep:
    """Does it; `shapes` are those of services whose documents aren't described by their fields, by dialect."""

    def __init__(self, store: Store, clock: Clock, shapes: Mapping[str, Shape]) -> None:
        self._store = store
        self._clock = clock
        self._shapes = shapes
        self._tasks = Supervisor("documents")

    def start(self) -> None:
        """Begin."""
        self._tasks.keep("indexes", self._build_indexes)
        self._tasks.keep("expiry", self._expire)

    async def close(self) -> None:
        """Stop; an index that isn't whole is begun anew with the next start."""
        await self._tasks.close()

    async def _build_indexes(self) -> None:
        with self._store.signals.listen(collections.BUILDING) as listener:
            while True:
                for collection in await self._store.read(collections.all_collections):
                    for index in collection.config.indexes:
                        if index.building:
                            await self._build(collection, index)
                    if collection.config.expiry_building:
                        await self._time(collection)
                await listener.wait(None)

    async def _build(self, collection: Collection, index: Index) -> None:
        name = (collection.scope, collection.name)
        shape = self._shapes.get(collection.config.dialect, FIELDS)
        after: int | None = 0
        try:
            while after is not None:
                after = await self._store.run(documents.enter_some, name, index.number, after, ENTERED_AT_ONCE, shape)
            await self._store.run(collections.finish_index, name, index.number)
        except CollectionNotFoundError:
            return

    async def _time(self, collection: Collection) -> None:
        name = (collection.scope, collection.name)
        shape = self._shapes.get(collection.config.dialect, FIELDS)
        after: int | None = 0
        try:
            while after is not None:
                after = await self._store.run(documents.time_some, name, after, ENTERED_AT_ONCE, shape)
            await self._store.run(collections.finish_expiry, name, collection.config.expiry)
        except CollectionNotFoundError:
            return

    async def _expire(self) -> None:
        with self._store.signals.listen(documents.EXPIRY) as listener:
            while True:
                now_us = self._clock.now()
                after_us = max(0, now_us - BELIEVED_US)
                while await self._store.run(documents.expire, now_us, after_us, EXPIRED_AT_ONCE, self._shapes):
                    pass
                next_us = await self._store.read(documents.next_expiry, now_us)
                await listener.wait(next_us)
