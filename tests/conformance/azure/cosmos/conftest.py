"""Cosmos DB's own client, and databases and containers of a test's own."""

from __future__ import annotations

import itertools
import os
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import CosmosClient, PartitionKey

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.cosmos import ContainerProxy, DatabaseProxy

    from fogbank.testing.server import ThreadedServer
    from tests.conformance.azure.conftest import Azure

_numbers = itertools.count(1)
_made: set[str] = set()


def new_name() -> str:
    return f"d-{os.getpid()}-{next(_numbers)}"


@contextmanager
def client_of(server: ThreadedServer, **settings: Any) -> Iterator[CosmosClient]:
    with CosmosClient(server.url, EMULATOR_KEY, retry_total=0, **settings) as made:
        yield made
        # It looks at its endpoints in the background and complains if it is closed meanwhile.
        made.client_connection._global_endpoint_manager._refresh_thread.join()


@pytest.fixture(scope="session")
def client(server: ThreadedServer) -> Iterator[CosmosClient]:
    with client_of(server) as made:
        yield made


@pytest.fixture(scope="session")
def database(client: CosmosClient) -> DatabaseProxy:
    return client.create_database(new_name())


@pytest.fixture
def make(database: DatabaseProxy) -> Callable[..., ContainerProxy]:
    """`make("/pk", ...)` creates a container."""

    def create(*paths: str, **settings: Any) -> ContainerProxy:
        key = PartitionKey(list(paths)) if len(paths) > 1 else PartitionKey(*paths)
        return database.create_container(new_name(), key, **settings)

    return create


@pytest.fixture
def container(make: Callable[..., ContainerProxy]) -> ContainerProxy:
    return make("/pk")


@pytest.fixture
def timed(timed_server: ThreadedServer) -> Iterator[DatabaseProxy]:
    with client_of(timed_server) as client:
        yield client.create_database(new_name())


def refusal(error: pytest.ExceptionInfo[Any]) -> tuple[int, int]:
    """Return the status and the sub-status of a refusal."""
    return error.value.status_code, int(error.value.headers.get("x-ms-substatus", 0))


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item without what the service adds."""
    return {name: value for name, value in item.items() if not name.startswith("_")}


def ids(items: Any) -> list[str]:
    return [item["id"] for item in items]


def fill_names(azure: Azure, name: str) -> str:
    """Return the path of a database that is made, with a container, if it isn't there."""
    with client_of(azure.server) if name not in _made else nullcontext() as client:
        if client is not None:
            database = client.create_database_if_not_exists(name)
            policy = {"uniqueKeys": [{"paths": ["/u"]}]}
            container = database.create_container_if_not_exists("c", PartitionKey("/pk"), unique_key_policy=policy)
            container.upsert_item({"id": "1", "pk": "a"})
            _made.add(name)
    return f"/dbs/{name}"
