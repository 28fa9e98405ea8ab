"""Graphs of Cosmos DB with TinkerPop's own client."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey
from gremlin_python.driver.client import Client
from gremlin_python.driver.protocol import GremlinServerError
from gremlin_python.driver.serializer import GraphSONSerializersV2d0

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from tests.conformance.azure.cosmos.conftest import client_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer

_numbers = itertools.count(1)
MODERN = (
    "g.addV('person').property('id', '1').property('pk', 'a').property('name', 'marko').property('age', 29)",
    "g.addV('person').property('id', '2').property('pk', 'a').property('name', 'vadas').property('age', 27)",
    "g.addV('software').property('id', '3').property('pk', 'b').property('name', 'lop').property('lang', 'java')",
    "g.addV('person').property('id', '4').property('pk', 'b').property('name', 'josh').property('age', 32)",
    "g.addV('software').property('id', '5').property('pk', 'c').property('name', 'ripple').property('lang', 'java')",
    "g.addV('person').property('id', '6').property('pk', 'c').property('name', 'peter').property('age', 35)",
    "g.V('1').addE('knows').to(g.V('2')).property('weight', 0.5).property('id', '7')",
    "g.V('1').addE('knows').to(g.V('4')).property('weight', 1.0).property('id', '8')",
    "g.V('1').addE('created').to(g.V('3')).property('weight', 0.4).property('id', '9')",
    "g.V('4').addE('created').to(g.V('5')).property('weight', 1.0).property('id', '10')",
    "g.V('4').addE('created').to(g.V('3')).property('weight', 0.4).property('id', '11')",
    "g.V('6').addE('created').to(g.V('3')).property('weight', 0.2).property('id', '12')",
)


class Graph:
    """A graph of the test's own. Called with a text, it returns the traversal's results."""

    def __init__(
        self, server: ThreadedServer, database: str, graph: str, key: str = EMULATOR_KEY, host: str = ""
    ) -> None:
        self.path = f"/dbs/{database}/colls/{graph}"
        url = server.url.replace("http", "ws") + "/gremlin"
        headers = {"Host": host} if host else None
        self.client = Client(
            url, "g", username=self.path, password=key, message_serializer=GraphSONSerializersV2d0(), pool_size=1,
            max_workers=1, headers=headers,
        )  # fmt: skip

    def __call__(self, text: str, bindings: dict[str, Any] | None = None, **options: Any) -> list[Any]:
        return self.client.submit(text, bindings, options or None).all().result(30)

    def refused(self, text: str, bindings: dict[str, Any] | None = None) -> tuple[int, int, str]:
        """Return the codes and the message that a traversal is refused with."""
        with pytest.raises(GremlinServerError) as error:
            self(text, bindings)
        return error.value.status_code, error.value.status_attributes["x-ms-status-code"], str(error.value)


def new_graph(server: ThreadedServer, pk: str = "/pk", **settings: Any) -> Graph:
    name = f"graph-{os.getpid()}-{next(_numbers)}"
    with client_of(server) as client:
        client.create_database(name).create_container("g", PartitionKey(pk), **settings)
    return Graph(server, name, "g")


@pytest.fixture
def graph(server: ThreadedServer) -> Iterator[Graph]:
    made = new_graph(server)
    yield made
    made.client.close()


@pytest.fixture(scope="module")
def modern(server: ThreadedServer) -> Iterator[Graph]:
    """The toy graph of TinkerPop's documentation, which tests only read."""
    made = new_graph(server)
    for text in MODERN:
        made(text)
    yield made
    made.client.close()
