"""Pessimistic transactions: whoever writes what one has read waits until it is over.

Google Cloud, "Data contention in transactions"
(https://docs.cloud.google.com/firestore/docs/transaction-data-contention).
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1 import types

from fogbank.clouds.gcp.firestore import locks
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.gcp.firestore.conftest import connect, emulated, ids, set_concurrency, where
from tests.conformance.gcp.firestore.test_rest import call
from tests.conformance.gcp.firestore.test_rules import call as call_as
from tests.conformance.gcp.firestore.test_rules import token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

PATIENCE_SECONDS = 20


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads of clients that wait."""
    with ThreadPoolExecutor(8) as made:
        yield made


def begin(db: Any, **options: Any) -> Any:
    """Begin a transaction."""
    transaction = db.transaction()
    request = {"database": db._database_string, "options": options or {"read_write": {}}}
    transaction._id = db._firestore_api.begin_transaction(request=request).transaction
    return transaction


def read(transaction: Any, *paths: str) -> list[Any]:
    """Read documents in a transaction; returns their fields."""
    db = transaction._client
    return [db.document(path).get(transaction=transaction).to_dict() for path in paths]


def waiting(server: ThreadedServer) -> int:
    """How many commits wait for transactions."""
    return len(server.app._gcp.parts.transactions.locks._waiting)


def until(holds: Callable[[], bool]) -> None:
    """Return once something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def wait_for(server: ThreadedServer, count: int, *futures: Future[Any]) -> None:
    """Return once so many commits wait; none of them may be over."""
    until(lambda: waiting(server) == count or any(each.done() for each in futures))
    assert [result(each) for each in futures if each.done()] == []


def result(future: Future[Any]) -> Any:
    return future.result(timeout=PATIENCE_SECONDS)


def _batch(db: Any) -> Any:
    batch = db.batch()
    batch.set(db.document("b/1"), {})
    batch.update(db.document("a/1"), {"n": 2})
    return batch.commit()


def _batch_write(db: Any) -> Any:
    update = {"name": db.document("a/1")._document_path, "fields": {"n": {"integer_value": 2}}}
    return db._firestore_api.batch_write(request={"database": db._database_string, "writes": [{"update": update}]})


def _update(db: Any) -> Any:
    document = {"name": db.document("a/1")._document_path, "fields": {"n": {"integer_value": 2}}}
    return db._firestore_api.update_document(request={"document": document})


def _stream(db: Any) -> Any:
    update = {"name": db.document("a/1")._document_path, "fields": {"n": {"integer_value": 2}}}
    requests = [{"database": db._database_string}, {"writes": [{"update": update}], "stream_token": b"1"}]
    return list(db._firestore_api.write(requests=iter(types.WriteRequest(each) for each in requests)))


def _transaction(db: Any) -> Any:
    transaction = begin(db)
    transaction.set(db.document("a/1"), {"n": 2})
    return transaction._commit()


@pytest.mark.parametrize("write", [_batch, _batch_write, _update, _stream, _transaction])
def test_a_writer_waits_for_a_transaction(
    db: Any, server: ThreadedServer, pool: ThreadPoolExecutor, write: Callable[[Any], Any]
) -> None:
    db.document("a/1").set({"n": 1})
    transaction = begin(db)
    assert read(transaction, "a/1") == [{"n": 1}]
    writer = pool.submit(write, db)
    wait_for(server, 1, writer)
    # Whoever reads, or writes something else, doesn't wait.
    assert db.document("a/1").get().to_dict() == {"n": 1}
    db.document("a/2").set({})
    transaction.set(db.document("c/1"), {"of": 1})
    transaction._commit()
    result(writer)
    assert db.document("a/1").get().to_dict() == {"n": 2}
    assert db.document("c/1").get().to_dict() == {"of": 1}


def test_what_was_not_there_is_locked_and_a_rollback_releases_it(
    db: Any, server: ThreadedServer, pool: ThreadPoolExecutor
) -> None:
    transaction = begin(db)
    assert read(transaction, "a/1") == [None]
    writer = pool.submit(db.document("a/1").create, {"n": 1})
    wait_for(server, 1, writer)
    transaction._rollback()
    result(writer)
    assert db.document("a/1").get().to_dict() == {"n": 1}


READERS: dict[str, Callable[[Any, Any], Any]] = {
    "query": lambda db, t: ids(where(db.collection("a"), ("n", ">", 0)).stream(transaction=t)),
    "aggregation": lambda db, t: list(where(db.collection("a"), ("n", ">", 0)).count().stream(transaction=t)),
    "list": lambda db, t: list(
        db._firestore_api.list_documents(
            request={"parent": f"{db._database_string}/documents", "collection_id": "a", "transaction": t.id}
        )
    ),
    "get": lambda db, t: db._firestore_api.get_document(
        request={"name": db.document("a/1")._document_path, "transaction": t.id}
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_what_was_found_is_locked(db: Any, server: ThreadedServer, pool: ThreadPoolExecutor, reader: str) -> None:
    db.document("a/1").set({"n": 1})
    db.document("b/1").set({"n": 1})
    transaction = begin(db)
    assert READERS[reader](db, transaction)
    writer = pool.submit(db.document("a/1").delete)
    wait_for(server, 1, writer)
    db.document("b/1").delete()
    transaction._commit()
    result(writer)
    assert not db.document("a/1").get().exists


@pytest.mark.parametrize("mode", [{"read_only": {}}, {"read_write": {"concurrency_mode": "OPTIMISTIC"}}])
def test_some_transactions_lock_nothing(db: Any, mode: dict[str, Any]) -> None:
    db.document("a/1").set({"n": 1})
    transaction = begin(db, **mode)
    read(transaction, "a/1")
    db.document("a/1").set({"n": 2})
    if "read_only" in mode:
        assert read(transaction, "a/1") == [{"n": 1}]
    else:
        with pytest.raises(exceptions.Aborted, match="Too much contention"):
            transaction._commit()


def test_a_database_that_is_optimistic(
    optimistic_db: Any, server: ThreadedServer, project: str, pool: ThreadPoolExecutor
) -> None:
    db = optimistic_db
    db.document("a/1").set({"n": 1})
    transaction = begin(db)
    read(transaction, "a/1")
    db.document("a/1").set({"n": 2})
    with pytest.raises(exceptions.Aborted, match="Too much contention"):
        transaction._commit()
    # A transaction may be the other way.
    transaction = begin(db, read_write={"concurrency_mode": "PESSIMISTIC"})
    read(transaction, "a/1")
    writer = pool.submit(db.document("a/1").set, {"n": 3})
    wait_for(server, 1, writer)
    transaction._rollback()
    result(writer)
    set_concurrency(server.url, project, "PESSIMISTIC")
    transaction = begin(db)
    read(transaction, "a/1")
    writer = pool.submit(db.document("a/1").set, {"n": 4})
    wait_for(server, 1, writer)
    transaction._rollback()
    result(writer)


@pytest.mark.parametrize("retried", [False, True])
def test_of_two_that_wait_for_each_other_the_younger_is_aborted(
    db: Any, server: ThreadedServer, pool: ThreadPoolExecutor, retried: bool
) -> None:
    given_up = begin(db)
    given_up._rollback_id = given_up.id
    given_up._rollback()
    first, second = begin(db), begin(db, read_write={"retry_transaction": given_up._rollback_id} if retried else {})
    older, younger = (second, first) if retried else (first, second)
    for name, each in (("older", older), ("younger", younger)):
        assert read(each, "on-call/a", "on-call/b") == [None, None]
        each.set(db.document(f"on-call/{name}"), {})
        each.set(db.document("on-call/a"), {"by": name})
    waits = pool.submit(younger._commit)
    wait_for(server, 1, waits)
    result(pool.submit(older._commit))
    with pytest.raises(exceptions.Aborted, match="cross-transaction contention"):
        result(waits)
    assert db.document("on-call/a").get().to_dict() == {"by": "older"}
    assert waiting(server) == 0


def test_the_younger_is_aborted_at_once_if_it_comes_second(
    db: Any, server: ThreadedServer, pool: ThreadPoolExecutor
) -> None:
    one, two, three = transactions = begin(db), begin(db), begin(db)
    for each, held, wanted in ((one, "a/1", "a/2"), (two, "a/2", "a/3"), (three, "a/3", "a/1")):
        read(each, held)
        each.set(db.document(wanted), {})
    waits = [pool.submit(each._commit) for each in transactions[:2]]
    wait_for(server, 2, *waits)
    with pytest.raises(exceptions.Aborted, match="cross-transaction contention"):
        three._commit()
    for each in waits:
        result(each)


def test_a_transaction_reads_behind_a_commit_that_came_before(
    db: Any, server: ThreadedServer, pool: ThreadPoolExecutor
) -> None:
    db.document("a/1").set({"n": 1})
    first, second, third = begin(db), begin(db), begin(db)
    read(first, "a/1")
    read(third, "a/2")
    writer = pool.submit(db.document("a/1").set, {"n": 2})
    wait_for(server, 1, writer)
    reader = pool.submit(read, second, "a/1")
    # Who holds something already goes ahead, and is waited for, too.
    assert read(third, "a/1") == read(first, "a/1") == [{"n": 1}]
    first._commit()
    wait_for(server, 1, writer, reader)
    third._commit()
    result(writer)
    assert result(reader) == [{"n": 2}]
    second._commit()


def test_reads_of_one_transaction_do_not_hold_up_one_another(
    db: Any, server: ThreadedServer, pool: ThreadPoolExecutor
) -> None:
    first, second = begin(db), begin(db)
    read(first, "a/1")
    writer = pool.submit(db.document("a/1").set, {"n": 1})
    wait_for(server, 1, writer)
    reader = pool.submit(read, second, "a/1")
    reads = server.app._gcp.parts.transactions._open[second.id]
    until(lambda: reads.joined is not None)
    # From here on others wait for it, so it doesn't wait for them.
    assert read(second, "a/2") == [None]
    assert result(reader) == [None]
    first.set(db.document("a/2"), {})
    commit = pool.submit(first._commit)
    wait_for(server, 2, writer, commit)
    second._commit()
    result(commit)
    result(writer)


def test_those_that_are_run_again_stand_in_line(db: Any, server: ThreadedServer, pool: ThreadPoolExecutor) -> None:
    db.document("a/1").set({"n": 1})
    given_up = [begin(db).id for _ in range(2)]
    first, second = (begin(db, read_write={"retry_transaction": each}) for each in given_up)
    assert read(first, "a/1") == [{"n": 1}]
    reader = pool.submit(read, second, "a/1")
    held = server.app._gcp.parts.transactions._open[first.id]
    until(lambda: held.ended is not None)
    # Whoever is new, or holds something, isn't held up.
    assert read(begin(db, read_only={}), "a/1") == [{"n": 1}]
    assert read(begin(db, read_write={"concurrency_mode": "OPTIMISTIC"}), "a/1") == [{"n": 1}]
    other = begin(db)
    assert read(other, "a/1") == [{"n": 1}]
    other._rollback()
    first.set(db.document("a/1"), {"n": 2})
    first._commit()
    assert result(reader) == [{"n": 2}]
    second._rollback()


def test_many_counters(server: ThreadedServer, project: str) -> None:
    async def count() -> None:
        with emulated(server.url):
            db = firestore.AsyncClient(project=project)
            _ = db._firestore_api
        document = db.document("a/1")
        await document.set({"n": 0})

        @firestore.async_transactional
        async def add(transaction: Any) -> None:
            n = (await document.get(transaction=transaction)).get("n")
            transaction.update(document, {"n": n + 1})

        await asyncio.gather(*(add(db.transaction(max_attempts=50)) for _ in range(12)))
        assert (await document.get()).get("n") == 12
        db.close()

    asyncio.run(asyncio.wait_for(count(), PATIENCE_SECONDS))


def test_a_transaction_that_is_over_is_not_waited_for(
    timed_db: Any, timed_server: ThreadedServer, pool: ThreadPoolExecutor
) -> None:
    document = timed_db.document("a/1")
    idle, busy = begin(timed_db), begin(timed_db)
    read(idle, "a/1")
    read(busy, "a/2")
    writer = pool.submit(document.set, {"n": 1})
    wait_for(timed_server, 1, writer)
    timed_server.advance(59)
    read(busy, "a/2")
    wait_for(timed_server, 1, writer)
    # A minute after it was used last.
    timed_server.advance(2)
    result(writer)
    with pytest.raises(exceptions.InvalidArgument, match="expired or is no longer valid"):
        idle._commit()
    writer = pool.submit(timed_db.document("a/2").set, {"n": 2})
    wait_for(timed_server, 1, writer)
    for _ in range(4):
        timed_server.advance(50)
        read(busy, "a/2")
    wait_for(timed_server, 1, writer)
    # 270 seconds after it was begun.
    timed_server.advance(20)
    result(writer)
    # One that nobody has looked at since holds nobody up.
    left = begin(timed_db)
    read(left, "a/3")
    timed_server.advance(100)
    timed_db.document("a/3").set({})


def test_a_commit_that_waits_is_not_idle(timed_db: Any, timed_server: ThreadedServer, pool: ThreadPoolExecutor) -> None:
    committing, busy = begin(timed_db), begin(timed_db)
    read(committing, "a/1")
    read(busy, "a/2")
    committing.set(timed_db.document("a/2"), {"n": 1})
    commit = pool.submit(committing._commit)
    wait_for(timed_server, 1, commit)
    for _ in range(2):
        timed_server.advance(50)
        read(busy, "a/2")
    writer = pool.submit(timed_db.document("a/1").set, {"n": 2})
    wait_for(timed_server, 2, commit, writer)
    busy._rollback()
    result(commit)
    result(writer)


def test_waiting_has_an_end(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "WAIT_SECONDS_MAX", 0.05)
    transaction, other = begin(db), begin(db)
    read(transaction, "a/1")
    with pytest.raises(exceptions.Aborted, match="Too much contention on these documents"):
        db.document("a/1").set({})
    read(other, "a/2")
    other.set(db.document("a/1"), {})
    with pytest.raises(exceptions.Aborted, match="Too much contention on these documents"):
        other._commit()
    # What it held is free.
    db.document("a/2").set({})
    transaction.set(db.document("a/1"), {"n": 1})
    transaction._commit()
    assert db.document("a/1").get().to_dict() == {"n": 1}


@pytest.mark.parametrize("write", [_batch, _batch_write, _update])
def test_a_client_that_goes_away_stops_waiting(
    db: Any, server: ThreadedServer, pool: ThreadPoolExecutor, write: Callable[[Any], Any]
) -> None:
    db.document("a/1").set({"n": 1})
    transaction = begin(db)
    read(transaction, "a/1")
    with connect(server.url, db.project) as other:
        writer = pool.submit(write, other)
        wait_for(server, 1, writer)
        other._firestore_api._transport.grpc_channel.close()
    until(lambda: waiting(server) == 0)
    with contextlib.suppress(Exception):
        result(writer)
    transaction._commit()
    assert db.document("a/1").get().to_dict() == {"n": 1}


def test_a_client_of_rest_that_goes_away_stops_waiting(db: Any, server: ThreadedServer) -> None:
    transaction = begin(db)
    read(transaction, "a/1")
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    body = json.dumps({"fields": {"n": {"integerValue": "1"}}})
    connection.request("PATCH", f"/v1/{db.document('a/1')._document_path}", body, {"Content-Type": "application/json"})
    until(lambda: waiting(server) == 1)
    connection.close()
    until(lambda: waiting(server) == 0)
    transaction._commit()
    assert not db.document("a/1").get().exists


def test_over_rest(db: Any, server: ThreadedServer, project: str, pool: ThreadPoolExecutor) -> None:
    url = f"{server.url}/v1/projects/{project}/databases/(default)/documents"
    name = f"projects/{project}/databases/(default)/documents/a/1"
    _, begun = call(f"{url}:beginTransaction", "POST", {"options": {"readWrite": {}}})
    body = {"documents": [name], "transaction": begun["transaction"]}
    assert "missing" in call(f"{url}:batchGet", "POST", body)[1][0]
    fields = {"n": {"integerValue": "1"}}
    # As a page's client has it: what it has read is a precondition.
    write = {"update": {"name": name, "fields": fields}, "currentDocument": {"exists": False}}
    writer = pool.submit(call, f"{url}:commit", "POST", {"writes": [write]})
    wait_for(server, 1, writer)
    body = {"writes": [{"delete": name}], "transaction": begun["transaction"]}
    assert call(f"{url}:commit", "POST", body)[0] == 200
    assert result(writer)[0] == 200
    assert db.document("a/1").get().to_dict() == {"n": 1}
    # A transaction that is begun by reading reads only, unless it says otherwise.
    body = {"documents": [name], "newTransaction": {}}
    begun = call(f"{url}:batchGet", "POST", body)[1][0]
    db.document("a/1").set({"n": 2})
    # One of a request that fails holds nothing.
    query = {"from": [{"collectionId": "a"}], "where": {"fieldFilter": {"field": {"fieldPath": "n"}, "op": "EQUAL"}}}
    refused = call(f"{url}:runQuery", "POST", {"structuredQuery": query, "newTransaction": {"readWrite": {}}})
    assert refused[0] == 400
    db.document("a/1").delete()
    refused = call(f"{url}:beginTransaction", "POST", {"options": {"readWrite": {"retryTransaction": "bm9ib2R5"}}})
    assert (refused[0], refused[1]["error"]["message"]) == (400, "Invalid transaction.")


def test_users_lock_nothing(server: ThreadedServer, project: str) -> None:
    url = f"{server.url}/v1/projects/{project}/databases/(default)/documents:beginTransaction"
    for options, status in (
        ({}, 403),
        ({"readWrite": {}}, 403),
        ({"readWrite": {"concurrencyMode": "PESSIMISTIC"}}, 403),
        ({"readWrite": {"concurrencyMode": "OPTIMISTIC"}}, 200),
        ({"readOnly": {}}, 200),
    ):
        assert call_as(url, "POST", {"options": options}, bearer=token("ann"))[0] == status


def test_reset_and_restore_release_everything(pool: ThreadPoolExecutor, project: str) -> None:
    with ThreadedServer(Settings(port=0, memory=True)) as server, connect(server.url, project) as db:
        db.document("a/1").set({"n": 0})
        snapshot = server.snapshot()
        for replace in (server.reset, lambda: server.restore(snapshot)):
            transaction, other = begin(db), begin(db)
            read(transaction, "a/1", "a/2")
            read(other, "a/3")
            other.set(db.document("a/2"), {})
            writer, commit = pool.submit(db.document("a/1").set, {"n": 1}), pool.submit(other._commit)
            wait_for(server, 2, writer, commit)
            replace()
            result(writer)
            with pytest.raises(exceptions.Aborted):
                result(commit)
            with pytest.raises(exceptions.Aborted):
                transaction._commit()
            assert db.document("a/1").get().to_dict() == {"n": 1}


def test_a_server_that_ends_does_not_wait(pool: ThreadPoolExecutor, project: str) -> None:
    with ThreadedServer(Settings(port=0, memory=True)) as server, connect(server.url, project) as db:
        transaction = begin(db)
        read(transaction, "a/1")
        writer = pool.submit(db.document("a/1").set, {"n": 1})
        wait_for(server, 1, writer)
    # It isn't cut off when the grace is over in which requests may end.
    result(writer)


def test_writers_wait_on_postgres(postgres_url: str, project: str, pool: ThreadPoolExecutor) -> None:
    settings = Settings(port=0, database=postgres_url)
    with (
        ThreadedServer(settings) as one,
        ThreadedServer(settings) as two,
        connect(one.url, project) as db,
        connect(two.url, project) as elsewhere,
    ):
        db.document("a/1").set({"n": 1})
        transaction = begin(db)
        assert read(transaction, "a/1") == [{"n": 1}]
        writer = pool.submit(db.document("a/1").set, {"n": 2})
        wait_for(one, 1, writer)
        transaction.set(db.document("a/2"), {"n": 1})
        transaction._commit()
        result(writer)
        # Locks are a server's own; what was read is looked at again whoever has changed it.
        transaction = begin(db)
        assert read(transaction, "a/1") == [{"n": 2}]
        elsewhere.document("a/1").set({"n": 3})
        with pytest.raises(exceptions.Aborted, match="Too much contention"):
            transaction._commit()
