"""Several reads or writes as one: all or none, as if nobody else were at work meanwhile.

All documents are held before anything is decided, in the order of their keys, so that two transactions on a shared
database can't wait for each other; also those that don't exist, which nobody else can create until the end. What
`locate`, `change` and the shape refuse, by raising an error of the type `refusal`, is gathered for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.engines.documents import collections, documents, requests
from fogbank.engines.documents.documents import Written
from fogbank.engines.documents.errors import RefusedError, SameDocumentError, TooLargeTogetherError
from fogbank.engines.documents.traits import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.engines.documents.documents import Locate, Write
    from fogbank.engines.documents.model import Collection, Document, Key, Name
    from fogbank.engines.documents.requests import Request
    from fogbank.engines.documents.traits import Shape
    from fogbank.storage import Tx

_HOLD: Final = (
    "SELECT size, body, version, created FROM document WHERE collection = $1 AND partition = $2 AND sort = $3"
    " FOR UPDATE"
)
_STAND_IN: Final = (
    "INSERT INTO document (id, collection, partition, sort, size, body) VALUES ($1, $2, $3, $4, 0, $5)"
    " ON CONFLICT (collection, partition, sort) DO NOTHING"
)


class Outcome(NamedTuple):
    """What became of a transaction; where it was `repeated`, `written` has the documents as they are now."""

    repeated: bool
    written: list[Written]


async def write(
    tx: Tx,
    now_us: int,
    writes: Sequence[Write],
    refusal: type[Exception],
    bytes_max: int,
    request: Request | None = None,
    shape: Shape = FIELDS,
) -> Outcome:
    """Make writes to different documents as one; a change that returns what it was given only asks.

    Raises `RefusedError`, `SameDocumentError`, `TooLargeTogetherError` if what is written and asked is larger than
    `bytes_max`, and `OtherRequestError`.
    """
    places = await _locate(tx, now_us, [(each.name, each.locate) for each in writes], refusal)
    if request is not None and not await requests.admit(tx, now_us, request):
        found = [await documents.get_at(tx, now_us, collection, key) for collection, key in places]
        return Outcome(True, [Written(document, document) for document in found])
    refusals: list[Exception | None] = [None] * len(writes)
    size = 0
    for index in sorted(range(len(places)), key=lambda index: (places[index][0].id, places[index][1])):
        collection, key = places[index]
        before = await _hold(tx, collection.id, key, writes[index].number)
        try:
            after = writes[index].change(before)
            if after is not None and after is not before and shape.check is not None:
                shape.check(collection.config, after)
        except refusal as error:
            refusals[index] = error
        else:
            size += max(0 if each is None else each.size for each in (before, after))
    if any(refusals):
        raise RefusedError(refusals)
    if size > bytes_max:
        raise TooLargeTogetherError
    return Outcome(False, await documents.write_each(tx, now_us, writes, shape))


async def read(
    tx: Tx, now_us: int, wanted: Sequence[tuple[Name, Locate]], refusal: type[Exception], bytes_max: int
) -> list[Document | None]:
    """Return different documents, or None in their places, as they were at one time.

    Reads see one snapshot of the store. Raises `RefusedError`, `SameDocumentError`, `TooLargeTogetherError`.
    """
    places = await _locate(tx, now_us, wanted, refusal)
    found = [await documents.get_at(tx, now_us, collection, key) for collection, key in places]
    if sum(document.size for document in found if document is not None) > bytes_max:
        raise TooLargeTogetherError
    return found


async def _locate(
    tx: Tx, now_us: int, wanted: Sequence[tuple[Name, Locate]], refusal: type[Exception]
) -> list[tuple[Collection, Key]]:
    """Return the places of documents: their collections, and their keys."""
    found: dict[Name, Collection] = {}
    places: list[tuple[Collection, Key]] = []
    refusals: list[Exception | None] = []
    for name, locate in wanted:
        if name not in found:
            found[name] = await collections.find(tx, now_us, name)
        try:
            places.append((found[name], locate(found[name])))
            refusals.append(None)
        except refusal as error:
            refusals.append(error)
    if len({(collection.id, key) for collection, key in places}) < len(places):
        raise SameDocumentError
    if any(refusals):
        raise RefusedError(refusals)
    return places


async def _hold(tx: Tx, collection: int, key: Key, number: int) -> Document | None:
    """Return a document, or None, that nobody else can change or create until the end of the transaction."""
    while True:
        row = await tx.one(_HOLD, collection, *key)
        if row is not None:
            return documents.read_row(row)
        # A row that was made and removed by a transaction under way is waited for by whoever would make another.
        if await tx.run(_STAND_IN, number, collection, *key, b""):
            await tx.run("DELETE FROM document WHERE id = $1", number)
            return None
