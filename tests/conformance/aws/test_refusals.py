"""Bad requests to every operation of every service.

The answer is a 4xx in AWS's own form that names what is unknown, and nothing changes in the store.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest
from msgspec.inspect import DictType, ListType, StructType, Type, UnionType, type_info

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.raw import Answer, Raw
from tests.unit.clouds.aws.registered import OPERATIONS, SERVICES
from tests.unit.wire.aws.examples import everything
from tests.unit.wire.aws.operations import codec, possible
from tests.unit.wire.aws.sdk import write_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.wire.aws.models import Ref

START_US = 1_795_348_800_000_000
WRONG = {"structure": "text", "list": "text", "map": "text", "string": {"a": 1}, "blob": 1, "boolean": "text"}


async def dump(server: ThreadedServer) -> list[str]:
    return list(server.app.store._writer.iterdump())  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    """A server whose clock stands still, so that nothing changes but by what is asked of it."""
    with ThreadedServer(Settings(port=0, memory=True), frozen_at_us=START_US) as running:
        yield running


@pytest.fixture
def raw(server: ThreadedServer, account: str) -> Iterator[Raw]:
    made = Raw(server, account)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nothing_changes(server: ThreadedServer) -> Iterator[None]:
    before = server.call(dump(server))
    yield
    assert server.call(dump(server)) == before


def assert_refused(answer: Answer, *words: str) -> None:
    assert 400 <= answer.status < 500, answer
    assert answer.code not in ("", str(answer.status)), answer
    for word in words:
        assert word in answer.message, answer


def input_of(service: str, operation: str) -> Ref | None:
    return codec(service).model.operation(operation).input


def anything(service: str, operation: str) -> dict[str, Any]:
    """Return an input with everything that AWS has."""
    model, ref = codec(service).model, input_of(service, operation)
    return everything(model, ref, **possible(model, ref))


def sample(service: str, operation: str) -> dict[str, Any]:
    """Return an input with everything that Fogbank supports."""
    return supported(anything(service, operation), type_info(SERVICES[service].operations[operation].input))


def supported(value: Any, kind: Type) -> Any:
    if isinstance(kind, UnionType):
        kind = kind.types[0]
    if isinstance(kind, StructType):
        fields = {field.encode_name: field.type for field in kind.fields}
        return {name: supported(item, fields[name]) for name, item in value.items() if name in fields}
    if isinstance(kind, ListType):
        return [supported(item, kind.item_type) for item in value]
    if isinstance(kind, DictType):
        return {key: supported(item, kind.value_type) for key, item in value.items()}
    return value


def encode(value: Any) -> bytes:
    return json.dumps(value, default=lambda data: b64encode(data).decode()).encode()


def bodies_that_are_no_json(raw: Raw, service: str, operation: str) -> None:
    for body in (
        b"{", b"[]", b"null", b'"text"', b"1", b"{}{}", b"{'a': 1}", b'{"a": }', b"\xff\xfe{\x00}\x00", b"\x00", b"a=b",
        b'{"\xff": 1}', b'{"a": "\xc3"}', b'{"a": "\\ud800"}', b'{"a":' + b"[" * 100_000, b'{"a":' * 100_000,
    ):  # fmt: skip
        assert_refused(raw.call(service, operation, body))


def members_that_are_wrong_in_json(raw: Raw, service: str, operation: str) -> None:
    model, ref = codec(service).model, input_of(service, operation)
    good = sample(service, operation)
    for unknown in ("Nonsense", "non\nsense`", ""):
        assert_refused(raw.call(service, operation, encode({unknown: 1})), unknown)
        assert_refused(raw.call(service, operation, encode({**good, unknown: 1})), unknown)
    if ref is None:
        return
    shape = model.shape(ref)
    for name, member in shape.members.items():
        if name not in good:
            unsupported = encode({**good, name: anything(service, operation)[name]})
            assert_refused(raw.call(service, operation, unsupported), name, "Fogbank does not support")
        else:
            wrong = WRONG.get(model.shape(member).type, "text")
            assert_refused(raw.call(service, operation, encode({**good, name: wrong})))
    for name in shape.required:
        without = {key: value for key, value in good.items() if key != name}
        assert_refused(raw.call(service, operation, encode(without)), name[1:])
        assert_refused(raw.call(service, operation, encode({**good, name: None})), name[1:])


def bodies_that_are_no_forms(raw: Raw, service: str, operation: str) -> None:
    action = f"Action={operation}&Version={codec(service).model.metadata.api_version}"
    for rest in ("&Nonsense=%ff", "&%ff=1", "&a" * 20_000, f"&Nonsense{'.1' * 50_000}=1", "&.=1", "&..=1", "&=1"):
        assert_refused(raw.call(service, operation, (action + rest).encode()))
    assert_refused(raw.call(service, operation, action.encode() + b"&a=\xff"))


def members_that_are_wrong_in_forms(raw: Raw, service: str, operation: str) -> None:
    model, ref = codec(service).model, input_of(service, operation)
    good = sample(service, operation)
    form = write_request(service, operation, good).body.decode()
    for unknown in ("Nonsense", "Nonsense.member.1", "Nonsense.entry.1.key"):
        assert_refused(raw.call(service, operation, f"{form}&{unknown}=1".encode()), unknown.partition(".")[0])
    if ref is None:
        return
    shape = model.shape(ref)
    for name, member in shape.members.items():
        kind = model.shape(member).type
        if name not in good:
            body = write_request(service, operation, {**good, name: anything(service, operation)[name]}).body
            assert_refused(raw.call(service, operation, body), name, "Fogbank does not support")
            continue
        without = write_request(service, operation, {k: v for k, v in good.items() if k != name}).body.decode()
        wrong = [f"{name}.nonsense=1"] if kind not in ("list", "map") else [f"{name}=text", f"{name}.entry.x.key=1"]
        wrong += [f"{name}=text"] if kind not in ("string", "list", "map") else [f"{name}.member.{'9' * 5000}=1"]
        for pair in wrong:
            assert_refused(raw.call(service, operation, f"{without}&{pair}".encode()))
        if name in shape.required:
            assert_refused(raw.call(service, operation, without.encode()), name[1:])


def rest_bodies_that_are_none(raw: Raw, service: str, operation: str) -> None:
    model, ref = codec(service).model, input_of(service, operation)
    request = write_request(service, operation, sample(service, operation))
    path = request.raw_path + (f"?{request.raw_query}" if request.raw_query else "")
    headers = {k.decode(): v.decode("latin-1") for k, v in request.headers.items() if k != b"content-length"}
    assert_refused(raw.send(service, request.method, "/nonsense" + path, headers, request.body))
    assert_refused(raw.send(service, request.method, path + "%ff", headers, request.body))
    if ref is None or model.shape(ref).payload or all(m.location for m in model.shape(ref).members.values()):
        return
    broken = (b"{", b"[]", b"1", b"\xff", b"<a>", b'{"a":' + b"[" * 100_000, b"<a><Nonsense/></a>")
    for body in broken:
        assert_refused(raw.send(service, request.method, path, headers, body))


def rest_members_that_are_wrong(raw: Raw, service: str, operation: str) -> None:
    model, ref = codec(service).model, input_of(service, operation)
    good = sample(service, operation)
    for name, member in {} if ref is None else model.shape(ref).members.items():
        if name not in good and member.location != "uri":
            request = write_request(service, operation, {**good, name: anything(service, operation)[name]})
            path = request.raw_path + (f"?{request.raw_query}" if request.raw_query else "")
            headers = {k.decode(): v.decode("latin-1") for k, v in request.headers.items() if k != b"content-length"}
            answer = raw.send(service, request.method, path, headers, request.body)
            assert_refused(answer, name, "Fogbank does not support")


BODIES = {
    "json": bodies_that_are_no_json,
    "query": bodies_that_are_no_forms,
    "rest-json": rest_bodies_that_are_none,
    "rest-xml": rest_bodies_that_are_none,
}
MEMBERS = {
    "json": members_that_are_wrong_in_json,
    "query": members_that_are_wrong_in_forms,
    "rest-json": rest_members_that_are_wrong,
    "rest-xml": rest_members_that_are_wrong,
}


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_bodies_that_are_none(raw: Raw, service: str, operation: str) -> None:
    BODIES[codec(service).model.metadata.protocol](raw, service, operation)


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_members_that_are_unknown_unsupported_missing_or_wrong(raw: Raw, service: str, operation: str) -> None:
    MEMBERS[codec(service).model.metadata.protocol](raw, service, operation)


@pytest.mark.parametrize("service", SERVICES)
def test_operations_that_are_unknown_or_unsupported(raw: Raw, service: str) -> None:
    metadata = codec(service).model.metadata
    supported = SERVICES[service].operations
    others = [name for name in codec(service).model.operations if name not in supported]
    if metadata.protocol.startswith("rest"):
        assert_refused(raw.send(service, "PATCH", "/no/such/path", {}), "PATCH /no/such/path")
        assert_refused(raw.send(service, "GET", "/" + quote("é/"), {}))
        return
    for name in ("Nonsense", *others[:5]):
        body = (
            b"{}"
            if metadata.protocol == "json"
            else urlencode({"Action": name, "Version": metadata.api_version}).encode()
        )
        words = (name, "Fogbank does not support") if name in others else (name,)
        assert_refused(raw.call(service, name, body), *words)
    if metadata.protocol == "json":
        for target in ("Nonsense", "Nonsense.", ".CreateQueue", f"{metadata.target_prefix}Nonsense.X"):
            answer = raw.send(service, "POST", "/", {"X-Amz-Target": target}, b"{}")
            assert_refused(answer, target)
        assert_refused(raw.send(service, "POST", "/", {}, b"{}"), "X-Amz-Target")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert_refused(raw.send(service, "POST", "/", form, b"Action=CreateQueue"), "AWS Query protocol")
    else:
        for body in (b"", b"Version=2010-05-08", b"Action=", b"action=x", b"\xff", b"&&&", b"==="):
            assert_refused(raw.call(service, "", body))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 nonsense", "AWS4-HMAC-SHA256 Credential=",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/SERVICE/aws4_request",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/SERVICE/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/SERVICE, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/SERVICE/aws4_other, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20260101//SERVICE/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us east/SERVICE/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20260101/../SERVICE/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/../aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0", "AWS4-HMAC-SHA256 ,,,", "AWS4-HMAC-SHA256 =,=",
        "AWS4-HMAC-SHA512 Credential=A/20260101/us-east-1/SERVICE/aws4_request, SignedHeaders=host, Signature=0",
        "AWS A:signature", "Basic QTpC", "Bearer token", "nonsense", "\xe9\xff", "a" * 10_000,
    ],
)  # fmt: skip
def test_authorization_of_every_shape(raw: Raw, service: str, authorization: str) -> None:
    metadata = codec(service).model.metadata
    headers = {"Authorization": authorization.replace("SERVICE", service), "Host": f"{service}.us-east-1.amazonaws.com"}
    operation = next(iter(SERVICES[service].operations))
    if metadata.protocol == "json":
        headers["X-Amz-Target"] = f"{metadata.target_prefix}.{operation}"
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    body = f"Action={operation}&Version={metadata.api_version}".encode() if metadata.protocol == "query" else b"{}"
    answer = raw.send(service, "POST", "/", headers, body)
    assert_refused(answer)
    assert answer.code in ("IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed")


@pytest.mark.parametrize(
    "path", ["/?X-Amz-Credential", "/?a=X-Amz-Credential=", "/?X-Amz-Credential=", "/?X-Amz-Credential=a/b"]
)
def test_presigned_queries_of_every_shape(raw: Raw, path: str) -> None:
    assert_refused(raw.send("sqs", "GET", path, {"Authorization": ""}))


@pytest.mark.parametrize(
    ("service", "headers", "body", "kind"),
    [
        # One that AWS has and Fogbank has not, in its own protocol; one by another name than its model's.
        ("gamelift", {"X-Amz-Target": "GameLift.ListFleets"}, b"{}", "x-amz-json-1.1"),
        ("elasticbeanstalk", {}, b"Action=ListPlatformVersions&Version=2010-12-01", "text/xml"),
        ("route53", {}, b"", "application/xml"),
        ("kafka", {}, b"{}", "application/json"),
        ("monitoring", {"Content-Type": "application/x-www-form-urlencoded"}, b"Action=ListMetrics", "text/xml"),
        # Ones that AWS doesn't have either.
        ("nonsense", {"X-Amz-Target": "Nonsense.Do"}, b"{}", "x-amz-json"),
        ("nonsense", {}, b"", "x-amz-json"),
        ("..", {}, b"", "x-amz-json"),
    ],
)
def test_services_that_are_not_there(raw: Raw, service: str, headers: dict[str, str], body: bytes, kind: str) -> None:
    read_as = {"text/xml": "sts", "application/xml": "route53", "application/json": "kafka"}.get(kind, "sqs")
    answer = raw.send(service, "POST", "/", headers, body, read_as=read_as)
    assert_refused(answer, service)
    assert kind in answer.headers["content-type"]


def test_requests_that_name_no_service(raw: Raw) -> None:
    for headers, body in (
        ({}, b""),
        ({"X-Amz-Target": "Nonsense_1.Do"}, b"{}"),
        ({"X-Amz-Target": "x"}, b"\xff" * 2_000_000),
    ):
        assert_refused(raw.send("sqs", "POST", "/some/path", {"Authorization": "", **headers}, body))


@pytest.mark.parametrize("service", SERVICES)
def test_packed_bodies_that_are_wrong(raw: Raw, service: str) -> None:
    chunked = {"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": "2"}
    for headers, body in (
        (chunked, b"{}"),
        (chunked, b"2\r\n{}\r\n"),
        (chunked | {"X-Amz-Trailer": "x-amz-checksum-crc32"}, b"2\r\n{}\r\n0\r\n\r\n"),
        (chunked, b"2\r\n{}\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"),
        ({"Content-Encoding": "aws-chunked"}, b"2\r\n{}\r\n0\r\n\r\n"),
        ({"Content-MD5": "nonsense"}, b"{}"),
        ({"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, b"{}"),
    ):
        assert_refused(raw.call(service, next(iter(SERVICES[service].operations)), body, headers))


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("rest", "status", "code"),
    [
        ("Content-Length: 1000000000\r\n\r\n{}", 413, "RequestEntityTooLarge"),
        ("A: " + "a" * 200_000 + "\r\n\r\n", 431, "RequestHeaderSectionTooLarge"),
        ("Content-Length: 100\r\n\r\n{}", 400, "BadRequestException"),
        ("Content-Length: 2000000\r\n\r\n{}", 400, "BadRequestException"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n{}", 400, "BadRequestException"),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", 400, "BadRequestException"),
        ("Transfer-Encoding: chunked\r\n\r\nnonsense", 400, "BadRequestException"),
        ("Transfer-Encoding: gzip\r\n\r\n", 501, "NotImplemented"),
        ("Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, "BadRequestException"),
    ],
)
def test_what_never_becomes_a_request(raw: Raw, service: str, rest: str, status: int, code: str) -> None:
    metadata = codec(service).model.metadata
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {raw.authorization(service)}\r\n"
    if metadata.protocol == "json":
        head += f"X-Amz-Target: {metadata.target_prefix}.{next(iter(SERVICES[service].operations))}\r\n"
    answer = raw.stream((head + rest).encode(), service)
    assert (answer.status, answer.code) == (status, code)
    assert answer.message
    assert answer.headers["connection"] == "close"
