"""Full-text search: what contains which words, what fits best, and both with vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient as AsyncClient
from azure.cosmos.exceptions import CosmosHttpResponseError

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from tests.conformance.azure.cosmos.conftest import ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.cosmos import ContainerProxy, DatabaseProxy

    from fogbank.testing.server import ThreadedServer

POLICY = {"defaultLanguage": "en-US", "fullTextPaths": [{"path": "/text", "language": "en-US"}]}
INDEXING = {"includedPaths": [{"path": "/*"}], "fullTextIndexes": [{"path": "/text"}]}
TEXTS = [
    "Red bicycles for mountain trails",
    "A bicycle, another bicycle, and a third bicycle",
    "Mountain climbing, a short introduction",
    "The history of trains",
    "A red house",
]


@pytest.fixture
def filled(make: Callable[..., ContainerProxy]) -> ContainerProxy:
    container = make("/pk", full_text_policy=POLICY, indexing_policy=INDEXING)
    for number, text in enumerate(TEXTS):
        item = {"id": str(number), "pk": "ab"[number % 2], "text": text, "n": number, "v": [number, 1]}
        container.create_item(item)
    container.create_item({"id": "none", "pk": "c", "n": 9})
    return container


def ask(container: ContainerProxy, query: str, **settings: Any) -> list[Any]:
    settings.setdefault("enable_cross_partition_query", True)
    parameters = [{"name": "@word", "value": "bicycle"}, {"name": "@v", "value": [3, 1]}]
    return list(container.query_items(query, parameters=parameters, **settings))


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("FullTextContains(c.text, 'bicycle')", ["0", "1"]),
        ("FullTextContains(c.text, 'MOUNTAINS')", ["0", "2"]),
        ("FullTextContains(c.text, 'red bicycle')", ["0"]),
        ("FullTextContains(c.text, 'bicycle red')", []),
        ("FullTextContains(c.text, @word)", ["0", "1"]),
        ("FullTextContains(c.text, 'the')", []),
        ("NOT FullTextContains(c.text, 'a red')", ["1", "2", "3"]),
        ("FullTextContainsAll(c.text, 'red', 'trail')", ["0"]),
        ("FullTextContainsAny(c.text, 'train', 'house', 'nothing')", ["3", "4"]),
        ("FullTextContainsAny(c.text, 'train', 'house') AND c.n < 4", ["3"]),
    ],
)
def test_what_texts_contain(filled: ContainerProxy, condition: str, found: list[str]) -> None:
    assert ask(filled, f"SELECT VALUE c.id FROM c WHERE {condition} ORDER BY c.n") == found


def test_what_fits_best_comes_first(filled: ContainerProxy) -> None:
    query = "SELECT TOP 2 c.id FROM c ORDER BY RANK FullTextScore(c.text, @word)"
    assert ids(ask(filled, query)) == ["1", "0"]
    assert ids(ask(filled, query, max_item_count=1)) == ["1", "0"]
    # The rarer word counts for more.
    assert ids(ask(filled, "SELECT TOP 2 c.id FROM c ORDER BY RANK FullTextScore(c.text, 'trails', 'red')")) == [
        "0",
        "4",
    ]
    query = "SELECT * FROM c WHERE c.n > 0 ORDER BY RANK FullTextScore(c.text, 'mountain') OFFSET 0 LIMIT 1"
    assert ids(ask(filled, query)) == ["2"]
    query = "SELECT TOP 10 VALUE c.id FROM c ORDER BY RANK FullTextScore(c.text, 'bicycle', 'train')"
    assert set(ask(filled, query, partition_key="b", enable_cross_partition_query=False)[:2]) == {"1", "3"}
    assert len(ask(filled, query)) == 6


def test_ranks_that_are_fused(filled: ContainerProxy) -> None:
    texts, vectors = (
        "FullTextScore(c.text, 'bicycle')",
        "VectorDistance(c.v, @v, false, {distanceFunction: 'euclidean'})",
    )
    # By their texts 1, 0 and all others; by their vectors 3, then 2 and 4, then 1, then 0.
    fused = ask(filled, f"SELECT TOP 6 VALUE c.id FROM c ORDER BY RANK RRF({texts}, {vectors})")
    assert fused == ["1", "3", "2", "4", "0", "none"]
    weighted = ask(filled, f"SELECT TOP 2 VALUE c.id FROM c ORDER BY RANK RRF({texts}, {vectors}, [1, 10])")
    assert weighted[0] == "3"
    against = ask(filled, f"SELECT TOP 6 VALUE c.id FROM c ORDER BY RANK RRF({texts}, {vectors}, [0, -1])")
    # What fits worst has the first rank then, and loses most.
    assert against == ["3", "2", "4", "1", "0", "none"]
    both = ask(filled, "SELECT TOP 1 VALUE c.id FROM c ORDER BY RANK RRF(FullTextScore(c.text, 'red'), "
               "FullTextScore(c.text, 'mountain'))")  # fmt: skip
    assert both == ["0"]


async def test_ranks_by_the_client_for_asyncio(server: ThreadedServer, filled: ContainerProxy) -> None:
    query = (
        "SELECT TOP 2 VALUE c.id FROM c WHERE c.n < 4 ORDER BY RANK RRF(FullTextScore(c.text, @word),"
        " VectorDistance(c.v, @v, false, {distanceFunction: 'euclidean'}), [10, 1])"
    )
    parameters: list[dict[str, object]] = [{"name": "@word", "value": "bicycle"}, {"name": "@v", "value": [3, 1]}]
    async with AsyncClient(server.url, EMULATOR_KEY, retry_total=0) as client:
        path = filled.container_link.split("/")
        container = client.get_database_client(path[1]).get_container_client(path[3])
        everywhere = [each async for each in container.query_items(query, parameters=parameters)]
        in_one = [each async for each in container.query_items(query, parameters=parameters, partition_key="b")]
    assert everywhere == ["1", "0"]
    assert in_one == ["1", "3"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT FullTextScore(c.text, 'x') FROM c", "only be used in an ORDER BY RANK clause"),
        ("SELECT * FROM c WHERE RRF(c.a, c.b)", "only be used in an ORDER BY RANK clause"),
        ("SELECT * FROM c ORDER BY RANK c.n", "must be FullTextScore"),
        ("SELECT * FROM c ORDER BY RANK FullTextScore(c.text)", "requires 2 to 31 argument"),
        ("SELECT * FROM c ORDER BY RANK FullTextScore('text', 'x')", "must be a property path"),
        ("SELECT * FROM c ORDER BY RANK FullTextScore(c.text, 5)", "must be text"),
        ("SELECT * FROM c ORDER BY RANK RRF(FullTextScore(c.text, 'x'))", "at least two"),
        ("SELECT * FROM c ORDER BY RANK RRF(FullTextScore(c.text, 'x'), FullTextScore(c.text, 'y'), [1])", "weights"),
        ("SELECT * FROM c ORDER BY RANK RRF(FullTextScore(c.text, 'x'), c.n)", "must be FullTextScore"),
        ("SELECT * FROM c ORDER BY RANK FullTextScore(c.text, 'x') DESC", "incorrect syntax near 'DESC'"),
        ("SELECT * FROM c ORDER BY RANK FullTextScore(c.text, 'x') ASC", "incorrect syntax near 'ASC'"),
        ("SELECT * FROM c ORDER BY RANK FullTextScore(c.text, 'x'), c.n", "incorrect syntax near ','"),
        ("SELECT * FROM c ORDER BY c.n, RANK FullTextScore(c.text, 'x')", "incorrect syntax near 'FullTextScore'"),
        ("SELECT * FROM c ORDER BY FullTextScore(c.text, 'x')", "only be used in an ORDER BY RANK clause"),
        ("SELECT t FROM c JOIN t IN c.tags ORDER BY RANK FullTextScore(t.text, 'x')", "documents themselves"),
        ("SELECT COUNT(1) FROM c ORDER BY RANK FullTextScore(c.text, 'x')", "not supported in presence of aggregates"),
        ("SELECT * FROM c WHERE FullTextContains(c.text, {term: 'x', distance: 1})", "fuzzy search"),
    ],
)
def test_searches_that_are_refused(filled: ContainerProxy, query: str, words: str) -> None:
    with pytest.raises(CosmosHttpResponseError, match=words) as error:
        ask(filled, query)
    assert error.value.status_code == 400


def test_a_property_may_be_called_rank(container: ContainerProxy) -> None:
    for number in (2, 1):
        container.create_item({"id": str(number), "pk": "a", "rank": number})
    assert ask(container, "SELECT VALUE c.rank FROM c ORDER BY c.rank") == [1, 2]
    assert ask(container, "SELECT VALUE rank.rank FROM rank ORDER BY rank.rank") == [1, 2]


def test_policies_of_texts(database: DatabaseProxy, make: Callable[..., ContainerProxy]) -> None:
    container = make("/pk", full_text_policy=POLICY, indexing_policy=INDEXING)
    assert container.read()["fullTextPolicy"] == POLICY
    assert container.read()["indexingPolicy"]["fullTextIndexes"] == [{"path": "/text"}]
    more = {"fullTextPaths": [{"path": "/text"}, {"path": "/other"}]}
    database.replace_container(container, PartitionKey("/pk"), full_text_policy=more, indexing_policy=INDEXING)
    assert [each["path"] for each in container.read()["fullTextPolicy"]["fullTextPaths"]] == ["/text", "/other"]
    assert container.read()["fullTextPolicy"]["defaultLanguage"] == "en-US"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"full_text_policy": {"defaultLanguage": "fr-FR"}}, "does not support the language 'fr-FR'"),
        ({"full_text_policy": {"fullTextPaths": [{"path": "text"}]}}, "could not be accepted"),
        ({"full_text_policy": {"fullTextPaths": [{"path": "/a"}, {"path": "/a"}]}}, "more than once"),
        ({"full_text_policy": {"stopWords": ["x"]}}, "does not support the member stopWords"),
        ({"indexing_policy": INDEXING}, "does not match the path specified in the Full Text Policy"),
    ],
)
def test_policies_that_are_refused(make: Callable[..., ContainerProxy], settings: Any, words: str) -> None:
    with pytest.raises(CosmosHttpResponseError, match=words) as error:
        make("/pk", **settings)
    assert error.value.status_code == 400
