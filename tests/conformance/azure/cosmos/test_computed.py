"""Computed properties of containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.conformance.azure.cosmos.conftest import ids, new_name, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.cosmos import ContainerProxy, DatabaseProxy

COMPUTED = [
    {"name": "cp_lower", "query": "SELECT VALUE LOWER(c.name) FROM c"},
    {"name": "cp_total", "query": "SELECT VALUE x.price * (1 - x.discount) FROM x"},
    {"name": "cp_big", "query": "SELECT VALUE ARRAY(SELECT VALUE t FROM t IN c.tags WHERE t > 1) FROM c"},
    {"name": "cp_shape", "query": "SELECT VALUE {name: UPPER(c.name)} FROM c"},
]
POLICY = {"includedPaths": [{"path": "/*"}, {"path": "/cp_lower/?"}], "excludedPaths": []}
ITEMS = [
    {"id": "1", "pk": "a", "name": "Tea", "price": 10, "discount": 0.5, "tags": [1, 2, 3]},
    {"id": "2", "pk": "b", "name": "TEA", "price": 4, "discount": 0, "cp_lower": "kept"},
    {"id": "3", "pk": "a", "name": "Cup", "price": 8, "discount": 0.25},
    {"id": "4", "pk": "b", "price": 1, "discount": 0},
]


def find(container: ContainerProxy, query: str, **settings: Any) -> list[Any]:
    return list(container.query_items(query, enable_cross_partition_query=True, **settings))


@pytest.fixture
def filled(make: Callable[..., ContainerProxy]) -> ContainerProxy:
    container = make("/pk", computed_properties=COMPUTED, indexing_policy=POLICY)
    for item in ITEMS:
        container.create_item(item)
    return container


def test_they_are_used_in_queries(filled: ContainerProxy) -> None:
    assert filled.read()["computedProperties"] == COMPUTED
    found = find(filled, "SELECT c.id, c.cp_lower, c.cp_total FROM c WHERE c.cp_total >= 5")
    assert found == [{"id": "1", "cp_lower": "tea", "cp_total": 5}, {"id": "3", "cp_lower": "cup", "cp_total": 6}]
    # Through the index, which has no other value of that name.
    assert ids(find(filled, "SELECT * FROM c WHERE c.cp_lower = 'tea'")) == ["1", "2"]
    assert (
        ids(find(filled, "SELECT * FROM c WHERE c.cp_lower = @it", parameters=[{"name": "@it", "value": "kept"}])) == []
    )
    assert ids(find(filled, "SELECT * FROM p WHERE p['cp_lower'] > 'd'")) == ["1", "2"]
    assert find(filled, "SELECT VALUE t FROM c JOIN t IN c.cp_big") == [2, 3]
    assert find(filled, "SELECT VALUE c.cp_shape.name FROM c WHERE c.id = '3'") == ["CUP"]
    groups = find(filled, "SELECT c.cp_lower, COUNT(1) AS n FROM c GROUP BY c.cp_lower")
    assert sorted((each.get("cp_lower", ""), each["n"]) for each in groups) == [("", 1), ("cup", 1), ("tea", 2)]
    assert find(filled, "SELECT VALUE (SELECT VALUE c.cp_lower) FROM c WHERE c.id = '1'") == ["tea"]
    # What is selected as a whole is the item as it is.
    assert plain(find(filled, "SELECT * FROM c WHERE c.id = '2'")[0]) == ITEMS[1]
    assert plain(filled.read_item("1", "a")) == ITEMS[0]


def test_an_order_needs_an_index(filled: ContainerProxy) -> None:
    query = "SELECT VALUE c.id FROM c WHERE IS_STRING(c.cp_lower) ORDER BY c.cp_lower"
    assert find(filled, query) == find(filled, query, max_item_count=1) == ["3", "1", "2"]
    assert find(filled, f"{query} DESC", max_item_count=2)[2] == "3"
    with pytest.raises(CosmosHttpResponseError, match="excluded"):
        find(filled, "SELECT * FROM c ORDER BY c.cp_total")


def test_they_are_changed(filled: ContainerProxy, database: DatabaseProxy, eventually: Callable[..., Any]) -> None:
    changed = [{"name": "cp_lower", "query": "SELECT VALUE CONCAT('x', c.name) FROM c"}]
    database.replace_container(filled, PartitionKey("/pk"), computed_properties=changed, indexing_policy=POLICY)
    query = "SELECT VALUE c.id FROM c WHERE c.cp_lower = 'xTea'"
    assert eventually(lambda: find(filled, query)) == ["1"]
    assert find(filled, "SELECT VALUE c.cp_total FROM c") == []
    database.replace_container(filled, PartitionKey("/pk"))
    assert "computedProperties" not in filled.read()
    assert find(filled, "SELECT VALUE c.id FROM c WHERE c.cp_lower = 'kept'") == ["2"]


@pytest.mark.parametrize(
    ("computed", "message"),
    [
        ([{"name": "id", "query": "SELECT VALUE c.x FROM c"}], "reserved"),
        ([{"name": "pk", "query": "SELECT VALUE c.x FROM c"}], "reserved"),
        ([{"name": "a"}], "must have a name and a query"),
        ([{"name": "a", "query": "SELECT VALUE c.x FROM c"}] * 2, "not unique"),
        ([{"name": f"a{n}", "query": "SELECT VALUE c.x FROM c"} for n in range(21)], "at most 20"),
        ([{"name": "a", "query": "SELECT c.x FROM c"}], "SELECT VALUE"),
        ([{"name": "a", "query": "SELECT VALUE c.x FROM c JOIN t IN c.tags"}], "SELECT VALUE"),
        ([{"name": "a", "query": "SELECT VALUE c.x FROM c WHERE c.x > 1"}], "WHERE"),
        ([{"name": "a", "query": "SELECT VALUE (SELECT VALUE c.x) FROM c"}], "subquery"),
        ([{"name": "a", "query": "SELECT VALUE GetCurrentTicks() FROM c"}], "GetCurrentTicks"),
        ([{"name": "a", "query": "SELECT VALUE COUNT(1) FROM c"}], "COUNT"),
        ([{"name": "a", "query": "SELECT VALUE @x FROM c"}], "parameters"),
        ([{"name": "a", "query": "SELECT VALUE c.x FROM"}], "Syntax error"),
        ([{"name": "a", "query": "SELECT VALUE c.b FROM c"}, {"name": "b", "query": "SELECT VALUE 1 FROM c"}], "refer"),
    ],
)  # fmt: skip
def test_what_can_not_be_computed(database: DatabaseProxy, computed: Any, message: str) -> None:
    with pytest.raises(CosmosHttpResponseError, match=message) as refused:
        database.create_container(new_name(), PartitionKey("/pk"), computed_properties=computed)
    assert refused.value.status_code == 400
