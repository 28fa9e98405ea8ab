"""Running a query: an operation of the store that reads where the query looks and keeps what fits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from fogbank.clouds.gcp.firestore.querying.candidates import Candidate
from fogbank.clouds.gcp.firestore.querying.sources import Names, Part, sources_of
from fogbank.clouds.gcp.firestore.service import find, moment
from fogbank.clouds.gcp.firestore.shape import path_of
from fogbank.engines.documents import documents, history, ranges
from fogbank.engines.documents.keys import BEYOND, NO_SORT_KEY, after, after_prefix
from fogbank.engines.documents.model import Key
from fogbank.engines.documents.ranges import Range, Stretch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from typing import Any

    from fogbank.clouds.gcp.firestore.querying.plans import Query
    from fogbank.clouds.gcp.firestore.querying.sources import Source, Tree
    from fogbank.clouds.gcp.firestore.reading import Consistency
    from fogbank.clouds.gcp.firestore.service import Firestore
    from fogbank.engines.documents.model import Collection, Document
    from fogbank.storage import Tx

    Check: TypeAlias = "Callable[[Tx, int, Collection | None], Coroutine[Any, Any, None]]"

# So many documents are looked at among the other requests; what needs more is run again on a thread of its own.
LOOKED_AT_BRIEFLY_MAX: Final = 400
# So often a transaction runs a query to find what nobody is about to write; in the end its commit tells.
RUNS_MAX: Final = 4
_PAGE_FIRST: Final = 64
_PAGE: Final = 500
_PAGE_BYTES_MAX: Final = 8_000_000


class Results(NamedTuple):
    """What a query found: the time it is of, in microseconds, how many were skipped, and the documents in order.

    `looked_at` is how many entries of indexes, or documents, were looked at for it.
    """

    read_time_us: int
    skipped: int
    found: list[Candidate]
    looked_at: int = 0


T = TypeVar("T")


def _given(selected: T, _collection: Collection) -> T:
    return selected


class _LongError(Exception):
    """The query looks at more documents than may be looked at briefly."""


async def run(firestore: Firestore, query: Query, at_us: int | None = None, check: Check | None = None) -> Results:
    """Run a query, on the state of a time if one is given; `check` may refuse it by raising."""
    try:
        return await firestore.store.read(find_results, query, at_us, LOOKED_AT_BRIEFLY_MAX, check)
    except _LongError:
        return await firestore.store.scan(find_results, query, at_us, None, check)


async def run_consistently(
    firestore: Firestore, query: Query, consistency: Consistency, check: Check | None = None
) -> Results:
    """Run a query as a request says; its transaction holds and notes what is found."""
    transaction = consistency.transaction
    if transaction is None:
        return await run(firestore, query, consistency.at_us, check)
    try:
        results = await run(firestore, query, consistency.at_us, check)
        for _ in range(RUNS_MAX - 1):
            if not await firestore.transactions.hold(transaction, [each.key for each in results.found]):
                break
            # Somebody was about to write what was found.
            results = await run(firestore, query, consistency.at_us, check)
    except BaseException:
        consistency.give_up(firestore)
        raise
    transaction.note_query(query, versions_of(results))
    return results


async def find_results(
    tx: Tx,
    now_us: int,
    query: Query,
    at_us: int | None = None,
    looked_at_max: int | None = None,
    check: Check | None = None,
) -> Results:
    """Return what a query finds: a store operation."""
    collection = await find(tx, now_us, query.database)
    if check is not None:
        await check(tx, now_us, collection)
    read_time_us = await moment(tx, now_us, collection)
    if collection is None:
        return Results(read_time_us, 0, [])
    earlier: dict[Key, Document | None] = {}
    if at_us is not None and at_us < read_time_us:
        earlier = await history.since(tx, now_us, collection, at_us)
        read_time_us = at_us
    search = _Search(tx, now_us, collection, query, looked_at_max)
    found = await search.search(earlier)
    if query.nearest is not None:
        found = query.nearest.rank(found, query.database.root)
    skipped = min(query.offset, len(found))
    end = None if query.limit is None else query.offset + query.limit
    return Results(read_time_us, skipped, found[query.offset : end], search.looked_at)


async def find_again(tx: Tx, now_us: int, query: Query) -> list[tuple[Key, int]]:
    """Return keys and versions of what a query finds."""
    results = await find_results(tx, now_us, query)
    return versions_of(results)


def versions_of(results: Results) -> list[tuple[Key, int]]:
    """Return keys and versions of what was found."""
    return [(each.key, each.document.version) for each in results.found]


class _Search:
    """One run."""

    def __init__(self, tx: Tx, now_us: int, collection: Collection, query: Query, looked_at_max: int | None) -> None:
        self._tx = tx
        self._now_us = now_us
        self._collection = collection
        self._query = query
        self._root = query.database.root
        self._looked_at_max = looked_at_max
        self.looked_at = 0

    async def search(self, earlier: dict[Key, Document | None]) -> list[Candidate]:
        """Return all that fits, as many as are needed, in order; `earlier` are documents as they were."""
        query = self._query
        enough = None if query.limit is None or query.nearest is not None else query.offset + query.limit
        sources = sources_of(query)
        in_order = len(sources) == 1 and isinstance(sources[0], Part) and sources[0].is_in_order_of(query)
        found: dict[str, Candidate] = {}
        if enough == 0:
            return []
        # Whether some values are in the index with their beginnings alone, whose order it doesn't tell.
        any_cut = False
        for source in sources:
            backward = in_order and query.orders[0].descending
            async for candidate in self._look(source, backward=backward):
                if earlier and candidate.key in earlier:
                    continue
                if candidate.path not in found and query.fits(candidate):
                    found[candidate.path] = candidate
                    is_cut = in_order and isinstance(source, Part) and source.cuts(candidate)
                    any_cut = any_cut or is_cut
                    if in_order and not earlier and enough is not None and len(found) >= enough and not is_cut:
                        break
        for document in earlier.values():
            if document is not None and query.holds(path_of(document)):
                candidate = Candidate(self._root, document)
                if query.fits(candidate):
                    found[candidate.path] = candidate
        results = list(found.values())
        return results if in_order and not earlier and not any_cut else query.sort(results)

    async def _look(self, source: Source, *, backward: bool) -> AsyncIterator[Candidate]:
        if isinstance(source, Names):
            for key in source.keys:
                document = await documents.get_at(self._tx, self._now_us, self._collection, key)
                if document is not None and self._query.holds(path_of(document)):
                    yield Candidate(self._root, document)
        elif isinstance(source, Part):
            async for candidate in self._look_in_part(source, backward=backward):
                yield candidate
        else:
            async for candidate in self._look_in_tree(source):
                yield candidate

    async def _look_in_part(self, part: Part, *, backward: bool) -> AsyncIterator[Candidate]:
        number = self._collection.config.indexes[0].number if part.in_index else 0
        wanted = Range(part.partition, part.low, part.high, number)
        count = self._first_page()
        while True:
            page = await ranges.query(
                self._tx, self._now_us, self._query.database, partial(_given, wanted), count,
                _PAGE_BYTES_MAX, backward=backward,
            )  # fmt: skip
            self._count(len(page.documents))
            candidate = None
            for document in page.documents:
                candidate = Candidate(self._root, document)
                yield candidate
            if page.ended or candidate is None:
                return
            sort = part.sort_of(candidate)
            wanted = wanted._replace(beside=candidate.key) if number else wanted
            low = sort if number else after(sort)
            wanted = wanted._replace(high=sort) if backward else wanted._replace(low=low)
            count = _PAGE

    async def _look_in_tree(self, tree: Tree) -> AsyncIterator[Candidate]:
        end = after_prefix(tree.prefix) if tree.prefix else BEYOND
        key = Key(tree.prefix, NO_SORT_KEY)
        while True:
            page = await ranges.scan(
                self._tx, self._now_us, self._query.database, partial(_given, Stretch(key, end)), _PAGE,
                _PAGE_BYTES_MAX,
            )  # fmt: skip
            self._count(len(page.documents))
            for document in page.documents:
                candidate = Candidate(self._root, document)
                key = candidate.key
                if self._query.holds(candidate.path):
                    yield candidate
            if page.ended:
                return

    def _first_page(self) -> int:
        query = self._query
        if query.limit is not None and query.filter is None and query.nearest is None:
            return min(_PAGE, query.offset + query.limit)
        return _PAGE_FIRST

    def _count(self, looked_at: int) -> None:
        self.looked_at += looked_at
        if self._looked_at_max is not None and self.looked_at > self._looked_at_max:
            raise _LongError
