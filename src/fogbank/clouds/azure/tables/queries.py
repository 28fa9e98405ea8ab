"""Queries: entities of a table in the order of their keys, those that a filter lets through, page by page.

"Query Entities", "Query timeout and pagination"
(https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination): a page has up to 1,000 entities; it
ends early, also with none, when it has taken long, which here is to have looked at a number of entities.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.clouds.azure.tables.edm import PARTITION_KEY, ROW_KEY, TIMESTAMP, properties_of
from fogbank.clouds.azure.tables.payloads import many, read_frame, read_select, show_entity, told_version
from fogbank.clouds.azure.tables.resources import name_of, place_of
from fogbank.clouds.azure.tables.tables import NAME, read_filter, read_top
from fogbank.engines.documents import collections, ranges
from fogbank.engines.documents.keys import BEYOND, NO_SORT_KEY, after, encode_scalar
from fogbank.engines.documents.model import Key
from fogbank.engines.documents.ranges import Range, Stretch
from fogbank.languages.odata_filters import bounds, read_moment

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.clouds.azure.storage.sas import Grant
    from fogbank.clouds.azure.tables.resources import Resource
    from fogbank.engines.documents.model import Document, Name
    from fogbank.engines.documents.ranges import Page
    from fogbank.languages.odata_filters import Condition
    from fogbank.storage import Tx
    from fogbank.wire.http import Response

LOOKED_MAX: Final = 5_000
BYTES_MAX: Final = 4 * 1024 * 1024
AT_ONCE: Final = 500
_NEXT: Final = (b"x-ms-continuation-NextPartitionKey", b"x-ms-continuation-NextRowKey")
_MARK: Final = "1!"
_FIRST: Final = Key(b"", NO_SORT_KEY)


class Query(NamedTuple):
    """What entities are wanted: how many, by a condition, within a grant's keys, behind a key (None for all)."""

    limit: int
    condition: Condition | None
    grant: Grant | None
    behind: tuple[str, str] | None


class Found(NamedTuple):
    """The table's name as it was created, entities, and the keys behind which more may be; None at the end."""

    table: str
    documents: list[Document]
    rest: tuple[str, str] | None


async def query_entities(parts: Parts, call: StorageCall, resource: Resource, grant: Grant | None) -> Response:
    """Show entities."""
    frame, select = read_frame(call), read_select(call)
    query = Query(read_top(call), read_filter(call), grant, _read_place(call))
    found = await parts.store.scan(run, name_of(call, resource.table), query)
    headers = [] if found.rest is None else [
        (name, _token(key).encode()) for name, key in zip(_NEXT, found.rest, strict=True)
    ]  # fmt: skip
    of = f"{found.table}&$select={','.join(select)}" if select else found.table
    return many(frame, of, [show_entity(frame, found.table, each, select) for each in found.documents], headers)


async def run(tx: Tx, now_us: int, name: Name, query: Query) -> Found:
    """Return a page of entities."""
    collection = await collections.find(tx, now_us, name)
    table = collection.config.labels[NAME]
    documents: list[Document] = []
    looked = size = 0
    part: Range | Stretch | None = _part(query)
    last = query.behind
    while part is not None:
        page = await _page(tx, now_us, name, part, min(AT_ONCE, 4 * query.limit + 1))
        for document in page.documents:
            if _is_wanted(query, document):
                if len(documents) == query.limit or (documents and size + document.size > BYTES_MAX):
                    return Found(table, documents, last)
                documents.append(document)
                size += document.size
            last = _keys(document)
        looked += len(page.documents)
        if page.ended:
            break
        assert last is not None
        if looked >= LOOKED_MAX:
            return Found(table, documents, last)
        part = _behind(part, last)
    return Found(table, documents, None)


async def _page(tx: Tx, now_us: int, name: Name, part: Range | Stretch, count: int) -> Page:
    if isinstance(part, Range):
        return await ranges.query(tx, now_us, name, lambda _: part, count, BYTES_MAX)
    return await ranges.scan(tx, now_us, name, lambda _: part, count, BYTES_MAX)


def _keys(document: Document) -> tuple[str, str]:
    partition, row = document.fields[PARTITION_KEY], document.fields[ROW_KEY]
    assert isinstance(partition, str)
    assert isinstance(row, str)
    return partition, row


def _part(query: Query) -> Range | Stretch:
    """Return the part of the table that the condition and the continuation leave."""
    low, high = (None, None) if query.condition is None else bounds(query.condition, PARTITION_KEY)
    if low is not None and high is not None and low == high and low.included:
        assert query.condition is not None
        return _row_range(query.condition, low.value, query.behind)
    start = _FIRST
    if low is not None:
        key = encode_scalar(low.value)
        # Behind all rows of a partition that isn't wanted itself, or before all of one that is.
        start = Key(key, NO_SORT_KEY if low.included else BEYOND)
    if query.behind is not None:
        start = max(start, place_of(*query.behind))
    return Stretch(start, BEYOND if high is None else after(encode_scalar(high.value)))


def _row_range(condition: Condition, partition: str, behind: tuple[str, str] | None) -> Range:
    low, high = bounds(condition, ROW_KEY)
    first = NO_SORT_KEY if low is None else encode_scalar(low.value)
    if behind is not None:
        place = place_of(*behind)
        if place.partition > encode_scalar(partition):
            first = BEYOND
        elif place.partition == encode_scalar(partition):
            first = max(first, after(place.sort))
    return Range(encode_scalar(partition), first, BEYOND if high is None else after(encode_scalar(high.value)))


def _behind(part: Range | Stretch, keys: tuple[str, str]) -> Range | Stretch:
    place = place_of(*keys)
    return part._replace(low=after(place.sort)) if isinstance(part, Range) else part._replace(after=place)


def _is_wanted(query: Query, document: Document) -> bool:
    if query.grant is not None and not query.grant.covers(*_keys(document)):
        return False
    if query.condition is None:
        return True
    return query.condition.holds(
        {**properties_of(document), TIMESTAMP: read_moment(told_version(document.version))}
    )  # fmt: skip


def _token(key: str) -> str:
    return _MARK + urlsafe_b64encode(key.encode()).decode()


def _read_place(call: StorageCall) -> tuple[str, str] | None:
    """Return the keys that a page begins behind, as an earlier answer told them."""
    given = call.query.get("nextpartitionkey"), call.query.get("nextrowkey")
    if given == (None, None):
        return None
    try:
        partition, row = (urlsafe_b64decode((token or "").removeprefix(_MARK)).decode() for token in given)
    except (Base64Error, ValueError):
        message = "Value for one of the query parameters specified in the request URI is invalid."
        raise StorageError(
            400, "InvalidQueryParameterValue", message, {"QueryParameterName": "NextPartitionKey"}
        ) from None
    return partition, row
