"""RunQuery, RunAggregationQuery, PartitionQuery."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.field_paths import NAME_PATH
from fogbank.clouds.gcp.firestore.indexing.checking import check_indexes
from fogbank.clouds.gcp.firestore.names import read_parent
from fogbank.clouds.gcp.firestore.querying.aggregating import read_aggregations
from fogbank.clouds.gcp.firestore.querying.explaining import Run, explain
from fogbank.clouds.gcp.firestore.querying.plans import Order, read_query
from fogbank.clouds.gcp.firestore.querying.running import run, run_consistently
from fogbank.clouds.gcp.firestore.reading import read_consistency
from fogbank.clouds.gcp.firestore.rendering import document_bytes
from fogbank.clouds.gcp.firestore.rules.guarding import guard_of, list_check
from fogbank.clouds.gcp.firestore.service import invalid, set_time, time_of
from fogbank.clouds.gcp.paging import read_page_token, write_page_token
from fogbank.wire.grpc.encoded import Encoded, part, timestamp, varint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.clouds.gcp.firestore.querying.plans import Query
    from fogbank.clouds.gcp.firestore.service import Firestore
    from fogbank.wire.grpc.service import Call

# RunQueryResponse: 1 document, 3 read_time, 4 skipped_results.
_DOCUMENT: Final = 1
_READ_TIME: Final = 3
_SKIPPED_TAG: Final = b"\x20"
_PARTITIONS_MAX: Final = 10_000


async def run_query(firestore: Firestore, call: Call, request: Any) -> AsyncIterator[Any]:
    """Return what a query finds, each document in an answer of its own; an explanation is in the last."""
    if not request.HasField("structured_query"):
        raise invalid("A query has a structured_query.")
    query = read_query(read_parent(request.parent), request.structured_query)
    await check_indexes(firestore, query)
    if _is_only_planned(request):
        yield _explained(firestore.message("RunQueryResponse")(), query, None)
        return
    begun = asyncio.get_running_loop().time()
    consistency = read_consistency(firestore, call, query.database, request)
    check = list_check(firestore, call, query, request.structured_query)
    results = await run_consistently(firestore, query, consistency, check)
    seconds = asyncio.get_running_loop().time() - begun
    if consistency.new and consistency.transaction is not None:
        yield firestore.message("RunQueryResponse")(transaction=consistency.transaction.id)
    read_time = part(_READ_TIME, timestamp(results.read_time_us))
    skipped = _SKIPPED_TAG + varint(results.skipped) if results.skipped else b""
    for each in results.found:
        yield Encoded(
            part(_DOCUMENT, document_bytes(query.database, each.document, query.select)) + read_time + skipped
        )
        skipped = b""
    if not results.found:
        # The time is told even if there is nothing.
        yield Encoded(read_time + skipped)
    if request.explain_options.analyze:
        run = Run(results, len(results.found), seconds)
        yield _explained(firestore.message("RunQueryResponse")(), query, run)


def _is_only_planned(request: Any) -> bool:
    """Tell whether a query isn't to be run (google/firestore/v1/query_profile.proto, `ExplainOptions.analyze`)."""
    return request.HasField("explain_options") and not request.explain_options.analyze


def _explained(response: Any, query: Query, run: Run | None, aggregated: Iterable[FieldPath] = ()) -> Any:
    response.explain_metrics.SetInParent()
    explain(response.explain_metrics, query, run, aggregated)
    return response


async def run_aggregation_query(firestore: Firestore, call: Call, request: Any) -> AsyncIterator[Any]:
    """Return numbers on what a query finds."""
    aggregating = request.structured_aggregation_query
    query = read_query(read_parent(request.parent), aggregating.structured_query)
    aggregations = read_aggregations(aggregating.aggregations)
    paths = [each.path for each in aggregations if each.path is not None]
    await check_indexes(firestore, query, paths)
    response = firestore.message("RunAggregationQueryResponse")()
    if _is_only_planned(request):
        yield _explained(response, query, None, paths)
        return
    begun = asyncio.get_running_loop().time()
    consistency = read_consistency(firestore, call, query.database, request)
    check = list_check(firestore, call, query, aggregating.structured_query)
    results = await run_consistently(firestore, query, consistency, check)
    seconds = asyncio.get_running_loop().time() - begun
    if consistency.new and consistency.transaction is not None:
        response.transaction = consistency.transaction.id
    fitting = [each for each in results.found if all(one.has_field(each) for one in aggregations)]
    for each in aggregations:
        each.write(fitting, response.result.aggregate_fields[each.alias])
    set_time(response.read_time, results.read_time_us)
    if request.explain_options.analyze:
        _explained(response, query, Run(results, 1, seconds, aggregates=True), paths)
    yield response


async def partition_query(firestore: Firestore, call: Call, request: Any) -> Any:
    """Return cursors that cut a collection group into parts of about the same size."""
    query = read_query(read_parent(request.parent), request.structured_query)
    is_plain = query.filter is None and not (query.start or query.end or query.limit or query.offset)
    if not (query.descendants and is_plain and query.orders == (Order(NAME_PATH, descending=False),)):
        raise invalid("A partition query selects all descendants, in the order of their names, without filters,"
                      " cursors and limits.")  # fmt: skip
    if not 0 < request.partition_count <= _PARTITIONS_MAX:
        raise invalid(f"partition_count must be from 1 to {_PARTITIONS_MAX}.")
    if request.page_size < 0:
        raise invalid("page_size must not be negative.")
    at_us = time_of(request.read_time) if request.HasField("read_time") else None
    guard = guard_of(firestore, call, query.database)
    found = (await run(firestore, query, at_us, None if guard is None else guard.check_nothing_set)).found
    wanted = min(request.partition_count, max(0, len(found) - 1))
    names = [f"{query.database.root}/{found[len(found) * at // (wanted + 1)].path}" for at in range(1, wanted + 1)]
    begin = int(read_page_token(request.page_token) or 0)
    end = min(begin + (request.page_size or len(names)), len(names))
    response = firestore.message("PartitionQueryResponse")()
    for name in names[begin:end]:
        cursor = response.partitions.add(before=True)
        cursor.values.add(reference_value=name)
    if end < len(names):
        response.next_page_token = write_page_token(str(end))
    return response
