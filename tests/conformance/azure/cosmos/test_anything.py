"""Whatever a client sends, Cosmos DB answers in its own form, and never with an internal error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.azure.cosmos.conftest import fill_names, new_name
from tests.conformance.azure.cosmos.test_resources import ask

if TYPE_CHECKING:
    from tests.conformance.azure.conftest import Azure

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["a", "/a", "*"])
)
KINDS = ("sprocs", "triggers", "udfs")
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def structured(*names: str) -> st.SearchStrategy[Any]:
    """Return objects some of whose members have the names that the service knows, and any values."""
    return st.dictionaries(st.sampled_from(names), VALUES, max_size=5)


PATHS = st.fixed_dictionaries({"path": SCALARS})
POLICY = st.fixed_dictionaries(
    {}, optional={
        "indexingMode": VALUES, "includedPaths": st.lists(PATHS, max_size=2) | VALUES, "compositeIndexes": VALUES,
        "excludedPaths": st.lists(PATHS, max_size=2) | VALUES, "automatic": VALUES,
        "spatialIndexes": st.lists(structured("path", "types", "boundingBox"), max_size=2) | VALUES,
        "vectorIndexes": st.lists(structured("path", "type", "quantizationByteSize"), max_size=2) | VALUES,
        "fullTextIndexes": st.lists(PATHS, max_size=2) | VALUES,
    },
)  # fmt: skip
EMBEDDINGS = structured("path", "dataType", "dimensions", "distanceFunction")
CONTAINERS = st.fixed_dictionaries(
    {"id": st.text(max_size=4)}, optional={
        "partitionKey": structured("paths", "kind", "version") | VALUES, "indexingPolicy": POLICY | VALUES,
        "uniqueKeyPolicy": structured("uniqueKeys") | VALUES, "defaultTtl": VALUES,
        "conflictResolutionPolicy": structured("mode", "conflictResolutionPath") | VALUES,
        "geospatialConfig": structured("type") | VALUES,
        "vectorEmbeddingPolicy": st.fixed_dictionaries({"vectorEmbeddings": st.lists(EMBEDDINGS) | VALUES}) | VALUES,
        "fullTextPolicy": structured("defaultLanguage", "fullTextPaths") | VALUES,
    },
)  # fmt: skip
STEPS = st.fixed_dictionaries(
    {"operationType": st.sampled_from(["Create", "Upsert", "Replace", "Patch", "Read", "Delete", "x"])},
    optional={"id": VALUES, "resourceBody": VALUES | structured("id", "pk", "operations", "ttl"), "ifMatch": VALUES,
              "partitionKey": VALUES, "ifNoneMatch": VALUES},
)  # fmt: skip
PATCHES = structured("condition", "operations") | st.fixed_dictionaries(
    {"operations": st.lists(structured("op", "path", "value", "from"), max_size=3)}
)
QUERIES = structured("query", "parameters") | st.fixed_dictionaries(
    {"query": st.text(max_size=30).map("SELECT {} FROM c".format)},
    optional={"parameters": st.lists(structured("name", "value"), max_size=2)},
)
SHAPES = structured("type", "coordinates") | st.fixed_dictionaries({
    "type": st.sampled_from(["Point", "LineString", "Polygon", "MultiPolygon"]),
    "coordinates": st.recursive(st.integers(-200, 200), lambda inner: st.lists(inner, max_size=5), max_leaves=12),
})  # fmt: skip
SEARCHES = st.builds(
    lambda query, value: {"query": query, "parameters": [{"name": "@v", "value": value}]},
    st.sampled_from([
        "SELECT VALUE ST_DISTANCE(@v, c) FROM c", "SELECT VALUE [ST_ISVALIDDETAILED(@v), ST_AREA(@v)] FROM c",
        "SELECT VALUE ST_WITHIN(@v, {'type': 'Polygon', 'coordinates': [[[0, 0], [9, 0], [9, 9], [0, 0]]]}) FROM c",
        "SELECT VALUE VectorDistance(@v, [1, 0]) FROM c", "SELECT VALUE VectorDistance(c.v, c.v, true, @v) FROM c",
        "SELECT * FROM c ORDER BY VectorDistance(@v, c.v)", "SELECT VALUE FullTextContainsAny(c.id, @v) FROM c",
        "SELECT * FROM c ORDER BY RANK FullTextScore(c.id, @v)",
        "SELECT * FROM c ORDER BY RANK RRF(FullTextScore(c.id, 'a'), VectorDistance(c.v, @v), @v)",
        "SELECT VALUE udf.f(@v, c.none) FROM c",
    ]),
    VALUES | SHAPES,
)  # fmt: skip
BODIES = st.text(max_size=20) | st.sampled_from(
    [
        "function (v) { __.response.setBody(v); }",
        "v => __.createDocument(__.getSelfLink(), v)",
        "v => v.no.such.thing",
        "v => { for (const k in v) __.queryDocuments(__.getSelfLink(), k, v); }",
        "v => __.filter(x => x[v])",
        "v => __.readDocument(v, v, (e, r) => { throw e || r; })",
        "v => { JSON.stringify = Array.prototype.push = () => v; }",
        "() => __.request.setBody(5)",
        "function (v) { return v; } function f() {}",
        "async v => { await v; throw v; }",
        "v => { __.response.setBody({toJSON: () => { throw v; }}); }",
        "v => __.upsertDocument(__.getSelfLink(), {id: v, pk: v})",
    ]
)
SCRIPTS = structured("id", "body") | st.fixed_dictionaries(
    {"id": st.just("f"), "body": BODIES, "triggerType": st.just("Pre"), "triggerOperation": st.just("All")}
)
KEYS = (
    st.just('["a"]')
    | st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=6)
    | VALUES.map(json.dumps)
)
REQUESTS = st.one_of(
    st.tuples(st.just(("POST", "/docs", {})), VALUES | structured("id", "pk", "ttl")),
    st.tuples(
        st.just(("POST", "/docs", {"x-ms-cosmos-is-batch-request": "True"})), st.lists(STEPS, max_size=3) | VALUES
    ),
    st.tuples(st.just(("PATCH", "/docs/1", {})), PATCHES),
    st.tuples(st.just(("PUT", "/docs/1", {})), VALUES | structured("id", "pk")),
    st.tuples(st.just(("POST", "/docs", {"x-ms-documentdb-isquery": "True"})), QUERIES),
    st.tuples(
        st.just(
            ("POST", "/docs", {"x-ms-documentdb-isquery": "True", "x-ms-documentdb-query-enablecrosspartition": "True"})
        ),
        SEARCHES,
    ),
    st.tuples(
        st.sampled_from([("POST", f"/{kind}", {"x-ms-documentdb-is-upsert": "true"}) for kind in KINDS]), SCRIPTS
    ),
    st.tuples(st.just(("POST", "/sprocs/f", {})), st.lists(VALUES, max_size=2) | VALUES),
    st.tuples(st.just(("POST", "/docs", {"x-ms-documentdb-pre-trigger-include": "f"})), structured("id", "pk")),
    st.tuples(st.just(("POST", "", {})), CONTAINERS),
    st.tuples(st.just(("PUT", ".", {})), CONTAINERS),
)


@pytest.fixture(scope="module")
def place() -> str:
    return new_name()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(REQUESTS, KEYS)
def test_any_request(azure: Azure, place: str, request_: tuple[tuple[str, str, dict[str, str]], Any], key: str) -> None:
    (method, below, headers), body = request_
    path = fill_names(azure, place)
    target = f"{path}/colls" if not below else f"{path}/colls/c" if below == "." else f"{path}/colls/c{below}"
    answer = ask(azure, method, target, body=json.dumps(body).encode(), x_ms_documentdb_partitionkey=key, **headers)
    assert answer.status < 500, (answer.body, method, target, body, key)
    if answer.status >= 400:
        assert set(answer.json()) == {"code", "message"}
