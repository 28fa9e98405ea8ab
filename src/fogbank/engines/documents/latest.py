"""Documents in the order of their last writes, in collections that number them: what has changed since a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.documents import collections
from fogbank.engines.documents.model import Document
from fogbank.engines.documents.ranges import Page
from fogbank.engines.documents.values import decode_fields

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Collection, Name
    from fogbank.storage import Tx

_CHANGED: Final = (
    "SELECT size, body, version, created FROM document WHERE collection = $1 AND version > $2 AND version > 0"
    " ORDER BY version LIMIT $3"
)
_OF_ONE: Final = (
    "SELECT size, body, version, created FROM document WHERE collection = $1 AND version = $2 AND version > 0"
)


async def changed(tx: Tx, now_us: int, name: Name, after: int, limit: int, bytes_max: int) -> Page:
    """Return documents whose last write is later than a version, each once and as it is now.

    Those of one write have one version; a page doesn't end between them.
    """
    collection = await collections.find(tx, now_us, name)
    rows = await tx.all(_CHANGED, collection.id, after, limit)
    if len(rows) == limit:
        last = rows[-1][2]
        rows = [row for row in rows if row[2] != last] + await tx.all(_OF_ONE, collection.id, last)
    found: list[Document] = []
    size = 0
    for row in rows:
        if size >= bytes_max and found[-1].version != row[2]:
            return Page(collection, found, ended=False)
        size += row[0]
        found.append(Document(row[0], decode_fields(row[1]), row[2], row[3]))
    return Page(collection, found, ended=len(rows) < limit)


async def last_version(tx: Tx, _now_us: int, collection: Collection) -> int:
    """Return the number of a collection's last write, 0 before the first; deletions are writes, too."""
    row = await tx.one("SELECT latest FROM collection_version WHERE collection = $1", collection.id)
    return 0 if row is None else int(row[0])
