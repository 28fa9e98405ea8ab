"""Nothing that anyone can send makes the gateway fail: no 5xx, no word in the log."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fogbank.app import App
from fogbank.settings import Settings
from fogbank.wire.http import Request
from tests.logs import logged_here
from tests.unit.clouds.aws.registered import OPERATIONS, SERVICES
from tests.unit.wire.aws.examples import example
from tests.unit.wire.aws.operations import codec, possible
from tests.unit.wire.aws.sdk import write_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.wire.http import Response

ANYTHING = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
EACH = settings(ANYTHING, max_examples=12)
NOISE = st.binary(max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
# Waiting for messages is no failure, but takes its time.
WAITING = frozenset({"WaitTimeSeconds"})
# What exists in each service, made by these calls, and the members that name it.
TRUST = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}'
ALLOW = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
MADE: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "iam": [
        ("CreateRole", {"RoleName": "role", "AssumeRolePolicyDocument": TRUST}),
        ("CreatePolicy", {"PolicyName": "policy", "PolicyDocument": ALLOW}),
    ],
    "logs": [
        ("CreateLogGroup", {"logGroupName": "group"}),
        ("CreateLogStream", {"logGroupName": "group", "logStreamName": "stream"}),
    ],
    "sns": [
        ("CreateTopic", {"Name": "plain"}),
        ("CreateTopic", {"Name": "ordered.fifo", "Attributes": {"FifoTopic": "true"}}),
    ],
    "sqs": [
        ("CreateQueue", {"QueueName": "plain"}),
        ("CreateQueue", {"QueueName": "ordered.fifo", "Attributes": {"FifoQueue": "true"}}),
    ],
}
NAMES: dict[str, list[str]] = {
    "PolicyArn": ["arn:aws:iam::000000000000:policy/policy"],
    "QueueName": ["plain", "ordered.fifo", "none"],
    "QueueUrl": [f"http://localhost/000000000000/{name}" for name in ("plain", "ordered.fifo", "none")],
    "RoleArn": ["arn:aws:iam::000000000000:role/role"],
    "RoleName": ["role", "none"],
    "TopicArn": [f"arn:aws:sns:us-east-1:000000000000:{name}" for name in ("plain", "ordered.fifo", "none")],
    "logGroupName": ["group", "none"],
    "logStreamName": ["stream", "none"],
}


@pytest.fixture(scope="module")
def ask() -> Iterator[Callable[[Request], Response]]:
    """`ask(request)` returns a server's answer."""
    with asyncio.Runner() as runner:
        app = App(Settings(port=0, memory=True))
        runner.run(app.__aenter__())

        def handle(request: Request) -> Response:
            return runner.run(asyncio.wait_for(app.handle(request), 30))

        for service, calls in MADE.items():
            for operation, members in calls:
                made = write_request(service, operation, members)
                made.headers[b"authorization"] = signed(service)
                assert handle(made).status == 200, operation
        yield handle
        runner.run(app.__aexit__())


@pytest.fixture
def fine(ask: Callable[[Request], Response], caplog: pytest.LogCaptureFixture) -> Callable[[Request], None]:
    """`fine(request)` asks and checks."""

    def check(request: Request) -> None:
        caplog.clear()
        response = ask(request)
        assert response.status < 500
        assert isinstance(response.body, bytes)
        assert response.status < 400 or response.body or request.method == "HEAD"
        assert not logged_here(caplog)

    return check


def signed(service: str) -> bytes:
    return b"AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/%b/aws4_request, SignedHeaders=h, Signature=0" % (
        service.encode()
    )


def named(draw: Callable[[st.SearchStrategy[Any]], Any], members: dict[str, Any]) -> dict[str, Any]:
    """Return an input that mostly names what exists, and doesn't wait."""
    found = {name: value for name, value in members.items() if name not in WAITING}
    for name in found.keys() & NAMES.keys():
        if draw(st.integers(0, 4)):
            found[name] = draw(st.sampled_from(NAMES[name]))
    return found


def mutated(draw: Callable[[st.SearchStrategy[Any]], Any], data: bytes) -> bytes:
    """Replace, insert or cut something."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        end = at + draw(st.integers(0, 3))
        data = (
            data[:at]
            + draw(NOISE.map(lambda noise: noise[:3]) | st.sampled_from([b"[", b"{", b'"', b"&", b"=", b"."]))
            + data[end:]
        )
    return data


@ANYTHING
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]),
    target=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
    headers=st.dictionaries(
        st.sampled_from(
            [b"host", b"content-type", b"content-encoding", b"content-md5", b"x-amz-trailer", b"x-amz-date"]
        )
        | st.sampled_from([b"x-amz-decoded-content-length", b"x-amz-content-sha256", b"x-amz-checksum-crc32"]),
        NOISE | st.sampled_from([b"aws-chunked", b"5", b"STREAMING-X", b"application/x-www-form-urlencoded"]),
        max_size=4,
    ),
    authorization=NOISE | st.sampled_from(sorted(SERVICES)).map(signed) | NOISE.map(lambda noise: signed("x") + noise),
    operation=st.sampled_from([f"AmazonSQS.{name}" for name in SERVICES["sqs"].operations]) | st.text(max_size=9),
    body=NOISE | JSON.map(lambda value: json.dumps(value).encode()) | st.just(b"2\r\n{}\r\n0\r\n\r\n"),
)
def test_any_request(
    fine: Callable[[Request], None],
    method: str,
    target: str,
    headers: dict[bytes, bytes],
    authorization: bytes,
    operation: str,
    body: bytes,
) -> None:
    if authorization:
        headers = {**headers, b"authorization": authorization}
    if operation:
        headers = {**headers, b"x-amz-target": operation.encode()}
    fine(Request(method, b"/" + target.encode(), headers, body))


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
@EACH
@given(data=st.data())
def test_any_input_of_an_operation(
    fine: Callable[[Request], None], service: str, operation: str, data: st.DataObject
) -> None:
    """Inputs of the right shape with values that make no sense."""
    model = codec(service).model
    ref = model.operation(operation).input
    fields = SERVICES[service].operations[operation].input.__struct_fields__
    members = named(data.draw, data.draw(example(model, ref, **possible(model, ref))))
    request = write_request(service, operation, {name: value for name, value in members.items() if name in fields})
    request.headers[b"authorization"] = signed(service)
    fine(request)


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
@EACH
@given(data=st.data())
def test_any_bytes_for_an_operation(
    fine: Callable[[Request], None], service: str, operation: str, data: st.DataObject
) -> None:
    """Requests that were fine before something happened to them."""
    model = codec(service).model
    ref = model.operation(operation).input
    members = named(data.draw, data.draw(example(model, ref, **possible(model, ref))))
    request = write_request(service, operation, members)
    headers = {**request.headers, b"authorization": signed(service)}
    target = request.raw_path + (f"?{request.raw_query}" if request.raw_query else "")
    if model.metadata.protocol.startswith("rest"):
        target = "/" + mutated(data.draw, target.encode()).decode("latin-1").lstrip("/")
    fine(Request(request.method, target.encode("latin-1"), headers, mutated(data.draw, request.body)))


JSON_OPERATIONS = [pair for pair in OPERATIONS if "json" in codec(pair[0]).model.metadata.protocol]


@pytest.mark.parametrize(("service", "operation"), JSON_OPERATIONS)
@EACH
@given(data=st.data())
def test_any_json_for_an_operation(
    fine: Callable[[Request], None], service: str, operation: str, data: st.DataObject
) -> None:
    """Members of any type."""
    model = codec(service).model
    ref = model.operation(operation).input
    body = named(data.draw, data.draw(example(model, ref, **possible(model, ref))))
    request = write_request(service, operation, body)
    for name in data.draw(st.lists(st.sampled_from(sorted(body)), max_size=3)) if body else ():
        body[name] = data.draw(JSON)
    text = json.dumps(body, default=lambda value: b64encode(value).decode()).encode()
    target = (request.raw_path + (f"?{request.raw_query}" if request.raw_query else "")).encode()
    fine(Request(request.method, target, {**request.headers, b"authorization": signed(service)}, text))
