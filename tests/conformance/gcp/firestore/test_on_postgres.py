"""Firestore on PostgreSQL, with two servers on one database."""

from __future__ import annotations

import pytest
from google.api_core import exceptions

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.gcp.firestore.conftest import connect, ids, where
from tests.conformance.gcp.firestore.test_listen import Snapshots


def test_two_servers_have_the_same_documents(postgres_url: str, project: str) -> None:
    settings = Settings(port=0, database=postgres_url)
    with (
        ThreadedServer(settings) as one,
        ThreadedServer(settings) as two,
        connect(one.url, project) as first,
        connect(two.url, project) as second,
    ):
        snapshots = Snapshots()
        watch = where(second.collection("rooms"), ("n", ">", 1)).on_snapshot(snapshots)
        assert snapshots.changes() == []
        rooms = first.collection("rooms")
        for name, n in (("a", 1), ("b\x00c", 2)):
            rooms.document(name).set({"n": n, "tags": [n, str(n)]})
        assert snapshots.changes() == [("ADDED", "b\x00c")]
        rooms.document("c").set({"n": 3, "tags": ["x"]})
        assert snapshots.changes() == [("ADDED", "c")]
        found = where(second.collection("rooms"), ("n", ">=", 2)).order_by("n", direction="DESCENDING")
        assert ids(found.stream()) == ["c", "b\x00c"]
        assert ids(where(second.collection("rooms"), ("tags", "array_contains", "x")).stream()) == ["c"]
        assert ids(second.collections()) == ["rooms"]
        transaction = second.transaction(read_only=True)
        transaction._begin()
        then = rooms.document("c").get().read_time
        first.document("halls/x/doors/1").set({})
        rooms.document("a").delete()
        assert second.collection("rooms").document("a").get(transaction=transaction).exists
        assert not second.collection("rooms").document("a").get().exists
        assert ids(second.collections()) == ["halls", "rooms"]
        assert ids(second.collections(read_time=then)) == ["rooms"]
        assert ids(second.collection("rooms").list_documents(read_time=then)) == ["a", "b\x00c", "c"]
        # A transaction of the other server is none here, so that clients begin anew.
        transaction = first.transaction()
        transaction._begin()
        with pytest.raises(exceptions.Aborted, match="no longer valid"):
            second.document("rooms/a").get(transaction=transaction)
        watch.unsubscribe()
