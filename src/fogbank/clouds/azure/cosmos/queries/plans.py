"""How a query would be run: what clients ask before they ask over partitions.

Clients that find nothing to do in a plan take results as they come: they are complete. A hybrid search is told as Azure
does it to those who can put it together ("Hybrid search in Azure Cosmos DB for NoSQL",
https://learn.microsoft.com/azure/cosmos-db/gen-ai/hybrid-search).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.cosmos_sql.hybrid import take_apart
from fogbank.languages.cosmos_sql.nodes import Name, Object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.queries.requests import Query

FEATURES: Final = b"x-ms-cosmos-supported-query-features"
_HYBRID: Final = "HybridSearch"
_WEIGHTED: Final = "WeightedRankFusion"
# Who can do this takes the results of each scoring function as they come, and looks at their scores only.
_PLAIN: Final = "HybridSearchSkipOrderByRewrite"
_RANGES: Final = [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}]
_NOTHING: Final[dict[str, Any]] = {
    "distinctType": "None",
    "top": None,
    "offset": None,
    "limit": None,
    "orderBy": [],
    "orderByExpressions": [],
    "groupByExpressions": [],
    "groupByAliases": [],
    "aggregates": [],
    "groupByAliasToAggregateType": {},
    "rewrittenQuery": "",
    "hasSelectValue": False,
    "dCountInfo": None,
    "hasNonStreamingOrderBy": False,
}
# So many more results than are wanted are gathered by each scoring function, so that fused ranks are about right.
_TIMES, _SPARE = 2, 100


def plan_of(call: CosmosCall, query: Query) -> dict[str, Any]:
    """Return the plan for a query."""
    plan: dict[str, Any] = {"partitionedQueryExecutionInfoVersion": 2, "queryRanges": _RANGES}
    ranking = query.program.ranking
    if ranking is not None:
        features = {each.strip() for each in call.header(FEATURES).split(",")}
        weights = ranking.start(query.parameters).weights
        if _can_fuse(query, features, weights):
            info = _hybrid(query, weights, wrapped=_PLAIN not in features)
            return {**plan, "hybridSearchQueryInfo": {**info, "componentWeights": weights if ranking.weighted else []}}
    return {**plan, "queryInfo": _NOTHING}


def _can_fuse(query: Query, features: set[str], weights: Sequence[float]) -> bool:
    """Whether a client can put together what a query is taken apart into; otherwise the server does so.

    What is selected must be objects: some clients take others for another form of the plan. Where no order is told,
    the greatest score always has the first rank.
    """
    if _PLAIN in features and min(weights) < 0:
        return False
    select = query.program.query
    is_object = select.value is None or isinstance(select.value, Name | Object)
    return {_HYBRID, _WEIGHTED} <= features and is_object and not select.distinct


def _hybrid(query: Query, weights: Sequence[float], *, wrapped: bool) -> dict[str, Any]:
    """Return what a client needs to know of a hybrid search but the weights."""
    skip, take = query.program.bounds(query.parameters)
    hybrid = take_apart(query.text, query.program, wrapped=wrapped)
    top = None if take is None else _TIMES * (skip + take) + _SPARE
    components = []
    for score, text, weight in zip(hybrid.scores, hybrid.queries, weights, strict=True):
        # With a weight less than 0, what fits worst has the first rank.
        ascending = weight < 0
        head = "SELECT" if top is None else f"SELECT TOP {top}"
        order = {
            "top": top,
            "orderBy": ["Ascending" if ascending else "Descending"],
            "orderByExpressions": [score],
            "hasNonStreamingOrderBy": True,
        }
        rewritten = f"{head} {text} {'ASC' if ascending else 'DESC'}"
        components.append({**_NOTHING, **(order if wrapped else {}), "rewrittenQuery": rewritten})
    return {
        "globalStatisticsQuery": hybrid.statistics,
        "componentQueryInfos": components,
        "componentWithoutPayloadQueryInfos": [],
        "projectionQueryInfo": None,
        "skip": skip,
        "take": take,
        "requiresGlobalStatistics": bool(hybrid.statistics),
    }
