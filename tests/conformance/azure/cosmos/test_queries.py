"""Queries: pages, partitions, the index, what is refused."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.conformance.azure.cosmos.conftest import ids, new_name, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.cosmos import ContainerProxy, DatabaseProxy

VALUES: list[Any] = [3, 1, 2.5, "b", "a", "ab", None, True, False, {"x": 1}, [1], "x" * 300, "x" * 300 + "y"]
ITEMS = [
    {"id": f"{number:02d}", "pk": "ab"[number % 2], "n": number, "v": value, "tags": [f"t{number % 3}", f"t{number}"]}
    for number, value in enumerate(VALUES)
] + [{"id": "13", "pk": "a", "n": 13, "tags": []}]
COMPOSITE = [
    [{"path": "/pk", "order": "ascending"}, {"path": "/n", "order": "descending"}],
]


@pytest.fixture(scope="module")
def filled(database: DatabaseProxy) -> ContainerProxy:
    """A container whose every path is in the index."""
    policy = {
        "includedPaths": [{"path": "/*"}],
        "excludedPaths": [{"path": "/hidden/?"}],
        "compositeIndexes": COMPOSITE,
    }
    return fill(database.create_container(new_name(), PartitionKey("/pk"), indexing_policy=policy))


@pytest.fixture(scope="module")
def unindexed(database: DatabaseProxy) -> ContainerProxy:
    """The same without an index."""
    policy = {"indexingMode": "none", "automatic": False}
    return fill(database.create_container(new_name(), PartitionKey("/pk"), indexing_policy=policy))


def fill(container: ContainerProxy) -> ContainerProxy:
    for item in ITEMS:
        container.create_item(item)
    return container


def ask(container: ContainerProxy, query: str, **settings: Any) -> list[Any]:
    parameters = [{"name": f"@{name}", "value": settings.pop(name)} for name in ("p", "q") if name in settings]
    if "partition_key" not in settings:
        settings["enable_cross_partition_query"] = True
    return list(container.query_items(query, parameters=parameters, **settings))


CONDITIONS = [
    "c.v = 1",
    "c.v = 'a'",
    "c.v = null",
    "c.v = true",
    "c.v = @p",
    "c.v > 1",
    "c.v >= 1 AND c.v < 3",
    "c.v > 'a'",
    "c.v <= 'ab'",
    "c.v < true",
    "c.v <= null",
    "c.v BETWEEN 1 AND 2.5",
    "c.v BETWEEN 1 AND 'b'",
    "c.v IN (1, 'a', null)",
    "STARTSWITH(c.v, 'a')",
    "STARTSWITH(c.v, 'xxx')",
    "c.v = 1 OR c.v = 'b'",
    "c.n = 3 AND c.v = 'b'",
    "c.v != 1",
    "NOT c.v = 1",
    "c.pk = 'a' AND c.v = 2.5",
    "c.id IN ('01', '05', 'none')",
    "c.v.x = 1",
    "IS_DEFINED(c.v) = false",
    "(c.id = '01' AND c.pk = 'b') OR (c.id = '02' AND c.pk = 'a')",
    "c.v > 'xxx'",
    "1 < c.v",
    "c.v = {'x': 1}",
    f"c.v >= '{'x' * 300}'",
    f"c.v <= '{'x' * 300}'",
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_index_changes_nothing(filled: ContainerProxy, unindexed: ContainerProxy, condition: str) -> None:
    query = f"SELECT VALUE c.id FROM c WHERE {condition}"
    wanted = sorted(ask(unindexed, query, p="ab"))
    assert sorted(ask(filled, query, p="ab", max_item_count=2)) == wanted
    of_one = sorted(ask(unindexed, query, p="ab", partition_key="a"))
    assert sorted(ask(filled, query, p="ab", partition_key="a", max_item_count=1)) == of_one
    assert set(of_one) <= set(wanted)


def test_orders(filled: ContainerProxy) -> None:
    by_value = ["13", "06", "08", "07", "01", "02", "00", "04", "05", "03", "11", "12", "10", "09"]
    query = "SELECT VALUE c.id FROM c ORDER BY c.v"
    assert ask(filled, query, max_item_count=3) == by_value
    assert ask(filled, f"{query} DESC", max_item_count=5) == by_value[::-1]
    query = "SELECT VALUE c.n FROM c WHERE c.n >= 2 AND c.n < 9 ORDER BY c.n"
    assert ask(filled, query, max_item_count=2) == [2, 3, 4, 5, 6, 7, 8]
    assert ask(filled, f"{query} DESC", max_item_count=2) == [8, 7, 6, 5, 4, 3, 2]
    assert ask(filled, f"{query} DESC", max_item_count=1, partition_key="a") == [8, 6, 4, 2]
    assert ask(filled, "SELECT VALUE c.n FROM c ORDER BY c.pk, c.n DESC OFFSET 5 LIMIT 5") == [4, 2, 0, 11, 9]
    assert ask(filled, "SELECT VALUE c.n FROM c ORDER BY c.pk DESC, c.n ASC OFFSET 5 LIMIT 2") == [11, 0]
    # The index has the beginnings of long texts only, where these are the same.
    texts = "SELECT VALUE c.id FROM c WHERE c.v > 'a' ORDER BY c.v"
    for size in (1, 2, 10):
        assert ask(filled, texts, max_item_count=size) == ["05", "03", "11", "12"]
        assert ask(filled, f"{texts} DESC", max_item_count=size) == ["12", "11", "03", "05"]
    # All items have this one, so that the index tells the whole order.
    for size in (1, 4, 100):
        assert ask(filled, "SELECT VALUE c.n FROM c ORDER BY c.n", max_item_count=size) == list(range(14))
        assert ask(filled, "SELECT VALUE c.n FROM c ORDER BY c.n DESC", max_item_count=size) == list(range(13, -1, -1))
    assert ask(filled, "SELECT VALUE c.n FROM c ORDER BY c.n DESC OFFSET 2 LIMIT 3", max_item_count=2) == [11, 10, 9]
    assert ask(filled, "SELECT TOP 2 VALUE c.n FROM c WHERE c.n > 3 ORDER BY c.n") == [4, 5]


def test_pages(filled: ContainerProxy) -> None:
    query = "SELECT VALUE t FROM c JOIN t IN c.tags WHERE c.n < 4"
    everything = ask(filled, query)
    assert sorted(everything) == ["t0", "t0", "t0", "t1", "t1", "t2", "t2", "t3"]
    assert ask(filled, query, max_item_count=3) == everything
    assert ask(filled, f"{query} OFFSET 3 LIMIT 4", max_item_count=1) == everything[3:7]
    assert len(ask(filled, "SELECT TOP @p c.id FROM c", p=5, max_item_count=2)) == 5
    assert ask(filled, "SELECT TOP 0 c.id FROM c") == []
    pages = filled.query_items("SELECT * FROM c", enable_cross_partition_query=True, max_item_count=4).by_page()
    assert [len(list(page)) for page in pages] == [4, 4, 4, 2]
    again = filled.query_items("SELECT * FROM c", partition_key="a", max_item_count=3)
    pages = again.by_page()
    first = ids(next(pages))
    rest = filled.query_items("SELECT * FROM c", partition_key="a", max_item_count=3)
    assert first + ids(item for page in rest.by_page(pages.continuation_token) for item in page) == ids(
        filled.query_items("SELECT * FROM c", partition_key="a")
    )


def test_whole_results(filled: ContainerProxy) -> None:
    assert ask(filled, "SELECT VALUE COUNT(1) FROM c") == [14]
    assert ask(
        filled, "SELECT COUNT(c.v) AS n, SUM(c.n) AS s, AVG(c.n) AS a, MIN(c.id) AS l, MAX(c.id) AS g FROM c"
    ) == [{"n": 13, "s": 91, "a": 6.5, "l": "00", "g": "13"}]
    assert ask(filled, "SELECT c.pk, COUNT(1) AS n FROM c GROUP BY c.pk", max_item_count=1) == [
        {"pk": "a", "n": 8},
        {"pk": "b", "n": 6},
    ]
    assert ask(filled, "SELECT DISTINCT VALUE c.pk FROM c") == ["a", "b"]
    assert ask(filled, "SELECT VALUE COUNT(1) FROM c WHERE c.n > 10", partition_key="b") == [1]
    assert ask(filled, "SELECT VALUE 1 + 1") == [2]


def test_what_the_service_adds_can_be_asked_for(filled: ContainerProxy) -> None:
    item = filled.read_item("01", "b")
    assert ask(filled, "SELECT c._etag, c._ts FROM c WHERE c._rid = @p", p=item["_rid"]) == [
        {"_etag": item["_etag"], "_ts": item["_ts"]}
    ]
    assert ask(filled, "SELECT * FROM c WHERE c.id = '01'") == [item]


def test_many_items_at_once(filled: ContainerProxy) -> None:
    wanted = [(item["id"], item["pk"]) for item in ITEMS[:6]] + [("none", "a")]
    assert sorted(ids(filled.read_items(wanted))) == ["00", "01", "02", "03", "04", "05"]
    assert len(list(filled.read_all_items(max_item_count=5))) == 14


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT * FORM c", "Syntax error, incorrect syntax near 'FORM'"),
        ("SELECT x.id FROM c", "Identifier 'x' could not be resolved"),
        ("SELECT VALUE NOTHING(c) FROM c", "'NOTHING' is not a recognized built-in function name"),
        ("SELECT VALUE udf.f(c) FROM c", "The user-defined function 'f' is not registered"),
        ("SELECT VALUE REGEXMATCH(c.id, '(0)\\\\1') FROM c", "Fogbank does not support the regular expression"),
        ("SELECT * FROM c ORDER BY c.a, c.b", "does not have a corresponding composite index"),
        ("SELECT * FROM c ORDER BY c.hidden", "order-by item is excluded"),
        ("SELECT * FROM c ORDER BY c.n + 1", "could not be mapped to a document path"),
        ("SELECT TOP @none * FROM c", "requires a non-negative integer"),
        ("SELECT c.id FROM c GROUP BY c.pk", "not contained in either an aggregate function or the GROUP BY clause"),
    ],
)
def test_queries_that_are_refused(filled: ContainerProxy, query: str, words: str) -> None:
    with pytest.raises(CosmosHttpResponseError) as error:
        ask(filled, query)
    assert refusal(error) == (400, 0)
    assert words in str(error.value)


def test_a_query_over_the_results_of_another(filled: ContainerProxy) -> None:
    assert ask(filled, "SELECT VALUE COUNT(1) FROM (SELECT DISTINCT c.pk FROM c)") == [2]
    query = "SELECT VALUE t.n FROM (SELECT c.n FROM c WHERE c.n < 6) AS t"
    assert sorted(ask(filled, query, max_item_count=2)) == [0, 1, 2, 3, 4, 5]


def test_metrics_on_request(filled: ContainerProxy) -> None:
    headers: dict[str, Any] = {}
    query = "SELECT c.id FROM c WHERE c.n > 9 AND c.hidden = 1"
    settings: dict[str, Any] = {"response_hook": lambda found, *_: headers.update(found)}
    ask(filled, query, populate_index_metrics=True, **settings)
    found = headers["x-ms-cosmos-index-utilization"]
    assert [each["IndexSpec"] for each in found["UtilizedSingleIndexes"]] == ["/n/?"]
    assert [each["IndexSpec"] for each in found["PotentialSingleIndexes"]] == ["/hidden/?"]
    ask(filled, "SELECT * FROM c ORDER BY c.pk, c.n DESC", populate_index_metrics=True, **settings)
    (composite,) = headers["x-ms-cosmos-index-utilization"]["UtilizedCompositeIndexes"]
    assert composite["IndexSpecs"] == ["/pk ASC", "/n DESC"]
    ask(filled, "SELECT * FROM c WHERE c.n >= 10", populate_query_metrics=True, **settings)
    metrics = dict(each.split("=") for each in headers["x-ms-documentdb-query-metrics"].split(";"))
    assert (metrics["retrievedDocumentCount"], metrics["outputDocumentCount"]) == ("4", "4")
    assert int(metrics["retrievedDocumentSize"]) > 0
    assert float(metrics["totalExecutionTimeInMs"]) >= 0


def test_documents_have_numbers(filled: ContainerProxy) -> None:
    (found,) = ask(filled, "SELECT c._rid, DOCUMENTID(c) AS n FROM c WHERE REGEXMATCH(c.id, '^0[1-9]?$') AND c.n = 1")
    assert int.from_bytes(b64decode(found["_rid"], b"+-")[8:], "little") == found["n"]


def test_partitions_must_be_asked_for(filled: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError, match="Cross partition query is required but disabled"):
        list(filled.query_items("SELECT * FROM c", enable_cross_partition_query=False))
    # This one says its partition itself.
    query = "SELECT VALUE c.id FROM c WHERE c.pk = 'b' AND c.n < 4"
    assert list(filled.query_items(query, enable_cross_partition_query=False)) == ["01", "03"]


def test_wrong_continuations(filled: ContainerProxy) -> None:
    for token in ("{}", "x", '{"query":1}'):
        with pytest.raises(CosmosHttpResponseError, match="Invalid Continuation Token"):
            list(next(filled.query_items("SELECT * FROM c", partition_key="a", max_item_count=1).by_page(token)))


def test_an_index_is_made_anew(make: Callable[..., ContainerProxy], database: DatabaseProxy) -> None:
    container = fill(make("/pk", indexing_policy={"indexingMode": "none", "automatic": False}))
    database.replace_container(container, PartitionKey("/pk"), indexing_policy={"includedPaths": [{"path": "/*"}]})
    assert ask(container, "SELECT VALUE c.id FROM c WHERE c.v = 'ab'") == ["05"]
    container.upsert_item({"id": "05", "pk": "b", "v": "other"})
    assert ask(container, "SELECT VALUE c.id FROM c WHERE c.v = 'ab'") == []
    assert ask(container, "SELECT VALUE c.id FROM c WHERE c.v = 'other'") == ["05"]


def test_pages_end_after_much_work(timed: DatabaseProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    from fogbank.clouds.azure.cosmos.queries import running

    monkeypatch.setattr(running, "DOCUMENTS_PER_PAGE_MAX", 4)
    monkeypatch.setattr(running, "DOCUMENTS_FIRST", 2)
    monkeypatch.setattr(running, "DOCUMENTS_AT_ONCE_MAX", 2)
    container = fill(timed.create_container("c", PartitionKey("/pk")))
    found = container.query_items("SELECT VALUE c.n FROM c WHERE c.n % 5 = 3", enable_cross_partition_query=True)
    pages = [list(page) for page in found.by_page()]
    assert sorted(number for page in pages for number in page) == [3, 8, 13]
    # Of two conditions the one is taken that fewer items meet.
    query = "SELECT VALUE c.n FROM c WHERE c.pk = 'a' AND c.kind = 'same' AND c.n = 4 AND c.more = null"
    for number in range(8):
        container.create_item({"id": f"s{number}", "pk": "a", "n": number, "kind": "same", "more": None})
    found = container.query_items(query, enable_cross_partition_query=True)
    assert [list(page) for page in found.by_page()] == [[4]]
    assert ask(container, "SELECT VALUE c.n FROM c WHERE c.kind = 'same' AND c.more = null", max_item_count=1) == [
        *range(8)
    ]
