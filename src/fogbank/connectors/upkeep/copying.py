"""Makes the copies of collections that are under way, also those that an earlier run of the server has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.documents import collections
from fogbank.engines.documents.copies import copying, snapshots
from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

COPIED_AT_ONCE: Final = 50


class Copying:
    """Makes them, one after another; nodes that share a database help each other."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._tasks = Supervisor("copies")

    def start(self) -> None:
        """Begin, with what is left of the last run."""
        self._tasks.keep("copy", self._run)

    async def close(self) -> None:
        """Stop; the next start goes on where this one was."""
        await self._tasks.close()

    async def _run(self) -> None:
        with self._store.signals.listen(copying.COPYING) as listener:
            while True:
                for copy in await self._store.read(copying.under_way):
                    await self._make(copy)
                await listener.wait(None)

    async def _make(self, copy: copying.Copy) -> None:
        while not await self._store.run(copying.step, copy.target, self._ids.sequences(COPIED_AT_ONCE)):
            pass
        totals = await self._store.scan(collections.totals, copy.target)
        await self._store.run(snapshots.finish, copy, totals)
