"""Single documents: get, put, read-modify-write.

What a request says of a key depends on the collection's configuration, so each operation is given a function `locate`
that makes the key once the collection is known, and may refuse by raising. What a write does is a function `change`
from the document as it is to the document as it shall be; it may refuse by raising, too. Both are pure: they are
called again when a transaction is run again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from fogbank.engines.documents import collections
from fogbank.engines.documents.model import Document
from fogbank.engines.documents.values import decode_fields, encode_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.engines.documents.model import Collection, Key, Name
    from fogbank.storage import Tx

    Locate: TypeAlias = "Callable[[Collection], Key]"
    Change: TypeAlias = "Callable[[Document | None], Document | None]"

DROPPED_PER_OPERATION_MAX: Final = 1_000

_AT: Final = "FROM document WHERE collection = $1 AND partition = $2 AND sort = $3"
_GET: Final = f"SELECT size, body {_AT}"
_HOLD: Final = f"SELECT id, size, body {_AT} FOR UPDATE"
_INSERT: Final = (
    "INSERT INTO document (id, collection, partition, sort, size, body) VALUES ($1, $2, $3, $4, $5, $6)"
    " ON CONFLICT (collection, partition, sort) DO"
)
_PUT: Final = f"{_INSERT} UPDATE SET size = $5, body = $6"
_CREATE: Final = f"{_INSERT} NOTHING"
_REPLACE: Final = "UPDATE document SET size = $1, body = $2 WHERE id = $3"


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
    row = await tx.one(_GET, collection.id, *locate(collection))
    return None if row is None else Document(row[0], decode_fields(row[1]))


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


async def put(tx: Tx, now_us: int, name: Name, number: int, locate: Locate, document: Document) -> None:
    """Store a document, in place of the one of that key if there is one."""
    collection = await collections.find(tx, now_us, name)
    body = encode_fields(document.fields)
    await tx.run(_PUT, number, collection.id, *locate(collection), document.size, body)


async def write(tx: Tx, now_us: int, name: Name, number: int, locate: Locate, change: Change) -> Written:
    """Change a document: create, replace or (where `change` returns None) delete it.

    What `change` returns unchanged isn't written. Two writers of one key take turns, also when neither found it.
    """
    collection = await collections.find(tx, now_us, name)
    return await _write(tx, collection.id, locate(collection), number, change)


async def write_each(tx: Tx, now_us: int, writes: Sequence[Write]) -> list[Written]:
    """Make several writes, all or none; those to one document in their order.

    Documents are visited in the order of their keys, so that two batches on a shared database can't wait for
    each other.
    """
    places = []
    for index, each in enumerate(writes):
        collection = await collections.find(tx, now_us, each.name)
        places.append((collection.id, each.locate(collection), index))
    outcomes = {}
    for collection_id, key, index in sorted(places):
        each = writes[index]
        outcomes[index] = await _write(tx, collection_id, key, each.number, each.change)
    return [outcomes[index] for index in range(len(writes))]


async def _write(tx: Tx, collection: int, key: Key, number: int, change: Change) -> Written:
    while True:
        row = await tx.one(_HOLD, collection, *key)
        before = None if row is None else Document(row[1], decode_fields(row[2]))
        after = change(before)
        if after is before:
            return Written(before, after)
        if row is None:
            assert after is not None
            body = encode_fields(after.fields)
            if await tx.run(_CREATE, number, collection, *key, after.size, body):
                return Written(before, after)
            # Somebody else created it since it was looked for, and has committed.
            continue
        if after is None:
            await tx.run("DELETE FROM document WHERE id = $1", row[0])
        else:
            await tx.run(_REPLACE, after.size, encode_fields(after.fields), row[0])
        return Written(before, after)


async def drop(tx: Tx, _now_us: int, collection: int) -> bool:
    """Remove some of what a deleted collection left behind; True once nothing is left."""
    gone = await tx.run(
        "DELETE FROM document WHERE id IN (SELECT id FROM document WHERE collection = $1 LIMIT $2)",
        collection,
        DROPPED_PER_OPERATION_MAX,
    )
    return gone < DROPPED_PER_OPERATION_MAX
