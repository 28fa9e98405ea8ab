"""Running a query over a container's items: page by page, with a bound on the work for each.

Where each row makes a result by itself, a page ends when it is full or has looked at enough documents, and goes on
from there. Results that need all documents first are worked out anew for each page.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.cosmos.errors import CosmosError, bad_request, query_refused
from fogbank.clouds.azure.cosmos.items.keys import encode_levels, levels_of
from fogbank.clouds.azure.cosmos.items.shown import show_item
from fogbank.clouds.azure.cosmos.items.writing import check_rid
from fogbank.clouds.azure.cosmos.queries.access import choose, go_on, is_exact, place_of
from fogbank.clouds.azure.cosmos.queries.continuations import INVALID, Position
from fogbank.clouds.azure.cosmos.queries.requests import with_computed
from fogbank.clouds.azure.cosmos.resources.definitions import layout_of
from fogbank.engines.documents import collections, ranges
from fogbank.engines.documents.model import Key
from fogbank.engines.documents.ranges import Range, Stretch
from fogbank.languages.cosmos_sql.errors import QueryError
from fogbank.languages.cosmos_sql.running import ROOT, Gathering

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.items.epk import EpkRange
    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.clouds.azure.cosmos.queries.requests import Query
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.engines.documents.model import Collection, Document, Name
    from fogbank.storage import Tx

# A page ends after so many documents were looked at, or so many bytes.
DOCUMENTS_PER_PAGE_MAX: Final = 5_000
BYTES_PER_PAGE_MAX: Final = 16 * 1024 * 1024
# "Azure Cosmos DB service quotas", "Per-request limits": the size of a response.
RESPONSE_BYTES_MAX: Final = 4 * 1024 * 1024
# So many documents are asked for at first, and so many later.
DOCUMENTS_FIRST: Final = 32
DOCUMENTS_AT_ONCE_MAX: Final = 500
_encode: Final = msgspec.json.encode


class Request(NamedTuple):
    """A query with what the request restricts it to; `size` is how many results the page may have."""

    name: Name
    query: Query
    levels: Levels | None
    epk: EpkRange | None
    size: int
    position: Position
    rid: str = ""


class Results(NamedTuple):
    """A page of results, the container's layout, where the rest begins if there is one, and how much was looked at.

    `bytes` is the size of the documents that were.
    """

    values: list[Any]
    layout: Layout
    rest: Position | None
    documents: int
    bytes: int = 0


class _Reader:
    """Reads documents of an access in their order, page by page."""

    def __init__(self, tx: Tx, now_us: int, request: Request, collection: Collection) -> None:
        self._tx = tx
        self._now_us = now_us
        self._request = request
        self._collection = collection
        self.layout = layout_of(collection.config)
        self._ways = choose(collection, self.layout, request.query, request.levels)
        self.choice = 0
        self.access = self._ways[0]
        self.looked = 0
        self.bytes = 0
        self.part = 0
        self._count = DOCUMENTS_FIRST
        self._rest: Any = None

    async def start(self, position: Position) -> None:
        """Begin, or go on from a position."""
        self.choice = position.choice
        is_first = position.value is None and not (position.done or position.choice)
        if is_first and len(self._ways) > 1:
            self.choice = await self._best()
        if self.choice >= len(self._ways):
            raise bad_request(INVALID)
        self.access = self._ways[self.choice]
        if position.part and position.part >= len(self.access.parts):
            raise bad_request(INVALID)
        self.part = position.part
        if self.access.parts:
            self._rest = self.access.parts[position.part]
            if position.value is not None:
                key = Key(position.partition, position.sort)
                self._rest = go_on(self._rest, position.value, key, backward=self.access.backward)

    async def _best(self) -> int:
        """Return which way is the best: of those in order the first, else one that a look shows the end of."""
        tx, now_us, name = self._tx, self._now_us, self._request.name
        first = self._ways[0]
        if first.ordered:
            number, part = self._collection.id, first.parts[0]
            assert isinstance(part, Range)
            is_whole = first.covering or await ranges.covers(tx, now_us, number, part.number, part.partition)
            return 0 if is_whole else 1
        for choice, way in enumerate(self._ways):
            if len(way.parts) == 1:
                select = partial(_always, way.parts[0])
                if (await ranges.query(tx, now_us, name, select, DOCUMENTS_FIRST, BYTES_PER_PAGE_MAX)).ended:
                    return choice
        return 0

    def fallback(self, done: int) -> Position:
        """Return the position behind so many results of the way that finds them anyhow."""
        return Position(self._request.position.query, done, choice=self.choice + 1)

    async def next_page(self) -> tuple[int, list[Document]] | None:
        """Return the next documents with the number of the part that they are of, None at the end."""
        while self._rest is not None:
            part, page = self.part, await self._page(self._rest)
            found = page.documents
            if page.ended or self._has_left(found):
                self.part += 1
                self._rest = self.access.parts[self.part] if self.part < len(self.access.parts) else None
            else:
                self._rest = go_on(self._rest, *self.place(found[-1]), backward=self.access.backward)
            if found:
                self.looked += len(found)
                self.bytes += sum(document.size for document in found)
                return part, found
        return None

    async def _page(self, part: Range | Stretch) -> ranges.Page:
        tx, now_us, name = self._tx, self._now_us, self._request.name
        count = self._count
        if not self.access.narrow:
            self._count = min(4 * count, DOCUMENTS_AT_ONCE_MAX)
        if isinstance(part, Stretch):
            return await ranges.scan(tx, now_us, name, lambda _: part, count, BYTES_PER_PAGE_MAX)
        backward = self.access.backward
        return await ranges.query(tx, now_us, name, lambda _: part, count, BYTES_PER_PAGE_MAX, backward=backward)

    def is_wanted(self, document: Document) -> bool:
        """Whether a document is of the partitions that the request is for."""
        given, epk = self._request.levels, self._request.epk
        if given is None and epk is None:
            return True
        levels = levels_of(document.fields, self.layout.levels)
        if given is not None and encode_levels(levels[: len(given)]) != encode_levels(given):
            return False
        return epk is None or epk.has(levels, hierarchical=self.layout.hierarchical)

    def _has_left(self, documents: list[Document]) -> bool:
        """Whether entries of one value have come to the end of the partition that is wanted."""
        return bool(self.access.bound and documents) and self.place(documents[-1])[1].partition != self.access.bound

    def place(self, document: Document) -> tuple[bytes, Key]:
        """Return where a document stands."""
        return place_of(self.access, self.layout, document)


def _always(part: Any, _collection: Collection) -> Any:
    return part


async def run(tx: Tx, now_us: int, request: Request) -> Results | CosmosError:
    """Return a page of results, or the error for what can't be run."""
    collection = await collections.find(tx, now_us, request.name)
    layout = layout_of(collection.config)
    check_rid(layout, request.rid)
    try:
        if layout.computed:
            request = request._replace(query=with_computed(request.query, layout.definition.computed))
        reader = _Reader(tx, now_us, request, collection)
        program = request.query.program
        if not program.query.sources:
            return _sourceless(request, reader)
        await reader.start(request.position)
        if program.whole and not reader.access.ordered:
            return await _gather(request, reader)
        return await _stream(request, reader)
    except QueryError as error:
        return query_refused(error)


async def read_some(tx: Tx, now_us: int, request: Request) -> tuple[list[Document], Position | None]:
    """Return documents that a query has to look at, some of them, and where the others begin if there are any."""
    collection = await collections.find(tx, now_us, request.name)
    reader = _Reader(tx, now_us, request, collection)
    await reader.start(request.position)
    found: list[Document] = []
    while (page := await reader.next_page()) is not None:
        part, documents = page
        found += filter(reader.is_wanted, documents)
        if reader.looked >= DOCUMENTS_AT_ONCE_MAX:
            value, key = reader.place(documents[-1])
            rest = Position(request.position.query, 0, part, value, key.partition, key.sort, choice=reader.choice)
            return found, rest
    return found, None


def _sourceless(request: Request, reader: _Reader) -> Results:
    """Return the results of a query that is about nothing."""
    values = request.query.program.run((), request.query.parameters)
    return Results(values, reader.layout, None, 0)


async def _gather(request: Request, reader: _Reader) -> Results:
    """Return a page of results that need all documents first."""
    parameters = request.query.parameters
    gathering = Gathering(request.query.program, parameters)
    while not gathering.full and (page := await reader.next_page()) is not None:
        for document in page[1]:
            if reader.is_wanted(document):
                gathering.add({**parameters, ROOT: show_item(reader.layout, document)})
            elif request.query.program.ranking is not None:
                gathering.note({**parameters, ROOT: document.fields})
    found = page_of(request, reader.layout, gathering.results(), reader.looked, reader.choice)
    return found._replace(bytes=reader.bytes)


def page_of(request: Request, layout: Layout, found: list[Any], looked: int, choice: int = 0) -> Results:
    """Return the page that a request is for of all the results of its query."""
    done = request.position.done
    values: list[Any] = []
    size = 0
    for value in found[done : done + request.size]:
        size += len(_encode(value))
        if values and size > RESPONSE_BYTES_MAX:
            break
        values.append(value)
    end = done + len(values)
    rest = Position(request.position.query, end, choice=choice) if end < len(found) else None
    return Results(values, layout, rest, looked)


async def _stream(request: Request, reader: _Reader) -> Results:
    """Return a page of results that come document by document."""
    page = _Page(request)
    while (found := await reader.next_page()) is not None:
        part, documents = found
        for document in documents:
            if reader.access.ordered and not is_exact(reader.access, reader.layout, document):
                return Results(page.values, reader.layout, reader.fallback(page.done), reader.looked, reader.bytes)
            if reader.is_wanted(document) and not page.take(reader.layout, document):
                return Results(page.values, reader.layout, page.rest(reader), reader.looked, reader.bytes)
            page.behind = (part, document)
        if reader.looked >= DOCUMENTS_PER_PAGE_MAX or reader.bytes >= BYTES_PER_PAGE_MAX:
            return Results(page.values, reader.layout, page.rest(reader), reader.looked, reader.bytes)
    return Results(page.values, reader.layout, None, reader.looked, reader.bytes)


class _Page:
    """A page that is being filled; `behind` is the last document that is done with, and the part that it is of."""

    def __init__(self, request: Request) -> None:
        self.values: list[Any] = []
        self.done = request.position.done
        self.behind: tuple[int, Document] | None = None
        self._start = request.position
        self._rows = 0
        self._is_over = False
        self._told = request.position.rows
        self._program = request.query.program
        self._parameters = request.query.parameters
        self._wanted = request.size
        self._skipped, limit = self._program.bounds(self._parameters)
        self._until = None if limit is None else self._skipped + limit
        self._size = 0

    def take(self, layout: Layout, document: Document) -> bool:
        """Take a document's results; False if the page ends before all of them, or no more are wanted at all."""
        if self._until is not None and self.done >= self._until:
            self._is_over = True
            return False
        base = {**self._parameters, ROOT: show_item(layout, document)}
        told, self._told = self._told, 0
        for row, value in enumerate(self._program.results(base)):
            if row < told:
                continue
            if self._until is not None and self.done >= self._until:
                self._is_over = True
                return False
            if self.done >= self._skipped:
                if len(self.values) >= self._wanted or (self.values and self._size > RESPONSE_BYTES_MAX):
                    self._rows = row
                    return False
                self.values.append(value)
                self._size += document.size
            self.done += 1
        return True

    def rest(self, reader: _Reader) -> Position | None:
        """Return the position that the next page begins at, None if no more is wanted."""
        if self._is_over:
            return None
        if self.behind is None:
            return msgspec.structs.replace(self._start, done=self.done, rows=self._rows, choice=reader.choice)
        part, document = self.behind
        value, key = reader.place(document)
        place = (value, key.partition, key.sort)
        return Position(self._start.query, self.done, part, *place, self._rows, reader.choice)
