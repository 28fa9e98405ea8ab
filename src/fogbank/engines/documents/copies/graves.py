"""Versions of documents of collections with peers, also of those that are gone: which of two writes is the later one.

A write's version is the time in microseconds, moved on where the document's last one is not before it. A document that
is gone leaves its version for a day, so that an older write of a peer doesn't bring it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Collection, Document, Key
    from fogbank.storage import Tx

KEPT_US: Final = 86_400 * SECOND_US
_AT: Final = "collection = $1 AND partition = $2 AND sort = $3"


async def find(tx: Tx, collection: Collection, key: Key) -> int:
    """Return the version of a document's end, 0 where nothing is known of one."""
    row = await tx.one(f"SELECT version FROM document_grave WHERE {_AT}", collection.id, *key)
    return 0 if row is None else int(row[0])


async def next_version(tx: Tx, now_us: int, collection: Collection, key: Key, before: Document | None) -> int:
    """Return the version of a write of one's own."""
    last = await find(tx, collection, key) if before is None else before.version
    return max(now_us, last + 1)


async def note(tx: Tx, now_us: int, collection: Collection, key: Key, version: int) -> None:
    """Take note of a document's end, or with a version of 0 that it is there."""
    if not version:
        await tx.run(f"DELETE FROM document_grave WHERE {_AT}", collection.id, *key)
        return
    await tx.run(
        "INSERT INTO document_grave (collection, partition, sort, version, at_us) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (collection, partition, sort) DO UPDATE SET version = $4, at_us = $5",
        collection.id,
        *key,
        version,
        now_us,
    )


async def forget(tx: Tx, collection: int) -> None:
    """Forget all of a collection that is gone."""
    await tx.run("DELETE FROM document_grave WHERE collection = $1", collection)


async def forget_old(tx: Tx, now_us: int) -> None:
    """Forget those that no write can be older than any more."""
    await tx.run("DELETE FROM document_grave WHERE at_us < $1", now_us - KEPT_US)
