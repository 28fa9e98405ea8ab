"""Amazon SNS through boto3: what is published, and what subscribers get."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_invoke import wait_for
from tests.conformance.aws.test_sns_topics import queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer


@pytest.fixture
def sns(client: Callable[..., Any]) -> Any:
    return client("sns")


@pytest.fixture
def topic(sns: Any) -> str:
    return sns.create_topic(Name="news")["TopicArn"]


class Inbox:
    """A queue that is subscribed to a topic."""

    def __init__(self, client: Callable[..., Any], topic: str, name: str = "inbox", **attributes: str) -> None:
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        self.sqs = client("sqs")
        self.url, arn = queue(client, name, **fifo)
        self.subscription = client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes
        )["SubscriptionArn"]

    def messages(self) -> list[dict[str, Any]]:
        return self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
        ).get("Messages", [])

    def texts(self) -> list[str]:
        return [json.loads(message["Body"])["Message"] for message in self.messages()]


def test_a_queue_gets_the_envelope(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    inbox = Inbox(client, topic)
    published = sns.publish(
        TopicArn=topic,
        Message="안녕 <&>",
        Subject="Greeting",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "hello"},
            "count": {"DataType": "Number", "StringValue": "3"},
            "blob": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )
    (message,) = inbox.messages()
    assert "MessageAttributes" not in message
    envelope = json.loads(message["Body"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", envelope.pop("Timestamp"))
    assert inbox.subscription in envelope.pop("UnsubscribeURL")
    assert envelope == {
        "Type": "Notification",
        "MessageId": published["MessageId"],
        "TopicArn": topic,
        "Subject": "Greeting",
        "Message": "안녕 <&>",
        "MessageAttributes": {
            "kind": {"Type": "String", "Value": "hello"},
            "count": {"Type": "Number", "Value": "3"},
            "blob": {"Type": "Binary", "Value": "AP8="},
        },
    }
    assert message["MessageId"] != published["MessageId"]


def test_raw_delivery_passes_body_and_attributes_on(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    inbox = Inbox(client, topic, RawMessageDelivery="true")
    attributes = {
        "kind": {"DataType": "String", "StringValue": "hello"},
        "blob": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sns.publish(TopicArn=topic, Message="as it is", Subject="lost", MessageAttributes=attributes)
    (message,) = inbox.messages()
    assert message["Body"] == "as it is"
    assert message["MessageAttributes"] == attributes
    many = {f"a{number}": {"DataType": "String", "StringValue": "x"} for number in range(11)}
    sns.publish(TopicArn=topic, Message="more attributes than a queue takes", MessageAttributes=many)
    assert inbox.messages() == []


def test_every_subscription_gets_the_message_once(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    inboxes = [Inbox(client, topic, f"inbox{number}") for number in range(5)]
    for number in range(3):
        sns.publish(TopicArn=topic, Message=f"m{number}")
    for inbox in inboxes:
        assert sorted(inbox.texts()) == ["m0", "m1", "m2"]
    sns.unsubscribe(SubscriptionArn=inboxes[0].subscription)
    sns.publish(TopicArn=topic, Message="m3")
    assert inboxes[0].texts() == []
    assert inboxes[1].texts() == ["m3"]


def test_a_subscribed_queue_that_is_gone_holds_up_nobody(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    gone, inbox = Inbox(client, topic, "gone"), Inbox(client, topic)
    gone.sqs.delete_queue(QueueUrl=gone.url)
    sns.publish(TopicArn=topic, Message="m")
    assert inbox.texts() == ["m"]


def test_filters_on_attributes(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    policy = {"kind": ["order", {"prefix": "re"}], "price": [{"numeric": [">=", 100]}]}
    inbox = Inbox(client, topic, FilterPolicy=json.dumps(policy))
    tags = Inbox(client, topic, "tags", FilterPolicy=json.dumps({"tags": ["b"]}))

    def publish(message: str, **attributes: tuple[str, str]) -> None:
        sent = {name: {"DataType": kind, "StringValue": value} for name, (kind, value) in attributes.items()}
        sns.publish(TopicArn=topic, Message=message, MessageAttributes=sent)

    publish("yes", kind=("String", "order"), price=("Number", "100"))
    publish("also", kind=("String", "return"), price=("Number", "1e3"))
    publish("cheap", kind=("String", "order"), price=("Number", "99.99"))
    publish("text", kind=("String", "order"), price=("String", "100"))
    publish("no price", kind=("String", "order"))
    publish("none")
    publish("list", tags=("String.Array", '["a", "b"]'))
    publish("other list", tags=("String.Array", '["a"]'))
    assert inbox.texts() == ["yes", "also"]
    assert tags.texts() == ["list"]


def test_filters_on_the_body(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    policy = json.dumps({"user": {"country": ["KR"]}, "items": {"price": [{"numeric": ["<", 10]}]}})
    inbox = Inbox(client, topic, FilterPolicy=policy, FilterPolicyScope="MessageBody")
    good = json.dumps({"user": {"country": "KR"}, "items": [{"price": 12}, {"price": 9}]})
    for body in (good, json.dumps({"user": {"country": "KR"}, "items": [{"price": 12}]}), "not json", "[]"):
        sns.publish(TopicArn=topic, Message=body)
    assert inbox.texts() == [good]


def test_messages_differ_by_protocol_where_asked(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    inbox = Inbox(client, topic)
    message = json.dumps({"default": "for all", "sqs": "for queues"})
    sns.publish(TopicArn=topic, Message=message, MessageStructure="json")
    assert inbox.texts() == ["for queues"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"Message": ""}, "Empty message"),
        ({"Message": "x" * 262_145}, "Message too long"),
        ({"Subject": ""}, "Subject"),
        ({"Subject": "x" * 101}, "Subject"),
        ({"Subject": "two\nlines"}, "Subject"),
        ({"MessageStructure": "xml"}, "MessageStructure"),
        ({"MessageStructure": "json", "Message": "{"}, "failed to parse"),
        ({"MessageStructure": "json", "Message": "{}"}, "No default entry"),
        ({"MessageGroupId": "a b"}, "MessageGroupId can only include alphanumeric"),
        ({"MessageDeduplicationId": "d"}, "not valid for this topic type"),
        ({"MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}}, "ParameterValueInvalid"),
        ({"MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}, "ParameterValueInvalid"),
        ({"TopicArn": "nonsense"}, "InvalidParameter"),
        ({"TopicArn": None}, "TopicArn or TargetArn Reason: no value for required parameter"),
        ({"PhoneNumber": "+15550100"}, "exclude each other"),
        ({"TopicArn": None, "PhoneNumber": "5550100"}, "PhoneNumber Reason: 5550100 is not valid"),
        ({"TopicArn": None, "PhoneNumber": "+15550100", "Message": "x" * 1_601}, "Message too long"),
        ({"TopicArn": None, "TargetArn": "arn:aws:sns:us-east-1:1:endpoint/GCM/a/b"}, "No endpoint found"),
    ],
)
def test_messages_that_are_refused(
    sns: Any, topic: str, client: Callable[..., Any], change: dict[str, Any], match: str
) -> None:
    inbox = Inbox(client, topic)
    request = {"TopicArn": topic, "Message": "m"} | change
    with pytest.raises(ClientError, match=match):
        sns.publish(**{key: value for key, value in request.items() if value is not None})
    assert inbox.messages() == []


def test_publishing_to_a_topic_that_isn_t_there(sns: Any, topic: str) -> None:
    with pytest.raises(sns.exceptions.NotFoundException, match="Topic does not exist"):
        sns.publish(TopicArn=topic + "x", Message="m")


def test_batches(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    inbox = Inbox(client, topic)
    entries = [{"Id": str(number), "Message": f"m{number}"} for number in range(3)]
    reply = sns.publish_batch(
        TopicArn=topic, PublishBatchRequestEntries=[*entries, {"Id": "bad", "Message": "m", "Subject": "a\nb"}]
    )
    assert [each["Id"] for each in reply["Successful"]] == ["0", "1", "2"]
    assert [(each["Id"], each["Code"], each["SenderFault"]) for each in reply["Failed"]] == [
        ("bad", "InvalidParameter", True)
    ]
    assert inbox.texts() == ["m0", "m1", "m2"]
    for bad, code in (
        ([], "EmptyBatchRequest"),
        ([{"Id": str(number), "Message": "m"} for number in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "Message": "m"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "Message": "m"}], "InvalidBatchEntryId"),
        ([{"Id": str(number), "Message": "x" * 200_000} for number in range(2)], "BatchRequestTooLong"),
    ):
        with pytest.raises(ClientError, match=code):
            sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=bad)


def test_a_fifo_topic_keeps_order_and_removes_duplicates(sns: Any, client: Callable[..., Any]) -> None:
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    topic = sns.create_topic(Name="news.fifo", Attributes=attributes)["TopicArn"]
    inbox = Inbox(client, topic, "inbox.fifo", RawMessageDelivery="true")
    wrapped = Inbox(client, topic, "wrapped.fifo")
    told = [sns.publish(TopicArn=topic, Message=f"m{number}", MessageGroupId="g") for number in range(3)]
    again = sns.publish(TopicArn=topic, Message="m1", MessageGroupId="g")
    assert (again["MessageId"], again["SequenceNumber"]) == (told[1]["MessageId"], told[1]["SequenceNumber"])
    numbers = [each["SequenceNumber"] for each in told]
    assert numbers == sorted(numbers)
    messages = inbox.messages()
    assert [message["Body"] for message in messages] == ["m0", "m1", "m2"]
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"g"}
    assert [json.loads(message["Body"])["SequenceNumber"] for message in wrapped.messages()] == numbers
    with pytest.raises(ClientError, match="MessageGroupId parameter is required"):
        sns.publish(TopicArn=topic, Message="m")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="ContentBasedDeduplication", AttributeValue="false")
    with pytest.raises(ClientError, match="ContentBasedDeduplication enabled or MessageDeduplicationId"):
        sns.publish(TopicArn=topic, Message="m", MessageGroupId="g")


def test_a_function_gets_the_event(sns: Any, topic: str, client: Callable[..., Any], tmp_path: Path) -> None:
    record = tmp_path / "events"
    arn = deploy(
        client("lambda"),
        "listener",
        f"import json\ndef handler(event, context): open({str(record)!r}, 'a').write(json.dumps(event) + '\\n')",
    )["FunctionArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)["SubscriptionArn"]
    attributes = {"kind": {"DataType": "String", "StringValue": "hello"}}
    published = sns.publish(TopicArn=topic, Message="안녕", MessageAttributes=attributes)
    wait_for(lambda: record.exists() and record.read_text().endswith("\n"))
    ((event),) = [json.loads(line) for line in record.read_text().splitlines()]
    ((got),) = event["Records"]
    assert (got["EventSource"], got["EventVersion"], got["EventSubscriptionArn"]) == ("aws:sns", "1.0", subscription)
    sns_part = got["Sns"]
    assert sns_part["MessageId"] == published["MessageId"]
    assert (sns_part["Type"], sns_part["TopicArn"], sns_part["Subject"]) == ("Notification", topic, None)
    assert sns_part["Message"] == "안녕"
    assert sns_part["MessageAttributes"] == {"kind": {"Type": "String", "Value": "hello"}}


# HTTP endpoints


class Website:
    """An HTTP server that keeps what is posted to it, and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.posts: list[tuple[dict[str, str], str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                site.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(site.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever)


@pytest.fixture
def website() -> Iterator[Website]:
    site = Website()
    site.thread.start()
    yield site
    site.server.shutdown()
    site.thread.join()
    site.server.server_close()


def test_an_http_endpoint_is_asked_and_then_gets_messages(sns: Any, topic: str, website: Website) -> None:
    reply = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=website.url)
    assert reply["SubscriptionArn"] == "pending confirmation"
    assert sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation"
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "1"
    sns.publish(TopicArn=topic, Message="too early")
    headers, body = wait_for(lambda: website.posts)[0]
    question = json.loads(body)
    assert headers["x-amz-sns-message-type"] == question["Type"] == "SubscriptionConfirmation"
    assert question["TopicArn"] == topic
    with pytest.raises(ClientError, match="Token"):
        sns.confirm_subscription(TopicArn=topic, Token="x" * 64)
    with urllib.request.urlopen(question["SubscribeURL"]) as answer:
        assert b"<SubscriptionArn>" + topic.encode() in answer.read()
    arn = sns.confirm_subscription(TopicArn=topic, Token=question["Token"])["SubscriptionArn"]
    assert sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"] == arn
    sns.publish(TopicArn=topic, Message="hello", Subject="S")
    headers, body = wait_for(lambda: len(website.posts) == 2 and website.posts[1])
    assert headers["x-amz-sns-message-type"] == "Notification"
    assert headers["x-amz-sns-subscription-arn"] == arn
    notification = json.loads(body)
    assert (notification["Type"], notification["Message"], notification["Subject"]) == ("Notification", "hello", "S")
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true")
    sns.publish(TopicArn=topic, Message="raw")
    headers, body = wait_for(lambda: len(website.posts) == 3 and website.posts[2])
    assert (headers["x-amz-sns-rawdelivery"], body) == ("true", "raw")


def confirmed(sns: Any, topic: str, website: Website) -> str:
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=website.url)
    token = json.loads(wait_for(lambda: website.posts)[0][1])["Token"]
    arn = sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"]
    website.posts.clear()
    return str(arn)


def test_an_http_endpoint_that_fails_is_tried_three_more_times(
    timed_client: Callable[..., Any], timed_server: ThreadedServer, website: Website
) -> None:
    sns = timed_client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    confirmed(sns, topic, website)
    website.status = 500
    sns.publish(TopicArn=topic, Message="m")
    for attempts in (1, 2, 3, 4):
        wait_for(lambda attempts=attempts: len(website.posts) == attempts)
        time.sleep(0.1)
        timed_server.advance(20)
    time.sleep(0.2)
    assert len(website.posts) == 4


def test_an_answer_that_is_final_is_not_tried_again(
    timed_client: Callable[..., Any], timed_server: ThreadedServer, website: Website
) -> None:
    sns = timed_client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    confirmed(sns, topic, website)
    website.status = 404
    sns.publish(TopicArn=topic, Message="m")
    wait_for(lambda: website.posts)
    time.sleep(0.1)
    timed_server.advance(3600)
    time.sleep(0.1)
    assert len(website.posts) == 1


def test_a_subscription_that_nobody_confirms_goes_after_two_days(
    timed_client: Callable[..., Any], timed_server: ThreadedServer, website: Website
) -> None:
    sns = timed_client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=website.url)
    wait_for(lambda: website.posts)
    timed_server.advance(2 * 86_400 - 1)
    assert len(sns.list_subscriptions()["Subscriptions"]) == 1
    timed_server.advance(1)
    assert sns.list_subscriptions()["Subscriptions"] == []


def redrive(client: Callable[..., Any], sns: Any, subscription: str) -> Any:
    """Give a subscription a dead-letter queue; returns what reads one of its messages."""
    url, arn = queue(client, "dead-letters")
    policy = json.dumps({"deadLetterTargetArn": arn})
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="RedrivePolicy", AttributeValue=policy)
    shown = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["RedrivePolicy"]
    assert json.loads(shown) == {"deadLetterTargetArn": arn}
    return lambda: client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=10, MessageAttributeNames=["All"])[
        "Messages"
    ][0]


def test_what_an_http_endpoint_refuses_goes_to_the_dead_letters(
    client: Callable[..., Any], sns: Any, topic: str, website: Website
) -> None:
    letter = redrive(client, sns, confirmed(sns, topic, website))
    website.status = 404
    published = sns.publish(TopicArn=topic, Message="m")
    message = letter()
    assert json.loads(message["Body"])["MessageId"] == published["MessageId"]
    assert message["MessageAttributes"]["ErrorCode"]["StringValue"] == "404"
    assert set(message["MessageAttributes"]) == {"RequestID", "ErrorCode", "ErrorMessage"}


def test_what_a_queue_that_is_gone_cannot_get_goes_to_the_dead_letters(
    client: Callable[..., Any], sns: Any, topic: str
) -> None:
    inbox = Inbox(client, topic, RawMessageDelivery="true")
    letter = redrive(client, sns, inbox.subscription)
    inbox.sqs.delete_queue(QueueUrl=inbox.url)
    attributes = {"color": {"DataType": "String", "StringValue": "red"}}
    sns.publish(TopicArn=topic, Message="m", MessageAttributes=attributes)
    message = letter()
    assert message["Body"] == "m"
    assert message["MessageAttributes"]["color"]["StringValue"] == "red"
    assert message["MessageAttributes"]["ErrorCode"]["StringValue"] == "404"
