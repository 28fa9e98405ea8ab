"""Where followers read: entries in the order of their numbers, and the signal that tells of new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from fogbank.engines.documents import latest
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.latest import UnwatchedError
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Name
    from fogbank.storage import Store
    from fogbank.storage.change_feed import Entry


class Source(Protocol):
    """What is followed. Entries may have one number in common; a page doesn't end between those."""

    @property
    def topic(self) -> tuple[str, ...]:
        """The signal that tells of news."""

    async def read(self, store: Store, after: int, limit: int, bytes_max: int) -> list[Entry]:
        """Return entries whose numbers follow `after`, until their payloads are so long; one at least, if there is."""


class FeedSource(NamedTuple):
    """A change feed: each write that there was."""

    feed: str

    @property
    def topic(self) -> tuple[str, ...]:
        """The signal that tells of news."""
        return change_feed.topic(self.feed)

    async def read(self, store: Store, after: int, limit: int, bytes_max: int) -> list[Entry]:
        """Return entries of the feed."""
        return await store.read(change_feed.read_within, self.feed, after, limit, bytes_max)


class LatestSource(NamedTuple):
    """A collection with versions: each document by its last write, as it is then; none while there is no collection."""

    name: Name

    @property
    def topic(self) -> tuple[str, ...]:
        """The signal that tells of news."""
        return latest.topic(self.name)

    async def read(self, store: Store, after: int, limit: int, bytes_max: int) -> list[Entry]:
        """Return documents as entries, by the numbers of their last writes."""
        try:
            return await store.read(latest.entries, self.name, after, limit, bytes_max)
        except UnwatchedError:
            await store.run(latest.watch, self.name)
        except CollectionNotFoundError:
            return []
        return await self.read(store, after, limit, bytes_max)
