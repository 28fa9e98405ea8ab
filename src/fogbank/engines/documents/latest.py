"""Documents in the order of their last writes, in collections that number them: what has changed since a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.documents import collections
from fogbank.engines.documents.documents import latest_topic as topic
from fogbank.engines.documents.documents import read_row
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.model import Change
from fogbank.engines.documents.ranges import Page
from fogbank.storage.change_feed import Entry

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Collection, Document, Name
    from fogbank.storage import Row, Tx

__all__ = ("UnwatchedError", "changed", "entries", "last_version", "topic", "watch")

_COLUMNS: Final = "size, body, version, created"
_KEYED: Final = f"{_COLUMNS}, partition, sort"
_CHANGED: Final = "FROM document WHERE collection = $1 AND version > $2 AND version > 0 ORDER BY version LIMIT $3"
_OF_ONE: Final = "FROM document WHERE collection = $1 AND version = $2 AND version > 0"
_encode: Final = msgspec.msgpack.Encoder().encode


class UnwatchedError(Exception):
    """Writes to the collection give no signal."""


async def _rows(tx: Tx, columns: str, collection: int, after: int, limit: int) -> list[Row]:
    """Return rows of documents whose last write is later than a version; they don't end between those of one write."""
    rows = await tx.all(f"SELECT {columns} {_CHANGED}", collection, after, limit)
    if len(rows) < limit:
        return rows
    last = rows[-1][2]
    return [row for row in rows if row[2] != last] + await tx.all(f"SELECT {columns} {_OF_ONE}", collection, last)


async def changed(tx: Tx, now_us: int, name: Name, after: int, limit: int, bytes_max: int) -> Page:
    """Return documents whose last write is later than a version, each once and as it is now.

    Those of one write have one version; a page doesn't end between them.
    """
    collection = await collections.find(tx, now_us, name)
    rows = await _rows(tx, _COLUMNS, collection.id, after, limit)
    found: list[Document] = []
    size = 0
    for row in rows:
        if size >= bytes_max and found[-1].version != row[2]:
            return Page(collection, found, ended=False)
        size += row[0]
        found.append(read_row(row))
    return Page(collection, found, ended=len(rows) < limit)


async def entries(tx: Tx, now_us: int, name: Name, after: int, limit: int, bytes_max: int) -> list[Entry]:
    """Return the same as entries of a feed: each under its version, with what it is now as the `Change`.

    Raises `UnwatchedError` if nobody would tell of more.
    """
    collection = await collections.find(tx, now_us, name)
    if not collection.config.watched:
        raise UnwatchedError
    found: list[Entry] = []
    size = 0
    for row in await _rows(tx, _KEYED, collection.id, after, limit):
        if size >= bytes_max and found[-1].seq != row[2]:
            break
        size += row[0]
        change = Change(bytes(row[4]), bytes(row[5]), None, bytes(row[1]), 0, row[0], row[3], row[2])
        found.append(Entry(row[2], row[2], _encode(change)))
    return found


async def watch(tx: Tx, now_us: int, name: Name) -> None:
    """Have each write to a collection give the signal `topic` from now on; does nothing if it isn't there."""
    try:
        await collections.update(tx, now_us, name, lambda config: msgspec.structs.replace(config, watched=True))
    except CollectionNotFoundError:
        return
    tx.signal(topic(name))


async def last_version(tx: Tx, _now_us: int, collection: Collection) -> int:
    """Return the number of a collection's last write, 0 before the first; deletions are writes, too."""
    row = await tx.one("SELECT latest FROM collection_version WHERE collection = $1", collection.id)
    return 0 if row is None else int(row[0])
