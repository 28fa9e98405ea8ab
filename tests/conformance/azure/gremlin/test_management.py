"""Accounts, databases and graphs made with Microsoft's own management client, and PostgreSQL."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import RetryPolicy
from azure.mgmt.cosmosdb import CosmosDBManagementClient

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.azure.conftest import GROUP, LOCATION, Credential
from tests.conformance.azure.gremlin.conftest import Graph, new_graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conformance.azure.conftest import Azure

_numbers = itertools.count(1)


@pytest.fixture
def management(azure: Azure) -> Iterator[CosmosDBManagementClient]:
    with CosmosDBManagementClient(
        Credential(), azure.subscription, base_url=azure.server.url, polling_interval=0,
        retry_policy=RetryPolicy.no_retries(),
    ) as made:  # fmt: skip
        yield made


def test_databases_and_graphs(management: CosmosDBManagementClient, server: ThreadedServer) -> None:
    plain: dict[str, Any] = {"enforce_https": False}
    account = f"graphs-{os.getpid()}-{next(_numbers)}"
    made = management.database_accounts.begin_create_or_update(
        GROUP, account,
        {"location": LOCATION, "kind": "GlobalDocumentDB", "properties": {
            "databaseAccountOfferType": "Standard", "locations": [{"locationName": LOCATION, "failoverPriority": 0}],
            "capabilities": [{"name": "EnableGremlin"}],
        }}, **plain,
    ).result()  # fmt: skip
    assert [each.name for each in made.capabilities] == ["EnableGremlin"]
    gremlin = management.gremlin_resources
    where = (GROUP, account, "db")
    database = {"location": LOCATION, "properties": {"resource": {"id": "db"}, "options": {"throughput": 500}}}
    made = gremlin.begin_create_update_gremlin_database(*where, database, **plain).result()
    assert made.resource.id == "db"
    assert made.type == "Microsoft.DocumentDB/databaseAccounts/gremlinDatabases"
    graph = {"location": LOCATION, "properties": {
        "resource": {"id": "g", "partitionKey": {"paths": ["/pk"], "kind": "Hash"}, "defaultTtl": 100},
        "options": {"autoscaleSettings": {"maxThroughput": 4000}},
    }}  # fmt: skip
    made = gremlin.begin_create_update_gremlin_graph(*where, "g", graph, **plain).result()
    assert (made.resource.id, made.resource.partition_key.paths, made.resource.default_ttl) == ("g", ["/pk"], 100)
    graph["properties"]["resource"]["defaultTtl"] = 200
    assert gremlin.begin_create_update_gremlin_graph(*where, "g", graph, **plain).result().resource.default_ttl == 200
    assert [each.name for each in gremlin.list_gremlin_databases(GROUP, account, **plain)] == ["db"]
    assert [each.name for each in gremlin.list_gremlin_graphs(*where, **plain)] == ["g"]
    assert gremlin.get_gremlin_database_throughput(*where, **plain).resource.throughput == 500
    settings = gremlin.get_gremlin_graph_throughput(*where, "g", **plain).resource.autoscale_settings
    assert settings.max_throughput == 4000
    more = {"location": LOCATION, "properties": {"resource": {"throughput": 600}}}
    assert gremlin.begin_update_gremlin_database_throughput(*where, more, **plain).result().resource.throughput == 600

    keys = management.database_accounts.list_keys(GROUP, account, **plain)
    host = f"{account}.gremlin.localhost:{urlsplit(server.url).port}"
    use = Graph(server, "db", "g", keys.primary_master_key, host)
    use("g.addV('a').property('pk', 'x')")
    assert use("g.V().count()") == [1]
    reader = Graph(server, "db", "g", keys.primary_readonly_master_key, host)
    assert reader("g.V().count()") == [1]
    assert reader.refused("g.V().drop()")[:2] == (500, 403)
    reader.client.close()
    gremlin.begin_delete_gremlin_graph(*where, "g", **plain).result()
    assert use.refused("g.V()")[:2] == (500, 404)
    use.client.close()
    with pytest.raises(ResourceNotFoundError):
        gremlin.get_gremlin_graph(*where, "g", **plain)
    for path in ("/id", "/label", "/a/b"):
        graph["properties"]["resource"]["partitionKey"]["paths"] = [path]
        with pytest.raises(HttpResponseError) as error:
            gremlin.begin_create_update_gremlin_graph(*where, "g", graph, **plain).result()
        assert error.value.status_code == 400
    gremlin.begin_delete_gremlin_database(*where, **plain).result()
    assert list(gremlin.list_gremlin_databases(GROUP, account, **plain)) == []


def test_graphs_on_postgres(postgres_url: str) -> None:
    settings = Settings(port=0, database=postgres_url)
    with ThreadedServer(settings) as one, ThreadedServer(settings) as other:
        here = new_graph(one)
        _, _, database, _, name = here.path.split("/")
        there = Graph(other, database, name)
        here("g.addV('a').property('pk', 'é').property('id', '1').property(list, 'n', 1).property(list, 'n', 2)")
        there("g.addV('b').property('pk', 'y').property('id', '2').addE('to').to(V('1')).property('w', 0.5)")
        assert here("g.V('1').in('to').values('pk')") == ["y"]
        assert there("g.V('1').values('n').sum()") == [3]
        here("g.V('1').drop()")
        assert there("g.E().count()") == [0]
        here.client.close()
        there.client.close()
