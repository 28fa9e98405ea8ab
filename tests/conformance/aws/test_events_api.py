"""API destinations of Amazon EventBridge through boto3: what is sent, by whose authority, and how fast."""

from __future__ import annotations

import base64
import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.conformance.aws.test_events import ORDERS, Inbox, order, refusal
from tests.conformance.aws.test_lambda_invoke import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.testing.server import ThreadedServer


class Got(NamedTuple):
    """A request that an API got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Api(HTTPServer):
    """Takes requests; answers with the statuses of `answers`, then 200; gives tokens below /token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: queue.Queue[Got] = queue.Queue()
        self.answers: list[int] = []
        self.tokens = 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def next(self) -> Got:
        return self.got.get(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer = 200, b"{}"
        if self.path.startswith("/token"):
            self.server.tokens += 1
            answer = json.dumps({"access_token": f"t{self.server.tokens}", "expires_in": 600}).encode()
        elif self.server.answers:
            status = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.put(Got(self.command, self.path, headers, body))

    def do_PUT(self) -> None:
        self.do_POST()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def events(timed_client: Callable[..., Any]) -> Any:
    return timed_client("events")


BASIC = {"BasicAuthParameters": {"Username": "me", "Password": "secret"}}


def connect(events: Any, kind: str = "BASIC", auth: dict[str, Any] = BASIC, name: str = "c") -> str:
    arn: str = events.create_connection(Name=name, AuthorizationType=kind, AuthParameters=auth)["ConnectionArn"]
    return arn


def target(events: Any, connection: str, url: str, method: str = "POST", rate: int = 300, **more: Any) -> str:
    arn: str = events.create_api_destination(
        Name="d",
        ConnectionArn=connection,
        InvocationEndpoint=url,
        HttpMethod=method,
        InvocationRateLimitPerSecond=rate,
    )["ApiDestinationArn"]
    events.put_rule(Name="orders", EventPattern=ORDERS)
    role = "arn:aws:iam::123456789012:role/r"
    events.put_targets(Rule="orders", Targets=[{"Id": "1", "Arn": arn, "RoleArn": role, **more}])
    return arn


def test_a_request_is_put_together(events: Any, api: Api) -> None:
    added = {
        "HeaderParameters": [{"Key": "X-From", "Value": "connection"}],
        "QueryStringParameters": [{"Key": "key", "Value": "a b", "IsValueSecret": True}],
        "BodyParameters": [{"Key": "more", "Value": "yes"}],
    }
    connection = connect(events, auth={**BASIC, "InvocationHttpParameters": added})
    given = {
        "PathParameterValues": ["a/b"],
        "HeaderParameters": {"X-From": "target", "X-Mine": "1"},
        "QueryStringParameters": {"page": "2"},
    }
    target(events, connection, f"{api.url}/orders/*/items?fixed=1", "PUT", HttpParameters=given)
    put = events.put_events(Entries=[order()])
    got = api.next()
    assert (got.method, got.path) == ("PUT", "/orders/a%2Fb/items?fixed=1&page=2&key=a+b")
    body = json.loads(got.body)
    assert (body["id"], body["more"]) == (put["Entries"][0]["EventId"], "yes")
    assert base64.b64decode(got.headers["authorization"].removeprefix("Basic ")) == b"me:secret"
    assert (got.headers["x-from"], got.headers["x-mine"]) == ("connection", "1")
    assert got.headers["user-agent"] == "Amazon/EventBridge/ApiDestinations"
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    shown = events.describe_connection(Name="c")["AuthParameters"]
    assert shown["BasicAuthParameters"] == {"Username": "me"}
    assert shown["InvocationHttpParameters"]["QueryStringParameters"] == [{"Key": "key", "IsValueSecret": True}]


def test_an_api_key_and_changes_act_at_once(events: Any, api: Api, timed_server: ThreadedServer) -> None:
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "one"}}
    connection = connect(events, "API_KEY", key)
    target(events, connection, f"{api.url}/a")
    events.put_events(Entries=[order()])
    assert api.next().headers["x-key"] == "one"
    events.update_connection(Name="c", AuthParameters={"ApiKeyAuthParameters": {"ApiKeyValue": "two"}})
    events.update_api_destination(Name="d", InvocationEndpoint=f"{api.url}/b")
    events.put_events(Entries=[order()])
    # The clock stands, and a destination may be called 300 times a second.
    wait_for(lambda: timed_server.advance(0.1) or not api.got.empty())
    got = api.next()
    assert (got.headers["x-key"], got.path) == ("two", "/b")


def test_oauth_tokens_are_asked_for_and_kept(events: Any, api: Api, timed_server: ThreadedServer) -> None:
    oauth = {
        "OAuthParameters": {
            "ClientParameters": {"ClientID": "id", "ClientSecret": "secret"},
            "AuthorizationEndpoint": f"{api.url}/token",
            "HttpMethod": "POST",
            "OAuthHttpParameters": {"BodyParameters": [{"Key": "scope", "Value": "all"}]},
        }
    }
    connection = connect(events, "OAUTH_CLIENT_CREDENTIALS", oauth)
    target(events, connection, f"{api.url}/a")
    events.put_events(Entries=[order()])
    asked = api.next()
    assert asked.body == b"grant_type=client_credentials&client_id=id&client_secret=secret&scope=all"
    assert api.next().headers["authorization"] == "Bearer t1"
    events.put_events(Entries=[order()])
    wait_for(lambda: timed_server.advance(0.1) or not api.got.empty())
    assert api.next().headers["authorization"] == "Bearer t1"
    # One that isn't taken any more is asked for anew, and so is one that has expired.
    api.answers.append(401)
    events.put_events(Entries=[order()])
    wait_for(lambda: timed_server.advance(0.1) or not api.got.empty())
    assert api.next().headers["authorization"] == "Bearer t1"
    wait_for(lambda: timed_server.advance(1) or api.got.qsize() == 2)
    assert api.next().path == "/token"
    assert api.next().headers["authorization"] == "Bearer t2"
    timed_server.advance(600)
    events.put_events(Entries=[order()])
    assert api.next().path == "/token"
    assert api.next().headers["authorization"] == "Bearer t3"


def test_a_rate_is_kept_to(events: Any, api: Api, timed_server: ThreadedServer) -> None:
    target(events, connect(events), api.url, rate=1)
    events.put_events(Entries=[order() for _ in range(3)])
    api.next()
    timed_server.advance(0.9)
    assert api.got.empty()
    timed_server.advance(0.2)
    api.next()
    wait_for(lambda: timed_server.advance(0.2) or not api.got.empty())


def test_failures_are_tried_again_or_buried(
    events: Any, api: Api, timed_client: Callable[..., Any], timed_server: ThreadedServer
) -> None:
    letters = Inbox(timed_client, "letters")
    arn = target(events, connect(events), api.url, DeadLetterConfig={"Arn": letters.arn})
    api.answers += [503, 200]
    events.put_events(Entries=[order()])
    api.next()
    wait_for(lambda: timed_server.advance(1) or not api.got.empty())
    api.next()
    api.answers.append(400)
    events.put_events(Entries=[order()])
    api.next()
    (letter,) = wait_for(letters.messages)
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert (told["TARGET_ARN"], told["ERROR_CODE"], told["RETRY_ATTEMPTS"]) == (arn, "INVALID_PARAMETER", "0")
    events.deauthorize_connection(Name="c")
    events.put_events(Entries=[order()])
    (letter,) = wait_for(lambda: timed_server.advance(0.1) or letters.messages())
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert api.got.empty()


def test_the_retry_policy_ends_in_a_dead_letter(
    events: Any, api: Api, timed_client: Callable[..., Any], timed_server: ThreadedServer
) -> None:
    letters = Inbox(timed_client, "letters")
    policy = {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60}
    target(events, connect(events), api.url, DeadLetterConfig={"Arn": letters.arn}, RetryPolicy=policy)
    api.answers += [503, 500]
    put = events.put_events(Entries=[order()])
    api.next()
    wait_for(lambda: timed_server.advance(1) or not api.got.empty())
    (letter,) = wait_for(letters.messages)
    assert json.loads(letter["Body"])["id"] == put["Entries"][0]["EventId"]
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert (told["ERROR_CODE"], told["RETRY_ATTEMPTS"]) == ("ERROR_FROM_TARGET", "1")
    assert told["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"


def test_connections_and_destinations_are_listed_and_deleted(events: Any, api: Api, account: str) -> None:
    connection = connect(events)
    arn = target(events, connection, api.url)
    assert events.describe_connection(Name="c")["ConnectionState"] == "AUTHORIZED"
    assert [each["ConnectionArn"] for each in events.list_connections()["Connections"]] == [connection]
    shown = events.list_api_destinations(ConnectionArn=connection)["ApiDestinations"]
    assert [(each["ApiDestinationArn"], each["InvocationRateLimitPerSecond"]) for each in shown] == [(arn, 300)]
    assert refusal(connect, events=events)[0] == "ResourceAlreadyExistsException"
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "one"}}
    assert refusal(connect, events=events, name="x", auth=key)[0] == "ValidationException"
    gone = connection.replace("/c/", "/none/")
    code, _ = refusal(
        events.create_api_destination, Name="x", ConnectionArn=gone, InvocationEndpoint=api.url, HttpMethod="GET"
    )
    assert code == "ResourceNotFoundException"
    missing = [{"Id": "2", "Arn": arn.replace("/d/", "/none/")}]
    assert refusal(events.put_targets, Rule="orders", Targets=missing)[0] == "ResourceNotFoundException"
    events.delete_api_destination(Name="d")
    assert refusal(events.describe_api_destination, Name="d")[0] == "ResourceNotFoundException"
    assert events.delete_connection(Name="c")["ConnectionState"] == "DELETING"
    assert refusal(events.describe_connection, Name="c")[0] == "ResourceNotFoundException"
