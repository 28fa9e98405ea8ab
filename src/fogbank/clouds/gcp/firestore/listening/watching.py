"""Following databases for listeners: one follower of a change feed for all who listen to a database.

A change is held against the targets of its collection, its collection group and its document; nobody's query is run
for it. A follower is there for as long as somebody listens.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Final, Protocol

from fogbank.clouds.gcp.firestore.listening.answers import NO_CHANGE, target_change
from fogbank.clouds.gcp.firestore.listening.targets import Seen
from fogbank.clouds.gcp.firestore.shape import feed_of
from fogbank.engines.documents import history
from fogbank.kernel.tasks import Supervisor
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from fogbank.clouds.gcp.firestore.listening.targets import Target
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store
    from fogbank.wire.grpc.encoded import Encoded

    Place: TypeAlias = tuple[str, str]

READ_AT_ONCE: Final = 500


class Listening(Protocol):
    """A stream of a client, as a follower sees it."""

    def tell(self, answers: Iterable[Encoded]) -> None:
        """Take answers for the client."""

    def wake(self) -> None:
        """Look after targets that are to be loaded again."""


class Watches:
    """The followers, by database."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._followers: dict[Database, Follower] = {}

    async def join(self, target: Target, stream: Listening) -> Follower:
        """Have changes handed to a target from now on."""
        follower = self._followers.get(target.database)
        if follower is None:
            follower = self._followers[target.database] = Follower(self._store, self._clock, target.database)
        follower.add(target, stream)
        await follower.started.wait()
        return follower

    def leave(self, target: Target) -> None:
        """Hand over no more."""
        follower = self._followers.get(target.database)
        if follower is not None and follower.remove(target):
            del self._followers[target.database]


class Follower:
    """Follows one database."""

    def __init__(self, store: Store, clock: Clock, database: Database) -> None:
        self._store = store
        self._clock = clock
        self._database = database
        self._places: defaultdict[Place, dict[Target, Listening]] = defaultdict(dict)
        self._count = 0
        self.started = asyncio.Event()
        # Everything up to this entry of the feed has been handed over.
        self.seq = 0
        # Streams that have been told of changes, and not yet that these are all.
        self._touched: set[Listening] = set()
        self._task = Supervisor("firestore").keep(feed_of(database), self._follow)

    def add(self, target: Target, stream: Listening) -> None:
        """Hand changes to a target, too."""
        self._count += 1
        for place in _places_of(target):
            self._places[place][target] = stream

    def remove(self, target: Target) -> bool:
        """Forget a target; True once there is none left, and the follower has ended."""
        found = False
        for place in _places_of(target):
            found = self._places[place].pop(target, None) is not None or found
            if not self._places[place]:
                del self._places[place]
        self._count -= found
        if self._count == 0:
            self._task.cancel()
        return self._count == 0

    async def _follow(self) -> None:
        feed = feed_of(self._database)
        with self._store.signals.listen(change_feed.topic(feed)) as listener:
            if not self.started.is_set():
                self.seq = await self._store.read(change_feed.last, feed)
                self.started.set()
            version = 0
            generation = self._store.generation
            while True:
                if generation != self._store.generation:
                    # Everything is other than it was, and the feed's numbers count something else.
                    generation = self._store.generation
                    self.seq = await self._store.read(change_feed.last, feed)
                    self._begin_anew()
                told = await self._store.read(history.follow, feed, self.seq, READ_AT_ONCE)
                if told and told[0].seq > self.seq + 1:
                    # What came between isn't there any more.
                    self._begin_anew()
                for each in told:
                    self._hand_over(each)
                    self.seq, version = each.seq, each.change.version
                if len(told) == READ_AT_ONCE:
                    continue
                if self._touched:
                    shown = target_change(NO_CHANGE, version=version)
                    for stream in self._touched:
                        stream.tell((shown,))
                    self._touched.clear()
                if not told and await self._store.read(change_feed.last, feed) < self.seq:
                    # Everything was deleted, and the feed begins anew.
                    self.seq = 0
                    self._begin_anew()
                    continue
                await listener.wait(None)

    def _begin_anew(self) -> None:
        for targets in self._places.values():
            for target, stream in targets.items():
                target.renew()
                stream.wake()

    def _hand_over(self, told: history.Told) -> None:
        """Hand a change to all it may concern."""
        if told.change.cause == history.CLEARED:
            self._begin_anew()
            return
        seen = Seen(self._database, told)
        for place in _places_of_path(seen.path):
            for target, stream in list(self._places.get(place, {}).items()):
                answers = target.take(seen)
                if answers:
                    stream.tell(answers)
                    self._touched.add(stream)
                elif target.stale:
                    stream.wake()


def _places_of(target: Target) -> list[Place]:
    """Return where changes are looked for that concern a target."""
    query = target.query
    if query is None:
        return [("document", each.relative) for each in target.wanted]
    if not query.collection:
        return [("all", "")]
    if query.descendants:
        return [("group", query.collection)]
    inside = query.parent.relative
    return [("collection", f"{inside}/{query.collection}" if inside else query.collection)]


def _places_of_path(path: str) -> Iterator[Place]:
    collection = path.rpartition("/")[0]
    yield "document", path
    yield "collection", collection
    yield "group", collection.rpartition("/")[2]
    yield "all", ""
