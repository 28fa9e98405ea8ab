"""Transactional batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from tests.conformance.azure.cosmos.conftest import ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.cosmos import ContainerProxy


def test_all_kinds_of_operations(container: ContainerProxy) -> None:
    made = container.create_item({"id": "old", "pk": "a", "n": 1})
    results = container.execute_item_batch(
        [
            ("create", ({"id": "1", "pk": "a"},)),
            ("upsert", ({"id": "2", "pk": "a", "n": 1},)),
            ("read", ("1",)),
            ("replace", ("old", {"id": "old", "pk": "a", "n": 2}), {"if_match_etag": made["_etag"]}),
            ("patch", ("2", [{"op": "incr", "path": "/n", "value": 1}]), {"filter_predicate": "from c where c.n = 1"}),
            ("delete", ("1",)),
        ],
        partition_key="a",
    )
    assert [each["statusCode"] for each in results] == [201, 201, 200, 200, 200, 204]
    assert results[4]["resourceBody"]["n"] == 2
    assert results[0]["eTag"] == results[2]["resourceBody"]["_etag"]
    assert ids(container.read_all_items()) == ["2", "old"]


def test_all_or_none(container: ContainerProxy) -> None:
    container.create_item({"id": "there", "pk": "a"})
    with pytest.raises(CosmosBatchOperationError) as error:
        container.execute_item_batch(
            [("create", ({"id": "1", "pk": "a"},)), ("create", ({"id": "there", "pk": "a"},)), ("delete", ("1",))],
            partition_key="a",
        )
    assert error.value.error_index == 1
    assert [each["statusCode"] for each in error.value.operation_responses] == [424, 409, 424]
    assert ids(container.read_all_items()) == ["there"]


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (("replace", ("none", {"id": "none", "pk": "a"})), 404),
        (("read", ("none",)), 404),
        (("create", ({"id": "1", "pk": "b"},)), 400),
        (("create", ({"id": "a/b", "pk": "a"},)), 400),
        (("create", ({"id": 1, "pk": "a"},)), 400),
        (("replace", ("there", {"id": "there", "pk": "a"}), {"if_match_etag": "x"}), 412),
        (("patch", ("there", [{"op": "remove", "path": "/none"}])), 400),
    ],
)
def test_operations_that_fail(container: ContainerProxy, operation: Any, status: int) -> None:
    container.create_item({"id": "there", "pk": "a"})
    with pytest.raises(CosmosBatchOperationError) as error:
        container.execute_item_batch([("upsert", ({"id": "x", "pk": "a"},)), operation], partition_key="a")
    assert [each["statusCode"] for each in error.value.operation_responses] == [424, status]
    assert ids(container.read_all_items()) == ["there"]


def test_limits(container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError, match="more operations than what is supported"):
        container.execute_item_batch([("read", ("1",))] * 101, partition_key="a")
    large = [("create", ({"id": str(number), "pk": "a", "text": "x" * 1_100_000},)) for number in range(2)]
    with pytest.raises(CosmosHttpResponseError) as error:
        container.execute_item_batch(large, partition_key="a")
    assert error.value.status_code == 413


def test_unique_keys_in_a_batch(make: Callable[..., ContainerProxy]) -> None:
    container = make("/pk", unique_key_policy={"uniqueKeys": [{"paths": ["/name"]}]})
    with pytest.raises(CosmosBatchOperationError) as error:
        container.execute_item_batch(
            [("create", ({"id": str(number), "pk": "a", "name": "same"},)) for number in range(2)], partition_key="a"
        )
    assert [each["statusCode"] for each in error.value.operation_responses] == [424, 409]
