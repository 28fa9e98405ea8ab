"""Collections that have peers: what is written into one comes to the others by its feed, in order, on every node.

What a peer hasn't taken over yet is tried for as long as it is one; how far it has come is written down (`lanes`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.connectors.piping.followers import Follow, Followers
from fogbank.connectors.piping.following import Follower
from fogbank.connectors.piping.lanes import Given, Plan
from fogbank.connectors.piping.sources import FeedSource
from fogbank.engines.documents import collections
from fogbank.engines.documents.copies import merging, replicas
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    from fogbank.connectors.destinations import Parcel
    from fogbank.connectors.piping.lanes import Discarded, Handed
    from fogbank.engines.documents.model import Collection
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.storage.change_feed import Entry

MERGED_AT_ONCE: Final = 50


class _AsItIs:
    """Entries handed on as they are, all in one lane; none is given up."""

    def key(self, _entry: Entry) -> bytes:
        return b""

    def record(self, entry: Entry) -> bytes:
        return entry.payload

    def discarded(self, _discarded: Discarded) -> list[Parcel]:
        return []


class Replication:
    """Runs a follower for each collection and each of its peers."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._tasks = Supervisor("replication")
        self._changes = Follower((store, clock, self._tasks), replicas.FEED, self._begin, self._apply)
        self._followers: Followers[tuple[str, str, str]] = Followers((store, clock, ids, self._tasks))
        self._running: dict[tuple[str, str], tuple[str, ...]] = {}

    def start(self) -> None:
        """Begin, or begin anew after a reset."""
        self._changes.start()

    async def close(self) -> None:
        """Stop; what is under way is taken over again by the next start, which changes nothing."""
        await self._tasks.close()
        await self._followers.release()

    def reset(self) -> None:
        """Stop every follower: their collections are about to be deleted."""
        self._followers.reset()
        self._running.clear()

    async def _begin(self) -> None:
        self.reset()
        for collection in await self._store.read(collections.all_collections):
            self._restart((collection.scope, collection.name), collection.config.peers)

    async def _apply(self, payload: bytes) -> None:
        name = msgspec.msgpack.decode(payload, type=tuple[str, str])
        try:
            peers = (await self._store.read(collections.look_up, name)).config.peers
        except CollectionNotFoundError:
            peers = ()
        self._restart(name, peers)

    def _restart(self, name: tuple[str, str], peers: tuple[str, ...]) -> None:
        for gone in self._running.pop(name, ()):
            self._followers.cancel((*name, gone))
        for peer in peers:
            title = f"{name[1]} from {name[0]} to {peer}"
            self._followers.restart((*name, peer), title, partial(self._find, name, peer))
        if peers:
            self._running[name] = peers

    async def _find(self, name: tuple[str, str], peer: str) -> Follow | None:
        try:
            collection: Collection = await self._store.read(collections.look_up, name)
        except CollectionNotFoundError:
            return None
        feed = collection.config.feed
        if peer not in collection.config.peers:
            return None
        plan = Plan(replicas.follower(feed, peer), FeedSource(feed), 1, MERGED_AT_ONCE, 0, None, None, bisect=False)
        return Follow(plan, _AsItIs(), partial(self._hand, (peer, name[1])))

    async def _hand(self, target: tuple[str, str], batch: list[Handed], _tries: int) -> Given:
        payloads = [handed.record for handed in batch]
        try:
            await self._store.run(merging.merge_each, target, payloads, self._ids.sequences(len(batch)))
        except CollectionNotFoundError:
            return Given(0, tried=False)
        return Given(len(batch))
