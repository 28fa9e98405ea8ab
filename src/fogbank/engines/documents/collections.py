"""Collections by name: create, find, list, change, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.documents.errors import (
    CollectionBusyError,
    CollectionExistsError,
    CollectionNotFoundError,
    CollectionProtectedError,
)
from fogbank.engines.documents.model import Collection, CollectionConfig, Name, Totals, decode_config, encode_config
from fogbank.storage import change_feed
from fogbank.storage.discarded import discard

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Row, Tx

# The signal that tells of indexes that are to be filled, and of documents that are to expire though they were written
# before anything was to.
BUILDING: Final = ("documents", "indexes")
# The signal that tells of new collections.
CREATED: Final = ("documents", "created")
_COLUMNS: Final = "scope, name, id, config, created_us"
_FIND: Final = f"SELECT {_COLUMNS} FROM collection WHERE scope = $1 AND name = $2"


def _collection(row: Row) -> Collection:
    scope, name, number, config, created_us = row
    return Collection(scope, name, number, decode_config(bytes(config)), created_us)


async def create(tx: Tx, now_us: int, name: Name, number: int, config: CollectionConfig) -> Collection:
    """Create a collection, or raise `CollectionExistsError`."""
    made = await tx.run(
        f"INSERT INTO collection ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope, name) DO NOTHING",
        *name,
        number,
        encode_config(config),
        now_us,
    )
    if not made:
        raise CollectionExistsError(name[1])
    tx.signal(CREATED, change_feed.EVERY_FOLLOWER)
    return Collection(*name, number, config, now_us)


async def find(tx: Tx, _now_us: int, name: Name) -> Collection:
    """Return a collection, or raise `CollectionNotFoundError`, also where it is still being filled."""
    rows = await tx.known(_FIND, *name)
    if not rows or (collection := _collection(rows[0])).config.filling:
        raise CollectionNotFoundError(name[1])
    return collection


async def look_up(tx: Tx, _now_us: int, name: Name) -> Collection:
    """As `find`, also of a collection that is still being filled."""
    rows = await tx.known(_FIND, *name)
    if not rows:
        raise CollectionNotFoundError(name[1])
    return _collection(rows[0])


async def names_everywhere(tx: Tx, _now_us: int, limit: int) -> list[Name]:
    """Return scopes and names of collections of all scopes, in their order."""
    rows = await tx.all("SELECT scope, name FROM collection ORDER BY scope, name LIMIT $1", limit)
    return [(row[0], row[1]) for row in rows]


async def list_names(tx: Tx, _now_us: int, scope: str, after: str, limit: int) -> list[str]:
    """Return names of a scope's collections in their order, those that follow `after`."""
    rows = await tx.all(
        "SELECT name FROM collection WHERE scope = $1 AND name > $2 ORDER BY name LIMIT $3", scope, after, limit
    )
    return [row[0] for row in rows]


async def update(
    tx: Tx, _now_us: int, name: Name, change: Callable[[CollectionConfig], CollectionConfig]
) -> Collection:
    """Change a collection's configuration; `change` may refuse by raising. Raises `CollectionBusyError`."""
    collection = await hold(tx, _now_us, name)
    if collection.config.filling:
        raise CollectionBusyError(name[1])
    config = change(collection.config)
    kept = {index.number for index in config.indexes}
    for index in collection.config.indexes:
        if index.number not in kept:
            await discard(tx, index.number)
    if config.expiry_building or any(index.building for index in config.indexes):
        tx.signal(BUILDING)
    await tx.run("UPDATE collection SET config = $1 WHERE scope = $2 AND name = $3", encode_config(config), *name)
    return collection._replace(config=config)


async def hold(tx: Tx, _now_us: int, name: Name) -> Collection:
    """Return a collection that nobody else changes until the end of the transaction."""
    row = await tx.one(f"{_FIND} FOR UPDATE", *name)
    if row is None:
        raise CollectionNotFoundError(name[1])
    return _collection(row)


async def finish_filling(tx: Tx, now_us: int, name: Name) -> None:
    """Let everybody find a collection that has all that it is a copy of."""
    collection = await hold(tx, now_us, name)
    config = encode_config(msgspec.structs.replace(collection.config, filling=False))
    await tx.run("UPDATE collection SET config = $1 WHERE scope = $2 AND name = $3", config, *name)


async def finish_index(tx: Tx, now_us: int, name: Name, number: int) -> None:
    """Take note that an index has all documents that it is to have."""

    def finish(config: CollectionConfig) -> CollectionConfig:
        indexes = [
            msgspec.structs.replace(index, building=False) if index.number == number else index
            for index in config.indexes
        ]
        return msgspec.structs.replace(config, indexes=tuple(indexes))

    await update(tx, now_us, name, finish)


async def finish_expiry(tx: Tx, now_us: int, name: Name, field: str) -> None:
    """Take note that all documents that were there go away by a field's value."""

    def finish(config: CollectionConfig) -> CollectionConfig:
        return msgspec.structs.replace(config, expiry_building=False) if config.expiry == field else config

    await update(tx, now_us, name, finish)


async def tick(tx: Tx, now_us: int, collection: Collection) -> int:
    """Return the number of a write: the time in microseconds, moved on where the clock has not.

    Writers of one collection take turns from here to their commits, so that numbers become visible in their order.
    """
    row = await tx.one(
        "INSERT INTO collection_version (collection, latest) VALUES ($1, $2) ON CONFLICT (collection) DO UPDATE SET"
        " latest = CASE WHEN collection_version.latest < $2 THEN $2 ELSE collection_version.latest + 1 END"
        " RETURNING latest",
        collection.id,
        now_us,
    )
    assert row is not None
    return int(row[0])


async def latest(tx: Tx, now_us: int, collection: Collection) -> int:
    """Return a number that every write so far is at or before, and every later one is behind."""
    row = await tx.one("SELECT latest FROM collection_version WHERE collection = $1", collection.id)
    return max(0 if row is None else int(row[0]), now_us - 1)


async def all_collections(tx: Tx, _now_us: int) -> list[Collection]:
    """Return every collection of every scope."""
    return [_collection(row) for row in await tx.all(f"SELECT {_COLUMNS} FROM collection ORDER BY scope, name")]


async def delete(tx: Tx, now_us: int, name: Name, *, keep: bool = False) -> Collection:
    """Remove a collection; its documents are removed in the background, unless somebody keeps them under its number.

    Raises `CollectionProtectedError`, `CollectionBusyError`.
    """
    collection = await hold(tx, now_us, name)
    if collection.config.filling:
        raise CollectionBusyError(name[1])
    if collection.config.protected:
        raise CollectionProtectedError(name[1])
    await tx.run("DELETE FROM collection WHERE scope = $1 AND name = $2", *name)
    await end_feed(tx, now_us, collection.config.feed)
    if collection.config.journal:
        await change_feed.forget(tx, now_us, collection.config.journal)
    kept = () if keep else (collection.id,)
    for number in (*kept, *(index.number for index in collection.config.indexes)):
        await discard(tx, number)
    return collection


async def end_feed(tx: Tx, now_us: int, feed: str) -> None:
    """Take note that nothing more is told in a feed (`feeds`), and let its followers know."""
    if feed:
        await tx.run("UPDATE collection_feed SET closed_us = $1 WHERE feed = $2 AND closed_us = 0", now_us, feed)
        tx.signal(change_feed.topic(feed), change_feed.EVERY_FOLLOWER)


async def totals(tx: Tx, _now_us: int, collection: int) -> Totals:
    """Count a collection's documents and add up their sizes; reads all of them, so a scan."""
    row = await tx.one("SELECT COUNT(*), COALESCE(SUM(size), 0) FROM document WHERE collection = $1", collection)
    assert row is not None
    return Totals(int(row[0]), int(row[1]))


async def partition_size(tx: Tx, _now_us: int, collection: int, partition: bytes) -> int:
    """Add up the sizes of the documents of one partition key; reads all of them, so a scan."""
    row = await tx.one(
        "SELECT COALESCE(SUM(size), 0) FROM document WHERE collection = $1 AND partition = $2", collection, partition
    )
    assert row is not None
    return int(row[0])
