"""Items by queries, and all of them: POST and GET of a container's `docs`.

"REST: Query documents" (https://learn.microsoft.com/rest/api/cosmos-db/query-documents).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.cosmos.calls import json_response
from fogbank.clouds.azure.cosmos.errors import CosmosError, bad_request, query_refused
from fogbank.clouds.azure.cosmos.items.epk import read_range
from fogbank.clouds.azure.cosmos.items.items import RID
from fogbank.clouds.azure.cosmos.items.keys import PARTITION_KEY, read_levels
from fogbank.clouds.azure.cosmos.items.shown import RANGE, charged, feed_response, session_headers
from fogbank.clouds.azure.cosmos.queries.access import pinned
from fogbank.clouds.azure.cosmos.queries.continuations import read_position, write_position
from fogbank.clouds.azure.cosmos.queries.metrics import INDEX_METRICS, INDEX_METRICS_LATER, METRICS, metric_headers
from fogbank.clouds.azure.cosmos.queries.plans import plan_of
from fogbank.clouds.azure.cosmos.queries.requests import (
    CONTINUATION,
    IS_PLAN,
    Query,
    everything,
    page_size,
    read_query,
    within,
)
from fogbank.clouds.azure.cosmos.queries.running import Request, Results, run
from fogbank.clouds.azure.cosmos.resources.definitions import layout_of
from fogbank.clouds.azure.cosmos.resources.indexing import ADDED, steps_in
from fogbank.engines.documents import collections
from fogbank.languages.cosmos_sql.candidates import restrictions, steps_of
from fogbank.languages.cosmos_sql.errors import QueryError
from fogbank.languages.cosmos_sql.functions.scores import SCORES, VECTOR_SCORE
from fogbank.languages.cosmos_sql.functions.vectors import VECTOR_DISTANCE
from fogbank.languages.cosmos_sql.nodes import Call

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.clouds.azure.parts import Parts
    from fogbank.languages.cosmos_sql.candidates import Steps
    from fogbank.languages.cosmos_sql.nodes import Order
    from fogbank.wire.http import Response

RANGE_ID: Final = b"x-ms-documentdb-partitionkeyrangeid"
CROSS_PARTITION: Final = b"x-ms-documentdb-query-enablecrosspartition"
PARTITION_KEY_RANGE_GONE: Final = 1002
_CROSS: Final = (
    "Cross partition query is required but disabled. Please set x-ms-documentdb-query-enablecrosspartition to true,"
    " specify x-ms-documentdb-partitionkey, or revise your query to avoid this exception."
)
_NO_COMPOSITE: Final = (
    "The order by query does not have a corresponding composite index that it can be served from."
)  # fmt: skip
_SCORING: Final = frozenset({VECTOR_DISTANCE, VECTOR_SCORE, *SCORES})
_EXCLUDED: Final = "The index path corresponding to the specified order-by item is excluded."


async def query_items(parts: Parts, call: CosmosCall) -> Response:
    """Run a query, or tell how it would be run."""
    query = await read_query(call)
    collection = await parts.store.read(collections.find, call.container)
    layout = layout_of(collection.config)
    _check_orders(query, layout)
    if call.is_set(IS_PLAN):
        return json_response(200, _plan(call, query), [charged(0)])
    levels = read_levels(call.header(PARTITION_KEY))
    if levels is None and not call.is_set(CROSS_PARTITION) and not call.header(RANGE_ID):
        found = restrictions(query.program.query, query.program.alias, query.parameters)
        if pinned(layout, found) is None:
            raise bad_request(_CROSS)
    return await _answer(parts, call, query, levels, layout)


def _plan(call: CosmosCall, query: Query) -> dict[str, Any]:
    try:
        return plan_of(call, query)
    except QueryError as error:
        raise query_refused(error) from None


async def list_items(parts: Parts, call: CosmosCall) -> Response:
    """List items."""
    collection = await parts.store.read(collections.find, call.container)
    levels = read_levels(call.header(PARTITION_KEY))
    return await _answer(parts, call, everything(call), levels, layout_of(collection.config))


async def _answer(parts: Parts, call: CosmosCall, query: Query, levels: Levels | None, layout: Layout) -> Response:
    check_range(call)
    epk = read_range(call, layout.version)
    position = read_position(call, query.text)
    began = parts.clock.monotonic()
    request = Request(call.container, within(query, layout), levels, epk, page_size(call), position, call.header(RID))
    if query.program.functions:
        from fogbank.clouds.azure.cosmos.scripts.functions import run_query  # noqa: PLC0415 - few queries call such

        results: Results | CosmosError = await run_query(parts.store, call.now_us, request, layout)
    else:
        # What looks at many items does so beside other requests.
        narrow = levels is not None and len(levels) == len(layout.levels) and not query.program.whole
        results = await (parts.store.read if narrow else parts.store.scan)(run, request)
    if isinstance(results, CosmosError):
        raise results
    charge = 2.3 + 0.03 * results.documents
    headers = [*session_headers(call.now_us), charged(charge)]
    if any(call.header(name) for name in (METRICS, INDEX_METRICS, INDEX_METRICS_LATER)):
        headers += metric_headers(call, query, results, layout, parts.clock.monotonic() - began)
    if results.rest is not None:
        headers.append((CONTINUATION, write_position(results.rest)))
    return feed_response("Documents", layout.definition.rid, results.values, headers)


def check_range(call: CosmosCall) -> None:
    """Raise the error for a range of partition keys that isn't there."""
    given = call.header(RANGE_ID)
    if given and given.rpartition(",")[2] != RANGE:
        raise CosmosError(410, f"The partition key range {given} is gone.", PARTITION_KEY_RANGE_GONE)


def _is_similarity(order: Order) -> bool:
    """Whether an order is by how similar vectors are, or by another score."""
    return isinstance(order.value, Call) and order.value.name in _SCORING


def _check_orders(query: Query, layout: Layout) -> None:
    """Raise the error for an order that no index has."""
    select = query.program.query
    if not select.orders or (len(select.orders) == 1 and _is_similarity(select.orders[0])):
        # What is most similar is worked out.
        return
    paths: list[tuple[Steps, bool]] = []
    for order in select.orders:
        steps = steps_of(order.value, query.program.alias)
        if steps is None:
            if not query.program.alias or query.program.joins:
                # An order by what a join or a part of the document finds is worked out.
                return
            message = "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path."
            raise query_refused(QueryError("SC2202", message))
        paths.append((steps, order.descending))
    if len(paths) == 1:
        if layout.paths.name(paths[0][0]) is None and paths[0][0][0] not in ADDED:
            raise bad_request(_EXCLUDED)
        return
    turned = [(steps, not descending) for steps, descending in paths]
    for composite in layout.definition.indexing.get("compositeIndexes", ()):
        kept = [(steps_in(each["path"]), each["order"] == "descending") for each in composite]
        if kept in (paths, turned):
            return
    raise bad_request(_NO_COMPOSITE)
