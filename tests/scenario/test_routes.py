"""Topics of one cloud reach queues, topics and functions of another, each seen through its own cloud's SDK."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from fogbank.cli import main
from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_sns_topics import queue
from tests.conformance.gcp.conftest import archive, function, upload
from tests.conformance.gcp.test_pubsub import PubSub
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.testing.server import ThreadedServer

TELLS = """
import json, os, urllib.request
import functions_framework

@functions_framework.cloud_event
def on_event(event):
    told = {"id": event["id"], "type": event["type"], "source": event["source"], "data": event.data}
    data = __import__("base64").b64encode(json.dumps(told).encode()).decode()
    body = json.dumps({"messages": [{"data": data}]}).encode()
    url = os.environ["FOGBANK"] + "/v1/" + os.environ["TOPIC"] + ":publish"
    urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"})).read()
"""
FORWARDS = """
import json, os, boto3

def handler(event, context):
    sqs = boto3.client("sqs", endpoint_url=os.environ["FOGBANK"])
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""


class Routes:
    """The command line, against a server."""

    def __init__(self, server: ThreadedServer) -> None:
        self.url = server.url

    def run(self, command: str, *arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["route", command, "--url", self.url, *arguments])
        return result.exit_code, result.output

    def add(self, *arguments: str) -> str:
        """Add a route; returns its id."""
        status, output = self.run("add", *arguments)
        assert status == 0, output
        return output.partition(":")[0]

    def refused(self, *arguments: str) -> str:
        status, output = self.run("add", *arguments)
        assert status == 1, output
        return output


@pytest.fixture
def routes(server: ThreadedServer) -> Routes:
    return Routes(server)


@pytest.fixture
def pubsub(server: ThreadedServer, project: str) -> Iterator[PubSub]:
    made = PubSub(server.url, project)
    yield made
    made.channel.close()


@pytest.fixture
def sns(client: Callable[..., Any]) -> Any:
    return client("sns")


@pytest.fixture
def topic(sns: Any) -> str:
    return sns.create_topic(Name="news")["TopicArn"]


def received(client: Callable[..., Any], url: str) -> list[dict[str, Any]]:
    reply = client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=10, MessageAttributeNames=["All"]
    )
    messages = reply.get("Messages", [])
    for message in messages:
        client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return messages


def test_from_sns_to_pubsub(sns: Any, topic: str, pubsub: PubSub, routes: Routes) -> None:
    target = pubsub.topic()
    inbox = pubsub.subscription(target)
    routes.add(topic, target)
    kind = {"kind": {"DataType": "String", "StringValue": "greeting"}}
    told = sns.publish(TopicArn=topic, Message="안녕", Subject="Hi", MessageAttributes=kind)
    (message,) = pubsub.pull(inbox)
    event = json.loads(message.message.data)
    assert (event["specversion"], event["id"], event["source"]) == ("1.0", told["MessageId"], topic)
    assert (event["type"], event["subject"]) == ("com.amazonaws.sns.notification", "Hi")
    assert event["data"]["Message"] == "안녕"
    assert event["data"]["MessageAttributes"] == {"kind": {"Type": "String", "Value": "greeting"}}
    assert dict(message.message.attributes) == {
        "ce-id": told["MessageId"],
        "ce-source": topic,
        "ce-type": "com.amazonaws.sns.notification",
        "ce-subject": "Hi",
        "content-type": "application/cloudevents+json",
    }
    # It is nobody's subscription.
    assert sns.list_subscriptions()["Subscriptions"] == []
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "0"


def test_from_pubsub_to_sqs_by_a_filter(client: Callable[..., Any], pubsub: PubSub, routes: Routes) -> None:
    source = pubsub.topic()
    url, arn = queue(client)
    wanted = {"data": {"message": {"attributes": {"kind": [{"prefix": "ord"}]}}}}
    number = routes.add(source, arn, "--filter", json.dumps(wanted))
    for kind in ("order", "return"):
        pubsub.publish(source, f"the {kind}", attributes={"kind": kind})
    (message,) = received(client, url)
    assert message["MessageAttributes"]["contentType"]["StringValue"] == "application/cloudevents+json"
    event = json.loads(message["Body"])
    assert event["type"] == "google.cloud.pubsub.topic.v1.messagePublished"
    assert event["source"] == f"//pubsub.googleapis.com/{source}"
    assert event["data"]["message"]["attributes"] == {"kind": "order"}
    status, listed = routes.run("list", "--json")
    mine = [route for route in json.loads(listed) if route["id"] == number]
    assert (status, mine) == (0, [{"id": number, "from": source, "to": arn, "filter": wanted}])
    assert list(pubsub.publisher.list_topic_subscriptions(topic=source)) == []
    assert routes.run("remove", number) == (0, f"The route {number} is removed.\n")
    assert routes.run("remove", number)[0] == 1
    pubsub.publish(source, "another", attributes={"kind": "order"})
    assert "Messages" not in client("sqs").receive_message(QueueUrl=url)


def test_from_sns_to_an_ordered_queue_and_back_to_a_topic(
    client: Callable[..., Any], sns: Any, topic: str, routes: Routes
) -> None:
    url, arn = queue(client, "inbox.fifo", FifoQueue="true")
    second = sns.create_topic(Name="second")["TopicArn"]
    outer, outer_arn = queue(client, "outer")
    sns.subscribe(TopicArn=second, Protocol="sqs", Endpoint=outer_arn)
    routes.add(topic, arn)
    routes.add(topic, second)
    sns.publish(TopicArn=topic, Message="m")
    ((message),) = received(client, url)
    assert json.loads(message["Body"])["data"]["Message"] == "m"
    ((message),) = received(client, outer)
    envelope = json.loads(message["Body"])
    assert (envelope["TopicArn"], envelope["Type"]) == (second, "Notification")
    assert json.loads(envelope["Message"])["source"] == topic


def test_buses_at_both_ends(client: Callable[..., Any], sns: Any, topic: str, pubsub: PubSub, routes: Routes) -> None:
    events = client("events")
    bus = events.create_event_bus(Name="shop")["EventBusArn"]
    url, arn = queue(client)
    pattern = json.dumps({"detail": {"Message": [{"prefix": "order"}]}})
    events.put_rule(Name="orders", EventBusName="shop", EventPattern=pattern)
    events.put_targets(Rule="orders", EventBusName="shop", Targets=[{"Id": "1", "Arn": arn}])
    outside = pubsub.topic()
    inbox = pubsub.subscription(outside)
    routes.add(topic, bus)
    routes.add(bus, outside, "--filter", json.dumps({"source": [topic]}))
    assert [rule["Name"] for rule in events.list_rules(EventBusName="shop")["Rules"]] == ["orders"]
    sns.publish(TopicArn=topic, Message="order 1")
    ((message),) = received(client, url)
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"]) == (topic, "com.amazonaws.sns.notification")
    assert event["detail"]["Message"] == "order 1"
    (text,) = pubsub.texts(inbox, timeout=20)
    assert json.loads(text)["source"] == topic
    assert [each["TopicArn"] for each in sns.list_topics()["Topics"]] == [topic]


def test_from_pubsub_to_lambda(
    client: Callable[..., Any], pubsub: PubSub, routes: Routes, server: ThreadedServer
) -> None:
    source = pubsub.topic()
    url, _ = queue(client)
    environment = {"Variables": {"FOGBANK": server.url, "QUEUE": url}}
    arn = deploy(client("lambda"), "listener", FORWARDS, Environment=environment, Timeout=20)["FunctionArn"]
    routes.add(source, arn)
    (number,) = pubsub.publish(source, "hello")
    ((message),) = received(client, url)
    event = json.loads(message["Body"])
    assert (event["id"], event["data"]["message"]["data"]) == (number, "aGVsbG8=")
    assert "There is no" in routes.refused(source, f"{arn}:1")
    version = client("lambda").publish_version(FunctionName="listener")["FunctionArn"]
    routes.add(source, version)
    pubsub.publish(source, "both")
    told = received(client, url)
    while len(told) < 2:
        told += received(client, url)
    assert {json.loads(each["Body"])["data"]["message"]["data"] for each in told} == {"Ym90aA=="}


def test_from_sns_to_a_function_of_google_s(
    sns: Any,
    topic: str,
    pubsub: PubSub,
    routes: Routes,
    make_client: Callable[..., Any],
    parent: str,
    server: ThreadedServer,
) -> None:
    told_topic = pubsub.topic("told")
    inbox = pubsub.subscription(told_topic)
    functions = make_client("v2", "grpc")
    environment = {"FOGBANK": server.url, "TOPIC": told_topic}
    made = function(entry_point="on_event", environment_variables=environment)
    source = upload(functions, parent, archive(main=TELLS)).storage_source
    made["build_config"]["source"] = {"storage_source": source}
    request = {"parent": parent, "function_id": "listener", "function": made}
    name = functions.create_function(request=request).result(timeout=20).name
    routes.add(topic, name)
    told = sns.publish(TopicArn=topic, Message="hello")
    (text,) = pubsub.texts(inbox, timeout=20)
    event = json.loads(text)
    assert (event["id"], event["source"]) == (told["MessageId"], topic)
    assert event["data"]["Message"] == "hello"


def test_a_circle_of_topics_ends(sns: Any, topic: str, pubsub: PubSub, routes: Routes, server: ThreadedServer) -> None:
    other = pubsub.topic()
    inbox = pubsub.subscription(other)
    routes.add(topic, other)
    routes.add(other, topic)
    sns.publish(TopicArn=topic, Message="m")
    seen: list[Any] = []
    wait_until(lambda: seen.extend(pubsub.texts(inbox)) or len(seen) >= 8)
    server.call(server.app.settle())
    assert len(seen) == 8
    assert pubsub.is_empty(inbox)


def test_a_target_that_is_gone_is_waited_for(
    timed_server: ThreadedServer, timed_client: Callable[..., Any], project: str
) -> None:
    pubsub, routes = PubSub(timed_server.url, project), Routes(timed_server)
    source = pubsub.topic()
    url, arn = queue(timed_client)
    routes.add(source, arn)
    timed_client("sqs").delete_queue(QueueUrl=url)
    pubsub.publish(source, "m")
    timed_server.call(timed_server.app.settle())
    url, _ = queue(timed_client)
    timed_server.advance(1)
    assert len(received(timed_client, url)) == 1
    # With the topic goes the route.
    pubsub.publisher.delete_topic(topic=source)
    assert routes.run("list") == (0, "There is no route.\n")
    pubsub.channel.close()


def test_what_cannot_be_a_route(
    client: Callable[..., Any], topic: str, pubsub: PubSub, routes: Routes, account: str
) -> None:
    _, inbox = queue(client)
    gone = f"arn:aws:sqs:us-east-1:{account}:gone"
    group = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g/providers"
    for source, target, why in (
        (inbox, topic, "A route begins at a topic, and"),
        (topic, topic, "can't lead where it begins"),
        (topic, gone, f"There is no {gone}"),
        (topic + "x", inbox, f"There is no {topic}x"),
        (pubsub.name("topics", "gone"), inbox, "There is no projects/"),
        (topic, pubsub.name("topics", "gone"), "There is no projects/"),
        (topic, f"arn:aws:lambda:us-east-1:{account}:function:gone", "There is no arn:aws:lambda"),
        (topic, f"arn:aws:events:us-east-1:{account}:event-bus/gone", "There is no arn:aws:events"),
        (topic, f"projects/{pubsub.project}/locations/us-central1/functions/gone", "There is no projects/"),
        (topic, f"{group}/Microsoft.EventGrid/topics/gone", "There is no /subscriptions/"),
        (topic, "https://account.queue.core.windows.net/gone", "There is no https://account"),
        (topic, "http://example.com/hook", "names no topic, queue or function"),
        (topic, f"arn:aws:s3:us-east-1:{account}:bucket", "names no topic, queue or function"),
        (topic, "nonsense", "names no topic, queue or function"),
    ):
        assert why in routes.refused(source, target)
    assert "filter: Unrecognized match type like" in routes.refused(
        topic, inbox, "--filter", '{"type": [{"like": "x"}]}'
    )
    assert "The filter is no JSON" in routes.refused(topic, inbox, "--filter", "{")
    assert "The route can't be read" in routes.refused(topic, inbox, "--filter", "[]")
    number = routes.add(topic, inbox)
    assert routes.add(topic, inbox) == number
    assert "with another filter" in routes.refused(topic, inbox, "--filter", '{"type": ["x"]}')


@pytest.mark.parametrize(("method", "path", "status"), [("PUT", "", 405), ("GET", "/0", 405), ("DELETE", "/a/b", 404)])
def test_requests_that_are_refused(server: ThreadedServer, method: str, path: str, status: int) -> None:
    request = urllib.request.Request(f"{server.url}/_fogbank/routes{path}", method=method)
    with pytest.raises(urllib.error.HTTPError, match=str(status)):
        urllib.request.urlopen(request)
