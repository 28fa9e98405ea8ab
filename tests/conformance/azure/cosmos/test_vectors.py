"""Vectors: the policies of containers, and queries for what is most similar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.cosmos import ContainerProxy, DatabaseProxy


def embedding(path: str = "/v", function: str = "cosine", **more: Any) -> dict[str, Any]:
    return {"path": path, "dataType": "float32", "dimensions": 3, "distanceFunction": function, **more}


def policies(*embeddings: dict[str, Any], **index: Any) -> dict[str, Any]:
    indexes = [{"path": each["path"], "type": "diskANN", **index} for each in embeddings]
    policy = {"includedPaths": [{"path": "/*"}], "vectorIndexes": indexes}
    return {"vector_embedding_policy": {"vectorEmbeddings": list(embeddings)}, "indexing_policy": policy}


@pytest.fixture
def filled(make: Callable[..., ContainerProxy]) -> ContainerProxy:
    wanted = [embedding("/v"), embedding("/deep/e", "euclidean"), embedding("/d", "dotproduct")]
    container = make("/pk", **policies(*wanted))
    for number, v in enumerate(([1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [-1, 0, 0], "none", [1, 2])):
        container.create_item({"id": str(number), "pk": "ab"[number % 2], "v": v, "deep": {"e": v}, "d": v})
    return container


def ask(container: ContainerProxy, query: str, **settings: Any) -> list[Any]:
    settings.setdefault("enable_cross_partition_query", True)
    parameters = [{"name": "@q", "value": [1, 0, 0]}, {"name": "@l", "value": [2, 0, 0]}]
    return list(container.query_items(query, parameters=parameters, **settings))


def test_what_is_most_similar_comes_first(filled: ContainerProxy) -> None:
    for path in ("v", "deep.e", "d"):
        query = f"SELECT TOP 4 VALUE c.id FROM c ORDER BY VectorDistance(c.{path}, @q)"
        assert ask(filled, query) == ["0", "1", "2", "3"]
        assert ask(filled, query, max_item_count=3) == ["0", "1", "2", "3"]
    query = "SELECT TOP 2 c.id, VectorDistance(c.v, [1, 0, 0]) AS score FROM c ORDER BY VectorDistance(c.v, [1, 0, 0])"
    assert ask(filled, query) == [{"id": "0", "score": 1}, {"id": "1", "score": pytest.approx(0.993884)}]
    query = "SELECT VALUE c.id FROM c WHERE c.id != '0' ORDER BY VectorDistance(c.v, @q) OFFSET 1 LIMIT 2"
    assert ask(filled, query) == ["2", "3"]
    # What has no vector of that length comes last.
    assert set(ask(filled, "SELECT VALUE c.id FROM c ORDER BY VectorDistance(c.v, @q)")[4:]) == {"4", "5"}
    query = "SELECT TOP 2 VALUE c.id FROM c ORDER BY VectorDistance(c.v, @q)"
    assert ask(filled, query, partition_key="b", enable_cross_partition_query=False) == ["1", "3"]


def test_scores(filled: ContainerProxy) -> None:
    query = "SELECT VALUE [VectorDistance(c.v, @l), VectorDistance(c.deep.e, @l), VectorDistance(c.d, @l)] FROM c"
    assert ask(filled, f"{query} WHERE c.id = '3'") == [[-1, 3, -2]]
    assert ask(filled, "SELECT VectorDistance(c.v, @q) AS s FROM c WHERE c.id IN ('4', '5')") == [{}, {}]
    given = "SELECT VALUE VectorDistance(c.v, @l, true, {'distanceFunction': 'Euclidean'}) FROM c WHERE c.id = '0'"
    assert ask(filled, given) == [1]
    # Nothing is said of this path: by cosines.
    assert ask(filled, "SELECT VALUE VectorDistance([2, 0, 0], c.v) FROM c WHERE c.id = '2'") == [0]
    assert ask(filled, "SELECT VALUE c.id FROM c WHERE VectorDistance(c.v, @q) > 0.95") == ["0", "1"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("VectorDistance(c.v)", "requires 2 to 4 argument"),
        ("VectorDistance(c.v, c.v, false, {distanceFunction: 'none'})", "distanceFunction 'none'"),
        ("VectorDistance(c.v, c.v, false, {other: 1})", "does not support the option 'other'"),
        ("VectorDistance(c.v, c.v, false, 5)", "must be an object"),
    ],
)
def test_distances_that_are_refused(filled: ContainerProxy, call: str, words: str) -> None:
    with pytest.raises(CosmosHttpResponseError, match=words) as error:
        ask(filled, f"SELECT VALUE {call} FROM c")
    assert error.value.status_code == 400


def test_policies_are_shown_and_kept(database: DatabaseProxy, make: Callable[..., ContainerProxy]) -> None:
    settings = policies(embedding(dataType="Int8"), quantizationByteSize=64, indexingSearchListSize=100)
    settings["indexing_policy"]["vectorIndexes"][0]["vectorIndexShardKey"] = ["/pk"]
    container = make("/pk", **settings)
    shown = container.read()
    assert shown["vectorEmbeddingPolicy"] == {"vectorEmbeddings": [embedding(dataType="int8")]}
    assert shown["indexingPolicy"]["vectorIndexes"] == [
        {
            "path": "/v", "type": "diskANN", "quantizationByteSize": 64, "indexingSearchListSize": 100,
            "vectorIndexShardKey": ["/pk"],
        }
    ]  # fmt: skip
    with pytest.raises(CosmosHttpResponseError, match="can't be changed or removed"):
        database.replace_container(
            container, PartitionKey("/pk"), vector_embedding_policy={"vectorEmbeddings": [embedding("/other")]}
        )
    more = {"vectorEmbeddings": [embedding(dataType="int8"), embedding("/other")]}
    database.replace_container(container, PartitionKey("/pk"), vector_embedding_policy=more)
    assert container.read()["vectorEmbeddingPolicy"] == more
    # A policy that isn't said stays.
    database.replace_container(container, PartitionKey("/pk"))
    assert container.read()["vectorEmbeddingPolicy"] == more


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (policies(embedding(function="manhattan")), "distanceFunction 'manhattan'"),
        (policies(embedding(dataType="text")), "dataType 'text'"),
        (policies(embedding(dimensions=0)), "from 1 to 4096"),
        (policies(embedding(dimensions=4097)), "from 1 to 4096"),
        (policies(embedding("/v/*")), "could not be accepted"),
        (policies(embedding(), embedding()), "more than once"),
        (policies(embedding(more=1)), "does not support the member more"),
        (policies(embedding(), type="tree"), "type 'tree'"),
        (policies(embedding(dimensions=506), type="flat"), "at most 505"),
        (policies(embedding(), quantizationByteSize=513), "from 1 to 512"),
        (policies(embedding(), type="quantizedFlat", indexingSearchListSize=50), "does not support the member"),
        ({"indexing_policy": policies(embedding())["indexing_policy"]}, "not matching in Embedding's path"),
    ],
)
def test_policies_that_are_refused(make: Callable[..., ContainerProxy], settings: Any, words: str) -> None:
    with pytest.raises(CosmosHttpResponseError, match=words) as error:
        make("/pk", **settings)
    assert error.value.status_code == 400
