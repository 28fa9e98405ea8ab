"""Plans for hybrid searches, which clients put together themselves when they ask for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos._execution_context import execution_dispatcher
from azure.cosmos._execution_context.aio import execution_dispatcher as execution_dispatcher_async
from azure.cosmos.aio import CosmosClient as AsyncClient
from azure.cosmos.exceptions import CosmosHttpResponseError

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from tests.conformance.azure.cosmos.conftest import new_name

if TYPE_CHECKING:
    from azure.cosmos import ContainerProxy, DatabaseProxy

    from fogbank.testing.server import ThreadedServer

    Filled = tuple[DatabaseProxy, ContainerProxy]

TEXTS = [
    "Red bicycles for mountain trails",
    "A bicycle, another bicycle, and a third bicycle",
    "Mountain climbing, a short introduction to mountain huts",
    "The history of trains and of bicycle tours, told for children",
    "A red house",
    "Bicycle (red); the 'order by rank' of it: {cheap}",
]
WORDS = "FullTextScore(c.text, 'bicycle', @word)"
RED = 'FullTextScore(c.text, "red")'
NEAR = "VectorDistance(c.v, @v, false, {distanceFunction: 'euclidean'})"
PARAMETERS: list[dict[str, object]] = [
    {"name": "@word", "value": "mountain"}, {"name": "@v", "value": [3, 1]}, {"name": "@w", "value": [1, 3]},
    {"name": "@top", "value": 3},
]  # fmt: skip
QUERIES = [
    f"SELECT TOP 4 c.id, c.n AS number FROM c ORDER BY RANK {WORDS}",
    f"SELECT TOP 4 c.id FROM c ORDER BY RANK RRF({WORDS}, {NEAR})",
    f"SELECT TOP @top * FROM root AS r ORDER BY RANK RRF({NEAR}, {WORDS}, {RED})".replace("c.", "r."),
    f"SELECT TOP 4 VALUE {{a: c.id}} FROM c WHERE c.order > 0 OR (c.n = 0) ORDER BY RANK RRF({WORDS}, {NEAR}, [2, 1])",
    f"SELECT c.id FROM c WHERE FullTextContains(c.text, 'red') ORDER BY RANK RRF({WORDS}, {NEAR}, @w) OFFSET 1 LIMIT 2",
    f"SELECT TOP 3 c.id FROM c ORDER BY RANK RRF({WORDS}, {NEAR}, [1, -1])",
    f"SELECT TOP 3 c.id FROM c ORDER BY RANK RRF({NEAR}, VectorDistance(c.other, [1, 0]), [2, 1])",
    f"SELECT TOP 3 c.id FROM c ORDER BY RANK {NEAR}",
    f"SELECT TOP 3 c.id FROM c WHERE c.n > 100 ORDER BY RANK RRF({WORDS}, {NEAR})",
]


@pytest.fixture(scope="module")
def filled(client: Any) -> Filled:
    database = client.create_database(new_name())
    container = database.create_container("c", {"paths": ["/pk"], "kind": "Hash"})
    for number, text in enumerate(TEXTS):
        vector = [number * number, 1]
        item = {"id": str(number), "pk": "ab"[number % 2], "text": text, "n": number, "order": number, "v": vector}
        container.create_item({**item, "other": [number + 1, 3 * number]})
    return database, container


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the client ask for a plan before it asks anything else, as it does where Azure refuses the query."""
    kind, other = execution_dispatcher._ProxyQueryExecutionContext, execution_dispatcher_async
    plain, plain_async = kind.fetch_next_block, other._ProxyQueryExecutionContext.fetch_next_block

    def fetch(self: Any) -> Any:
        if not self._fetched_query_plan and "RANK" in str(self._query):
            self._create_execution_context_with_query_plan()
        return plain(self)

    async def fetch_async(self: Any) -> Any:
        if not self._fetched_query_plan and "RANK" in str(self._query):
            await self._create_execution_context_with_query_plan()
        return await plain_async(self)

    monkeypatch.setattr(kind, "fetch_next_block", fetch)
    monkeypatch.setattr(other._ProxyQueryExecutionContext, "fetch_next_block", fetch_async)


def plan_of(container: ContainerProxy, query: str) -> Any:
    connection = container.client_connection
    return connection._GetQueryPlanThroughGateway({"query": query, "parameters": PARAMETERS}, container.container_link)


def ask(container: ContainerProxy, query: str) -> list[Any]:
    return list(container.query_items(query, parameters=PARAMETERS, enable_cross_partition_query=True))


@pytest.mark.parametrize("query", QUERIES)
def test_clients_find_what_the_server_finds(filled: Filled, query: str, request: pytest.FixtureRequest) -> None:
    _database, container = filled
    wanted = ask(container, query)
    assert wanted or "100" in query
    request.getfixturevalue("planned")
    assert ask(container, query) == wanted


@pytest.mark.usefixtures("planned")
async def test_the_client_for_asyncio(server: ThreadedServer, filled: Filled) -> None:
    database, container = filled
    async with AsyncClient(server.url, EMULATOR_KEY, retry_total=0) as client:
        other = client.get_database_client(database.id).get_container_client("c")
        for query in QUERIES:
            found = [each async for each in other.query_items(query, parameters=PARAMETERS)]
            assert found == ask(container, query)
        with pytest.raises(ValueError, match="without TOP or LIMIT"):
            _ = [each async for each in other.query_items(f"SELECT * FROM c ORDER BY RANK {RED}")]


def test_what_a_plan_says(filled: Filled) -> None:
    info = plan_of(filled[1], QUERIES[4])["hybridSearchQueryInfo"]
    assert (info["skip"], info["take"], info["componentWeights"]) == (1, 2, [1, 3])
    assert info["requiresGlobalStatistics"]
    assert [each["orderBy"] for each in info["componentQueryInfos"]] == [["Descending"], ["Descending"]]
    info = plan_of(filled[1], QUERIES[5])["hybridSearchQueryInfo"]
    assert [each["orderBy"] for each in info["componentQueryInfos"]] == [["Descending"], ["Ascending"]]
    assert not plan_of(filled[1], QUERIES[6])["hybridSearchQueryInfo"]["requiresGlobalStatistics"]
    # What clients can't put together comes complete.
    for query in (f"SELECT TOP 1 VALUE c.id FROM c ORDER BY RANK {RED}", "SELECT * FROM c"):
        assert plan_of(filled[1], query)["queryInfo"]["orderBy"] == []


def test_one_partition(filled: Filled, request: pytest.FixtureRequest) -> None:
    query = f"SELECT TOP 3 VALUE {{a: c.id}} FROM c ORDER BY RANK RRF({WORDS}, {NEAR}, [1, 2])"

    def found() -> list[Any]:
        return list(filled[1].query_items(query, parameters=PARAMETERS, partition_key="b"))

    wanted = found()
    assert wanted == [{"a": "1"}, {"a": "3"}, {"a": "5"}]
    request.getfixturevalue("planned")
    assert found() == wanted


@pytest.mark.usefixtures("planned")
def test_what_clients_refuse(filled: Filled) -> None:
    with pytest.raises(ValueError, match="without TOP or LIMIT"):
        ask(filled[1], f"SELECT * FROM c ORDER BY RANK {RED}")
    with pytest.raises(CosmosHttpResponseError, match="The weights of RRF") as error:
        ask(filled[1], f"SELECT TOP 1 * FROM c ORDER BY RANK RRF({RED}, {NEAR}, [1])")
    assert error.value.status_code == 400


@pytest.mark.usefixtures("planned")
def test_a_container_without_items(filled: Filled) -> None:
    container = filled[0].create_container("empty", {"paths": ["/pk"], "kind": "Hash"})
    assert ask(container, QUERIES[1]) == []


def test_how_many_are_so(filled: Filled) -> None:
    query = "SELECT COUNTIF(c.n > 2) AS many, COUNTIF(c.nothing) AS none, c.pk FROM c GROUP BY c.pk"
    assert ask(filled[1], query) == [{"many": 1, "none": 0, "pk": "a"}, {"many": 2, "none": 0, "pk": "b"}]
