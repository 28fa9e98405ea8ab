"""Cloud Logging on PostgreSQL, with two servers on one database."""

from __future__ import annotations

import datetime as dt

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.gcp.logging.conftest import Logs
from tests.conformance.gcp.logging.test_tailing import Tail


def test_two_servers_have_the_same_logs(postgres_url: str, project: str) -> None:
    settings = Settings(port=0, database=postgres_url)
    with ThreadedServer(settings) as one, ThreadedServer(settings) as two:
        first, second = Logs(one.url, project, "grpc"), Logs(two.url, project, "http")
        again = {"text_payload": "a\x00b", "insert_id": "x", "timestamp": dt.datetime.now(dt.UTC)}
        for logs in (first, second):
            logs.write(again, {"json_payload": {"n": 1.5}})
        assert [entry.text_payload for entry in second.found(page_size=2)] == ["a\x00b", "", ""]
        assert first.found("jsonPayload.n>1", order_by="timestamp desc")[0].json_payload == {"n": 1.5}
        tail = Tail(second, buffer_window={"seconds": 0})
        tail.begin(first)
        first.write({"text_payload": "heard"})
        assert next(tail.texts()) == "heard"
        second.api.delete_log(log_name=second.name())
        assert first.found() == []
        for logs in (first, second):
            logs.channel.close()
