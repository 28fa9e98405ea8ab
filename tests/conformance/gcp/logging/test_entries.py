"""Entries of logs through Google's own client: written, listed, found, and refused."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions
from google.cloud.audit import audit_log_pb2
from google.cloud.logging_v2 import types
from google.protobuf import any_pb2, struct_pb2

from tests.conformance.gcp.logging.conftest import ANY_TIME

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer
    from tests.conformance.gcp.logging.conftest import Logs


def test_what_is_logged_is_listed(logs: Logs) -> None:
    logger = logs.logger("my-logger")
    logger.log("Hello, world!", severity="WARNING", labels={"a": "b"})
    logger.log({"message": "structured", "count": 3, "inner": {"list": [1, None, True]}})
    first, second = logs.client.list_entries(filter_=ANY_TIME)
    assert (first.payload, first.severity, first.labels) == ("Hello, world!", "WARNING", {"a": "b"})
    assert first.log_name == logs.name()
    assert (first.resource.type, first.resource.labels) == ("global", {"project_id": logs.project})
    assert first.insert_id < second.insert_id
    assert first.timestamp <= first.received_timestamp
    assert second.payload == {"message": "structured", "count": 3, "inner": {"list": [1, None, True]}}
    assert [entry.payload for entry in logger.list_entries(filter_=f"{ANY_TIME} severity=WARNING")] == ["Hello, world!"]


def test_every_field_comes_back(logs: Logs) -> None:
    when = dt.datetime.now(dt.UTC).replace(microsecond=123456)
    request = {"requestMethod": "GET", "status": 404, "latency": "1.5s", "responseSize": "123"}
    location = {"file": "a.py", "line": 12, "function": "f"}
    logs.logger("my-logger").log_text(
        "all of it", insert_id="mine", timestamp=when, trace="projects/p/traces/1", span_id="000000000000004a",
        trace_sampled=True, http_request=request, source_location=location,
        operation={"id": "op", "producer": "me", "first": True},
    )  # fmt: skip
    (entry,) = logs.client.list_entries(filter_=f"{ANY_TIME} httpRequest.status=404 httpRequest.latency>1s")
    assert (entry.insert_id, entry.trace, entry.span_id, entry.trace_sampled) == (
        "mine",
        "projects/p/traces/1",
        "000000000000004a",
        True,
    )
    assert entry.timestamp == when
    assert entry.http_request == {"requestMethod": "GET", "status": 404, "latency": "1.500s", "responseSize": "123"}
    assert entry.operation == {"id": "op", "producer": "me", "first": True}
    assert {**entry.source_location, "line": int(entry.source_location["line"])} == location


def test_nanoseconds_are_kept_and_order(grpc_logs: Logs) -> None:
    now = int(dt.datetime.now(dt.UTC).timestamp())
    for nanos in (3, 1, 2, 1_500):
        grpc_logs.write({"text_payload": str(nanos), "timestamp": {"seconds": now, "nanos": nanos}})
    assert grpc_logs.texts() == ["1", "2", "3", "1500"]
    assert grpc_logs.texts(order_by="timestamp desc") == ["1500", "3", "2", "1"]
    assert grpc_logs.found()[1].timestamp.nanosecond == 2


def test_the_same_insert_id_at_the_same_time_is_one_entry(grpc_logs: Logs) -> None:
    when = dt.datetime.now(dt.UTC)
    twice = {"text_payload": "once", "insert_id": "x", "timestamp": when}
    grpc_logs.write(twice, twice)
    grpc_logs.write(twice, {**twice, "insert_id": "a", "text_payload": "before"})
    grpc_logs.write(twice, log_id="other")
    assert grpc_logs.texts(f'logName="{grpc_logs.name()}"') == ["before", "once"]
    assert len(grpc_logs.found()) == 3


def test_pages(grpc_logs: Logs) -> None:
    grpc_logs.write(*({"text_payload": str(number)} for number in range(7)), log_id="one")
    asked: dict[str, Any] = {"resource_names": [f"projects/{grpc_logs.project}"], "page_size": 3}
    pages = [[entry.text_payload for entry in page.entries] for page in grpc_logs.api.list_log_entries(asked).pages]
    assert pages == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    token = grpc_logs.api.list_log_entries(asked).next_page_token
    with pytest.raises(exceptions.InvalidArgument, match="page_token doesn't match arguments from the request"):
        grpc_logs.api.list_log_entries({**asked, "filter": "x", "page_token": token})
    for wrong in ({"page_size": 1_001}, {"page_size": -1}, {"order_by": "severity"}, {"resource_names": []}):
        with pytest.raises(exceptions.InvalidArgument):
            grpc_logs.api.list_log_entries({**asked, **wrong})


def test_logs_of_several_resources_come_together(grpc_logs: Logs) -> None:
    holders = [f"projects/{grpc_logs.project}", f"folders/{grpc_logs.project[-5:]}", "billingAccounts/0A-1B-2C"]
    for number, holder in enumerate((*holders, holders[0])):
        name = f"{holder}/logs/shared%2Flog"
        grpc_logs.write({"text_payload": str(number), "log_name": name, "labels": {"of": grpc_logs.project}})
    found = grpc_logs.found(f"labels.of={grpc_logs.project}", resource_names=holders)
    assert [entry.text_payload for entry in found] == ["0", "1", "2", "3"]
    assert found[1].log_name == f"{holders[1]}/logs/shared%2Flog"
    assert grpc_logs.texts(f'labels.of={grpc_logs.project} log_id("shared/log")', resource_names=holders[1:]) == [
        "1",
        "2",
    ]
    view = f"{holders[0]}/locations/global/buckets/_Default/views/_AllLogs"
    assert grpc_logs.texts(resource_names=[view]) == ["0", "3"]
    assert grpc_logs.texts(resource_names=[view.replace("_Default", "_Required")]) == []
    with pytest.raises(exceptions.NotFound):
        grpc_logs.found(resource_names=[view.replace("_Default", "mine")])


def test_logs_are_listed_and_deleted(logs: Logs) -> None:
    for log_id in ("b", "a%2Fb.c", "c"):
        logs.logger(log_id).log_text("x")
    listed = list(logs.api.list_logs(request={"parent": f"projects/{logs.project}", "page_size": 2}))
    assert listed == [logs.name("a%2Fb.c"), logs.name("b"), logs.name("c")]
    logs.logger("a%2Fb.c").delete()
    assert list(logs.api.list_logs(parent=f"projects/{logs.project}")) == listed[1:]
    assert len(logs.found()) == 2
    with pytest.raises(exceptions.NotFound):
        logs.logger("a%2Fb.c").delete()
    logs.logger("a%2Fb.c").log_text("again")
    assert list(logs.api.list_logs(parent=f"projects/{logs.project}")) == listed


def test_protobuf_payloads(grpc_logs: Logs) -> None:
    payload = any_pb2.Any()
    payload.Pack(audit_log_pb2.AuditLog(service_name="mine.googleapis.com", method_name="Do"))
    grpc_logs.write({"proto_payload": payload})
    (entry,) = grpc_logs.found('protoPayload.serviceName="mine.googleapis.com" protoPayload.methodName:d')
    assert entry.proto_payload.value == payload.value
    (shown,) = over_http(grpc_logs).list_entries(filter_=ANY_TIME)
    assert shown.payload_json["methodName"] == "Do"
    payload.Pack(struct_pb2.Struct())
    with pytest.raises(exceptions.InvalidArgument, match=r"google.protobuf.Struct"):
        grpc_logs.write({"proto_payload": payload})


def over_http(logs: Logs) -> Any:
    """Return the client over HTTP."""
    return type(logs)(logs.url, logs.project, "http").client


def test_what_is_wrong_is_refused_alone_or_with_the_rest(grpc_logs: Logs) -> None:
    good, large = {"text_payload": "good"}, {"text_payload": "x" * 300_000}
    with pytest.raises(exceptions.InvalidArgument, match=r"Log entry with size 293.0K exceeds maximum size of 256.0K"):
        grpc_logs.write(good, large)
    assert grpc_logs.texts() == []
    with pytest.raises(exceptions.InvalidArgument) as raised:
        grpc_logs.write(good, large, {"log_name": "x"}, partial_success=True)
    errors = types.WriteLogEntriesPartialErrors.deserialize(raised.value.details[0].value)
    assert {index: status.code for index, status in errors.log_entry_errors.items()} == {1: 3, 2: 3}
    assert grpc_logs.texts() == ["good"]
    grpc_logs.write(good, dry_run=True)
    assert grpc_logs.texts() == ["good"]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"log_name": "projects/some-project/logs/a%20b"}, "Log name contains illegal character  "),
        ({"log_name": "my-log"}, r"missing the parent component. Expected the form projects/\[PROJECT_ID\]"),
        ({"log_name": f"projects/some-project/logs/{'a' * 512}"}, "longer than 511"),
        ({"resource": {}}, "resource"),
        ({"entries": []}, "At least one log entry"),
    ],
)
def test_requests_that_are_wrong(grpc_logs: Logs, request_: dict[str, Any], error: str) -> None:
    asked = {"log_name": grpc_logs.name(), "resource": {"type": "global"}, "entries": [{"text_payload": "x"}]}
    with pytest.raises(exceptions.InvalidArgument, match=error):
        grpc_logs.api.write_log_entries({**asked, **request_})


def test_defaults_are_filled_in_and_labels_cut(grpc_logs: Logs) -> None:
    entry = {"text_payload": "x", "labels": {"a": "own", "k" * 600: "v" * 70_000}}
    grpc_logs.write(entry, labels={"a": "default", "b": "default"})
    labels = dict(grpc_logs.found()[0].labels)
    assert (labels.pop("a"), labels.pop("b")) == ("own", "default")
    ((key, value),) = labels.items()
    assert (len(key), len(value), key[-3:], value[-3:]) == (512, 65_536, "...", "...")


def test_only_what_is_of_its_time_is_kept_and_for_thirty_days(timed_logs: Logs, timed_server: ThreadedServer) -> None:
    now = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    day = dt.timedelta(days=1)
    for when in (now - 31 * day, now - 29 * day, now, now + 0.9 * day, now + 1.1 * day):
        timed_logs.write({"text_payload": str(when.date()), "timestamp": when})
    assert timed_logs.texts() == ["2026-10-24", "2026-11-22", "2026-11-23"]
    timed_server.advance(2 * 86_400)
    assert timed_logs.texts() == ["2026-11-22", "2026-11-23"]
    timed_server.advance(40 * 86_400)
    assert timed_logs.texts() == []
    assert list(timed_logs.api.list_logs(parent=f"projects/{timed_logs.project}")) == []


def test_filters_find_and_are_refused(logs: Logs) -> None:
    logger = logs.logger("my-logger")
    logger.log_struct({"user": {"name": "Ada"}, "ms": 12.5}, severity="ERROR")
    logger.log_text("The cat in the hat", severity="INFO")

    def count(text: str) -> int:
        return len(list(logs.client.list_entries(filter_=f"{ANY_TIME} {text}")))

    assert count('"cat IN the"') == 1
    assert count("severity>=ERROR OR cat") == 2
    assert count("jsonPayload.user.name=ada AND NOT jsonPayload.ms>13") == 1
    assert count('textPayload=~"^The .* hat$"') == 1
    assert count('SEARCH("hat cat") -- words in any order') == 1
    assert count("jsonPayload.missing!=1") == 0
    with pytest.raises(
        exceptions.BadRequest, match=r"Unparseable filter: syntax error at line 1, column 40, token '\)'"
    ):
        count("severity=ERROR )")
    with pytest.raises(exceptions.BadRequest, match="Field not found: 'thud'"):
        count("thud=1")


def test_what_is_not_supported_says_so(grpc_logs: Logs) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="CreateSink"):
        grpc_logs.config.create_sink(parent=f"projects/{grpc_logs.project}", sink={"name": "x"})
    http = over_http(grpc_logs)
    with pytest.raises(exceptions.MethodNotImplemented, match="CreateLogMetric"):
        http.metric("x", filter_="y").create()
