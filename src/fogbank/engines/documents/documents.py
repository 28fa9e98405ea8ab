"""Single documents: get, put, read-modify-write.

What a request says of a key depends on the collection's configuration, so each operation is given a function `locate`
that makes the key once the collection is known, and may refuse by raising. What a write does is a function `change`
from the document as it is to the document as it shall be; it may refuse by raising, too. Both are pure: they are
called again when a transaction is run again.
"""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import msgspec

from fogbank.engines.documents import collections
from fogbank.engines.documents.copies import graves
from fogbank.engines.documents.model import Change as FeedEntry
from fogbank.engines.documents.model import Document, Key
from fogbank.engines.documents.traits import FIELDS, NOTHING
from fogbank.engines.documents.values import same
from fogbank.storage import change_feed
from fogbank.storage.signals import WRITE, Happening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fogbank.engines.documents.model import Collection, CollectionConfig, Entry, Name
    from fogbank.engines.documents.traits import Shape
    from fogbank.storage import Row, Tx

    Locate: TypeAlias = "Callable[[Collection], Key]"
    Change: TypeAlias = "Callable[[Document | None], Document | None]"

DROPPED_PER_OPERATION_MAX: Final = 1_000
# The signal that tells of documents that will go away by themselves.
EXPIRY: Final = ("documents", "expiry")
EXPIRED: Final = "expired"

_AT: Final = "FROM document WHERE collection = $1 AND partition = $2 AND sort = $3"
_GET: Final = f"SELECT size, body, version, created {_AT}"
_HOLD: Final = f"SELECT size, body, version, created, id, expires_us {_AT} FOR UPDATE"
_PUT: Final = (
    "INSERT INTO document (id, collection, partition, sort, size, body) VALUES ($1, $2, $3, $4, $5, $6)"
    " ON CONFLICT (collection, partition, sort) DO UPDATE SET size = $5, body = $6"
)
_CREATE: Final = (
    "INSERT INTO document (id, collection, partition, sort, size, body, expires_us, version, created)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (collection, partition, sort) DO NOTHING"
)
_REPLACE: Final = "UPDATE document SET size = $1, body = $2, expires_us = $3, version = $4 WHERE id = $5"
_ENTER: Final = (
    "INSERT INTO index_entry (index_number, partition, sort, document_partition, document_sort)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
)
_LEAVE: Final = (
    "DELETE FROM index_entry WHERE index_number = $1 AND partition = $2 AND sort = $3 AND document_partition = $4"
    " AND document_sort = $5"
)
_encode_entry: Final = msgspec.msgpack.Encoder().encode


def latest_topic(name: Name) -> tuple[str, ...]:
    """Return the signal that tells of writes to a collection that is watched."""
    return ("documents", "latest", *name)


class Written(NamedTuple):
    """A document before and after a write; None where there was or is none."""

    before: Document | None
    after: Document | None


class Write(NamedTuple):
    """One write of several; `number` comes from `Ids.sequence`."""

    name: Name
    number: int
    locate: Locate
    change: Change


async def get(tx: Tx, now_us: int, name: Name, locate: Locate) -> Document | None:
    """Return a document, or None."""
    collection = await collections.find(tx, now_us, name)
    return await get_at(tx, now_us, collection, locate(collection))


async def get_at(tx: Tx, _now_us: int, collection: Collection, key: Key) -> Document | None:
    """Return a document of a collection that is known, or None."""
    row = await tx.one(_GET, collection.id, *key)
    return None if row is None else read_row(row)


def read_row(row: Row) -> Document:
    """Return the document of a row that begins with size, body, version and creation."""
    return Document(row[0], None, row[2], row[3], bytes(row[1]))


async def get_each(tx: Tx, now_us: int, wanted: Sequence[tuple[Name, Locate]], bytes_max: int) -> list[Document | None]:
    """Return documents, or None in their places; ends early once their sizes add up to more than `bytes_max`.

    The document that goes beyond the limit is left out, so that fewer come back than are wanted.
    """
    found: list[Document | None] = []
    size = 0
    for name, locate in wanted:
        document = await get(tx, now_us, name, locate)
        size += 0 if document is None else document.size
        if size > bytes_max:
            break
        found.append(document)
    return found


async def put(
    tx: Tx,
    now_us: int,
    name: Name,
    number: int,
    locate: Locate,
    document: Document,
    shape: Shape = FIELDS,
) -> None:
    """Store a document, in place of the one of that key if there is one."""
    collection = await collections.find(tx, now_us, name)
    if not _is_plain(collection.config):
        await write(tx, now_us, name, number, locate, lambda _before: document, shape)
        return
    # A service's own function may still refuse what its collections don't take.
    key = locate(collection)
    await tx.run(_PUT, number, collection.id, *key, document.size, document.body)
    if tx.witnessed:
        _show(tx, collection, None, document)


async def put_each(tx: Tx, now_us: int, writes: Sequence[Write], shape: Shape = FIELDS) -> None:
    """Make writes whose changes don't depend on what there is, all or none, each to another document."""
    found = {name: await collections.find(tx, now_us, name) for name in {each.name for each in writes}}
    if tx.witnessed or not all(_is_plain(collection.config) for collection in found.values()):
        await write_each(tx, now_us, writes, shape, known=found)
        return
    puts, gone = [], []
    for each in writes:
        collection = found[each.name]
        key, document = each.locate(collection), each.change(None)
        if document is None:
            gone.append((collection.id, *key))
        else:
            puts.append((each.number, collection.id, *key, document.size, document.body))
    # In the order of their keys, as `write_each` does it and for its reason.
    if puts:
        await tx.many(_PUT, sorted(puts, key=itemgetter(1, 2, 3)))
    if gone:
        await tx.many(f"DELETE {_AT}", sorted(gone))


def _is_plain(config: CollectionConfig) -> bool:
    """Whether nothing depends on a document but the document itself."""
    return not (config.indexes or config.feed or config.expiry or config.versioned or config.journal)


async def write(
    tx: Tx,
    now_us: int,
    name: Name,
    number: int,
    locate: Locate,
    change: Change,
    shape: Shape = FIELDS,
) -> Written:
    """Change a document: create, replace or (where `change` returns None) delete it.

    What `change` returns unchanged isn't written. Two writers of one key take turns, also when neither found it.
    `shape` says what the store is to keep of a document beside itself, and may refuse by raising.
    """
    collection = await collections.find(tx, now_us, name)
    version = await collections.tick(tx, now_us, collection) if collection.config.versioned else 0
    one = One(collection, locate(collection), number, version, "")
    return await write_one(tx, now_us, one, change, shape)


async def write_each(
    tx: Tx,
    now_us: int,
    writes: Sequence[Write],
    shape: Shape = FIELDS,
    versions: Mapping[Name, int] | None = None,
    known: Mapping[Name, Collection] | None = None,
) -> list[Written]:
    """Make several writes, all or none; those to one document in their order.

    Documents are visited in the order of their keys, so that two batches on a shared database can't wait for
    each other. In a collection with versions all of them have the same: that of `versions`, for whoever has drawn it
    already (`collections.tick`) to be the only one who writes from there on. `known` are
    collections that were found already.
    """
    found: dict[Name, Collection] = dict(known or {})
    for name in sorted({each.name for each in writes} - found.keys()):
        found[name] = await collections.find(tx, now_us, name)
    drawn = dict(versions or {})
    for name, collection in found.items():
        if collection.config.versioned and name not in drawn:
            drawn[name] = await collections.tick(tx, now_us, collection)
    places = []
    for index, each in enumerate(writes):
        collection = found[each.name]
        places.append((collection.id, each.locate(collection), index))
    outcomes = {}
    for _collection_id, key, index in sorted(places):
        each = writes[index]
        one = One(found[each.name], key, each.number, drawn.get(each.name, 0), "")
        outcomes[index] = await write_one(tx, now_us, one, each.change, shape)
    return [outcomes[index] for index in range(len(writes))]


class One(NamedTuple):
    """What is known of a write before it is made; a `version` of 0 is drawn where there are peers."""

    collection: Collection
    key: Key
    number: int
    version: int
    cause: str


async def write_one(tx: Tx, now_us: int, one: One, change: Change, shape: Shape) -> Written:
    """Change a document of a collection that is known, at a key that is, as `write` does."""
    config = one.collection.config
    has_traits = bool(config.indexes or config.expiry)
    while True:
        row = await tx.one(_HOLD, one.collection.id, *one.key)
        before = None if row is None else read_row(row)
        after = change(before)
        if after is before or (config.peers and _alike(before, after)):
            return Written(before, after)
        if config.peers and not one.version:
            one = one._replace(version=await graves.next_version(tx, now_us, one.collection, one.key, before))
        if after is not None and one.version:
            # Before it is described, since when it goes away may depend on when it was written.
            after = after.written_at(one.version, one.version if before is None else before.created)
        if after is not None and shape.check is not None:
            shape.check(config, after)
        traits = NOTHING if after is None or not has_traits else shape.describe(config, after)
        if row is None:
            assert after is not None
            created = await tx.run(
                _CREATE, one.number, one.collection.id, *one.key, after.size, after.body, traits.expires_us, one.version
            )
            if not created:
                # Somebody else created it since it was looked for, and has committed.
                continue
        elif after is None:
            await tx.run("DELETE FROM document WHERE id = $1", row[4])
        else:
            await tx.run(_REPLACE, after.size, after.body, traits.expires_us, one.version, row[4])
        if has_traits:
            gone = NOTHING if before is None else shape.describe(config, before)
            await _enter(tx, one.key, traits.entries - gone.entries)
            await _leave(tx, one.key, gone.entries - traits.entries)
            if traits.expires_us and (row is None or traits.expires_us != row[5]):
                tx.signal(EXPIRY)
        if (config.feed or config.journal) and not (one.version == 0 and _alike(before, after)):
            await _tell(tx, now_us, one, before, after)
        if config.watched:
            tx.signal(latest_topic((one.collection.scope, one.collection.name)), change_feed.EVERY_FOLLOWER)
        if config.peers and (row is None or after is None):
            await graves.note(tx, now_us, one.collection, one.key, one.version if after is None else 0)
        if tx.witnessed:
            _show(tx, one.collection, before, after)
        return Written(before, after)


def _show(tx: Tx, collection: Collection, before: Document | None, after: Document | None) -> None:
    """Let witnesses see a write."""
    content = (collection.config, Written(before, after))
    tx.signal(Happening(WRITE, collection.scope, collection.name, content))


def _alike(before: Document | None, after: Document | None) -> bool:
    """Whether a write changed nothing that counts where writes have no versions."""
    return before is not None and after is not None and same(before.fields, after.fields)


async def _tell(tx: Tx, now_us: int, one: One, before: Document | None, after: Document | None) -> None:
    """Add a write to the collection's change feed, and to its journal."""
    latest = after or before
    assert latest is not None
    entry = FeedEntry(
        *one.key,
        None if before is None else before.body,
        None if after is None else after.body,
        0 if before is None else before.size,
        0 if after is None else after.size,
        latest.created,
        one.version,
        one.cause,
        0 if before is None else before.version,
    )
    config, payload = one.collection.config, _encode_entry(entry)
    for feed in (config.feed, config.journal):
        if feed:
            await change_feed.append(tx, now_us, feed, payload)


async def _enter(tx: Tx, key: Key, entries: Iterable[Entry]) -> None:
    rows = [(*entry, *key) for entry in sorted(entries)]
    if rows:
        await tx.many(_ENTER, rows)


async def _leave(tx: Tx, key: Key, entries: Iterable[Entry]) -> None:
    rows = [(*entry, *key) for entry in sorted(entries)]
    if rows:
        await tx.many(_LEAVE, rows)


async def enter_some(
    tx: Tx, now_us: int, name: Name, index: int, after: int, limit: int, shape: Shape = FIELDS
) -> int | None:
    """Enter documents that an index was made after: those that follow an id; returns the last, None at the end.

    When they go away is noted anew, too, since that may depend on the collection's configuration.
    """
    collection = await collections.find(tx, now_us, name)
    rows = await tx.all(
        "SELECT size, body, version, created, id, partition, sort, expires_us FROM document WHERE collection = $1"
        " AND id > $2 ORDER BY id LIMIT $3 FOR UPDATE",
        collection.id,
        after,
        limit,
    )
    for row in rows:
        entries, expires_us = shape.describe(collection.config, read_row(row))
        await _enter(tx, Key(bytes(row[5]), bytes(row[6])), [entry for entry in entries if entry.number == index])
        if expires_us != row[7]:
            await tx.run("UPDATE document SET expires_us = $1 WHERE id = $2", expires_us, row[4])
            tx.signal(EXPIRY)
    return None if len(rows) < limit else int(rows[-1][4])


async def time_some(tx: Tx, now_us: int, name: Name, after: int, limit: int, shape: Shape = FIELDS) -> int | None:
    """Have documents go away that were there before their collection's expiry: those that follow an id.

    Returns the last, None at the end.
    """
    collection = await collections.find(tx, now_us, name)
    rows = await tx.all(
        "SELECT size, body, version, created, id, expires_us FROM document WHERE collection = $1 AND id > $2"
        " ORDER BY id LIMIT $3 FOR UPDATE",
        collection.id,
        after,
        limit,
    )
    for row in rows:
        expires_us = shape.describe(collection.config, read_row(row)).expires_us
        if expires_us != row[5]:
            await tx.run("UPDATE document SET expires_us = $1 WHERE id = $2", expires_us, row[4])
            tx.signal(EXPIRY)
    return None if len(rows) < limit else int(rows[-1][4])


async def next_expiry(tx: Tx, _now_us: int, after_us: int) -> int | None:
    """Return when the first document goes away by itself of those that do so later than `after_us`."""
    row = await tx.one("SELECT MIN(expires_us) FROM document WHERE expires_us > 0 AND expires_us > $1", after_us)
    assert row is not None
    return None if row[0] is None else int(row[0])


async def expire(tx: Tx, now_us: int, until_us: int, after_us: int, limit: int, shapes: Mapping[str, Shape]) -> int:
    """Remove some of the documents whose time has come: later than `after_us`, and by `until_us`.

    `shapes` are those of services whose documents aren't described by their fields, by their dialects. Returns how
    many there were.
    """
    rows = await tx.all(
        # The plus keeps SQLite from going through every document, collection by collection.
        "SELECT d.collection, d.partition, d.sort, c.scope, c.name FROM document AS d JOIN collection AS c"
        " ON c.id = +d.collection WHERE d.expires_us > 0 AND d.expires_us > $1 AND d.expires_us <= $2"
        " ORDER BY d.expires_us LIMIT $3",
        after_us,
        until_us,
        limit,
    )
    for _collection, partition, sort, scope, name in rows:
        collection = await collections.look_up(tx, now_us, (scope, name))
        shape = shapes.get(collection.config.dialect, FIELDS)
        version = await collections.tick(tx, now_us, collection) if collection.config.versioned else 0
        one = One(collection, Key(bytes(partition), bytes(sort)), 0, version, EXPIRED)
        written = await write_one(tx, now_us, one, partial(_unless_kept, collection.config, shape, until_us), shape)
        if written.after is not None:
            # Nothing expires here any more, or by another field: its time is that which it has now.
            expires_us = shape.describe(collection.config, written.after).expires_us
            await tx.run(
                "UPDATE document SET expires_us = $1 WHERE collection = $2 AND partition = $3 AND sort = $4",
                expires_us,
                collection.id,
                *one.key,
            )
        elif written.before is not None and shape.expired is not None:
            await shape.expired(tx, now_us, (scope, name), written.before, version)
    return len(rows)


def _unless_kept(config: CollectionConfig, shape: Shape, until_us: int, before: Document | None) -> Document | None:
    """Remove a document, unless somebody has given it more time since it was found."""
    if before is None:
        return None
    expires_us = shape.describe(config, before).expires_us
    return None if 0 < expires_us <= until_us else before


async def drop(tx: Tx, _now_us: int, collection: int) -> bool:
    """Remove some of what a deleted collection left behind; True once nothing is left."""
    gone = await tx.run(
        "DELETE FROM document WHERE id IN (SELECT id FROM document WHERE collection = $1 LIMIT $2)",
        collection,
        DROPPED_PER_OPERATION_MAX,
    )
    if gone == DROPPED_PER_OPERATION_MAX:
        return False
    await tx.run("DELETE FROM collection_version WHERE collection = $1", collection)
    await graves.forget(tx, collection)
    # The number may be that of an index.
    rows = await tx.all(
        "SELECT partition, sort, document_partition, document_sort FROM index_entry WHERE index_number = $1 LIMIT $2",
        collection,
        DROPPED_PER_OPERATION_MAX,
    )
    await tx.many(_LEAVE, [(collection, *row) for row in rows])
    return len(rows) < DROPPED_PER_OPERATION_MAX
