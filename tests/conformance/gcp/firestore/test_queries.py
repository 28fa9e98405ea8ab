"""Queries: operators, orders, cursors, collection groups, aggregations, partitions."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import And, FieldFilter, Or
from google.cloud.firestore_v1.base_vector_query import DistanceMeasure
from google.cloud.firestore_v1.field_path import FieldPath
from google.cloud.firestore_v1.query_profile import QueryExplainError
from google.cloud.firestore_v1.vector import Vector

from tests.conformance.gcp.firestore.conftest import ids, where


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([("country", "==", "USA")], ["DC", "LA", "SF"]),
        ([("country", "!=", "USA")], ["BJ", "TOK"]),
        ([("population", "<", 860_000)], ["DC"]),
        ([("population", "<=", 860_000)], ["DC", "SF"]),
        ([("population", ">", 3_900_000.0)], ["TOK", "BJ"]),
        ([("population", ">=", 3_900_000)], ["LA", "TOK", "BJ"]),
        ([("country", "in", ["Japan", "China", "None"])], ["BJ", "TOK"]),
        ([("country", "not-in", ["Japan", "China"])], ["DC", "LA", "SF"]),
        ([("regions", "array_contains", "west_coast")], ["LA", "SF"]),
        ([("regions", "array_contains_any", ["socal", "kanto"])], ["LA", "TOK"]),
        ([("regions", "==", ["east_coast"])], ["DC"]),
        ([("country", "==", "USA"), ("population", ">", 700_000)], ["SF", "LA"]),
        ([("country", "==", "USA"), ("regions", "array_contains", "socal")], ["LA"]),
        ([("population", ">", 700_000), ("name", ">", "M")], ["SF", "TOK"]),
        ([("capital", "==", 1.0), ("country", "!=", "USA")], ["BJ", "TOK"]),
        ([("population", ">", "text")], []),
    ],
)
def test_comparisons(cities: Any, filters: list[tuple[str, str, Any]], found: list[str]) -> None:
    assert ids(where(cities, *filters).stream()) == found


def test_null_and_nan(db: Any) -> None:
    odd = db.collection("odd")
    for name, value in {"a": None, "b": math.nan, "c": 0, "d": "", "e": [None]}.items():
        odd.document(name).set({"x": value})
    odd.document("f").set({"y": 1})
    assert ids(where(odd, ("x", "==", None)).stream()) == ["a"]
    assert ids(where(odd, ("x", "==", math.nan)).stream()) == ["b"]
    assert ids(where(odd, ("x", "!=", None)).stream()) == ["b", "c", "d", "e"]
    assert ids(where(odd, ("x", "!=", math.nan)).stream()) == ["c", "d", "e"]
    assert ids(where(odd, ("x", "!=", 0)).stream()) == ["b", "d", "e"]
    assert ids(where(odd, ("x", "not-in", [0, ""])).stream()) == ["b", "e"]
    assert ids(odd.order_by("x").stream()) == ["a", "b", "c", "d", "e"]


def test_the_order_of_types(db: Any) -> None:
    values = [
        None, False, True, math.nan, -math.inf, -(2**63), -1.5, 0, 0.5, 2**53, 2**53 + 1, 2**63 - 1, math.inf,
        dt.datetime(1900, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "", "a", "a\x00", "aa", "b", "é", "\N{GRINNING FACE}", b"", b"\x00", b"\x01", b"\xff",
        db.document("a/b"), db.document("a/b/c/d"), db.document("a/c"),
        firestore.GeoPoint(-90, 0), firestore.GeoPoint(0, -1), firestore.GeoPoint(0, 1),
        [], [1], [1, 1], [2], ["a"], Vector([9.0]), Vector([1.0, 2.0]), Vector([1.0, 3.0]),
        {}, {"a": 1}, {"a": 1, "b": 0}, {"a": 2}, {"b": 0},
    ]  # fmt: skip
    batch = db.batch()
    # Names go the other way, so that they can't be what orders.
    names = [f"{len(values) - index:02d}" for index in range(len(values))]
    for name, value in zip(names, values, strict=True):
        batch.set(db.document(f"order/{name}"), {"x": value})
    batch.commit()
    assert ids(db.collection("order").order_by("x").stream()) == names
    assert ids(db.collection("order").order_by("x", direction="DESCENDING").stream()) == names[::-1]


def test_and_or(cities: Any) -> None:
    either = Or([FieldFilter("country", "==", "Japan"), FieldFilter("population", "<", 700_000)])
    assert ids(cities.where(filter=either).stream()) == ["DC", "TOK"]
    both = And([FieldFilter("capital", "==", 1), either])
    assert ids(cities.where(filter=both).order_by("population").stream()) == ["DC", "TOK"]
    with pytest.raises(exceptions.InvalidArgument, match="supports up to 30 comparison values"):
        list(where(cities, ("country", "in", [str(each) for each in range(31)])).stream())
    with pytest.raises(exceptions.InvalidArgument, match="Only a single 'NOT_EQUAL', 'NOT_IN'"):
        list(where(cities, ("country", "not-in", ["a"]), ("name", "not-in", ["b"])).stream())


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ([("country", "!=", "a"), ("name", "!=", "b")], "Only a single 'NOT_EQUAL', 'NOT_IN'"),
        ([("country", "!=", "a"), ("name", "!=", None)], "Only a single 'NOT_EQUAL', 'NOT_IN'"),
        ([("country", "not-in", ["a"]), ("name", "in", ["b"])], "'NOT_IN' cannot be used with 'IN'"),
        ([("regions", "array_contains", "a"), ("others", "array_contains", "a")], "A maximum of 1 'ARRAY_CONTAINS'"),
        ([("regions", "array_contains", "a"), ("regions", "array_contains_any", ["b"])], "A maximum of 1"),
    ],
)
def test_comparisons_that_exclude_each_other(cities: Any, filters: list[tuple[str, str, Any]], message: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=message):
        where(cities, *filters).get()


def test_what_excludes_only_within_a_conjunction(cities: Any) -> None:
    west, east = (FieldFilter("regions", "array_contains", each) for each in ("west_coast", "east_coast"))
    assert ids(cities.where(filter=Or([west, east])).stream()) == ["DC", "LA", "SF"]
    # The same comparison again says nothing more.
    assert ids(cities.where(filter=And([west, west])).stream()) == ["LA", "SF"]
    with pytest.raises(exceptions.InvalidArgument, match="A maximum of 1 'ARRAY_CONTAINS'"):
        cities.where(filter=And([Or([west, FieldFilter("capital", "==", 1)]), east])).get()
    unequal = [FieldFilter("name", "not-in", ["a"]), Or([west, FieldFilter("capital", "==", 1)])]
    with pytest.raises(exceptions.InvalidArgument, match="'NOT_IN' cannot be used with 'OR'"):
        cities.where(filter=And(unequal)).get()


def test_nothing_is_ordered_by_behind_names(cities: Any) -> None:
    message = "Order by clause cannot contain more fields after the key population"
    with pytest.raises(exceptions.InvalidArgument, match=message):
        cities.order_by("__name__").order_by("population").get()
    with pytest.raises(exceptions.InvalidArgument, match=message):
        where(cities.order_by("name").order_by("__name__"), ("population", ">", 1)).get()


def test_orders_and_limits(cities: Any) -> None:
    assert ids(cities.order_by("country").order_by("population", direction="DESCENDING").stream()) == [
        "BJ", "TOK", "LA", "SF", "DC",
    ]  # fmt: skip
    assert ids(cities.order_by("population").limit(2).stream()) == ["DC", "SF"]
    assert ids(cities.order_by("population").limit_to_last(2).get()) == ["TOK", "BJ"]
    assert ids(cities.order_by("population").offset(1).limit(2).stream()) == ["SF", "LA"]
    assert ids(cities.offset(10).stream()) == []
    # A document without the field isn't found.
    assert ids(cities.order_by("capital", direction="DESCENDING").stream()) == ["TOK", "DC", "BJ"]
    assert ids(cities.order_by("__name__", direction="DESCENDING").limit(2).stream()) == ["TOK", "SF"]


def test_cursors(cities: Any) -> None:
    by_population = cities.order_by("population")
    assert ids(by_population.start_at({"population": 860_000}).stream()) == ["SF", "LA", "TOK", "BJ"]
    assert ids(by_population.start_after({"population": 860_000}).stream()) == ["LA", "TOK", "BJ"]
    assert ids(by_population.end_at({"population": 860_000}).stream()) == ["DC", "SF"]
    assert ids(by_population.end_before({"population": 860_000}).stream()) == ["DC"]
    snapshot = cities.document("LA").get()
    assert ids(by_population.start_after(snapshot).limit(1).stream()) == ["TOK"]
    assert ids(cities.order_by("country", direction="DESCENDING").start_after(snapshot).stream()) == [
        "DC", "TOK", "BJ",
    ]  # fmt: skip
    assert ids(cities.start_after(snapshot).stream()) == ["SF", "TOK"]
    assert ids(cities.order_by("__name__").start_at({"__name__": "DC"}).end_before({"__name__": "SF"}).stream()) == [
        "DC", "LA",
    ]  # fmt: skip


def test_by_name(cities: Any) -> None:
    name = FieldPath.document_id()
    assert ids(where(cities, (name, "==", cities.document("LA"))).stream()) == ["LA"]
    assert ids(where(cities, (name, "in", [cities.document("TOK"), cities.document("none"), cities.document("BJ")]))
               .stream()) == ["BJ", "TOK"]  # fmt: skip
    assert ids(where(cities, (name, ">", cities.document("DC")), (name, "<=", cities.document("SF"))).stream()) == [
        "LA", "SF",
    ]  # fmt: skip


def test_projections(cities: Any) -> None:
    (found,) = where(cities.select(["name", "population"]), ("country", "==", "Japan")).stream()
    assert found.to_dict() == {"name": "Tokyo", "population": 9_000_000}
    assert [each.to_dict() for each in cities.select([]).limit(1).stream()] == [{}]


def test_collection_groups(db: Any) -> None:
    for path in ("a/1/notes/x", "a/1/notes/y", "b/2/notes/z", "notes/w", "notes/w/notes/v", "a/1/other/x"):
        db.document(path).set({"path": path, "n": len(path)})
    group = db.collection_group("notes")
    found = [each.reference.path for each in group.stream()]
    assert found == ["a/1/notes/x", "a/1/notes/y", "b/2/notes/z", "notes/w", "notes/w/notes/v"]
    assert ids(where(group, ("n", ">", 11)).stream()) == ["v"]
    assert ids(group.order_by("path", direction="DESCENDING").limit(1).stream()) == ["v"]
    within = db._firestore_api.run_query(request={
        "parent": f"{db._database_string}/documents/notes/w",
        "structured_query": {"from_": [{"collection_id": "notes", "all_descendants": True}]},
    })  # fmt: skip
    assert [each.document.name.rpartition("/")[2] for each in within] == ["v"]
    parts = list(group.get_partitions(3))
    assert len(parts) == 4
    assert [each.reference.path for part in parts for each in part.query().stream()] == found


def test_many_documents(db: Any) -> None:
    many = db.collection("many")
    batch = db.batch()
    for number in range(1_200):
        batch.set(many.document(f"{number:04d}"), {"n": number, "odd": number % 2, "tags": [number % 7]})
    batch.commit()
    assert len(ids(many.stream())) == 1_200
    assert ids(many.order_by("n", direction="DESCENDING").limit(3).stream()) == ["1199", "1198", "1197"]
    assert len(ids(where(many, ("odd", "==", 1)).stream())) == 600
    assert ids(where(many, ("odd", "==", 1), ("n", ">=", 1_190)).stream()) == ["1191", "1193", "1195", "1197", "1199"]
    assert len(ids(where(many, ("tags", "array_contains", 3)).stream())) == len(range(3, 1_200, 7))
    assert many.count().get()[0][0].value == 1_200
    request = {"parent": f"{db._database_string}/documents", "collection_id": "many", "page_size": 500}
    pages = db._firestore_api.list_documents(request={**request, "order_by": "odd desc, n"}).pages
    listed = [[each.name.rpartition("/")[2] for each in page.documents] for page in pages]
    assert [len(page) for page in listed] == [500, 500, 200]
    assert (listed[0][0], listed[1][0], listed[1][99], listed[1][100]) == ("0001", "1001", "1199", "0000")


def test_aggregations(cities: Any) -> None:
    assert cities.count(alias="all").get()[0][0].value == 5
    assert where(cities, ("country", "==", "USA")).count().get()[0][0].value == 3
    several = cities.count(alias="n").sum("population", alias="sum").avg("population", alias="avg")
    (values,) = several.get()
    assert {each.alias: each.value for each in values} == {"n": 5, "sum": 35_940_000, "avg": 7_188_000.0}
    assert cities.limit(2).count().get()[0][0].value == 2
    assert cities.sum("name").get()[0][0].value == 0
    cities.document("odd").set({"population": math.nan})
    assert math.isnan(cities.sum("population").get()[0][0].value)


def test_a_long_value(db: Any) -> None:
    long = db.collection("long")
    for name, end in (("a", "b"), ("b", "a"), ("c", "c")):
        long.document(name).set({"x": "x" * 2_000 + end})
    assert ids(where(long, ("x", "==", "x" * 2_000 + "a")).stream()) == ["b"]
    assert ids(where(long, ("x", ">=", "x" * 2_000 + "b")).stream()) == ["a", "c"]


def test_nearest_neighbours(db: Any) -> None:
    things = db.collection("things")
    vectors = {"a": [1.0, 0.0], "b": [0.0, 2.0], "c": [3.0, 3.0], "d": [1.0]}
    for name, vector in vectors.items():
        things.document(name).set({"v": Vector(vector), "odd": name in "ac"})
    things.document("e").set({"v": [1.0, 0.0]})

    def nearest(measure: DistanceMeasure, query: Any = things, **settings: Any) -> list[tuple[str, float]]:
        settings = {"limit": 10, "distance_result_field": "how.far", **settings}
        found = query.find_nearest("v", Vector([1.0, 1.0]), distance_measure=measure, **settings).get()
        return [(each.id, round(each.get("how.far"), 3)) for each in found]

    assert nearest(DistanceMeasure.EUCLIDEAN) == [("a", 1.0), ("b", 1.414), ("c", 2.828)]
    assert nearest(DistanceMeasure.COSINE) == [("c", 0.0), ("a", 0.293), ("b", 0.293)]
    assert nearest(DistanceMeasure.DOT_PRODUCT, limit=2) == [("c", 6.0), ("b", 2.0)]
    assert nearest(DistanceMeasure.DOT_PRODUCT, distance_threshold=2.0) == [("c", 6.0), ("b", 2.0)]
    assert nearest(DistanceMeasure.EUCLIDEAN, where(things, ("odd", "==", True)), distance_threshold=1.0) == [
        ("a", 1.0)
    ]


def test_what_names_of_aggregations_may_be(cities: Any) -> None:
    for alias in ("__all__", "x" * 1_501):
        with pytest.raises(exceptions.InvalidArgument, match="is reserved or too long"):
            cities.count(alias).get()
    assert cities.count("x" * 1_500).get()[0][0].value == 5


def test_partitions_are_of_names_alone(cities: Any) -> None:
    api, root = cities._client._firestore_api, f"{cities._client._database_string}/documents"
    everywhere = {"from_": [{"collection_id": "cities", "all_descendants": True}]}

    def cut(**more: Any) -> int:
        request = {"parent": root, "structured_query": {**everywhere, **more}, "partition_count": 2}
        return len(list(api.partition_query(request=request)))

    assert cut(order_by=[{"field": {"field_path": "__name__"}}]) == 2
    for order in ({"field": {"field_path": "name"}}, {"field": {"field_path": "__name__"}, "direction": "DESCENDING"}):
        with pytest.raises(exceptions.InvalidArgument, match="in the order of their names"):
            cut(order_by=[order])


def test_a_query_explained(cities: Any) -> None:
    query = where(cities, ("country", "==", "USA")).order_by("population", direction="DESCENDING")
    planned = query.get(explain_options=firestore.ExplainOptions(analyze=False))
    assert ids(planned) == []
    metrics = planned.get_explain_metrics()
    used = [{"query_scope": "Collection", "properties": "(country ASC, population DESC, __name__ DESC)"}]
    assert metrics.plan_summary.indexes_used == used
    with pytest.raises(QueryExplainError, match="not available"):
        _ = metrics.execution_stats
    run = query.offset(1).get(explain_options=firestore.ExplainOptions(analyze=True))
    assert ids(run) == ["SF", "DC"]
    stats = run.get_explain_metrics().execution_stats
    assert (stats.results_returned, stats.read_operations) == (2, 3)
    assert stats.execution_duration > dt.timedelta()
    assert stats.debug_stats["index_entries_scanned"] == "3"
    assert stats.debug_stats["billing_details"]["documents_billable"] == "3"
    nothing = where(cities, ("country", "==", "none"), ("name", "==", "none"))
    stream = nothing.stream(explain_options=firestore.ExplainOptions(analyze=True))
    assert ids(stream) == []
    metrics = stream.get_explain_metrics()
    assert [each["properties"] for each in metrics.plan_summary.indexes_used] == [
        "(country ASC, __name__ ASC)",
        "(name ASC, __name__ ASC)",
    ]
    assert metrics.execution_stats.read_operations == 1


def test_an_aggregation_explained(cities: Any) -> None:
    query = cities.count("all").sum("population", "people")
    planned = query.get(explain_options=firestore.ExplainOptions(analyze=False))
    assert list(planned) == []
    (used,) = planned.get_explain_metrics().plan_summary.indexes_used
    assert used["properties"] == "(population ASC, __name__ ASC)"
    run = query.get(explain_options=firestore.ExplainOptions(analyze=True))
    assert {each.alias: each.value for each in run[0]} == {"all": 5, "people": 35_940_000}
    stats = run.get_explain_metrics().execution_stats
    assert (stats.results_returned, stats.read_operations) == (1, 1)
    assert stats.debug_stats["index_entries_scanned"] == "5"


def test_what_is_not_supported(cities: Any) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match=r"Fogbank doesn't support .*Firestore/ExecutePipeline"):
        list(cities._client.pipeline().collection("cities").execute())
