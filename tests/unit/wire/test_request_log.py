"""The log of requests: its bounds, what is shown, and how refusals of all forms are read."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.wire.http import Request, Response
from fogbank.wire.watching.log import BODY_BYTES_MAX, RequestLog
from fogbank.wire.watching.model import Refusal, Seen, Sent
from fogbank.wire.watching.showing import HIDDEN, read_body, read_failure, shown


class Front:
    cloud = "aws"

    def describe(self, _request: Request) -> Seen:
        return Seen()

    def refuse(self, _request: Request, _seen: Seen, _refusal: Refusal) -> Response:
        return Response(500, [])

    def describe_call(self, _sent: Sent) -> Seen:
        return Seen()

    def refuse_call(self, _seen: Seen, _refusal: Refusal) -> Exception:
        return Exception()


FRONT = Front()


def request(body: bytes = b"x") -> Request:
    return Request("POST", b"/a%20b?c=d", {b"host": b"h", b"authorization": b"secret"}, body)


def test_it_keeps_requests_and_what_became_of_them() -> None:
    log = RequestLog(lambda: 5)
    refusal = Response(404, [], b"no")
    log.add(1, 2, FRONT, request(), Response(200, []))
    log.add(3, 4, FRONT, request(b""), refusal, (7,))
    later, earlier = log.entries()
    assert isinstance(earlier.request, Request)
    assert (earlier.number, earlier.at_us, earlier.took_ns, earlier.status, earlier.failure) == (1, 1, 2, 200, None)
    assert (earlier.request.path, earlier.request.raw_query, earlier.request.body) == ("/a b", "c=d", b"x")
    assert (later.failure, later.faults) == (refusal, (7,))
    found = log.find(2)
    assert found is not None
    assert found.failure is refusal
    assert log.find(3) is None
    assert [entry.number for entry in log.entries(after=1)] == [2]


def test_it_is_bounded() -> None:
    log = RequestLog(lambda: 5, entries_max=3)
    for _ in range(5):
        log.add(0, 0, FRONT, request(), None)
    assert [entry.number for entry in log.entries()] == [5, 4, 3]
    assert log.find(2) is None
    long = b"y" * (BODY_BYTES_MAX + 5)
    log.add(0, 0, FRONT, request(long), Response(500, [], long))
    log.add_call(0, 0, FRONT, Sent("/s/m", (), long), 200, None, ())
    log.add_call(0, 0, FRONT, Sent("/s/m", (), b"short"), 200, None, ())
    short, call, latest = log.entries()
    assert isinstance(latest.request, Request)
    assert (latest.body_bytes, len(latest.request.body)) == (len(long), BODY_BYTES_MAX)
    assert isinstance(latest.failure, Response)
    assert latest.failure.body == b""
    assert (call.request, call.body_bytes) == (Sent("/s/m", (), None), len(long))
    assert (short.request, short.body_bytes) == (Sent("/s/m", (), b"short"), 5)
    log.clear()
    assert list(log.entries()) == []
    log.add(0, 0, FRONT, request(), None)
    assert log.last == 9


async def test_answers_are_kept_whatever_they_are() -> None:
    log = RequestLog(lambda: 5)

    async def answer(given: Request) -> Response:
        if given.method == "GET":
            raise ZeroDivisionError
        return Response(404 if given.method == "PUT" else 200, [], b"no")

    for method in ("POST", "PUT"):
        await log.answer(FRONT, answer, Request(method, b"/", {}))
    with pytest.raises(ZeroDivisionError):
        await log.answer(FRONT, answer, Request("GET", b"/", {}))
    await log.answer(FRONT, answer, request(b"y" * (BODY_BYTES_MAX + 1)))
    found = [(entry.number, entry.at_us, entry.status, entry.failure is None) for entry in log.entries()]
    assert found == [(4, 5, 200, True), (3, 5, 0, True), (2, 5, 404, False), (1, 5, 200, True)]


async def test_who_waits_hears_of_the_next_one_and_of_the_end() -> None:
    log = RequestLog(lambda: 5)
    await log.wait(0, 0.01)
    log.add(0, 0, FRONT, request(), None)
    await log.wait(0, 600)


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ([], b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"No."}', ("QueueDoesNotExist", "No.")),
        ([(b"x-amzn-ErrorType", b"Conflict:http://x")], b'{"Message":"No."}', ("Conflict", "No.")),
        (
            [(b"Content-Type", b"text/xml")],
            b'<ErrorResponse xmlns="urn:x"><Error><Code>C</Code><Message>No.</Message></Error></ErrorResponse>',
            ("C", "No."),
        ),
        ([(b"x-ms-error-code", b"QueueNotFound")], b"", ("QueueNotFound", "")),
        ([], b'{"error":{"code":404,"message":"No.","status":"NOT_FOUND"}}', ("NOT_FOUND", "No.")),
        ([], b'{"odata.error":{"code":"T","message":{"lang":"en","value":"No."}}}', ("T", "No.")),
        ([], b'{"error":"invalid_client","error_description":"No."}', ("invalid_client", "No.")),
        ([], b"<html", ("", "<html")),
        ([], b"\xff\xfe", ("", "(2 bytes)")),
        ([], b"[1]", ("", "")),
    ],
)
def test_refusals_of_all_forms_are_read(
    headers: list[tuple[bytes, bytes]], body: bytes, expected: tuple[str, str]
) -> None:
    assert read_failure(Response(400, headers, body)) == expected


@pytest.mark.parametrize(
    "name",
    [
        "Authorization", "password", "MasterUserPassword", "client_secret", "SecretString", "SecretAccessKey", "sig",
        "SessionToken", "access_token", "AccountKey", "x-functions-key", "private_key", "id_token", "ApiKey",
    ],
)  # fmt: skip
def test_secrets_are_hidden(name: str) -> None:
    assert shown({"a": [{name: "s"}]}) == {"a": [{name: HIDDEN}]}


@pytest.mark.parametrize(
    "name",
    [
        "NextToken",
        "ClientRequestToken",
        "SecretId",
        "SecretArn",
        "KeyId",
        "AccessKeyId",
        "Key",
        "PartitionKey",
        "Message",
    ],
)
def test_what_only_sounds_like_it_is_shown(name: str) -> None:
    assert shown({name: "s"}) == {name: "s"}


def test_what_is_long_or_deep_is_cut() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    assert "…" in str(shown(deep))
    assert len(shown("x" * 10_000)) < 1_100
    assert len(shown(list(range(1_000)))) == 101
    assert len(shown({str(number): number for number in range(1_000)})) == 101


def test_bodies_become_values() -> None:
    assert read_body("application/x-www-form-urlencoded", b"a=b&c=") == {"a": "b", "c": ""}
    assert read_body("", b'{"a": 1}') == {"a": 1}
    assert read_body("application/json", b'{"a": ') == '{"a": '
    assert read_body("text/plain", b"") is None
