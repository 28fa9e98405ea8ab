"""Change feeds of collections: opened, closed, found by what they belong to, and kept for a while after that.

What a collection's documents were before and after each write stands in its feed (`documents`). A feed that is closed,
because its collection is gone or wants none, can still be read for as long as its entries are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import FeedNotFoundError
from fogbank.engines.documents.model import KeyField
from fogbank.kernel.clock import MILLISECOND_US, SECOND_US
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.model import Collection, CollectionConfig, Name
    from fogbank.storage import Row, Tx

KEPT_SECONDS: Final = 86_400
KEPT_US: Final = KEPT_SECONDS * SECOND_US
TRIMMED_PER_OPERATION_MAX: Final = 1_000
_COLUMNS: Final = "scope, collection, opened_ms, feed, config, closed_us"


class FeedConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a feed tells of: the key of its collection. A cloud's own settings stand in `labels`.

    Entries are kept for `kept_seconds`.
    """

    partition_key: KeyField
    sort_key: KeyField | None = None
    labels: dict[str, str] = {}
    kept_seconds: int = KEPT_SECONDS

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of the fields that make the key."""
        return (self.partition_key.name,) if self.sort_key is None else (self.partition_key.name, self.sort_key.name)


class Feed(NamedTuple):
    """A feed as stored; `name` is what `change_feed` knows it by, `closed_us` is 0 while it is told of writes."""

    scope: str
    collection: str
    opened_ms: int
    name: str
    config: FeedConfig
    closed_us: int


_DECODER: Final = msgspec.msgpack.Decoder(FeedConfig)
_ENCODER: Final = msgspec.msgpack.Encoder()


def _feed(row: Row) -> Feed:
    scope, collection, opened_ms, name, config, closed_us = row
    return Feed(scope, collection, opened_ms, name, _DECODER.decode(bytes(config)), closed_us)


async def open_feed(
    tx: Tx,
    now_us: int,
    name: Name,
    labels: dict[str, str],
    change: Callable[[CollectionConfig, int], CollectionConfig] | None = None,
    kept_seconds: int = KEPT_SECONDS,
) -> Collection:
    """Have a collection tell of its writes from now on.

    `change` may change its configuration together with that, told when the feed was opened, and refuse by raising.
    """
    # The collection is locked by its change, so that of two who open a feed one waits for the other.
    collection = await collections.update(tx, now_us, name, lambda config: config)
    row = await tx.one("SELECT MAX(opened_ms) FROM collection_feed WHERE scope = $1 AND collection = $2", *name)
    assert row is not None
    opened_ms = max(now_us // MILLISECOND_US, (row[0] or 0) + 1)
    feed = f"documents/{name[0]}/{name[1]}/{opened_ms}"

    def opened(config: CollectionConfig) -> CollectionConfig:
        changed = config if change is None else change(config, opened_ms)
        return msgspec.structs.replace(changed, feed=feed)

    config = FeedConfig(collection.config.partition_key, collection.config.sort_key, labels, kept_seconds)
    await tx.run(
        f"INSERT INTO collection_feed ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, 0)",
        *name,
        opened_ms,
        feed,
        _ENCODER.encode(config),
    )
    return await collections.update(tx, now_us, name, opened)


async def close_feed(
    tx: Tx, now_us: int, name: Name, change: Callable[[CollectionConfig], CollectionConfig] | None = None
) -> Collection:
    """Have a collection tell of its writes no more; `change` as with `open_feed`."""
    closed = ""

    def close(config: CollectionConfig) -> CollectionConfig:
        nonlocal closed
        changed = config if change is None else change(config)
        closed = config.feed
        return msgspec.structs.replace(changed, feed="")

    collection = await collections.update(tx, now_us, name, close)
    await collections.end_feed(tx, now_us, closed)
    return collection


async def keep(tx: Tx, now_us: int, name: str, seconds: int) -> None:
    """Keep a feed's entries for another time than so far; raises `FeedNotFoundError`."""
    config = msgspec.structs.replace((await find(tx, now_us, name)).config, kept_seconds=seconds)
    await tx.run("UPDATE collection_feed SET config = $1 WHERE feed = $2", _ENCODER.encode(config), name)


async def find(tx: Tx, _now_us: int, feed: str) -> Feed:
    """Return a feed by its name, or raise `FeedNotFoundError`."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM collection_feed WHERE feed = $1", feed)
    if row is None:
        raise FeedNotFoundError(feed)
    return _feed(row)


async def update(tx: Tx, _now_us: int, feed: str, change: Callable[[FeedConfig], FeedConfig]) -> Feed:
    """Change what is said of a feed, or raise `FeedNotFoundError`; `change` may refuse by raising."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM collection_feed WHERE feed = $1 FOR UPDATE", feed)
    if row is None:
        raise FeedNotFoundError(feed)
    found = _feed(row)
    config = change(found.config)
    await tx.run("UPDATE collection_feed SET config = $1 WHERE feed = $2", _ENCODER.encode(config), feed)
    return found._replace(config=config)


async def list_feeds(tx: Tx, _now_us: int, scope: str, after: tuple[str, int], limit: int) -> list[Feed]:
    """Return feeds of a scope by their collections' names and ages: those that follow a collection and a time."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM collection_feed WHERE scope = $1 AND (collection > $2 OR (collection = $2"
        " AND opened_ms > $3)) ORDER BY collection, opened_ms LIMIT $4",
        scope,
        *after,
        limit,
    )
    return [_feed(row) for row in rows]


async def all_feeds(tx: Tx, _now_us: int) -> list[Feed]:
    """Return every feed of every scope."""
    return [_feed(row) for row in await tx.all(f"SELECT {_COLUMNS} FROM collection_feed")]


async def trim(tx: Tx, now_us: int, feed: Feed) -> bool:
    """Remove some of what a feed isn't to keep any more, and a feed that was closed then; False while there is more."""
    before_us = now_us - feed.config.kept_seconds * SECOND_US
    if await change_feed.trim(tx, now_us, feed.name, before_us, TRIMMED_PER_OPERATION_MAX) == TRIMMED_PER_OPERATION_MAX:
        return False
    if 0 < feed.closed_us < before_us:
        await change_feed.forget(tx, now_us, feed.name)
        await tx.run("DELETE FROM collection_feed WHERE feed = $1", feed.name)
    return True
