"""Snapshots: what a collection was like at one time, by an id, for as long as they are kept.

A snapshot's documents stand under its number, as a collection's do. It is `available` once all of them are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.documents import collections
from fogbank.engines.documents.copies import copying, journals, replicas
from fogbank.engines.documents.copies.copying import INTO_COLLECTION, INTO_SNAPSHOT, Copy
from fogbank.engines.documents.errors import CollectionBusyError, SnapshotBusyError, SnapshotNotFoundError
from fogbank.engines.documents.model import Collection, CollectionConfig, Totals
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed
from fogbank.storage.discarded import discard

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Name
    from fogbank.storage import Row, Tx

FORGOTTEN_PER_OPERATION_MAX: Final = 100
_COLUMNS: Final = "scope, id, collection, number, config, created_us, expires_us"
_ONE: Final = "scope = $1 AND id = $2"


class SnapshotConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a snapshot is of: the collection's configuration and age. A cloud's own settings stand in `labels`."""

    collection: CollectionConfig
    created_us: int
    available: bool = False
    documents: int = 0
    size: int = 0
    labels: dict[str, str] = {}


class Snapshot(NamedTuple):
    """A snapshot as stored; `expires_us` is 0 for one that is kept until it is deleted."""

    scope: str
    id: str
    collection: str
    number: int
    config: SnapshotConfig
    created_us: int
    expires_us: int


_DECODER: Final = msgspec.msgpack.Decoder(SnapshotConfig)
_ENCODER: Final = msgspec.msgpack.Encoder()


def _snapshot(row: Row) -> Snapshot:
    scope, number, collection, place, config, created_us, expires_us = row
    return Snapshot(scope, number, collection, place, _DECODER.decode(bytes(config)), created_us, expires_us)


async def create(tx: Tx, now_us: int, name: Name, number: int, snapshot: str, labels: dict[str, str]) -> Snapshot:
    """Begin a snapshot of a collection as it is now, under an id and a number of `Ids.sequence`."""
    collection = await collections.hold(tx, now_us, name)
    if collection.config.filling:
        raise CollectionBusyError(name[1])
    journal = await journals.begin(tx, now_us, collection)
    config = SnapshotConfig(collection.config, collection.created_us, labels=labels)
    made = Snapshot(name[0], snapshot, name[1], number, config, now_us, 0)
    await _add(tx, made)
    first = await change_feed.last(tx, now_us, journal) + 1
    copy = Copy(number, collection.id, INTO_SNAPSHOT, name[0], snapshot, name[1], journal, first)
    await copying.begin(tx, now_us, copy)
    return made


async def _add(tx: Tx, snapshot: Snapshot) -> None:
    scope, number, collection, place, config, created_us, expires_us = snapshot
    await tx.run(
        f"INSERT INTO document_snapshot ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        scope,
        number,
        collection,
        place,
        _ENCODER.encode(config),
        created_us,
        expires_us,
    )


async def finish(tx: Tx, now_us: int, copy: Copy, totals: Totals) -> None:
    """Take note that a copy is whole, and of what is in it."""
    if not await copying.finish(tx, now_us, copy) or copy.kind != INTO_SNAPSHOT:
        return
    config = (await find(tx, now_us, copy.scope, copy.name)).config
    whole = msgspec.structs.replace(config, available=True, documents=totals.documents, size=totals.size)
    await tx.run(
        f"UPDATE document_snapshot SET config = $3 WHERE {_ONE}", copy.scope, copy.name, _ENCODER.encode(whole)
    )


async def find(tx: Tx, _now_us: int, scope: str, snapshot: str) -> Snapshot:
    """Return a snapshot, or raise `SnapshotNotFoundError`."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM document_snapshot WHERE {_ONE}", scope, snapshot)
    if row is None:
        raise SnapshotNotFoundError(snapshot)
    return _snapshot(row)


async def list_snapshots(tx: Tx, _now_us: int, scope: str, after: str, limit: int) -> list[Snapshot]:
    """Return snapshots of a scope by their ids, those that follow `after`."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM document_snapshot WHERE scope = $1 AND id > $2 ORDER BY id LIMIT $3",
        scope,
        after,
        limit,
    )
    return [_snapshot(row) for row in rows]


async def delete(tx: Tx, now_us: int, scope: str, snapshot: str) -> Snapshot:
    """Delete a snapshot; raises `SnapshotBusyError` while it is made or restored from."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM document_snapshot WHERE {_ONE} FOR UPDATE", scope, snapshot)
    if row is None:
        raise SnapshotNotFoundError(snapshot)
    found = _snapshot(row)
    if not found.config.available or await journals.is_copied(tx, now_us, found.number):
        raise SnapshotBusyError(snapshot)
    await tx.run(f"DELETE FROM document_snapshot WHERE {_ONE}", scope, snapshot)
    await discard(tx, found.number)
    return found


async def restore(
    tx: Tx, now_us: int, scope: str, snapshot: str, name: Name, number: int, config: CollectionConfig
) -> Collection:
    """Make a collection of a snapshot's documents; raises `SnapshotBusyError` where they aren't all there."""
    # Held, so that it isn't deleted before the copy can be seen.
    row = await tx.one(f"SELECT {_COLUMNS} FROM document_snapshot WHERE {_ONE} FOR UPDATE", scope, snapshot)
    if row is None:
        raise SnapshotNotFoundError(snapshot)
    found = _snapshot(row)
    if not found.config.available:
        raise SnapshotBusyError(snapshot)
    collection = await collections.create(tx, now_us, name, number, msgspec.structs.replace(config, filling=True))
    await copying.begin(tx, now_us, Copy(number, found.number, INTO_COLLECTION, *name))
    return collection


async def restore_earlier(
    tx: Tx, now_us: int, source: Collection, at_us: int | None, target: str, number: int, config: CollectionConfig
) -> Collection:
    """Make a collection of what another was at a time that its journal goes back to, or is now; in the same scope."""
    held = await collections.hold(tx, now_us, (source.scope, source.name))
    if held.id != source.id or not held.config.journal_seconds:
        raise CollectionBusyError(source.name)
    name = (source.scope, target)
    collection = await collections.create(tx, now_us, name, number, msgspec.structs.replace(config, filling=True))
    journal = held.config.journal
    if at_us is None:
        first = await change_feed.last(tx, now_us, journal) + 1
    else:
        first = await change_feed.first_behind(tx, now_us, journal, at_us)
    copy = Copy(number, source.id, INTO_COLLECTION, *name, source.name, journal, first)
    await copying.begin(tx, now_us, copy)
    return collection


class Last(NamedTuple):
    """The snapshot that is made of a collection that goes away while earlier states of it are kept."""

    id: str
    seconds: int
    totals: Totals
    labels: dict[str, str]


async def delete_collection(tx: Tx, now_us: int, name: Name, last: Last | None) -> Collection:
    """Delete a collection; one with a journal that is kept leaves a snapshot.

    Raises `CollectionBusyError` while it is copied.
    """
    collection = await collections.hold(tx, now_us, name)
    if await journals.is_copied(tx, now_us, collection.id):
        raise CollectionBusyError(name[1])
    if collection.config.peers and not collection.config.filling:
        await replicas.remove(tx, now_us, name)
    keep = last is not None and collection.config.journal_seconds > 0
    await collections.delete(tx, now_us, name, keep=keep)
    if last is not None and keep:
        totals = last.totals
        config = SnapshotConfig(
            collection.config, collection.created_us, True, totals.documents, totals.size, last.labels
        )
        expires_us = now_us + last.seconds * SECOND_US
        await _add(tx, Snapshot(name[0], last.id, name[1], collection.id, config, now_us, expires_us))
    return collection


async def forget_expired(tx: Tx, now_us: int) -> bool:
    """Delete some snapshots whose time is over; False while there are more."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM document_snapshot WHERE expires_us > 0 AND expires_us <= $1 ORDER BY expires_us"
        " LIMIT $2",
        now_us,
        FORGOTTEN_PER_OPERATION_MAX,
    )
    gone = 0
    for each in map(_snapshot, rows):
        if not await journals.is_copied(tx, now_us, each.number):
            await delete(tx, now_us, each.scope, each.id)
            gone += 1
    return gone < FORGOTTEN_PER_OPERATION_MAX
