"""Documents: values of all types, masks, preconditions, transforms, batches, limits."""

from __future__ import annotations

import datetime as dt
import math
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.vector import Vector

from tests.conformance.gcp.firestore.conftest import connect, emulated, ids, where

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer

_TIME = dt.datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=dt.UTC)


def test_values_of_all_types_come_back(db: Any) -> None:
    values = {
        "nothing": None,
        "yes": True,
        "whole": -(2**63),
        "broken": 0.1,
        "endless": math.inf,
        "time": _TIME,
        "text": "Ünïcödé \N{GRINNING FACE}",
        "bytes": b"\x00\xff",
        "there": db.document("cities/SF"),
        "place": firestore.GeoPoint(52.5, -13.4),
        "list": [1, "two", {"three": 3.0}],
        "map": {"a": {"b": {}}, "a.b": 1, "`": 2},
        "vector": Vector([1.0, 2.5]),
    }
    document = db.document("things/all")
    document.set({**values, "no number": math.nan})
    found = document.get()
    read = found.to_dict()
    assert math.isnan(read.pop("no number"))
    assert read == values
    assert isinstance(read["broken"], float)
    assert found.create_time == found.update_time
    assert found.read_time >= found.update_time


def test_what_is_not_there(db: Any) -> None:
    found = db.document("things/none").get()
    assert not found.exists
    assert found.to_dict() is None
    assert db.document("things/none").delete() is not None
    there = db.document("things/one")
    there.set({"a": 1})
    many = {each.id: each.exists for each in db.get_all([there, db.document("things/none"), there])}
    assert many == {"one": True, "none": False}


def test_create_update_delete(db: Any) -> None:
    document = db.document("cities/LA")
    with pytest.raises(exceptions.NotFound, match=r"No document to update: projects/.*/documents/cities/LA"):
        document.update({"a": 1})
    made = document.create({"a": 1, "b": {"c": 2, "d": 3}})
    with pytest.raises(exceptions.AlreadyExists, match=r"Document already exists: projects/.*/documents/cities/LA"):
        document.create({"a": 1})
    changed = document.update({"b.c": 4, "b.d": firestore.DELETE_FIELD, "e.f": 5})
    assert changed.update_time > made.update_time
    assert document.get().to_dict() == {"a": 1, "b": {"c": 4}, "e": {"f": 5}}
    document.set({"b": {"x": 1}}, merge=True)
    assert document.get().to_dict() == {"a": 1, "b": {"c": 4, "x": 1}, "e": {"f": 5}}
    document.set({"b": {"x": 2}, "a": 7}, merge=["b"])
    assert document.get().to_dict() == {"a": 1, "b": {"x": 2}, "e": {"f": 5}}
    document.set({"only": True})
    assert document.get().to_dict() == {"only": True}
    document.delete()
    assert not document.get().exists


def test_a_write_that_changes_nothing_keeps_the_time(db: Any) -> None:
    document = db.document("cities/LA")
    first = document.set({"a": 1, "b": [1, {"c": 2}]})
    assert document.set({"b": [1, {"c": 2}], "a": 1}).update_time == first.update_time
    assert document.set({"a": 2}).update_time > first.update_time


def test_preconditions_on_times(db: Any) -> None:
    document = db.document("cities/LA")
    first = document.set({"a": 1})
    option = db.write_option(last_update_time=first.update_time)
    document.update({"a": 2}, option=option)
    with pytest.raises(exceptions.FailedPrecondition, match="does not match the required base version"):
        document.update({"a": 3}, option=option)
    with pytest.raises(exceptions.NotFound, match="No document to update"):
        db.document("cities/none").delete(option=db.write_option(exists=True))


def test_transforms(db: Any) -> None:
    document = db.document("counters/one")
    document.set({"n": 5, "text": "x", "list": [1, 2], "high": 3, "low": 3})
    done = document.update(
        {
            "n": firestore.Increment(2),
            "text": firestore.Increment(1.5),
            "list": firestore.ArrayUnion([2.0, 3, 3]),
            "high": firestore.Maximum(3.0),
            "low": firestore.Minimum(-1.5),
            "deep.time": firestore.SERVER_TIMESTAMP,
        }
    )
    read = document.get()
    fields = read.to_dict()
    assert fields.pop("deep")["time"].timestamp() == pytest.approx(read.update_time.timestamp(), abs=0.001)
    assert fields == {"n": 7, "text": 1.5, "list": [1, 2, 3], "high": 3, "low": -1.5}
    assert isinstance(fields["high"], int)
    assert {each.integer_value for each in done.transform_results} >= {7}
    document.update({"list": firestore.ArrayRemove([1, 3]), "n": firestore.Increment(2**63 - 1)})
    assert document.get().to_dict()["list"] == [2]
    assert document.get().to_dict()["n"] == 2**63 - 1


def test_several_transforms_of_one_field(db: Any) -> None:
    document = db.document("counters/one")
    document.set({"n": 1})
    transforms = [
        {"field_path": "n", "increment": {"integer_value": 2}},
        {"field_path": "n", "increment": {"double_value": 0.5}},
        {"field_path": "n", "maximum": {"integer_value": 7}},
    ]
    name = f"{db._database_string}/documents/counters/one"
    write = {"update": {"name": name}, "update_mask": {}, "update_transforms": transforms}
    done = db._firestore_api.commit(request={"database": db._database_string, "writes": [write]})
    (result,) = done.write_results
    assert [each.integer_value or each.double_value for each in result.transform_results] == [3, 3.5, 7]
    assert document.get().to_dict() == {"n": 7}


def test_batches_are_all_or_none(db: Any) -> None:
    one, two = db.document("a/1"), db.document("a/2")
    batch = db.batch()
    batch.set(one, {"n": 1})
    batch.update(one, {"m": 2})
    batch.create(two, {"n": 2})
    results = batch.commit()
    assert len({each.update_time for each in results}) == 1
    assert one.get().to_dict() == {"n": 1, "m": 2}
    batch = db.batch()
    batch.delete(one)
    batch.create(two, {})
    with pytest.raises(exceptions.AlreadyExists):
        batch.commit()
    assert one.get().exists


def test_bulk_writes_fail_one_by_one(db: Any) -> None:
    db.document("bulk/3").set({})
    failed = []
    writer = db.bulk_writer()
    writer.on_write_error(lambda failure, _writer: failed.append((failure.operation.reference.id, failure.code)))
    for number in range(5):
        writer.create(db.document(f"bulk/{number}"), {"n": number})
    writer.close()
    assert ids(db.collection("bulk").stream()) == ["0", "1", "2", "3", "4"]
    assert failed == [("3", 6)]


def test_collections_within_documents(db: Any) -> None:
    for path in ("rooms/a/messages/1", "rooms/a/messages/2", "rooms/a/people/x", "rooms/b", "rooms/c/messages/3"):
        db.document(path).set({"path": path})
    assert ids(db.collections()) == ["rooms"]
    assert ids(db.document("rooms/a").collections()) == ["messages", "people"]
    assert ids(db.collection("rooms").stream()) == ["b"]
    # Those that aren't there but have something in them are listed, too.
    assert ids(db.collection("rooms").list_documents()) == ["a", "b", "c"]
    assert ids(db.collection("rooms").list_documents(page_size=2)) == ["a", "b", "c"]
    assert db.recursive_delete(db.collection("rooms")) == 5
    assert ids(db.collections()) == []


@pytest.mark.parametrize(
    ("path", "fields", "message"),
    [
        ("a/__x__", {}, "is invalid because it is reserved"),
        ("a/..", {}, "not allowed"),
        ("a/b", {"__x__": 1}, "reserved"),
        ("a/b", {"list": [[1]]}, "Cannot convert an array value in an array value"),
        ("a/b", {"m": {"big": "x" * 1_048_488}}, 'The value of property "m" is longer than 1048487 bytes'),
        ("a/" + "x" * 1_501, {}, "The key path element name is longer than 1500 bytes"),
        (
            "a/b",
            {"big": "x" * 1_048_000, "more": "x" * 576},
            r"its size \(1,048,6.. bytes\) exceeds the maximum allowed size of 1,048,576",
        ),
    ],
)
def test_what_may_not_be(db: Any, path: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=message):
        db.document(path).set(fields)


def test_maps_may_be_twenty_levels_deep(db: Any) -> None:
    def nested(levels: int) -> dict[str, Any]:
        return {"a": nested(levels - 1)} if levels else {"end": 1}

    document = db.document("deep/one")
    document.set(nested(20))
    assert document.get().to_dict() == nested(20)
    with pytest.raises(exceptions.InvalidArgument, match="20 levels"):
        document.set(nested(21))


def test_times_are_stored_in_microseconds(db: Any) -> None:
    root = f"{db._database_string}/documents"

    def write(time: dict[str, int]) -> Any:
        array = {"array_value": {"values": [{"timestamp_value": time}]}}
        document = {"name": f"{root}/a/b", "fields": {"t": {"timestamp_value": time}, "list": array}}
        transform = {"field_path": "u", "append_missing_elements": {"values": [{"timestamp_value": time}]}}
        writes = [{"update": document, "update_transforms": [transform]}]
        return db._firestore_api.commit(request={"database": db._database_string, "writes": writes})

    write({"seconds": -1, "nanos": 123_456_789})
    fields = db._firestore_api.get_document(request={"name": f"{root}/a/b"})._pb.fields
    found = [fields["t"], *fields["list"].array_value.values, *fields["u"].array_value.values]
    assert [(each.timestamp_value.seconds, each.timestamp_value.nanos) for each in found] == [(-1, 123_456_000)] * 3
    for seconds in (-62_135_596_801, 253_402_300_800):
        with pytest.raises(exceptions.InvalidArgument, match="out of range"):
            write({"seconds": seconds})


def test_a_request_that_is_too_large(db: Any) -> None:
    batch = db.batch()
    for number in range(12):
        batch.set(db.document(f"a/{number}"), {"x": "y" * 900_000})
    with pytest.raises(exceptions.InvalidArgument, match="Request payload size exceeds the limit"):
        batch.commit()


def test_some_fields_only(db: Any) -> None:
    document = db.document("a/b")
    document.set({"x": {"y": 1, "z": 2}, "w": 3})
    assert document.get(field_paths=["x.y", "none"]).to_dict() == {"x": {"y": 1}}
    assert [each.to_dict() for each in db.get_all([document], field_paths=["w"])] == [{"w": 3}]


def test_databases_are_apart(server: ThreadedServer, project: str) -> None:
    with connect(server.url, project) as one, connect(server.url, project, "other") as other:
        one.document("a/b").set({"where": "default"})
        other.document("a/b").set({"where": "other"})
        assert one.document("a/b").get().to_dict() == {"where": "default"}
        assert other.document("a/b").get().to_dict() == {"where": "other"}


def test_the_emulators_way_to_clear(db: Any, server: ThreadedServer, project: str) -> None:
    document = db.document("a/b")
    document.set({})
    url = f"{server.url}/emulator/v1/projects/{project}/databases/(default)/documents"
    with urllib.request.urlopen(urllib.request.Request(url, method="DELETE")) as answer:
        assert answer.status == 200
    assert not document.get().exists
    assert ids(db.collections()) == []
    document.create({"again": 1})
    assert ids(db.collection("a").stream()) == ["b"]


def test_earlier_states_can_be_read(timed_db: Any, timed_server: ThreadedServer) -> None:
    document = timed_db.document("a/b")
    document.set({"n": 1})
    timed_db.document("a/c").set({"n": 1})
    first = document.get()
    timed_server.advance(10)
    document.set({"n": 2})
    timed_db.document("a/c").delete()
    timed_db.document("a/d").set({"n": 1})
    then = timed_db.document("a/b").get().read_time
    past = document.get(read_time=first.read_time)
    assert past.to_dict() == {"n": 1}
    assert past.update_time == first.update_time
    assert ids(timed_db.collection("a").get(read_time=first.read_time)) == ["b", "c"]
    assert ids(timed_db.collection("a").get()) == ["b", "d"]
    timed_server.advance(3_700)
    with pytest.raises(exceptions.FailedPrecondition, match="too old"):
        document.get(read_time=then - dt.timedelta(seconds=5))


def test_earlier_lists(timed_db: Any, timed_server: ThreadedServer) -> None:
    for path in ("a/kept", "a/changed/in/1", "a/gone/in/1", "b/gone", "c/1"):
        timed_db.document(path).set({"n": 1})
    then = timed_db.document("a/kept").get().read_time
    timed_server.advance(10)
    for path in ("a/gone/in/1", "b/gone"):
        timed_db.document(path).delete()
    for path in ("a/changed/in/1", "a/new/in/1", "a/changed/new/1", "d/new"):
        timed_db.document(path).set({"n": 2})
    assert ids(timed_db.collections()) == ["a", "c", "d"]
    assert ids(timed_db.collections(read_time=then)) == ["a", "b", "c"]
    changed = timed_db.document("a/changed")
    assert ids(changed.collections()) == ["in", "new"]
    assert ids(changed.collections(read_time=then)) == ["in"]
    listed = timed_db.collection("a").list_documents
    assert ids(listed()) == ["changed", "kept", "new"]
    for size in (None, 1, 2):
        assert ids(listed(page_size=size, read_time=then)) == ["changed", "gone", "kept"]


async def test_the_asynchronous_client(server: ThreadedServer, project: str) -> None:
    with emulated(server.url):
        db = firestore.AsyncClient(project=project)
        document = db.document("a/b")
        await document.set({"n": 1})
    assert (await document.get()).to_dict() == {"n": 1}
    assert [each.id async for each in where(db.collection("a"), ("n", "==", 1)).stream()] == ["b"]
    assert [each.id async for each in db.collections()] == ["a"]

    @firestore.async_transactional
    async def add(transaction: Any) -> None:
        read = await document.get(transaction=transaction)
        transaction.update(document, {"n": read.get("n") + 1})

    await add(db.transaction())
    assert (await document.get()).to_dict() == {"n": 2}
    db.close()
