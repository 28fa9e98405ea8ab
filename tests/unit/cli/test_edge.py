"""What CloudFront asks of Lambda@Edge functions, and what it takes for an answer."""

from __future__ import annotations

from base64 import b64decode
from copy import deepcopy
from typing import Any

import pytest

from fogbank.cli.edge.checks import faults
from fogbank.cli.edge.events import TRIGGERS, Viewer, event_of

VIEWER = Viewer("https://example.com/a/b?c=1", "POST", [("X-Own", "1"), ("x-own", "2"), ("Accept", "text/html")], b"hi")


def record(trigger: str, viewer: Viewer = VIEWER) -> Any:
    return event_of(trigger, viewer)["Records"][0]["cf"]


def test_requests_are_as_documented() -> None:
    event = record("viewer-request")
    assert event["config"].keys() == {"distributionDomainName", "distributionId", "eventType", "requestId"}
    request = event["request"]
    assert request.keys() == {"clientIp", "headers", "method", "querystring", "uri", "body"}
    assert (request["method"], request["uri"], request["querystring"]) == ("POST", "/a/b", "c=1")
    assert request["headers"]["host"] == [{"key": "Host", "value": "example.com"}]
    assert request["headers"]["accept"] == [{"key": "Accept", "value": "text/html"}]
    assert request["headers"]["x-own"] == [{"key": "X-Own", "value": "1"}, {"key": "x-own", "value": "2"}]
    assert request["body"] == {"action": "read-only", "data": "aGk=", "encoding": "base64", "inputTruncated": False}
    at_origin = record("origin-request")["request"]
    assert at_origin["origin"]["custom"]["domainName"] == "example.com"
    assert at_origin["headers"]["user-agent"] == [{"key": "User-Agent", "value": "Amazon CloudFront"}]
    large = record("viewer-request", VIEWER._replace(body=b"x" * 50_000))["request"]["body"]
    assert (large["inputTruncated"], len(b64decode(large["data"]))) == (True, 40_960)


@pytest.mark.parametrize("trigger", ["origin-response", "viewer-response"])
def test_responses_are_as_documented(trigger: str) -> None:
    event = record(trigger, VIEWER._replace(status=404, answered=[("Content-Type", "text/plain")]))
    assert (event["response"]["status"], event["response"]["statusDescription"]) == ("404", "Not Found")
    assert event["response"]["headers"]["content-type"] == [{"key": "Content-Type", "value": "text/plain"}]
    assert "body" not in event["request"]


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_is_returned_as_it_came_is_taken(trigger: str) -> None:
    event = event_of(trigger, VIEWER)
    parts = event["Records"][0]["cf"]
    assert faults(trigger, event, deepcopy(parts.get("response", parts["request"]))) == []


def header(value: str, key: str | None = None) -> list[dict[str, str]]:
    return [{"value": value} | ({} if key is None else {"key": key})]


@pytest.mark.parametrize(
    ("trigger", "changes", "said"),
    [
        ("viewer-request", {"uri": "a"}, "uri has to begin"),
        ("viewer-request", {"uri": "/a?b"}, "uri may have no query"),
        ("viewer-request", {"querystring": "a b"}, "querystring"),
        ("viewer-request", {"method": "PUT"}, "method is read-only"),
        ("viewer-request", {"clientIp": "::1"}, "clientIp is read-only"),
        ("viewer-request", {"other": 1}, "no field other"),
        ("viewer-request", {"origin": {"s3": {}}}, "origin can be changed in origin requests only"),
        ("viewer-request", {"headers": {}}, "The header host is read-only"),
        ("origin-request", {"origin": {"s3": {}, "custom": {}}}, "either custom or s3"),
        ("origin-request", {"origin": {"custom": {"domainName": "x", "port": 81, "protocol": "https"}}}, "port"),
        ("origin-request", {"origin": {"s3": {"domainName": "x", "authMethod": "any"}}}, "authMethod"),
        ("origin-request", {"body": {"action": "replace", "encoding": "base64", "data": "?"}}, "is not Base64"),
        ("origin-request", {"body": {"action": "drop"}}, "body.action"),
        ("viewer-request", {"body": {"action": "replace", "data": "x" * 40_961}}, "40961 bytes"),
        ("origin-response", {"status": "99"}, "three digits"),
        ("origin-response", {"status": 200}, "three digits"),
        ("origin-response", {"body": "x", "bodyEncoding": "gzip"}, "bodyEncoding"),
        ("viewer-response", {"status": "201"}, "status can't be changed"),
        ("viewer-response", {"body": "x"}, "body can't be replaced"),
    ],
)
def test_what_is_refused(trigger: str, changes: dict[str, Any], said: str) -> None:
    event = event_of(trigger, VIEWER)
    parts = event["Records"][0]["cf"]
    found = faults(trigger, event, {**parts.get("response", parts["request"]), **changes})
    assert any(said in each for each in found), found


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X-Own": header("1")}, "lower case"),
        ({"x-own": "1"}, "has to be a list"),
        ({"x-own": [{"key": "x-own"}]}, "whose value is a text"),
        ({"x-own": header("1", "x-other")}, "which is another name"),
        ({"x-own": header("a\r\nb")}, "line break"),
        ({"connection": header("close")}, "connection is not allowed"),
        ({"x-edge-any": header("1")}, "x-edge-any is not allowed"),
        ({"via": header("1")}, "via is read-only"),
    ],
)
def test_headers_that_are_refused(headers: dict[str, Any], said: str) -> None:
    event = event_of("origin-response", VIEWER)
    found = faults("origin-response", event, {"status": "200", "headers": headers})
    assert any(said in each for each in found), found


def test_responses_to_requests_are_bounded_with_their_headers() -> None:
    event = event_of("viewer-request", VIEWER)
    answer = {"status": "302", "headers": {"location": header("/x", "Location")}, "body": "x" * 40_900}
    assert faults("viewer-request", event, answer) == []
    assert "bytes" in faults("viewer-request", event, {**answer, "body": "x" * 40_960})[0]
    assert faults("viewer-request", event, None) != []
