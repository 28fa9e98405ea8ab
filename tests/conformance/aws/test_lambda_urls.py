"""AWS Lambda's function URLs: their settings through boto3, requests to them through an HTTP client."""

from __future__ import annotations

import http.client
import json
import re
import threading
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_functions import ECHO, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

# Returns what the request's body says, as Python sees it.
SAYS = """
    import json
    def handler(event, context):
        return json.loads(event["body"])
"""


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda", parameter_validation=False)


class Answer:
    """A response, with its headers as pairs."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


class Web:
    """Sends requests to URLs, whose host names need no DNS."""

    def __init__(self, server: ThreadedServer) -> None:
        parts = urlsplit(server.url)
        assert parts.hostname is not None
        self._host, self._port = parts.hostname, parts.port

    def send(self, url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        try:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(
                method, target, body, {"Host": parts.netloc} | {k.replace("_", "-"): v for k, v in headers.items()}
            )
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def says(self, url: str, value: Any) -> Answer:
        """Let a function return a value."""
        return self.send(url, "POST", json.dumps(value).encode(), content_type="application/json")


@pytest.fixture
def web(server: ThreadedServer) -> Web:
    return Web(server)


def url_of(client: Any, source: str = ECHO, **settings: Any) -> str:
    deploy(client, "f", source)
    return client.create_function_url_config(FunctionName="f", **({"AuthType": "NONE"} | settings))["FunctionUrl"]


# Settings


def test_a_url_is_created_shown_changed_listed_and_deleted(lambda_: Any, account: str, server: ThreadedServer) -> None:
    arn = deploy(lambda_, "f", ECHO, Publish=True)["FunctionArn"]
    lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    cors = {"AllowOrigins": ["https://example.com"], "AllowMethods": ["GET"], "MaxAge": 60}
    made = lambda_.create_function_url_config(FunctionName="f", AuthType="NONE", Cors=cors)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    port = urlsplit(server.url).port
    assert re.fullmatch(rf"http://[a-z0-9]{{32}}\.lambda-url\.us-east-1\.localhost:{port}/", made["FunctionUrl"])
    expected = {
        "FunctionUrl": made["FunctionUrl"],
        "FunctionArn": arn,
        "AuthType": "NONE",
        "Cors": cors,
        "InvokeMode": "BUFFERED",
        "CreationTime": made["CreationTime"],
    }
    assert expected.items() <= lambda_.get_function_url_config(FunctionName="f").items()
    with pytest.raises(lambda_.exceptions.ResourceConflictException, match="FunctionUrlConfig exists for this Lambda"):
        lambda_.create_function_url_config(FunctionName="f", AuthType="NONE")
    changed = lambda_.update_function_url_config(FunctionName="f", AuthType="AWS_IAM")
    assert (changed["AuthType"], changed["Cors"]) == ("AWS_IAM", cors)
    assert "Cors" not in lambda_.update_function_url_config(FunctionName="f", Cors={})
    of_alias = lambda_.create_function_url_config(FunctionName="f", Qualifier="live", AuthType="NONE")
    assert of_alias["FunctionArn"] == f"{arn}:live"
    pages = list(
        lambda_.get_paginator("list_function_url_configs").paginate(FunctionName="f", PaginationConfig={"PageSize": 1})
    )
    assert [page["FunctionUrlConfigs"][0]["FunctionArn"] for page in pages] == [arn, f"{arn}:live"]
    lambda_.delete_function_url_config(FunctionName="f")
    for call in (lambda_.get_function_url_config, lambda_.delete_function_url_config):
        with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match="resource you requested does not exist"):
            call(FunctionName="f")
    lambda_.delete_alias(FunctionName="f", Name="live")
    assert lambda_.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"] == []


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"InvokeMode": "ANY"}, "at 'invokeMode' failed to satisfy constraint"),
        ({"AuthType": "ANYONE"}, "at 'authType' failed to satisfy constraint"),
        ({"AuthType": None}, "Value null at 'authType' failed to satisfy constraint"),
        ({"Qualifier": "1"}, "at 'qualifier' failed to satisfy constraint"),
        ({"FunctionName": "f:1"}, "at 'functionName' failed to satisfy constraint"),
        ({"FunctionName": "g"}, "ResourceNotFoundException.*Function does not exist"),
        ({"Qualifier": "live"}, "ResourceNotFoundException.*Function does not exist"),
        ({"Cors": {"MaxAge": 86401}}, "at 'cors.maxAge' failed to satisfy constraint"),
    ],
)
def test_urls_that_are_refused(lambda_: Any, settings: dict[str, Any], match: str) -> None:
    deploy(lambda_, "f", ECHO, Publish=True)
    request = {"FunctionName": "f", "AuthType": "NONE"} | settings
    with refused(match):
        lambda_.create_function_url_config(**{key: value for key, value in request.items() if value is not None})
    assert lambda_.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"] == []


# Events


def test_a_request_is_the_event_that_is_documented(lambda_: Any, web: Web) -> None:
    url = url_of(lambda_)
    host = urlsplit(url).netloc
    number, domain = host.partition(".")[0], host.partition(":")[0]
    answer = web.send(
        f"{url}my%20path/x?a=1&b=x%20y&a=2&c=",
        "POST",
        "안녕".encode(),
        content_type="text/plain; charset=utf-8",
        cookie="one=1; two=2",
        user_agent="me",
        x_own="값".encode().decode("latin-1"),
    )
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["x-amzn-RequestId"]
    event = json.loads(answer.body)
    context, headers = event.pop("requestContext"), event.pop("headers")
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my%20path/x",
        "rawQueryString": "a=1&b=x%20y&a=2&c=",
        "cookies": ["one=1", "two=2"],
        "queryStringParameters": {"a": "1,2", "b": "x y", "c": ""},
        "body": "안녕",
        "isBase64Encoded": False,
    }
    assert "cookie" not in headers
    assert (headers["host"], headers["user-agent"], headers["x-own"]) == (host, "me", "값")
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-port"] == host.partition(":")[2]
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers["x-amzn-trace-id"])
    moment = context.pop("time")
    assert re.fullmatch(r"\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d \+0000", moment)
    assert context.pop("timeEpoch") > 1_700_000_000_000
    assert context.pop("requestId") == answer.headers["x-amzn-RequestId"]
    assert context == {
        "accountId": "anonymous",
        "apiId": number,
        "domainName": domain,
        "domainPrefix": number,
        "http": {
            "method": "POST",
            "path": "/my%20path/x",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "me",
        },
        "routeKey": "$default",
        "stage": "$default",
    }
    plain = json.loads(web.send(url).body)
    assert (plain["rawPath"], plain["rawQueryString"], plain["isBase64Encoded"]) == ("/", "", False)
    assert not plain.keys() & {"cookies", "queryStringParameters", "body"}


@pytest.mark.parametrize(
    ("kind", "body", "encoded"),
    [
        ("application/json", b"{}", False),
        ("application/vnd.api+json", b"{}", False),
        ("text/html", b"<p>", False),
        ("application/octet-stream", b"text", True),
        ("application/x-www-form-urlencoded", b"a=b", True),
        ("text/plain", b"\xff\xfe", True),
        ("image/png", b"\x89PNG", True),
    ],
)
def test_bodies_that_aren_t_text_are_encoded(lambda_: Any, web: Web, kind: str, body: bytes, encoded: bool) -> None:
    event = json.loads(web.send(url_of(lambda_), "PUT", body, content_type=kind).body)
    assert event["isBase64Encoded"] is encoded
    assert event["body"] == (b64encode(body).decode() if encoded else body.decode())


def test_paths_and_headers_that_mean_something_elsewhere_are_the_function_s(lambda_: Any, web: Web) -> None:
    url = url_of(lambda_)
    for path, headers in (
        ("_fogbank/health", {}),
        ("", {"authorization": "Bearer token"}),
        ("2015-03-31/functions/", {"x_amz_target": "DynamoDB_20120810.ListTables"}),
    ):
        answer = web.send(url + path, **headers)
        assert json.loads(answer.body)["rawPath"] == f"/{path}"


def test_urls_end_as_aws_s_do(lambda_: Any, web: Web) -> None:
    number = urlsplit(url_of(lambda_)).netloc.partition(".")[0]
    assert web.send(f"https://{number}.lambda-url.us-east-1.on.aws/x").status == 200
    for host in (
        f"{number}.lambda-url.eu-west-1.on.aws",
        f"{'0' * 32}.lambda-url.us-east-1.on.aws",
        "x.lambda-url.y.z",
    ):
        answer = web.send(f"http://{host}/")
        assert (answer.status, answer.body) == (404, b'{"Message":null}')


def test_an_alias_s_url_runs_its_version(lambda_: Any, web: Web) -> None:
    source = "def handler(e, c): return [c.function_version, c.invoked_function_arn.split(':', 6)[6]]"
    deploy(lambda_, "f", source, Publish=True)
    lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    made = lambda_.create_function_url_config(FunctionName="f", Qualifier="live", AuthType="NONE")
    assert json.loads(web.send(made["FunctionUrl"]).body) == ["1", "f:live"]


# Responses


@pytest.mark.parametrize(
    ("value", "status", "kind", "body"),
    [
        ({"message": "hi"}, 200, "application/json", b'{"message": "hi"}'),
        ("plain", 200, "application/json", b"plain"),
        ([1], 200, "application/json", b"[1]"),
        (None, 200, "application/json", b"null"),
        ({"statusCode": 201, "body": "made"}, 201, "application/json", b"made"),
        ({"statusCode": "404"}, 404, "application/json", b""),
        ({"statusCode": 200, "headers": {"Content-Type": "text/html"}, "body": "<p>"}, 200, "text/html", b"<p>"),
        ({"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}, 200, "application/json", b"\x00\xff"),
        ({"statusCode": 200, "body": {"a": 1}}, 200, "application/json", b'{"a":1}'),
    ],
)
def test_what_a_function_returns_is_the_response(
    lambda_: Any, web: Web, value: Any, status: int, kind: str, body: bytes
) -> None:
    answer = web.says(url_of(lambda_, SAYS), value)
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (status, kind, body)


def test_headers_and_cookies_are_passed_on(lambda_: Any, web: Web) -> None:
    value = {
        "statusCode": 302,
        "headers": {"Location": "/there", "X-Number": 7, "X-Flag": True, "Content-Length": "99", "Connection": "close"},
        "cookies": ["a=1; Secure", "b=2"],
    }
    answer = web.says(url_of(lambda_, SAYS), value)
    assert (answer.status, answer.headers["Location"]) == (302, "/there")
    assert (answer.headers["X-Number"], answer.headers["X-Flag"]) == ("7", "true")
    assert answer.headers.get_all("Set-Cookie") == ["a=1; Secure", "b=2"]
    assert (answer.headers["Content-Length"], answer.headers["Connection"]) == ("0", None)


@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": "fine"},
        {"statusCode": 99},
        {"statusCode": True},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "headers": {"a": {}}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
    ],
)
def test_what_can_t_be_a_response_is_a_bad_gateway(lambda_: Any, web: Web, value: Any) -> None:
    answer = web.says(url_of(lambda_, SAYS), value)
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_a_function_that_fails_is_a_bad_gateway(lambda_: Any, web: Web) -> None:
    answer = web.send(url_of(lambda_, "def handler(event, context): 1 / 0"))
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_a_function_that_may_not_run_is_too_many_requests(lambda_: Any, web: Web) -> None:
    url = url_of(lambda_)
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    answer = web.send(url)
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (429, "TooManyRequestsException")


def test_a_body_over_the_limit_is_refused(lambda_: Any, web: Web) -> None:
    url = url_of(lambda_, "def handler(event, context): return len(event['body'])")
    assert web.send(url, "POST", b"x" * 4_000_000, content_type="text/plain").body == b"4000000"
    assert web.send(url, "POST", b"x" * 6_291_457, content_type="text/plain").status == 413


# Who may call


def test_only_signed_requests_come_through_where_they_must_be_signed(lambda_: Any, web: Web, account: str) -> None:
    url = url_of(lambda_, AuthType="AWS_IAM")
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "AWS4-HMAC-SHA256 nonsense"}):
        answer = web.send(url, **headers)
        assert (answer.status, answer.body) == (403, b'{"Message":"Forbidden"}')
        assert answer.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    scope = f"{account}/20261122/us-east-1/lambda/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    context = json.loads(web.send(url, authorization=signed).body)["requestContext"]
    assert context["accountId"] == account
    assert context["authorizer"]["iam"] == {
        "accessKey": account,
        "accountId": account,
        "callerId": account,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:aws:iam::{account}:root",
        "userId": account,
    }


def test_preflight_requests_are_answered_by_the_url(lambda_: Any, web: Web) -> None:
    url = url_of(
        lambda_,
        SAYS,
        Cors={
            "AllowCredentials": True,
            "AllowHeaders": ["x-own", "content-type"],
            "AllowMethods": ["GET", "POST"],
            "AllowOrigins": ["https://example.com"],
            "ExposeHeaders": ["x-told"],
            "MaxAge": 300,
        },
    )
    asked = {"origin": "https://example.com", "access_control_request_method": "POST"}
    answer = web.send(url, "OPTIONS", **asked)
    assert answer.status == 200
    allowed = {name: value for name, value in answer.headers.items() if name.startswith("Access-Control-")}
    assert allowed == {
        "Access-Control-Allow-Origin": "https://example.com",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET,POST",
        "Access-Control-Allow-Headers": "x-own,content-type",
        "Access-Control-Max-Age": "300",
    }
    other = web.send(url, "OPTIONS", **(asked | {"origin": "https://evil.example"}))
    assert not any(name.startswith("Access-Control-") for name in other.headers)
    value = json.dumps({"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"}}).encode()
    answer = web.send(url, "POST", value, origin="https://example.com", content_type="application/json")
    assert answer.headers.get_all("Access-Control-Allow-Origin") == ["https://example.com"]
    assert answer.headers["Access-Control-Expose-Headers"] == "x-told"
    assert answer.headers["Vary"] == "Origin"


def test_without_settings_the_function_answers_for_itself(lambda_: Any, web: Web) -> None:
    source = "def handler(e, c): return {'statusCode': 204, 'headers': {'Access-Control-Allow-Origin': 'x'}}"
    asked = {"origin": "https://example.com", "access_control_request_method": "POST"}
    answer = web.send(url_of(lambda_, source), "OPTIONS", **asked)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, "x")


def test_everyone_may_be_allowed(lambda_: Any, web: Web) -> None:
    answer = web.send(url_of(lambda_, Cors={"AllowOrigins": ["*"]}), origin="https://example.com")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_requests_at_once_run_at_once(lambda_: Any, web: Web) -> None:
    url = url_of(lambda_, "import time\ndef handler(e, c): time.sleep(0.3); return c.log_stream_name")
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(web.send(url).body)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 3
