"""Google Cloud Eventarc through Google's own client: triggers, and what they bring where."""

from __future__ import annotations

import json
import urllib.request
import warnings
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth import jwt
from google.auth.credentials import AnonymousCredentials
from google.cloud import eventarc_v1
from google.protobuf import field_mask_pb2

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.test_lambda_invoke import wait_for
from tests.conformance.gcp.conftest import REGION, archive, function, upload
from tests.conformance.gcp.test_event_triggers import CODE, KIND, World, deploy, world
from tests.conformance.gcp.test_pubsub import PubSub
from tests.conformance.gcp.test_pubsub_push import Endpoint, endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["endpoint", "world"]
Client = eventarc_v1.EventarcClient
# A function that may be called at any path, and says with what.
SERVICE = (
    CODE
    + """
@functions_framework.http
def on_request(request):
    tell(path=request.path, kind=request.headers["ce-type"], account=request.headers.get("authorization", "")[:7],
         data=request.get_json()["message"]["data"])
    return "", 200
"""
)


class Triggers:
    """A client, and a location of the test's own."""

    def __init__(self, url: str, parent: str, transport: str = "grpc") -> None:
        self.parent = parent
        self.channel = grpc.insecure_channel(url.removeprefix("http://"))
        if transport == "rest":
            options = ClientOptions(api_endpoint=url)
            self.client = Client(transport="rest", credentials=AnonymousCredentials(), client_options=options)
        else:
            self.client = Client(transport=Client.get_transport_class("grpc")(channel=self.channel))

    def name(self, short: str = "trigger") -> str:
        return f"{self.parent}/triggers/{short}"

    def create(self, short: str = "trigger", *, validate_only: bool = False, parent: str = "", **trigger: Any) -> Any:
        made = {
            "event_filters": [{"attribute": "type", "value": KIND}],
            "destination": {"http_endpoint": {"uri": "http://127.0.0.1:1/"}},
            **trigger,
        }
        request = {"parent": parent or self.parent, "trigger": made, "trigger_id": short}
        return self.client.create_trigger(request=request | {"validate_only": validate_only}).result(timeout=10)

    def update(self, trigger: dict[str, Any], *paths: str, **request: Any) -> Any:
        mask = field_mask_pb2.FieldMask(paths=paths) if paths else None
        whole = {"trigger": {"name": self.name(), **trigger}, "update_mask": mask, **request}
        return self.client.update_trigger(request=whole).result(timeout=10)

    def delete(self, short: str = "trigger", **request: Any) -> Any:
        return self.client.delete_trigger(request={"name": self.name(short), **request}).result(timeout=10)


@pytest.fixture(params=["grpc", "rest"])
def both(request: pytest.FixtureRequest, server: ThreadedServer, parent: str) -> Iterator[Triggers]:
    made = Triggers(server.url, parent, request.param)
    yield made
    made.channel.close()


@pytest.fixture
def triggers(server: ThreadedServer, parent: str) -> Iterator[Triggers]:
    made = Triggers(server.url, parent)
    yield made
    made.channel.close()


def to(url: str) -> dict[str, Any]:
    return {"http_endpoint": {"uri": url}}


def through(topic: str) -> dict[str, Any]:
    return {"pubsub": {"topic": topic}}


def topics_of(world: World) -> list[str]:
    return [each.name for each in world.pubsub.publisher.list_topics(project=f"projects/{world.pubsub.project}")]


def deploy_service(client: Any, parent: str, world: World, entry_point: str = "on_request") -> None:
    made = function(entry_point=entry_point, environment_variables=world.environment)
    made["build_config"]["source"] = {"storage_source": upload(client, parent, archive(main=SERVICE)).storage_source}
    client.create_function(request={"parent": parent, "function_id": "service", "function": made}).result(timeout=20)


def test_a_trigger_from_its_making_to_its_end(both: Triggers, world: World) -> None:
    made = both.create(labels={"team": "fog"}, service_account="me@p.iam.gserviceaccount.com")
    assert made.name == both.name()
    assert made.event_data_content_type == "application/json"
    assert made.transport.pubsub.subscription.rpartition("/")[2].startswith(f"eventarc-{REGION}-trigger-sub-")
    assert both.client.get_trigger(name=made.name) == made
    topic = made.transport.pubsub.topic
    assert list(world.pubsub.publisher.list_topic_subscriptions(topic=topic)) == [made.transport.pubsub.subscription]
    changed = both.update({"labels": {"team": "rain"}}, "labels")
    assert (dict(changed.labels), changed.uid, changed.create_time) == ({"team": "rain"}, made.uid, made.create_time)
    assert changed.service_account == made.service_account
    assert changed.etag != made.etag
    with pytest.raises((exceptions.Aborted, exceptions.Conflict)):
        both.delete(etag=made.etag)
    assert both.delete(etag=changed.etag, validate_only=True).name == made.name
    assert both.delete(etag=changed.etag).uid == made.uid
    for gone in (both.client.get_trigger, both.client.delete_trigger):
        with pytest.raises(exceptions.NotFound, match="triggers/trigger"):
            gone(name=made.name)
    assert both.delete(allow_missing=True)
    assert topic not in topics_of(world)
    with pytest.raises(exceptions.NotFound):
        world.pubsub.subscriber.get_subscription(subscription=made.transport.pubsub.subscription)


def test_operations_are_kept_with_what_they_are_of(triggers: Triggers) -> None:
    triggers.create()
    (operation,) = triggers.client.list_operations(request={"name": triggers.parent}).operations
    metadata = eventarc_v1.OperationMetadata.deserialize(operation.metadata.value)
    assert (metadata.target, metadata.verb, metadata.api_version) == (triggers.name(), "create", "v1")
    assert triggers.client.get_operation(request={"name": operation.name}).done


def test_listing(both: Triggers, project: str) -> None:
    for short in ("a", "b", "c"):
        both.create(short)
    other = f"projects/{project}/locations/europe-west1"
    both.create("a", parent=other)
    pages = list(both.client.list_triggers(request={"parent": both.parent, "page_size": 2}).pages)
    assert [[each.name.rpartition("/")[2] for each in page.triggers] for page in pages] == [["a", "b"], ["c"]]
    everywhere = both.client.list_triggers(request={"parent": f"projects/{project}/locations/-", "page_size": 1})
    assert [each.name for each in everywhere] == [f"{other}/triggers/a", *map(both.name, "abc")]
    for field in ("filter", "order_by"):
        with pytest.raises((exceptions.MethodNotImplemented, exceptions.ServerError), match=field):
            both.client.list_triggers(request={"parent": both.parent, field: "name"})


def test_what_is_only_validated_is_not_made(triggers: Triggers, world: World) -> None:
    assert triggers.create(validate_only=True).name == triggers.name()
    assert list(triggers.client.list_triggers(parent=triggers.parent)) == []
    with pytest.raises(exceptions.NotFound, match="topics/none"):
        triggers.create(validate_only=True, transport=through(world.pubsub.name("topics", "none")))
    made = triggers.create()
    with pytest.raises(exceptions.AlreadyExists):
        triggers.create(validate_only=True)
    assert triggers.update({"labels": {"a": "b"}}, "labels", validate_only=True).labels
    assert triggers.client.get_trigger(name=made.name) == made


def test_updates(triggers: Triggers) -> None:
    with pytest.raises(exceptions.NotFound):
        triggers.update({"labels": {"a": "b"}}, "labels")
    whole = eventarc_v1.Trigger.to_dict(triggers.create(labels={"a": "b"}))
    made = triggers.client.get_trigger(name=triggers.name())
    given = {"destination": to("http://127.0.0.1:2/")}
    changed = triggers.update(given)
    assert (changed.destination.http_endpoint.uri, dict(changed.labels)) == ("http://127.0.0.1:2/", {"a": "b"})
    # What was read may be sent back whole; without labels, there are none.
    sent_back = eventarc_v1.Trigger(made)
    sent_back.etag, sent_back.labels = "", {}
    assert not triggers.client.update_trigger(trigger=sent_back, update_mask={"paths": ["*"]}).result(timeout=10).labels
    with pytest.raises(exceptions.InvalidArgument, match="transport"):
        triggers.update({"transport": through(whole["transport"]["pubsub"]["topic"] + "x")})
    with pytest.raises(exceptions.InvalidArgument, match="'channel' field in the Trigger is not mutable"):
        triggers.update({}, "channel")
    with pytest.raises(exceptions.Aborted):
        triggers.update({"etag": "old", "labels": {}}, "labels")
    more = {"event_filters": [{"attribute": "type", "value": KIND}], "destination": to("http://127.0.0.1:3/")}
    created = triggers.update({"name": triggers.name("more"), **more}, "labels", allow_missing=True)
    assert created.destination.http_endpoint.uri == "http://127.0.0.1:3/"


@pytest.mark.parametrize(
    ("trigger", "error", "text"),
    [
        ({"event_filters": []}, exceptions.InvalidArgument, "'type'"),
        ({"event_filters": [{"attribute": "type", "value": KIND}, {"attribute": "topic", "value": "x"}]},
         exceptions.InvalidArgument, "'topic'"),
        ({"event_filters": [{"attribute": "type", "value": KIND, "operator": "match-path-pattern"}]},
         exceptions.InvalidArgument, "match-path-pattern"),
        ({"event_filters": [{"attribute": "type", "value": "google.cloud.audit.log.v1.written"}]},
         exceptions.MethodNotImplemented, "google.cloud.audit.log.v1.written"),
        ({"destination": {}}, exceptions.InvalidArgument, "destination"),
        ({"destination": {"workflow": "projects/p/locations/l/workflows/w"}},
         exceptions.MethodNotImplemented, "destination.workflow"),
        ({"destination": {"gke": {"cluster": "c"}}}, exceptions.MethodNotImplemented, "destination.gke"),
        ({"destination": {"cloud_function": "projects/p/locations/l/functions/f"}},
         exceptions.InvalidArgument, "cloud_function"),
        ({"destination": {"cloud_run": {"service": "none", "region": REGION}}}, exceptions.NotFound, "services/none"),
        ({"destination": {"cloud_run": {"service": "none"}}}, exceptions.InvalidArgument, "cloud_run.region"),
        ({"destination": to("ftp://here")}, exceptions.InvalidArgument, "http_endpoint.uri"),
        ({"retry_policy": {"max_attempts": 1}}, exceptions.InvalidArgument, "retry_policy"),
        ({"channel": "projects/p/locations/l/channels/c"}, exceptions.MethodNotImplemented, "channel"),
        ({"event_data_content_type": "application/protobuf"}, exceptions.MethodNotImplemented, "content_type"),
        ({"transport": through("projects/other-project/topics/none")}, exceptions.NotFound, "topics/none"),
        ({"labels": {"Big": "x"}}, exceptions.InvalidArgument, "Big"),
    ],
)  # fmt: skip
def test_triggers_that_cannot_be(triggers: Triggers, trigger: dict[str, Any], error: Any, text: str) -> None:
    with pytest.raises(error) as caught:
        triggers.create(**trigger)
    details = "".join(str(each) for each in caught.value.details or ())
    assert text in str(caught.value) + details
    assert list(triggers.client.list_triggers(parent=triggers.parent)) == []


@pytest.mark.parametrize("short", ["Big", "9", "a" * 64, "end-"])
def test_names_that_cannot_be(triggers: Triggers, short: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="trigger name"):
        triggers.create(short)


def test_an_address_gets_a_cloud_event_in_binary_mode(
    triggers: Triggers, world: World, endpoint: Endpoint, server: ThreadedServer
) -> None:
    account = "me@p.iam.gserviceaccount.com"
    made = triggers.create(destination=to(endpoint.url), transport=through(world.topic), service_account=account)
    assert made.transport.pubsub.topic == world.topic
    (number,) = world.pubsub.publish(world.topic, "hello", attributes={"a": "b"})
    headers, body = endpoint.next()
    told = {name.lower(): value for name, value in headers.items()}
    assert (told["ce-id"], told["ce-type"], told["ce-specversion"]) == (number, KIND, "1.0")
    assert told["ce-source"] == f"//pubsub.googleapis.com/{world.topic}"
    assert told["content-type"] == "application/json"
    event = json.loads(body)
    assert event["subscription"] == made.transport.pubsub.subscription
    assert (event["message"]["data"], event["message"]["attributes"]) == ("aGVsbG8=", {"a": "b"})
    with urllib.request.urlopen(f"{server.url}/oauth2/v1/certs") as answer:
        claims = jwt.decode(told["authorization"].removeprefix("Bearer "), certs=json.load(answer))
    assert (claims["email"], claims["aud"]) == (account, endpoint.url)
    triggers.delete()
    assert world.topic in topics_of(world)
    world.pubsub.publish(world.topic, "nobody listens")
    assert endpoint.posts.empty()


def test_what_an_address_refuses_comes_again(
    timed_server: ThreadedServer, project: str, parent: str, endpoint: Endpoint
) -> None:
    triggers, pubsub = Triggers(timed_server.url, parent), PubSub(timed_server.url, project)
    made = triggers.create(destination=to(endpoint.url))
    endpoint.answers = [500, 503]
    pubsub.publish(made.transport.pubsub.topic, "again")
    first = endpoint.next()[0]["ce-id"]
    timed_server.advance(9)
    assert endpoint.posts.empty()
    wait_for(lambda: timed_server.advance(1) or not endpoint.posts.empty())
    assert endpoint.next()[0]["ce-id"] == first
    wait_for(lambda: timed_server.advance(10) or not endpoint.posts.empty())
    assert endpoint.next()[0]["ce-id"] == first
    for each in (triggers, pubsub):
        each.channel.close()


def test_a_service_is_called_at_its_path(
    triggers: Triggers, make_client: Callable[..., Any], parent: str, world: World
) -> None:
    deploy_service(make_client("v2", "grpc"), parent, world)
    run = {"cloud_run": {"service": "service", "region": REGION, "path": "events/new"}}
    made = triggers.create(destination=run, service_account="me@p.iam.gserviceaccount.com")
    world.pubsub.publish(made.transport.pubsub.topic, "1")
    assert world.next() == {"path": "/events/new", "kind": KIND, "account": "Bearer ", "data": "MQ=="}
    run["cloud_run"]["path"] = "/elsewhere"
    triggers.update({"destination": run}, "destination")
    world.pubsub.publish(made.transport.pubsub.topic, "2")
    assert world.next()["path"] == "/elsewhere"


def test_one_attempt_only(
    timed_server: ThreadedServer, make_client: Callable[..., Any], project: str, parent: str
) -> None:
    world, triggers = World(timed_server, project), Triggers(timed_server.url, parent)
    deploy_service(make_client("v2", "grpc", timed_server.url), parent, world, "on_event")
    run = {"cloud_run": {"service": "service", "region": REGION}}
    topic = triggers.create(destination=run, retry_policy={"max_attempts": 1}).transport.pubsub.topic
    with pytest.raises(exceptions.InvalidArgument, match="max_attempts"):
        triggers.update({"retry_policy": {"max_attempts": 2}}, "retry_policy")
    world.pubsub.publish(topic, "1", attributes={"fail": "yes"})
    assert world.next()["message"]["data"] == "MQ=="
    timed_server.advance(20)
    world.pubsub.publish(topic, "2")
    assert world.next()["message"]["data"] == "Mg=="
    assert world.pubsub.is_empty(world.inbox)
    for each in (triggers, world.pubsub):
        each.channel.close()


def test_a_subscription_that_was_set_by_hand_brings_what_it_brought(
    triggers: Triggers, world: World, endpoint: Endpoint
) -> None:
    made = triggers.create(destination=to(endpoint.url), transport=through(world.topic))
    subscription = {
        "name": made.transport.pubsub.subscription,
        "retry_policy": {"minimum_backoff": {"nanos": 1_000_000}, "maximum_backoff": {"nanos": 2_000_000}},
    }
    mask = field_mask_pb2.FieldMask(paths=["retry_policy"])
    world.pubsub.subscriber.update_subscription(subscription=subscription, update_mask=mask)
    # Nothing of the subscription is another by this.
    triggers.update({"labels": {"a": "b"}}, "labels")
    endpoint.answers = [500]
    world.pubsub.publish(world.topic, "quick")
    assert endpoint.next()[0]["ce-id"] == endpoint.next()[0]["ce-id"]


def test_what_is_missing_is_told(triggers: Triggers, world: World) -> None:
    made = triggers.create()
    world.pubsub.publisher.delete_topic(topic=made.transport.pubsub.topic)
    shown = triggers.client.get_trigger(name=made.name)
    assert {name: condition.code for name, condition in shown.conditions.items()} == {"topic": 5}
    assert triggers.delete().uid == made.uid


def test_the_trigger_of_a_function_is_one_of_eventarc(
    triggers: Triggers, make_client: Callable[..., Any], parent: str, world: World
) -> None:
    client = make_client("v2", "grpc")
    made = deploy(client, parent, world, retry_policy="RETRY_POLICY_RETRY")
    (shown,) = triggers.client.list_triggers(parent=parent)
    assert shown.name == made.event_trigger.trigger
    assert shown.destination.cloud_function == made.name
    assert shown.transport.pubsub.topic == world.topic
    assert not shown.retry_policy.max_attempts
    request = {"function": {"name": made.name, "event_trigger": {"retry_policy": "RETRY_POLICY_DO_NOT_RETRY"}}}
    mask = field_mask_pb2.FieldMask(paths=["event_trigger.retry_policy"])
    client.update_function(request={**request, "update_mask": mask}).result(timeout=20)
    changed = triggers.client.get_trigger(name=shown.name)
    assert (changed.uid, changed.retry_policy.max_attempts) == (shown.uid, 1)
    other = world.pubsub.topic("other")
    request["function"]["event_trigger"] = {"pubsub_topic": other}
    mask = field_mask_pb2.FieldMask(paths=["event_trigger.pubsub_topic"])
    client.update_function(request={**request, "update_mask": mask}).result(timeout=20)
    assert triggers.client.get_trigger(name=shown.name).transport.pubsub.topic == other
    world.pubsub.publish(other, "hello")
    assert world.next()["message"]["data"] == "aGVsbG8="
    client.delete_function(name=made.name).result(timeout=20)
    assert list(triggers.client.list_triggers(parent=parent)) == []


def test_what_waits_for_a_function_waits_for_its_next_revision(
    timed_server: ThreadedServer, make_client: Callable[..., Any], project: str, parent: str
) -> None:
    client, world = make_client("v2", "grpc", timed_server.url), World(timed_server, project)
    triggers = Triggers(timed_server.url, parent)
    made = deploy(client, parent, world, retry_policy="RETRY_POLICY_RETRY")
    world.pubsub.publish(world.topic, "again", attributes={"fail": "yes"})
    first = world.next()["id"]
    request = {"function": {"name": made.name, "description": "another"}, "update_mask": {"paths": ["description"]}}
    client.update_function(request=request).result(timeout=20)

    def came_again() -> bool:
        timed_server.advance(10)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            received = world.pubsub.subscriber.pull(
                request={"subscription": world.inbox, "max_messages": 10, "return_immediately": True}
            ).received_messages
        return first in [json.loads(each.message.data)["id"] for each in received]

    wait_for(came_again)
    # A trigger that somebody deleted is made anew.
    triggers.delete(made.event_trigger.trigger.rpartition("/")[2])
    client.update_function(request=request).result(timeout=20)
    assert triggers.client.get_trigger(name=made.event_trigger.trigger).destination.cloud_function == made.name
    for each in (triggers, world.pubsub):
        each.channel.close()


def test_providers(both: Triggers, project: str) -> None:
    (provider,) = both.client.list_providers(parent=both.parent)
    assert provider.name == f"{both.parent}/providers/pubsub.googleapis.com"
    (kind,) = provider.event_types
    assert (kind.type_, [each.attribute for each in kind.filtering_attributes]) == (KIND, ["type"])
    assert both.client.get_provider(name=provider.name) == provider
    with pytest.raises(exceptions.NotFound, match="storage"):
        both.client.get_provider(name=f"{both.parent}/providers/storage.googleapis.com")
    everywhere = both.client.list_providers(parent=f"projects/{project}/locations/-")
    assert len({each.name.split("/")[3] for each in everywhere}) > 30


def test_what_eventarc_has_besides_is_refused_by_name(both: Triggers) -> None:
    refused = (exceptions.MethodNotImplemented, exceptions.ServerError)
    for name, call in (
        ("CreateChannel", lambda: both.client.create_channel(parent=both.parent, channel={}, channel_id="c")),
        ("ListMessageBuses", lambda: both.client.list_message_buses(parent=both.parent)),
        ("GetPipeline", lambda: both.client.get_pipeline(name=f"{both.parent}/pipelines/p")),
        ("ListEnrollments", lambda: both.client.list_enrollments(parent=both.parent)),
        ("ListGoogleApiSources", lambda: both.client.list_google_api_sources(parent=both.parent)),
        ("ListChannelConnections", lambda: both.client.list_channel_connections(parent=both.parent)),
    ):
        with pytest.raises(refused, match=f"Fogbank doesn't support google.cloud.eventarc.v1.Eventarc/{name}"):
            call()


def test_triggers_on_postgres(postgres_url: str, project: str, parent: str, endpoint: Endpoint) -> None:
    settings = Settings(port=0, database=postgres_url)
    with ThreadedServer(settings) as one, ThreadedServer(settings) as other:
        first, second = Triggers(one.url, parent), Triggers(other.url, parent, "rest")
        made = first.create(destination=to(endpoint.url))
        assert second.client.get_trigger(name=made.name) == made
        pubsub = PubSub(other.url, project)
        pubsub.publish(made.transport.pubsub.topic, "hello")
        assert json.loads(endpoint.next()[1])["message"]["data"] == "aGVsbG8="
        second.delete()
        assert list(first.client.list_triggers(parent=parent)) == []
        for each in (first, second, pubsub):
            each.channel.close()
