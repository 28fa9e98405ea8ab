"""Ranges of documents: a part of one partition in the order of its sort keys, or a part of the whole collection.

A page ends after `limit` documents, or with the one whose size brings the sum to `bytes_max`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from fogbank.engines.documents import collections
from fogbank.engines.documents.keys import NO_SORT_KEY, after, hash_bound
from fogbank.engines.documents.model import Document, Key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.engines.documents.model import Collection, Name
    from fogbank.storage import Row, Tx

    Fetch: TypeAlias = "Callable[[int], Awaitable[list[Row]]]"

# How many rows are asked for at first; after that as many as are expected to fill the page.
ROWS_FIRST: Final = 32
ROWS_MAX: Final = 1_000

_ROWS: Final = "SELECT partition, sort, size, body, version, created FROM document WHERE collection = $1"
_FORWARD: Final = f"{_ROWS} AND partition = $2 AND sort >= $3 AND sort < $4 ORDER BY sort LIMIT $5"
_BACKWARD: Final = f"{_ROWS} AND partition = $2 AND sort >= $3 AND sort < $4 ORDER BY sort DESC LIMIT $5"
_SCAN: Final = f"{_ROWS} AND (partition, sort) > ($2, $3) AND partition < $4 ORDER BY partition, sort LIMIT $5"
_ENTRIES: Final = (
    "SELECT e.partition, e.sort, d.size, d.body, d.version, d.created, e.document_partition, e.document_sort"
    " FROM index_entry AS e JOIN document AS d ON d.collection = $1 AND d.partition = e.document_partition"
    " AND d.sort = e.document_sort WHERE e.index_number = $2"
)
_PLACE: Final = "(e.sort, e.document_partition, e.document_sort)"
_FORWARD_IN: Final = (
    f"{_ENTRIES} AND e.partition = $3 AND e.sort >= $4 AND {_PLACE} > ($4, $5, $6) AND e.sort < $7"
    " ORDER BY e.sort, e.document_partition, e.document_sort LIMIT $8"
)
_BACKWARD_IN: Final = (
    f"{_ENTRIES} AND e.partition = $3 AND e.sort <= $4 AND {_PLACE} < ($4, $5, $6) AND e.sort >= $7"
    " ORDER BY e.sort DESC, e.document_partition DESC, e.document_sort DESC LIMIT $8"
)
_SCAN_IN: Final = (
    f"{_ENTRIES} AND e.partition >= $3 AND (e.partition, e.sort, e.document_partition, e.document_sort)"
    " > ($3, $4, $5, $6) AND e.partition < $7"
    " ORDER BY e.partition, e.sort, e.document_partition, e.document_sort LIMIT $8"
)
# Before the keys of all documents.
_FIRST: Final = Key(b"", b"")


class Range(NamedTuple):
    """A part of one partition: from the sort key `low` to before `high`.

    In a secondary index (`number` is its own, 0 is the collection itself) it goes on from `beside`, the key of the
    document before, if there is one: going forward that has the sort key `low`, going backward `high`.
    """

    partition: bytes
    low: bytes
    high: bytes
    number: int = 0
    beside: Key | None = None


class Stretch(NamedTuple):
    """A part of a collection: what follows `after`, up to before the partition `end`.

    In a secondary index `after` is a key of the index, and `beside` that of the document before.
    """

    after: Key
    end: bytes
    number: int = 0
    beside: Key | None = None


class Page(NamedTuple):
    """Documents of a collection in order; `ended` says that the range has no more."""

    collection: Collection
    documents: list[Document]
    ended: bool


class _Filling:
    """A page that is being filled."""

    def __init__(self, limit: int | None, bytes_max: int) -> None:
        self.documents: list[Document] = []
        self.full = False
        self._limit = limit
        self._bytes_max = bytes_max
        self._size = 0

    @property
    def wanted(self) -> int:
        """How many rows to ask for next."""
        count = len(self.documents)
        rows = ROWS_FIRST
        if count:
            rows = min(ROWS_MAX, 1 + (self._bytes_max - self._size) * count // max(1, self._size))
        return rows if self._limit is None else min(rows, self._limit - count)

    def add(self, rows: list[Row]) -> Row | None:
        """Take rows over until the page is full; returns the last that was taken."""
        last = None
        for row in rows:
            last = row
            self._size += row[2]
            self.documents.append(Document(row[2], None, row[4], row[5], bytes(row[3])))
            if self._size >= self._bytes_max or len(self.documents) == self._limit:
                self.full = True
                break
        return last


async def query(
    tx: Tx,
    now_us: int,
    name: Name,
    select: Callable[[Collection], Range],
    limit: int | None,
    bytes_max: int,
    *,
    backward: bool = False,
) -> Page:
    """Return a page of one partition."""
    collection = await collections.find(tx, now_us, name)
    wanted = select(collection)
    page = _Filling(limit, bytes_max)
    while True:
        count = page.wanted
        rows = await _part_of(tx, collection.id, wanted, count, backward=backward)
        last = page.add(rows)
        if page.full:
            return Page(collection, page.documents, ended=False)
        if len(rows) < count:
            return Page(collection, page.documents, ended=True)
        assert last is not None
        sort = bytes(last[1])
        if wanted.number:
            wanted = wanted._replace(beside=Key(bytes(last[6]), bytes(last[7])))
        wanted = wanted._replace(high=sort) if backward else wanted._replace(low=sort if wanted.number else after(sort))


async def _part_of(tx: Tx, collection: int, wanted: Range, count: int, *, backward: bool) -> list[Row]:
    partition, low, high, number, beside = wanted
    if not number:
        return await tx.all(_BACKWARD if backward else _FORWARD, collection, partition, low, high, count)
    place = _FIRST if beside is None else beside
    if backward:
        return await tx.all(_BACKWARD_IN, collection, number, partition, high, *place, low, count)
    return await tx.all(_FORWARD_IN, collection, number, partition, low, *place, high, count)


async def scan(
    tx: Tx, now_us: int, name: Name, select: Callable[[Collection], Stretch], limit: int | None, bytes_max: int
) -> Page:
    """Return a page of a collection, in the order of hashed partition keys, then of sort keys."""
    collection = await collections.find(tx, now_us, name)
    key, end, number, beside = select(collection)
    page = _Filling(limit, bytes_max)
    while True:
        count = page.wanted
        if number:
            place = _FIRST if beside is None else beside
            rows = await tx.all(_SCAN_IN, collection.id, number, *key, *place, end, count)
        else:
            rows = await tx.all(_SCAN, collection.id, *key, end, count)
        last = page.add(rows)
        if page.full:
            return Page(collection, page.documents, ended=False)
        if len(rows) < count:
            return Page(collection, page.documents, ended=True)
        assert last is not None
        key = Key(bytes(last[0]), bytes(last[1]))
        if number:
            beside = Key(bytes(last[6]), bytes(last[7]))


async def next_partition(tx: Tx, _now_us: int, collection: int, low: bytes, high: bytes) -> bytes | None:
    """Return the first partition of a collection from `low` to before `high` that has documents."""
    row = await tx.one(
        "SELECT partition FROM document WHERE collection = $1 AND partition >= $2 AND partition < $3"
        " ORDER BY partition LIMIT 1",
        collection,
        low,
        high,
    )
    return None if row is None else bytes(row[0])


async def covers(tx: Tx, _now_us: int, collection: int, number: int, partition: bytes) -> bool:
    """Tell whether every document of a collection has an entry in one partition of an index, which has one of each."""
    documents = await tx.one("SELECT COUNT(*) FROM document WHERE collection = $1", collection)
    entries = await tx.one(
        "SELECT COUNT(*) FROM index_entry WHERE index_number = $1 AND partition = $2", number, partition
    )
    assert documents is not None
    assert entries is not None
    return bool(documents[0] == entries[0])


def whole(part: int = 0, parts: int = 1, number: int = 0) -> Stretch:
    """Return the part'th of so many equal parts of a collection, or of one of its indexes."""
    return Stretch(Key(hash_bound(part, parts), NO_SORT_KEY), hash_bound(part + 1, parts), number)
