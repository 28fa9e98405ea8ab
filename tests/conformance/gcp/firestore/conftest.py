"""Firestore through Google's own client, each test in a project of its own."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.cloud import firestore
from google.cloud.firestore_admin_v1 import FirestoreAdminClient
from google.cloud.firestore_v1.base_query import FieldFilter

from tests.conformance.gcp.test_event_triggers import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer


@contextlib.contextmanager
def emulated(url: str) -> Iterator[None]:
    """Have Google's clients that are made meanwhile talk to a server."""
    before = os.environ.get("FIRESTORE_EMULATOR_HOST")
    os.environ["FIRESTORE_EMULATOR_HOST"] = url.removeprefix("http://")
    try:
        yield
    finally:
        if before is None:
            del os.environ["FIRESTORE_EMULATOR_HOST"]
        else:
            os.environ["FIRESTORE_EMULATOR_HOST"] = before


@contextlib.contextmanager
def connect(url: str, project: str, database: str | None = None) -> Iterator[Any]:
    """A client of a server."""
    with emulated(url):
        made = firestore.Client(project=project, database=database)
        # The channel is made with the first call, which looks at the environment.
        _ = made._firestore_api
    yield made
    made.close()


@pytest.fixture
def db(server: ThreadedServer, project: str) -> Iterator[Any]:
    with connect(server.url, project) as made:
        yield made


@pytest.fixture
def timed_db(timed_server: ThreadedServer, project: str) -> Iterator[Any]:
    """A client of a server whose clock stands."""
    with connect(timed_server.url, project) as made:
        yield made


def set_concurrency(url: str, project: str, mode: str) -> None:
    """Have transactions of a project's default database meet others in a mode from now on."""
    with grpc.insecure_channel(url.removeprefix("http://")) as channel:
        admin = FirestoreAdminClient(transport=FirestoreAdminClient.get_transport_class("grpc")(channel=channel))
        database = {"name": f"projects/{project}/databases/(default)", "concurrency_mode": mode}
        changed = admin.update_database(database=database, update_mask={"paths": ["concurrency_mode"]})
        assert changed.result(timeout=5).concurrency_mode.name == mode


@pytest.fixture
def optimistic_db(db: Any, server: ThreadedServer, project: str) -> Any:
    """A client of a database in which nobody waits for a transaction."""
    set_concurrency(server.url, project, "OPTIMISTIC")
    return db


@pytest.fixture
def cities(db: Any) -> Any:
    """A collection of five cities, as Google's documentation has them."""
    found = db.collection("cities")
    for name, fields in CITIES.items():
        found.document(name).set(fields)
    return found


@pytest.fixture
def world(server: ThreadedServer, project: str) -> Iterator[World]:
    """Where functions tell what they got."""
    made = World(server, project)
    yield made
    made.pubsub.channel.close()


CITIES: dict[str, dict[str, Any]] = {
    "SF": {"name": "San Francisco", "country": "USA", "population": 860_000, "regions": ["west_coast", "norcal"]},
    "LA": {"name": "Los Angeles", "country": "USA", "population": 3_900_000, "regions": ["west_coast", "socal"]},
    "DC": {"name": "Washington D.C.", "country": "USA", "population": 680_000, "regions": ["east_coast"], "capital": 1},
    "TOK": {"name": "Tokyo", "country": "Japan", "population": 9_000_000, "regions": ["kanto", "honshu"], "capital": 1},
    "BJ": {"name": "Beijing", "country": "China", "population": 21_500_000, "regions": ["jingjinji"], "capital": 1},
}


def ids(found: Any) -> list[str]:
    """The ids of what a query finds, in its order."""
    return [each.id for each in found]


def where(query: Any, *filters: tuple[str, str, Any]) -> Any:
    """Add comparisons to a query."""
    for path, operator, value in filters:
        query = query.where(filter=FieldFilter(path, operator, value))
    return query
