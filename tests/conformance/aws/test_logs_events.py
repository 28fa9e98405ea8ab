"""Amazon CloudWatch Logs through boto3: events put, read from streams, searched in groups."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

    Make = Callable[..., Any]

GROUP = "/app/web"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def refused(code: str, text: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"{code}.*{text}")


@pytest.fixture
def logs(client: Make) -> Any:
    logs = client("logs", parameter_validation=False)
    logs.create_log_group(logGroupName=GROUP)
    for stream in ("s", "t"):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    return logs


@pytest.fixture
def now() -> int:
    return int(time.time() * 1000)


def put(logs: Any, stream: str, *events: tuple[int, str]) -> dict[str, Any]:
    items = [{"timestamp": at, "message": text} for at, text in events]
    reply = logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=items)
    return {key: value for key, value in reply.items() if key != "ResponseMetadata"}


def get(logs: Any, **wanted: Any) -> dict[str, Any]:
    return logs.get_log_events(**{"logGroupName": GROUP, "logStreamName": "s"} | wanted)


def search(logs: Any, **wanted: Any) -> list[str]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, **wanted)
    return [event["message"] for page in pages for event in page["events"]]


def texts(reply: dict[str, Any]) -> list[str]:
    return [event["message"] for event in reply["events"]]


# PutLogEvents


def test_events_come_back_as_they_were_put(logs: Any, now: int) -> None:
    text = "안녕 <&> \t\u0000 𝄞\n"
    reply = put(logs, "s", (now - 1, text))
    assert reply.keys() == {"nextSequenceToken"}
    assert len(reply["nextSequenceToken"]) == 56
    (event,) = get(logs)["events"]
    assert (event["timestamp"], event["message"]) == (now - 1, text)
    assert abs(event["ingestionTime"] - now) < 60_000
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] > len(text.encode())


def test_sequence_tokens_count_for_nothing(logs: Any, now: int) -> None:
    event = {"timestamp": now, "message": "m"}
    for _ in range(2):
        logs.put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=[event], sequenceToken="wrong")
    assert texts(get(logs)) == ["m", "m"]


def test_events_that_are_too_old_or_too_new_are_left_out_and_told_of(logs: Any, now: int) -> None:
    events = [(now - 15 * DAY_MS, "old"), (now, "a"), (now + HOUR_MS, "b"), (now + 3 * HOUR_MS, "new")]
    reply = put(logs, "s", *events)
    assert reply["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 3, "tooOldLogEventEndIndex": 1}
    assert texts(get(logs)) == ["a", "b"]
    only_old = put(logs, "s", events[0])
    assert only_old["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}


def test_events_older_than_the_retention_are_left_out(logs: Any, now: int) -> None:
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=3)
    reply = put(logs, "s", (now - 4 * DAY_MS, "expired"), (now, "young"))
    assert reply["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert texts(get(logs)) == ["young"]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([(0, "b"), (-1, "a")], "must be in chronological order"),
        ([(-DAY_MS - 1, "a"), (0, "b")], "cannot span more than 24 hours"),
        ([(0, "x" * 1_048_551)], "Upload too large: 1048577 bytes exceeds limit of 1048576"),
        ([(0, "ä" * 524_288)], "Upload too large: 1048602 bytes"),
        ([(0, "")], "'logEvents.1.member.message' failed to satisfy constraint"),
        ([], "'logEvents' failed to satisfy constraint: Member must have length greater than or equal to 1"),
        ([(0, "x")] * 10_001, "Member must have length less than or equal to 10000"),
    ],
)
def test_batches_that_are_refused(logs: Any, now: int, events: list[tuple[int, str]], message: str) -> None:
    with refused("InvalidParameterException", message):
        put(logs, "s", *((now + at, text) for at, text in events))
    assert texts(get(logs)) == []


def test_the_largest_batch_is_taken(logs: Any, now: int) -> None:
    put(logs, "s", (now, "x" * 1_048_550))
    put(logs, "t", *((now, "x") for _ in range(10_000)))
    assert len(search(logs, logStreamNames=["t"])) == 10_000


def test_events_for_what_is_not_there(logs: Any, now: int) -> None:
    with refused("ResourceNotFoundException", "The specified log stream does not exist."):
        put(logs, "none", (now, "m"))
    with refused("ResourceNotFoundException", "The specified log group does not exist."):
        logs.put_log_events(logGroupName="none", logStreamName="s", logEvents=[{"timestamp": now, "message": "m"}])


def test_a_missing_member_is_worded_as_the_service_does(logs: Any, server: ThreadedServer) -> None:
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    headers = {"X-Amz-Target": "Logs_20140328.CreateLogGroup", "Content-Type": "application/x-amz-json-1.1"}
    with pytest.raises(HTTPError) as caught:
        urlopen(Request(server.url, b"{}", headers))
    body = caught.value.read().decode()
    caught.value.close()
    assert "1 validation error detected: Value null at 'logGroupName'" in body
    assert "InvalidParameterException" in body


# GetLogEvents


def test_a_stream_is_read_from_its_tail_or_its_head(logs: Any, now: int) -> None:
    put(logs, "s", *((now + number, str(number)) for number in range(5)))
    assert texts(get(logs, limit=2)) == ["3", "4"]
    assert texts(get(logs, limit=2, startFromHead=True)) == ["0", "1"]
    assert texts(get(logs, startTime=now + 1, endTime=now + 3)) == ["1", "2"]


def test_the_forward_token_goes_on_and_stays_the_same_at_the_end(logs: Any, now: int) -> None:
    put(logs, "s", *((now + number, str(number)) for number in range(5)))
    page = get(logs, limit=2, startFromHead=True)
    seen = texts(page)
    while True:
        following = get(logs, limit=2, startFromHead=True, nextToken=page["nextForwardToken"])
        seen += texts(following)
        if following["nextForwardToken"] == page["nextForwardToken"]:
            break
        page = following
    assert seen == ["0", "1", "2", "3", "4"]
    assert texts(following) == []
    put(logs, "s", (now + 9, "late"))
    assert texts(get(logs, startFromHead=True, nextToken=following["nextForwardToken"])) == ["late"]
    back = get(logs, limit=2, nextToken=following["nextBackwardToken"])
    assert texts(back) == ["3", "4"]


def test_the_backward_token_goes_back_and_stays_the_same_at_the_start(logs: Any, now: int) -> None:
    put(logs, "s", *((now, str(number)) for number in range(5)))
    page = get(logs, limit=2)
    pages = [texts(page)]
    while True:
        previous = get(logs, limit=2, nextToken=page["nextBackwardToken"])
        if previous["nextBackwardToken"] == page["nextBackwardToken"]:
            break
        pages.append(texts(previous))
        page = previous
    assert pages == [["3", "4"], ["1", "2"], ["0"]]
    assert texts(previous) == []
    assert texts(get(logs, limit=2, startFromHead=True, nextToken=previous["nextForwardToken"])) == ["0", "1"]


def test_an_empty_stream_has_tokens_that_find_what_comes_later(logs: Any, now: int) -> None:
    page = get(logs)
    assert texts(page) == []
    again = get(logs, nextToken=page["nextForwardToken"])
    assert again["nextForwardToken"] == page["nextForwardToken"]
    put(logs, "s", (now, "m"))
    assert texts(get(logs, nextToken=page["nextForwardToken"])) == ["m"]


def test_a_page_of_events_ends_at_a_megabyte(logs: Any, now: int) -> None:
    for number in range(3):
        put(logs, "s", (now + number, str(number) * 400_000))
    first = get(logs, startFromHead=True)
    assert [text[0] for text in texts(first)] == ["0", "1"]
    second = get(logs, startFromHead=True, nextToken=first["nextForwardToken"])
    assert [text[0] for text in texts(second)] == ["2"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"nextToken": "nonsense"}, "The specified nextToken is invalid."),
        ({"limit": 0}, "greater than or equal to 1"),
        ({"limit": 10_001}, "less than or equal to 10000"),
        ({"startTime": -1}, "startTime"),
    ],
)
def test_reads_that_are_refused(logs: Any, wanted: dict[str, Any], message: str) -> None:
    with refused("InvalidParameterException", message):
        get(logs, **wanted)


def test_reading_what_is_not_there(logs: Any) -> None:
    with refused("ResourceNotFoundException", "stream"):
        get(logs, logStreamName="none")
    with refused("ResourceNotFoundException", "group"):
        get(logs, logGroupName="none")


# FilterLogEvents


def test_streams_are_searched_interleaved(logs: Any, now: int, account: str) -> None:
    for number in range(6):
        put(logs, "st"[number % 2], (now + number, str(number)))
    reply = logs.filter_log_events(logGroupName=GROUP)
    assert texts(reply) == list("012345")
    assert reply["searchedLogStreams"] == []
    assert "nextToken" not in reply
    first = reply["events"][0]
    assert (first["logStreamName"], first["timestamp"]) == ("s", now)
    ids = [event["eventId"] for event in reply["events"]]
    assert len(set(ids)) == 6
    assert ids == sorted(ids)
    assert {len(event_id) for event_id in ids} == {56}
    arn = f"arn:aws:logs:us-east-1:{account}:log-group:{GROUP}"
    assert texts(logs.filter_log_events(logGroupIdentifier=arn)) == list("012345")


def test_a_search_by_time_holds_both_ends(logs: Any, now: int) -> None:
    put(logs, "s", *((now + number, str(number)) for number in range(5)))
    assert search(logs, startTime=now + 1, endTime=now + 3) == ["1", "2", "3"]


def test_a_search_by_streams(logs: Any, now: int) -> None:
    logs.create_log_stream(logGroupName=GROUP, logStreamName="sub")
    for number, stream in enumerate(("s", "t", "sub")):
        put(logs, stream, (now + number, stream))
    assert search(logs, logStreamNames=["t", "sub"]) == ["t", "sub"]
    assert search(logs, logStreamNamePrefix="s") == ["s", "sub"]
    assert search(logs, logStreamNamePrefix="x") == []
    with refused("InvalidParameterException", "mutually exclusive"):
        search(logs, logStreamNamePrefix="s", logStreamNames=["s"])
    with refused("ResourceNotFoundException", "stream"):
        search(logs, logStreamNames=["none"])


def test_a_search_goes_on_page_by_page_in_both_directions(logs: Any, now: int) -> None:
    for stream in "st":
        put(logs, stream, *((now + number, f"{number}{stream}") for number in range(5)))
    expected = [f"{number}{stream}" for number in range(5) for stream in "st"]
    assert search(logs, PaginationConfig={"PageSize": 3}) == expected
    newest = {"startFromHead": False, "startTime": now}
    assert search(logs, **newest, PaginationConfig={"PageSize": 3}) == expected[::-1]
    with refused("InvalidParameterException", "Jan 1, 2024"):
        search(logs, startFromHead=False, startTime=1)
    with refused("InvalidParameterException", "The specified nextToken is invalid."):
        logs.filter_log_events(logGroupName=GROUP, nextToken="nonsense")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", [0, 1, 2, 3]),
        ("ERROR", [0, 1]),
        ("?INFO ?denied", [0, 2]),
        ("ERROR -denied", [1]),
        ('"not found"', [1]),
        ('{ $.level = "info" && $.n > 1 }', [3]),
        ("[level=INFO, n=%[0-9]+%, ...]", [2]),
    ],
)
def test_a_search_by_pattern(logs: Any, now: int, pattern: str, found: list[int]) -> None:
    lines = ["ERROR access denied", "ERROR not found", "INFO 42 done", '{"level": "info", "n": 2}']
    put(logs, "s", *((now, line) for line in lines))
    assert search(logs, filterPattern=pattern) == [lines[number] for number in found]


def test_a_pattern_that_is_none_is_refused(logs: Any) -> None:
    with refused("InvalidParameterException", r"Invalid character\(s\) in term ':'"):
        search(logs, filterPattern="a:b")


def test_rare_matches_are_found_across_empty_pages(logs: Any, now: int) -> None:
    for part in range(3):
        put(logs, "s", *((now + part, f"{part}-{number}") for number in range(9_999)))
    put(logs, "s", (now + 5, "needle"))
    page = logs.filter_log_events(logGroupName=GROUP, filterPattern="needle")
    assert texts(page) == []
    assert page["nextToken"]
    assert search(logs, filterPattern="needle") == ["needle"]


def test_events_expire_by_the_clock(timed_client: Make, timed_server: ThreadedServer) -> None:
    logs = timed_client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=1)
    now = timed_server.clock.now() // 1000
    put(logs, "s", (now, "old"), (now + HOUR_MS, "young"))
    assert search(logs) == ["old", "young"]
    stored = logs.describe_log_groups()["logGroups"][0]["storedBytes"]
    timed_server.advance(86_401)
    assert search(logs) == ["young"]
    timed_server.advance(60)
    assert 0 < logs.describe_log_groups()["logGroups"][0]["storedBytes"] < stored
