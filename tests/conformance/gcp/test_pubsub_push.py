"""Push subscriptions of Google Pub/Sub: what is posted, what acknowledges, who signs."""

from __future__ import annotations

import base64
import json
import queue
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from google.auth import jwt
from google.protobuf import field_mask_pb2

from tests.conformance.gcp.test_pubsub import PubSub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer


class Endpoint(HTTPServer):
    """Takes what is pushed; answers with the statuses of `answers`, then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posts: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/push"

    def next(self) -> tuple[dict[str, str], bytes]:
        return self.posts.get(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        self.end_headers()
        self.server.posts.put((dict(self.headers.items()), body))

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def pubsub(server: ThreadedServer, project: str) -> Iterator[PubSub]:
    made = PubSub(server.url, project)
    yield made
    made.channel.close()


def test_a_message_is_pushed_in_a_wrapper(pubsub: PubSub, endpoint: Endpoint) -> None:
    topic = pubsub.topic()
    name = pubsub.subscription(topic, push_config={"push_endpoint": endpoint.url})
    (number,) = pubsub.publish(topic, "hello", attributes={"color": "red"})
    headers, body = endpoint.next()
    pushed = json.loads(body)
    assert pushed["subscription"] == name
    assert base64.b64decode(pushed["message"]["data"]) == b"hello"
    assert pushed["message"]["attributes"] == {"color": "red"}
    assert pushed["message"]["messageId"] == pushed["message"]["message_id"] == number
    assert pushed["message"]["publishTime"] == pushed["message"]["publish_time"]
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers


def test_without_a_wrapper_the_data_is_the_body(pubsub: PubSub, endpoint: Endpoint) -> None:
    topic = pubsub.topic()
    push = {"push_endpoint": endpoint.url, "no_wrapper": {"write_metadata": True}}
    name = pubsub.subscription(topic, push_config=push)
    (number,) = pubsub.publish(topic, "hello", attributes={"color": "red"})
    headers, body = endpoint.next()
    assert body == b"hello"
    assert headers["x-goog-pubsub-message-id"] == number
    assert headers["x-goog-pubsub-subscription-name"] == name
    assert headers["color"] == "red"


def test_tokens_can_be_checked_with_the_keys_that_are_published(
    pubsub: PubSub, endpoint: Endpoint, server: ThreadedServer
) -> None:
    topic = pubsub.topic()
    oidc = {"service_account_email": "push@project.iam.gserviceaccount.com", "audience": "fog"}
    pubsub.subscription(topic, push_config={"push_endpoint": endpoint.url, "oidc_token": oidc})
    pubsub.publish(topic, "hello")
    headers, _ = endpoint.next()
    token = headers["Authorization"].removeprefix("Bearer ")
    with urllib.request.urlopen(f"{server.url}/oauth2/v1/certs") as answer:
        certificates = json.load(answer)
    claims = jwt.decode(token, certs=certificates, audience="fog")
    assert claims["email"] == oidc["service_account_email"]
    assert claims["iss"] == "https://accounts.google.com"
    with urllib.request.urlopen(f"{server.url}/oauth2/v3/certs") as answer:
        assert json.load(answer)["keys"][0]["kid"] in certificates


def test_what_is_not_acknowledged_is_pushed_again_and_dead_lettered(pubsub: PubSub, endpoint: Endpoint) -> None:
    topic, dead = pubsub.topic(), pubsub.topic("dead")
    morgue = pubsub.subscription(dead, "morgue")
    pubsub.subscription(
        topic,
        push_config={"push_endpoint": endpoint.url},
        retry_policy={"minimum_backoff": {"nanos": 1_000_000}, "maximum_backoff": {"nanos": 2_000_000}},
        dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5},
    )
    endpoint.answers = [500] * 5
    pubsub.publish(topic, "poison")
    attempts = [json.loads(endpoint.next()[1])["deliveryAttempt"] for _ in range(5)]
    assert attempts == [1, 2, 3, 4, 5]
    assert pubsub.texts(morgue) == ["poison"]


def test_pushing_can_be_turned_on_and_off(pubsub: PubSub, endpoint: Endpoint) -> None:
    topic = pubsub.topic()
    name = pubsub.subscription(topic)
    pubsub.publish(topic, "waiting")
    pubsub.subscriber.modify_push_config(subscription=name, push_config={"push_endpoint": endpoint.url})
    assert json.loads(endpoint.next()[1])["message"]["data"] == base64.b64encode(b"waiting").decode()
    mask = field_mask_pb2.FieldMask(paths=["push_config"])
    pubsub.subscriber.update_subscription(subscription={"name": name}, update_mask=mask)
    pubsub.publish(topic, "pulled")
    assert pubsub.texts(name) == ["pulled"]
    assert endpoint.posts.empty()
