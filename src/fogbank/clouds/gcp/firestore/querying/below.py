"""The names right below a path: of the collections in a document, of documents that have something below them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from fogbank.clouds.gcp.firestore.service import find
from fogbank.clouds.gcp.firestore.shape import path_of
from fogbank.engines.documents import history, ranges
from fogbank.engines.documents.keys import BEYOND, NO_SORT_KEY, after_prefix
from fogbank.engines.documents.model import Key
from fogbank.engines.documents.ordered import encode_path, path_segments
from fogbank.engines.documents.ranges import Stretch

if TYPE_CHECKING:
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.firestore.querying.running import Check
    from fogbank.engines.documents.model import Collection, Document
    from fogbank.storage import Tx

_PAGE: Final = 100
_PAGE_BYTES_MAX: Final = 8_000_000


async def names_below(
    tx: Tx,
    now_us: int,
    database: Database,
    inside: tuple[str, ...],
    after: str,
    limit: int,
    check: Check | None = None,
    at_us: int | None = None,
) -> list[str]:
    """Return the names right below a path that have documents below them, those behind one: a store operation.

    `at_us` is the time that they are of, None for now.
    """
    collection = await find(tx, now_us, database)
    if check is not None:
        await check(tx, now_us, collection)
    if collection is None:
        return []
    earlier = {} if at_us is None else await history.since(tx, now_us, collection, at_us)
    if not earlier:
        return await _names(tx, now_us, collection, inside, after, limit)
    names = set(await _names(tx, now_us, collection, inside, after, None))
    # What was written since doesn't count, but what was there then.
    for name in names & {name for key in earlier if (name := _name_in(inside, path_segments(key.partition)))}:
        if not await _has_others(tx, now_us, database, encode_path((*inside, name)), earlier):
            names.remove(name)
    gone = [path_of(each).split("/")[:-1] for each in earlier.values() if each is not None]
    names.update(name for each in gone if (name := _name_in(inside, each)) and name.encode() > after.encode())
    return sorted(names, key=str.encode)[:limit]


async def _names(
    tx: Tx, now_us: int, collection: Collection, inside: tuple[str, ...], after: str, limit: int | None
) -> list[str]:
    """Go from one name to the next by the order of paths, whatever is below each."""
    prefix = encode_path(inside)
    low = after_prefix(encode_path((*inside, after))) if after else prefix
    high = after_prefix(prefix) if prefix else BEYOND
    names: list[str] = []
    while limit is None or len(names) < limit:
        partition = await ranges.next_partition(tx, now_us, collection.id, low, high)
        if partition is None:
            break
        segments = path_segments(partition)
        if len(segments) == len(inside):
            # The documents of the collection itself.
            low = partition + b"\x00"
            continue
        name = segments[len(inside)]
        names.append(name)
        low = after_prefix(encode_path((*inside, name)))
    return names


def _name_in(inside: tuple[str, ...], collection: list[str]) -> str:
    """Return the name right below a path that leads to a collection, given by its segments; empty for none."""
    below = len(collection) > len(inside) and tuple(collection[: len(inside)]) == inside
    return collection[len(inside)] if below else ""


def _given(stretch: Stretch, _collection: Collection) -> Stretch:
    return stretch


async def _has_others(
    tx: Tx, now_us: int, database: Database, prefix: bytes, earlier: dict[Key, Document | None]
) -> bool:
    """Tell whether below a path there is a document that isn't among those that have changed."""
    key, end = Key(prefix, NO_SORT_KEY), after_prefix(prefix)
    while True:
        page = await ranges.scan(tx, now_us, database, partial(_given, Stretch(key, end)), _PAGE, _PAGE_BYTES_MAX)
        for document in page.documents:
            *collection, name = path_of(document).split("/")
            key = Key(encode_path(collection), name.encode())
            if key not in earlier:
                return True
        if page.ended:
            return False
