"""Invocations as JSON, whatever their bytes are; and the events that replays take."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fogbank.control.records import context_for, iso, read_replay, whole
from fogbank.control.replies import RefusedError
from fogbank.engines.functions.history import Content, Kept, Summary

OK: dict[str, Any] = {
    "version": "1", "contract": "lambda", "source": "request", "began_us": 1_000_001, "ended": "ok", "error_type": "",
    "status": 0, "seconds": 0.0012344, "init_seconds": None, "peak_bytes": 9, "event_bytes": 1, "payload_bytes": 2,
}  # fmt: skip


def kept(
    event: bytes = b"{}",
    payload: bytes = b"null",
    cut: tuple[str, ...] = (),
    context: dict[str, Any] | None = None,
    **summary: Any,
) -> Kept:
    content = Content(event, context or {}, payload, {}, [(2_500_000, "line")], list(cut))
    return Kept(1 << 60, "id", "f", "scope", Summary(**(OK | summary)), content)


def shown(record: Kept) -> dict[str, Any]:
    return msgspec.json.decode(msgspec.json.encode(whole(record)))


@pytest.mark.parametrize(
    ("data", "form", "value"),
    [
        (b'{"a":  1}', "json", {"a": 1}),
        (b'"x"', "json", "x"),
        (b"", "text", ""),
        (b"plain", "text", "plain"),
        (b"\xff\x00", "base64", "/wA="),
        (b"[" * 100_000, "text", "[" * 100_000),
        (b'"\xff"', "base64", "Iv8i"),
    ],
)
def test_any_bytes_can_be_shown_and_replayed(data: bytes, form: str, value: Any) -> None:
    record = shown(kept(event=data, payload=data))
    assert (record["event_form"], record["event"]) == (form, value)
    assert (record["payload_form"], record["payload"]) == (form, value)
    body = msgspec.json.encode({"event": msgspec.Raw(data) if form == "json" else value, "event_form": form})
    assert read_replay(body, kept()) == data
    assert read_replay(b"", kept(event=data)) == data
    assert read_replay(b"{}", kept(event=data)) == data


def test_what_is_cut_is_never_taken_for_json() -> None:
    record = shown(kept(event=b"12", cut=("event",)))
    assert (record["event_form"], record["event"]) == ("text", "12")
    with pytest.raises(RefusedError, match="Only the first 2 bytes"):
        read_replay(b"", kept(event=b"12", cut=("event",)))
    assert read_replay(b'{"event": null}', kept(event=b"12", cut=("event",))) == b"null"


@pytest.mark.parametrize(
    ("summary", "payload", "error"),
    [
        ({"ended": "ok", "status": 3}, b"", ""),
        ({"ended": "error", "error_type": "E"}, b'{"errorMessage": "no", "errorType": "E"}', "E: no"),
        ({"ended": "error"}, b'{"errorMessage": "no"}', "no"),
        ({"ended": "error", "error_type": "E"}, b'{"errorMessage": 1}', "E"),
        ({"ended": "error", "error_type": "E"}, b"[", "E"),
        ({"ended": "init error", "error_type": "Runtime.ImportModuleError"}, b"", "Runtime.ImportModuleError"),
        ({"ended": "timeout", "seconds": 3.0}, b"", "It ran longer than 3.00 seconds."),
        ({"ended": "exit", "status": 1}, b"", "The process ended with exit status 1."),
        ({"ended": "exit", "status": -9}, b"", "The process ended with signal 9."),
        ({"ended": "memory"}, b"", "It held more memory than it may."),
        ({"ended": "too large", "status": 7}, b"", "Its response of 7 bytes is too large."),
        ({"ended": "launch"}, b"no such runtime", "no such runtime"),
        ({"ended": "abandoned"}, b"", "The caller went away before it ended."),
        ({"ended": "something new", "error_type": "T"}, b"", "T"),
    ],
)
def test_an_error_is_said_in_a_line(summary: dict[str, Any], payload: bytes, error: str) -> None:
    record = shown(kept(payload=payload, **summary))
    assert record["error"] == error
    assert record["status"] == ("ok" if summary["ended"] == "ok" else "error")


def test_times_are_written_out() -> None:
    record = shown(kept(init_seconds=0.25))
    assert record["began"] == "1970-01-01T00:00:01.000001Z"
    assert record["logs"] == [{"at": "1970-01-01T00:00:02.500000Z", "text": "line"}]
    assert (record["duration_ms"], record["init_ms"], record["billed_ms"], record["cold"]) == (1.234, 250.0, 252, True)
    assert record["record"] == str(1 << 60)
    assert iso(0) == "1970-01-01T00:00:00.000000Z"


def test_a_request_s_length_follows_its_body() -> None:
    context = {"path": "/x", "headers": [["Content-Length", "2"], ["A", "b"]]}
    record = kept(context=context)
    assert context_for(record, b"{}") == context
    assert context_for(record, b"longer") == {"path": "/x", "headers": [("Content-Length", "6"), ("A", "b")]}
    assert context_for(kept(context={"headers": "odd"}), b"longer") == {"headers": "odd"}
