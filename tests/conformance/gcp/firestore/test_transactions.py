"""Transactions: what was read must be as it was.

Where a transaction's own client changes meanwhile what it has read, the database is optimistic: in a pessimistic one
the change would wait for the transaction's end (`test_locks`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions
from google.cloud import firestore

from tests.conformance.gcp.firestore.conftest import ids, where

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer


def test_a_transaction_reads_and_writes(db: Any) -> None:
    one, two = db.document("a/1"), db.document("a/2")
    one.set({"n": 5})

    @firestore.transactional
    def move(transaction: Any) -> int:
        n = one.get(transaction=transaction).get("n")
        assert not two.get(transaction=transaction).exists
        transaction.update(one, {"n": n - 3})
        transaction.create(two, {"n": 3})
        return int(n)

    assert move(db.transaction()) == 5
    assert (one.get().get("n"), two.get().get("n")) == (2, 3)


def test_it_is_run_again_when_a_document_has_changed(optimistic_db: Any) -> None:
    db, document = optimistic_db, optimistic_db.document("a/1")
    document.set({"n": 1})
    attempts = []

    @firestore.transactional
    def add(transaction: Any) -> None:
        n = document.get(transaction=transaction).get("n")
        attempts.append(n)
        if len(attempts) == 1:
            document.set({"n": 10})
        transaction.update(document, {"n": n + 1})

    add(db.transaction())
    assert attempts == [1, 10]
    assert document.get().get("n") == 11


def test_it_is_run_again_when_a_query_finds_something_else(db: Any) -> None:
    # A document that nobody has read yet isn't locked.
    rooms = db.collection("rooms")
    rooms.document("a").set({"free": True})
    attempts = []

    @firestore.transactional
    def book(transaction: Any) -> None:
        free = ids(where(rooms, ("free", "==", True)).stream(transaction=transaction))
        attempts.append(free)
        if len(attempts) == 1:
            rooms.document("b").set({"free": True})
        transaction.set(db.document("counts/free"), {"n": len(free)})

    book(db.transaction())
    assert attempts == [["a"], ["a", "b"]]
    assert db.document("counts/free").get().get("n") == 2


def test_contention_is_given_up_after_some_attempts(optimistic_db: Any) -> None:
    db, document = optimistic_db, optimistic_db.document("a/1")
    document.set({"n": 0})

    @firestore.transactional
    def add(transaction: Any) -> None:
        n = document.get(transaction=transaction).get("n")
        document.set({"n": n + 1})
        transaction.update(document, {"n": n + 1})

    transaction = db.transaction(max_attempts=1)
    with pytest.raises(ValueError, match="Failed to commit transaction in 1 attempts") as raised:
        add(transaction)
    assert isinstance(raised.value.__cause__, exceptions.Aborted)
    assert "Too much contention on these documents" in str(raised.value.__cause__)


def test_many_at_once_lose_nothing(db: Any) -> None:
    document = db.document("a/1")
    document.set({"n": 0})

    def add_one(_: int) -> None:
        @firestore.transactional
        def add(transaction: Any) -> None:
            transaction.update(document, {"n": document.get(transaction=transaction).get("n") + 1})

        add(db.transaction(max_attempts=50))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_one, range(12)))
    assert document.get().get("n") == 12


def test_reading_only(db: Any) -> None:
    document = db.document("a/1")
    document.set({"n": 1})
    transaction = db.transaction(read_only=True)
    transaction._begin()
    assert document.get(transaction=transaction).get("n") == 1
    document.set({"n": 2})
    db.document("a/2").set({"n": 2})
    # It goes on seeing what was there when it began.
    assert document.get(transaction=transaction).get("n") == 1
    assert ids(db.collection("a").stream(transaction=transaction)) == ["1"]
    transaction._rollback()
    with pytest.raises(exceptions.InvalidArgument, match="Invalid transaction"):
        db._firestore_api.rollback(request={"database": db._database_string, "transaction": b"nobody's"})


def test_a_transaction_that_is_over_is_not_there_again(db: Any) -> None:
    def commit(key: bytes) -> None:
        db._firestore_api.commit(request={"database": db._database_string, "transaction": key})

    transaction = db.transaction()
    transaction._begin()
    key = transaction.id
    commit(key)
    with pytest.raises(exceptions.InvalidArgument, match="expired or is no longer valid"):
        commit(key)
    transaction = db.transaction()
    transaction._begin()
    key = transaction.id
    transaction._rollback()
    with pytest.raises(exceptions.InvalidArgument, match="expired or is no longer valid"):
        db._firestore_api.get_document(request={"name": f"{db._database_string}/documents/a/1", "transaction": key})
    # What another server began may go on there: clients are to begin anew.
    with pytest.raises(exceptions.Aborted, match="expired or is no longer valid"):
        commit(key[: -len(b"00")] + (b"01" if key.endswith(b"00") else b"00"))
    with pytest.raises(exceptions.InvalidArgument, match="Invalid transaction"):
        commit(b"fogbank-x")


def test_a_transaction_that_does_nothing_ends_after_a_minute(timed_db: Any, timed_server: ThreadedServer) -> None:
    document = timed_db.document("a/1")
    document.set({"n": 1})
    transaction = timed_db.transaction()
    transaction._begin()
    for _ in range(4):
        timed_server.advance(50)
        document.get(transaction=transaction)
    timed_server.advance(61)
    with pytest.raises(exceptions.InvalidArgument, match="expired or is no longer valid"):
        document.get(transaction=transaction)
