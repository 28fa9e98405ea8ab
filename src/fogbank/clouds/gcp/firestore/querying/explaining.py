"""Explanations of queries: which indexes serve them, and what running them took.

Google Cloud, "Query Explain report reference" (https://cloud.google.com/firestore/docs/query-explain-report-reference).
The indexes are those that Google would choose, by their names there, since clients know no others; what was looked at,
what it took and what it would cost is of the run itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.firestore.indexing.definitions import DESCENDING, VECTOR
from fogbank.clouds.gcp.firestore.indexing.needs import chosen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.clouds.gcp.firestore.querying.plans import Query
    from fogbank.clouds.gcp.firestore.querying.running import Results

# Google Cloud, "Cloud Firestore billing": an aggregation is one read for so many index entries.
ENTRIES_A_READ: Final = 1_000
_NS_PER_SECOND: Final = 10**9
_DIRECTIONS: Final = {DESCENDING: "DESC", "CONTAINS": "CONTAINS", VECTOR: "VECTOR"}


class Run(NamedTuple):
    """One run: what it found and looked at, how many results were returned, and how long it took."""

    results: Results
    returned: int
    seconds: float
    aggregates: bool = False

    def show(self, stats: Any) -> None:
        """Fill an `ExecutionStats`. Every query is at least one read ("Cloud Firestore billing")."""
        documents = 0 if self.aggregates else len(self.results.found) + self.results.skipped
        entries = self.results.looked_at if self.aggregates else 0
        reads = documents + -(-entries // ENTRIES_A_READ)
        stats.results_returned = self.returned
        stats.read_operations = max(1, reads)
        whole, fraction = divmod(self.seconds, 1)
        stats.execution_duration.seconds = int(whole)
        stats.execution_duration.nanos = int(fraction * _NS_PER_SECOND)
        billed = {"documents_billable": documents, "index_entries_billable": entries, "small_ops": 0}
        billed["min_query_cost"] = int(not reads)
        debug = stats.debug_stats
        debug["index_entries_scanned"] = str(self.results.looked_at)
        debug["documents_scanned"] = str(documents)
        debug["billing_details"] = {name: str(number) for name, number in billed.items()}


def explain(metrics: Any, query: Query, run: Run | None, aggregated: Iterable[FieldPath] = ()) -> None:
    """Fill an `ExplainMetrics`: the plan, and what happened if the query was run."""
    for fields in chosen(query, aggregated):
        shown = ", ".join(f"{each.path} {_DIRECTIONS.get(each.mode, 'ASC')}" for each in fields)
        index = metrics.plan_summary.indexes_used.add()
        index["query_scope"] = "Collection group" if query.descendants else "Collection"
        index["properties"] = f"({shown})"
    if run is not None:
        run.show(metrics.execution_stats)
