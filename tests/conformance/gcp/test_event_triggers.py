"""Functions that Pub/Sub sets off, of both generations, through Google's own clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions

from tests.conformance.gcp.conftest import archive, function, upload
from tests.conformance.gcp.test_pubsub import PubSub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.testing.server import ThreadedServer

# What a function gets it publishes, to be looked at: what it prints can't be waited for.
CODE = """
import json, os, urllib.request
import functions_framework

def tell(**facts):
    data = __import__("base64").b64encode(json.dumps(facts).encode()).decode()
    body = json.dumps({"messages": [{"data": data}]}).encode()
    url = os.environ["FOGBANK"] + "/v1/" + os.environ["TOPIC"] + ":publish"
    urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"})).read()

@functions_framework.cloud_event
def on_event(event):
    data = event.data
    tell(id=event["id"], source=event["source"], type=event["type"], message=data["message"],
         subscription=data["subscription"])
    if data["message"].get("attributes", {}).get("fail"):
        raise ValueError("asked to")

def on_message(event, context):
    tell(event=event, id=context.event_id, kind=context.event_type, resource=context.resource)
"""
KIND = "google.cloud.pubsub.topic.v1.messagePublished"


class World:
    """Pub/Sub, a topic to listen to and one to tell."""

    def __init__(self, server: ThreadedServer, project: str) -> None:
        self.pubsub = PubSub(server.url, project)
        self.topic = self.pubsub.topic()
        self.told = self.pubsub.topic("told")
        self.inbox = self.pubsub.subscription(self.told)
        self.environment = {"FOGBANK": server.url, "TOPIC": self.told}

    def next(self) -> Any:
        import json

        (text,) = self.pubsub.texts(self.inbox, timeout=20)
        return json.loads(text)


@pytest.fixture
def world(server: ThreadedServer, project: str) -> Iterator[World]:
    made = World(server, project)
    yield made
    made.pubsub.channel.close()


def deploy(client: Any, parent: str, world: World, **trigger: Any) -> Any:
    made = function(entry_point="on_event", environment_variables=world.environment)
    made["build_config"]["source"] = {"storage_source": upload(client, parent, archive(main=CODE)).storage_source}
    made["event_trigger"] = {"event_type": KIND, "pubsub_topic": world.topic, **trigger}
    request = {"parent": parent, "function_id": "listener", "function": made}
    return client.create_function(request=request).result(timeout=20)


def test_a_message_sets_a_function_off(make_client: Callable[..., Any], parent: str, world: World) -> None:
    client = make_client("v2", "grpc")
    made = deploy(client, parent, world)
    assert made.event_trigger.pubsub_topic == world.topic
    assert made.event_trigger.trigger.startswith(f"{parent}/triggers/listener-")
    (number,) = world.pubsub.publish(world.topic, "hello", attributes={"a": "b"})
    told = world.next()
    assert told["id"] == told["message"]["messageId"] == number
    assert told["source"] == f"//pubsub.googleapis.com/{world.topic}"
    assert told["type"] == KIND
    assert told["message"]["data"] == "aGVsbG8="
    assert told["message"]["attributes"] == {"a": "b"}
    (subscription,) = world.pubsub.publisher.list_topic_subscriptions(topic=world.topic)
    assert told["subscription"] == subscription
    client.delete_function(name=made.name).result(timeout=20)
    assert list(world.pubsub.publisher.list_topic_subscriptions(topic=world.topic)) == []


def test_without_retries_a_failure_is_the_end(make_client: Callable[..., Any], parent: str, world: World) -> None:
    deploy(make_client("v2", "grpc"), parent, world)
    world.pubsub.publish(world.topic, "1", attributes={"fail": "yes"})
    assert world.next()["message"]["data"] == "MQ=="
    world.pubsub.publish(world.topic, "2")
    assert world.next()["message"]["data"] == "Mg=="
    assert world.pubsub.is_empty(world.inbox)


def test_what_cannot_be_a_trigger(make_client: Callable[..., Any], parent: str, world: World) -> None:
    client = make_client("v2", "grpc")
    with pytest.raises(exceptions.MethodNotImplemented, match="event_type"):
        deploy(client, parent, world, event_type="google.cloud.storage.object.v1.finalized")
    with pytest.raises(exceptions.NotFound, match="topics/none"):
        deploy(client, parent, world, pubsub_topic=world.pubsub.name("topics", "none"))
    assert list(client.list_functions(parent=parent)) == []


def test_a_background_function_of_the_first_generation(
    make_client: Callable[..., Any], parent: str, world: World
) -> None:
    client = make_client("v1", "grpc")
    url = client.generate_upload_url(request={"parent": parent}).upload_url
    from tests.conformance.gcp.conftest import put

    put(url, archive(main=CODE))
    made = {
        "name": f"{parent}/functions/listener",
        "runtime": "python311",
        "entry_point": "on_message",
        "source_upload_url": url,
        "environment_variables": world.environment,
        "event_trigger": {"event_type": "google.pubsub.topic.publish", "resource": world.topic},
    }
    shown = client.create_function(location=parent, function=made).result(timeout=20)
    assert shown.event_trigger.service == "pubsub.googleapis.com"
    (number,) = world.pubsub.publish(world.topic, "hello", attributes={"a": "b"})
    told = world.next()
    assert told["event"]["data"] == "aGVsbG8="
    assert told["event"]["attributes"] == {"a": "b"}
    assert told["id"] == number
    assert told["kind"] == "google.pubsub.topic.publish"
    assert told["resource"]["name"] == world.topic
