"""Documents copied from under one number to another, some at a time, as they were at one time while writes go on.

First everything is copied as it is found, in the order of keys; then the journal's entries of what was written since
that time are undone, the newest first, so that what is left of each document is what its first change found. How far
a copy has come stands in its row and moves with what was copied: a server that is killed goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.documents import collections, documents
from fogbank.engines.documents.copies import journals, merging
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.history import before
from fogbank.engines.documents.model import Change, Collection, CollectionConfig, Key, KeyField
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.storage import Row, Tx

# The signal that tells of copies that are to be made.
COPYING: Final = ("documents", "copies")
INTO_COLLECTION: Final = "collection"
INTO_SNAPSHOT: Final = "snapshot"
_COLUMNS: Final = (
    "target, source, kind, scope, name, source_name, journal, first_seq, after_partition, after_sort, undo_seq"
)
_PART: Final = (
    "SELECT partition, sort, size, body, version, created FROM document WHERE collection = $1"
    " AND (partition, sort) > ($2, $3) ORDER BY partition, sort LIMIT $4"
)
# Of a snapshot nothing is asked but where its documents stand.
_NO_CONFIG: Final = CollectionConfig(KeyField("", "bytes"))
_decode: Final = msgspec.msgpack.Decoder(Change).decode


class Copy(NamedTuple):
    """A copy as stored.

    `first_seq` is the first entry of the journal that isn't in the state that is copied. `undo_seq` is -1 until
    everything has been copied, then the entry that is undone next.
    """

    target: int
    source: int
    kind: str
    scope: str
    name: str
    source_name: str = ""
    journal: str = ""
    first_seq: int = 1
    after: Key = Key(b"", b"")
    undo_seq: int = -1


async def begin(tx: Tx, _now_us: int, copy: Copy) -> None:
    """Have documents copied; with a journal, as they were before its entry `first_seq`."""
    await tx.run(
        f"INSERT INTO document_copy ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *copy[:8],
        *copy.after,
        copy.undo_seq,
    )
    tx.signal(COPYING)


async def under_way(tx: Tx, _now_us: int) -> list[Copy]:
    """Return all copies that are being made."""
    rows = await tx.all(f"SELECT {_COLUMNS} FROM document_copy ORDER BY target")
    return [_copy(row) for row in rows]


def _copy(row: Row) -> Copy:
    target, source, kind, scope, name, source_name, journal, first_seq, partition, sort, undo_seq = row
    after = Key(bytes(partition), bytes(sort))
    return Copy(target, source, kind, scope, name, source_name, journal, first_seq, after, undo_seq)


async def step(tx: Tx, now_us: int, target: int, numbers: Sequence[int]) -> bool:
    """Copy or undo as many documents as there are `numbers` (of `Ids.sequence`) for; True once there are no more."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM document_copy WHERE target = $1 FOR UPDATE", target)
    if row is None:
        return True
    copy = _copy(row)
    if copy.undo_seq >= 0:
        return await _undo(tx, now_us, copy, numbers)
    rows = await tx.all(_PART, copy.source, *copy.after, len(numbers))
    into = await _into(tx, now_us, copy)
    for number, each in zip(numbers, rows, strict=False):
        key = Key(bytes(each[0]), bytes(each[1]))
        await merging.bring(tx, now_us, into, key, number, documents.read_row(each[2:]))
    if len(rows) == len(numbers):
        await tx.run(
            "UPDATE document_copy SET after_partition = $1, after_sort = $2 WHERE target = $3",
            bytes(rows[-1][0]),
            bytes(rows[-1][1]),
            target,
        )
        return False
    if not copy.journal:
        return True
    last = await change_feed.last(tx, now_us, copy.journal)
    await tx.run("UPDATE document_copy SET undo_seq = $1 WHERE target = $2", last, target)
    return last < copy.first_seq


async def _undo(tx: Tx, now_us: int, copy: Copy, numbers: Sequence[int]) -> bool:
    end = max(copy.first_seq - 1, copy.undo_seq - len(numbers))
    into = await _into(tx, now_us, copy)
    entries = await change_feed.read(tx, now_us, copy.journal, end, copy.undo_seq - end)
    for number, entry in zip(numbers, reversed(entries), strict=False):
        change = _decode(entry.payload)
        await merging.bring(tx, now_us, into, Key(change.partition, change.sort), number, before(change))
    await tx.run("UPDATE document_copy SET undo_seq = $1 WHERE target = $2", end, copy.target)
    return end < copy.first_seq


async def _into(tx: Tx, now_us: int, copy: Copy) -> Collection:
    if copy.kind == INTO_SNAPSHOT:
        return Collection(copy.scope, copy.name, copy.target, _NO_CONFIG, 0)
    return await collections.look_up(tx, now_us, (copy.scope, copy.name))


async def finish(tx: Tx, now_us: int, copy: Copy) -> bool:
    """Take note that a copy is whole; False if somebody else has."""
    if not await tx.run("DELETE FROM document_copy WHERE target = $1", copy.target):
        return False
    if copy.kind == INTO_COLLECTION:
        await collections.finish_filling(tx, now_us, (copy.scope, copy.name))
    if copy.journal:
        try:
            await journals.release(tx, now_us, (copy.scope, copy.source_name))
        except CollectionNotFoundError:
            # What was there has a name of its own no more.
            return True
    return True
