"""Ranges of documents: a part of one partition in the order of its sort keys, or a part of the whole collection.

A page ends after `limit` documents, or with the one whose size brings the sum to `bytes_max`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from fogbank.engines.documents import collections
from fogbank.engines.documents.keys import NO_SORT_KEY, after, hash_bound
from fogbank.engines.documents.model import Document, Key
from fogbank.engines.documents.values import decode_fields

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.engines.documents.model import Collection, Name
    from fogbank.storage import Row, Tx

    Fetch: TypeAlias = "Callable[[int], Awaitable[list[Row]]]"

# How many rows are asked for at first; after that as many as are expected to fill the page.
ROWS_FIRST: Final = 32
ROWS_MAX: Final = 1_000

_ROWS: Final = "SELECT partition, sort, size, body FROM document WHERE collection = $1"
_FORWARD: Final = f"{_ROWS} AND partition = $2 AND sort >= $3 AND sort < $4 ORDER BY sort LIMIT $5"
_BACKWARD: Final = f"{_ROWS} AND partition = $2 AND sort >= $3 AND sort < $4 ORDER BY sort DESC LIMIT $5"
_SCAN: Final = f"{_ROWS} AND (partition, sort) > ($2, $3) AND partition < $4 ORDER BY partition, sort LIMIT $5"


class Range(NamedTuple):
    """A part of one partition: from the sort key `low` to before `high`."""

    partition: bytes
    low: bytes
    high: bytes


class Stretch(NamedTuple):
    """A part of a collection: what follows `after`, up to before the partition `end`."""

    after: Key
    end: bytes


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
            self.documents.append(Document(row[2], decode_fields(row[3])))
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
    partition, low, high = select(collection)
    page = _Filling(limit, bytes_max)
    while True:
        wanted = page.wanted
        rows = await tx.all(_BACKWARD if backward else _FORWARD, collection.id, partition, low, high, wanted)
        last = page.add(rows)
        if page.full:
            return Page(collection, page.documents, ended=False)
        if len(rows) < wanted:
            return Page(collection, page.documents, ended=True)
        assert last is not None
        if backward:
            high = bytes(last[1])
        else:
            low = after(bytes(last[1]))


async def scan(
    tx: Tx, now_us: int, name: Name, select: Callable[[Collection], Stretch], limit: int | None, bytes_max: int
) -> Page:
    """Return a page of a collection, in the order of hashed partition keys, then of sort keys."""
    collection = await collections.find(tx, now_us, name)
    (partition, sort), end = select(collection)
    page = _Filling(limit, bytes_max)
    while True:
        wanted = page.wanted
        rows = await tx.all(_SCAN, collection.id, partition, sort, end, wanted)
        last = page.add(rows)
        if page.full:
            return Page(collection, page.documents, ended=False)
        if len(rows) < wanted:
            return Page(collection, page.documents, ended=True)
        assert last is not None
        partition, sort = bytes(last[0]), bytes(last[1])


def whole(part: int = 0, parts: int = 1) -> Stretch:
    """Return the part'th of so many equal parts of a collection."""
    return Stretch(Key(hash_bound(part, parts), NO_SORT_KEY), hash_bound(part + 1, parts))
