"""Listeners: snapshots of documents, collections and queries, and the protocol below."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud.firestore_v1 import types

from tests.conformance.gcp.firestore.conftest import connect, where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.testing.server import ThreadedServer

SECONDS = 5


class Snapshots:
    """What `on_snapshot` has called back with."""

    def __init__(self) -> None:
        self._got: queue.Queue[tuple[list[Any], list[Any]]] = queue.Queue()

    def __call__(self, documents: Any, changes: Any, _read_time: Any) -> None:
        self._got.put((list(documents), list(changes)))

    def changes(self) -> list[tuple[str, str]]:
        """The changes of the next snapshot: kinds and ids."""
        return [(each.type.name, each.document.id) for each in self._got.get(timeout=SECONDS)[1]]

    def documents(self) -> list[tuple[str, Any]]:
        """The documents of the next snapshot."""
        return [(each.id, each.to_dict()) for each in self._got.get(timeout=SECONDS)[0]]


@pytest.fixture
def watch() -> Iterator[Callable[[Any], Snapshots]]:
    watches = []

    def start(watched: Any) -> Snapshots:
        snapshots = Snapshots()
        watches.append(watched.on_snapshot(snapshots))
        return snapshots

    yield start
    for each in watches:
        each.unsubscribe()


def test_a_document(db: Any, watch: Callable[[Any], Snapshots]) -> None:
    document = db.document("a/1")
    snapshots = watch(document)
    assert snapshots.documents() == []
    document.set({"n": 1})
    assert snapshots.documents() == [("1", {"n": 1})]
    db.document("a/2").set({})
    document.update({"n": 2})
    assert snapshots.documents() == [("1", {"n": 2})]
    document.delete()
    assert snapshots.documents() == []


def test_a_query(db: Any, watch: Callable[[Any], Snapshots]) -> None:
    rooms = db.collection("rooms")
    rooms.document("a").set({"free": True, "n": 1})
    rooms.document("b").set({"free": False, "n": 2})
    snapshots = watch(where(rooms, ("free", "==", True)))
    assert snapshots.changes() == [("ADDED", "a")]
    batch = db.batch()
    batch.update(rooms.document("a"), {"n": 5})
    batch.update(rooms.document("b"), {"free": True})
    batch.set(rooms.document("c"), {"free": False})
    batch.set(db.document("rooms/a/rooms/d"), {"free": True})
    batch.commit()
    # One commit is one snapshot.
    assert sorted(snapshots.changes()) == [("ADDED", "b"), ("MODIFIED", "a")]
    rooms.document("a").update({"free": False})
    assert snapshots.changes() == [("REMOVED", "a")]
    rooms.document("b").delete()
    assert snapshots.changes() == [("REMOVED", "b")]


def test_the_first_of_a_query(db: Any, watch: Callable[[Any], Snapshots]) -> None:
    scores = db.collection("scores")
    for name, points in (("a", 10), ("b", 20), ("c", 30)):
        scores.document(name).set({"points": points})
    snapshots = watch(scores.order_by("points", direction="DESCENDING").limit(2))
    assert sorted(name for name, _ in snapshots.documents()) == ["b", "c"]
    scores.document("a").update({"points": 25})
    assert sorted(snapshots.changes()) == [("ADDED", "a"), ("REMOVED", "b")]
    scores.document("c").delete()
    assert sorted(snapshots.changes()) == [("ADDED", "b"), ("REMOVED", "c")]


def test_a_collection_group(db: Any, watch: Callable[[Any], Snapshots]) -> None:
    snapshots = watch(db.collection_group("notes"))
    assert snapshots.changes() == []
    db.document("a/1/notes/x").set({})
    assert snapshots.changes() == [("ADDED", "x")]


class Stream:
    """A stream of the protocol: requests in, answers out."""

    def __init__(self, db: Any) -> None:
        self._requests: queue.Queue[Any] = queue.Queue()
        self._database = db._database_string
        self._listen = db._firestore_api.listen
        self._answers: Any = None

    def add(self, number: int, **target: Any) -> None:
        add = {"target_id": number, **target}
        self._requests.put(types.ListenRequest(database=self._database, add_target=add))

    def remove(self, number: int) -> None:
        self._requests.put(types.ListenRequest(database=self._database, remove_target=number))

    def next(self) -> Any:
        if self._answers is None:
            # The client waits for the first answer at once.
            self._answers = self._listen(iter(self._requests.get, None), metadata=[("x-test", "1")], timeout=SECONDS)
        return next(self._answers)

    def told(self) -> list[str]:
        """What is told up to the next time: kinds, with names of documents or ids of targets."""
        said = []
        while True:
            answer = self.next()
            change = answer.target_change
            if "target_change" in answer and not change.target_ids:
                self.token, self.time = change.resume_token, change.read_time
                return said
            if "target_change" in answer:
                said.append(f"{change.target_change_type.name} {change.target_ids[0]}")
            elif "filter" in answer:
                said.append(f"filter {answer.filter.count}")
            else:
                kind = answer._pb.WhichOneof("response_type")
                part = getattr(answer, kind)
                name = part.document.name if kind == "document_change" else part.document
                said.append(f"{kind} {name.rpartition('/')[2]}")

    def close(self) -> None:
        self._requests.put(None)
        if self._answers is not None:
            self._answers.cancel()


@pytest.fixture
def stream(db: Any) -> Iterator[Stream]:
    made = Stream(db)
    yield made
    made.close()


def _query(db: Any, collection: str) -> dict[str, Any]:
    query = types.StructuredQuery(from_=[{"collection_id": collection}])
    return {"query": {"parent": f"{db._database_string}/documents", "structured_query": query}}


def test_several_targets_on_a_stream(db: Any, stream: Stream) -> None:
    db.document("a/1").set({})
    stream.add(7, **_query(db, "a"))
    assert stream.told() == ["ADD 7", "document_change 1", "CURRENT 7"]
    stream.add(9, documents={"documents": [f"{db._database_string}/documents/b/{each}" for each in "12"]})
    assert stream.told() == ["ADD 9", "document_delete 1", "document_delete 2", "CURRENT 9"]
    db.document("b/1").set({})
    assert stream.told() == ["document_change 1"]
    stream.remove(9)
    assert stream.next().target_change.target_change_type.name == "REMOVE"
    db.document("b/1").delete()
    db.document("a/2").set({})
    assert stream.told() == ["document_change 2"]


def test_going_on_from_a_token(db: Any, stream: Stream) -> None:
    for name in "1234":
        db.document(f"a/{name}").set({"n": 1})
    stream.add(1, **_query(db, "a"))
    stream.told()
    stream.close()
    db.document("a/2").update({"n": 2})
    db.document("a/3").delete()
    db.document("a/5").set({})
    again = Stream(db)
    again.add(1, **_query(db, "a"), resume_token=stream.token)
    told = again.told()
    assert told == ["ADD 1", "document_remove 3", "document_change 2", "document_change 5", "filter 4", "CURRENT 1"]
    again.close()
    once = Stream(db)
    once.add(1, **_query(db, "a"), read_time=again.time, once=True)
    assert once.told() == ["ADD 1", "filter 4", "CURRENT 1"]
    assert once.next().target_change.target_change_type.name == "REMOVE"
    once.close()


def test_a_token_that_is_too_old(timed_db: Any, timed_server: ThreadedServer) -> None:
    timed_db.document("a/1").set({})
    stream = Stream(timed_db)
    stream.add(1, **_query(timed_db, "a"))
    stream.told()
    stream.close()
    timed_server.advance(3_700)
    timed_db.document("a/1").update({"n": 1})
    again = Stream(timed_db)
    again.add(1, **_query(timed_db, "a"), resume_token=stream.token)
    assert again.told() == ["ADD 1", "RESET 1", "document_change 1", "CURRENT 1"]
    # A quiet stream is told the time.
    timed_server.advance(60)
    assert again.told() == []
    again.close()


def test_a_target_that_is_wrong(db: Any, stream: Stream) -> None:
    stream.add(3, **_query(db, "__a__"))
    refused = stream.next().target_change
    assert (refused.target_change_type.name, refused.cause.code) == ("REMOVE", 3)
    stream.add(4, **_query(db, "a"))
    assert stream.told() == ["ADD 4", "CURRENT 4"]


def test_everything_is_cleared(
    db: Any, server: ThreadedServer, project: str, watch: Callable[[Any], Snapshots]
) -> None:
    import urllib.request

    db.document("a/1").set({})
    snapshots = watch(db.collection("a"))
    assert snapshots.changes() == [("ADDED", "1")]
    url = f"{server.url}/emulator/v1/projects/{project}/databases/(default)/documents"
    urllib.request.urlopen(urllib.request.Request(url, method="DELETE")).close()
    assert snapshots.changes() == [("REMOVED", "1")]
    with connect(server.url, project) as other:
        other.document("a/2").set({})
    assert snapshots.changes() == [("ADDED", "2")]


def test_going_on_after_a_reset(timed_db: Any, timed_server: ThreadedServer, watch: Callable[[Any], Snapshots]) -> None:
    timed_db.document("a/1").set({})
    snapshots = watch(timed_db.collection("a"))
    assert snapshots.changes() == [("ADDED", "1")]
    timed_server.reset()
    assert snapshots.changes() == [("REMOVED", "1")]
    timed_db.document("a/2").set({})
    assert snapshots.changes() == [("ADDED", "2")]


def test_the_first_of_a_query_while_much_is_written(db: Any, stream: Stream) -> None:
    query = _query(db, "a")
    query["query"]["structured_query"].order_by = [{"field": {"field_path": "n"}, "direction": "DESCENDING"}]
    query["query"]["structured_query"].limit = 1
    stream.add(1, **query)
    assert stream.told() == ["ADD 1", "CURRENT 1"]
    told = []
    for number in range(30):
        db.document(f"a/{number}").set({"n": number})
    while "document_change 29" not in told:
        told += stream.told()
    # Each that came was taken away, but for the last.
    came = [each.rpartition(" ")[2] for each in told if each.startswith("document_change")]
    assert [each.rpartition(" ")[2] for each in told if each.startswith("document_remove")] == came[:-1]
