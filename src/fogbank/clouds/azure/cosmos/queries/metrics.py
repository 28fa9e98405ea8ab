"""What a client may ask about the page of a query: how much was looked at, and which paths of the index were of use.

"Query execution metrics" (https://learn.microsoft.com/azure/cosmos-db/nosql/query-metrics) and "Indexing metrics in
Azure Cosmos DB" (https://learn.microsoft.com/azure/cosmos-db/nosql/index-metrics). Of times only the whole is measured,
so that the parts of it are told as none.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from fogbank.languages.cosmos_sql.candidates import restrictions, steps_of

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.queries.requests import Query
    from fogbank.clouds.azure.cosmos.queries.running import Results
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout

METRICS: Final = b"x-ms-documentdb-populatequerymetrics"
INDEX_METRICS: Final = b"x-ms-cosmos-populateindexmetrics"
# As clients for JavaScript ask: told in another form, and not in base64.
INDEX_METRICS_LATER: Final = b"x-ms-cosmos-populateindexmetrics-v2"
_UTILIZATION: Final = b"x-ms-cosmos-index-utilization"
_UNTOLD: Final = (
    "queryCompileTimeInMs", "queryLogicalPlanBuildTimeInMs", "queryPhysicalPlanBuildTimeInMs",
    "queryOptimizationTimeInMs", "indexLookupTimeInMs", "documentLoadTimeInMs", "systemFunctionExecuteTimeInMs",
    "userFunctionExecuteTimeInMs", "writeOutputTimeInMs",
)  # fmt: skip


def metric_headers(
    call: CosmosCall, query: Query, results: Results, layout: Layout, seconds: float
) -> list[tuple[bytes, bytes]]:
    """Return the headers that a request asks for; `seconds` is how long the query took."""
    headers = []
    if call.is_set(METRICS):
        headers.append((b"x-ms-documentdb-query-metrics", _metrics(results, seconds).encode()))
    if call.is_set(INDEX_METRICS):
        headers.append((_UTILIZATION, b64encode(msgspec.json.encode(_utilization(query, layout)))))
    elif call.is_set(INDEX_METRICS_LATER):
        found = _utilization(query, layout)
        shown = {
            what: {kind: found[f"{what}{kind}"] for kind in ("SingleIndexes", "CompositeIndexes")}
            for what in ("Utilized", "Potential")
        }
        headers.append((_UTILIZATION, quote(msgspec.json.encode(shown).decode(), safe="").encode()))
    return headers


def _metrics(results: Results, seconds: float) -> str:
    output = len(results.values)
    told: dict[str, str] = {
        "totalExecutionTimeInMs": f"{seconds * 1_000:.2f}",
        "VMExecutionTimeInMs": f"{seconds * 1_000:.2f}",
        **dict.fromkeys(_UNTOLD, "0.00"),
        "retrievedDocumentCount": str(results.documents),
        "retrievedDocumentSize": str(results.bytes),
        "outputDocumentCount": str(output),
        "outputDocumentSize": str(sum(len(msgspec.json.encode(value)) for value in results.values)),
        "indexUtilizationRatio": f"{min(1.0, output / results.documents) if results.documents else 0:.2f}",
    }
    return ";".join([f"{name}={value}" for name, value in told.items()])


def _utilization(query: Query, layout: Layout) -> dict[str, list[dict[str, Any]]]:
    """Return which paths of the index a query uses, and which it would use if they were in the index."""
    program = query.program
    filtered = [each.path for each in restrictions(program.query, program.alias, query.parameters)]
    ordered = [steps for each in program.query.orders if (steps := steps_of(each.value, program.alias)) is not None]
    singles = dict.fromkeys(filtered if len(ordered) > 1 else [*filtered, *ordered])
    composites: list[dict[str, Any]] = []
    if len(ordered) > 1:
        orders = ["DESC" if each.descending else "ASC" for each in program.query.orders]
        specs = [f"{_path(steps)} {order}" for steps, order in zip(ordered, orders, strict=True)]
        composites.append({"IndexSpecs": specs, "IndexPreciseSet": True, "IndexImpactScore": "High"})
    return {
        "UtilizedSingleIndexes": [_single(steps) for steps in singles if layout.paths.name(steps) is not None],
        "PotentialSingleIndexes": [_single(steps) for steps in singles if layout.paths.name(steps) is None],
        "UtilizedCompositeIndexes": composites,
        "PotentialCompositeIndexes": [],
    }


def _single(steps: tuple[str, ...]) -> dict[str, Any]:
    return {
        "FilterExpression": "",
        "IndexSpec": f"{_path(steps)}/?",
        "FilterPreciseSet": True,
        "IndexPreciseSet": True,
        "IndexImpactScore": "High",
    }


def _path(steps: tuple[str, ...]) -> str:
    return "".join([f"/{name}" for name in steps])
