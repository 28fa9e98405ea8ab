"""Amazon SNS through boto3: e-mails and text messages, which arrive in the outbox."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.conftest import boto3_client
from tests.mail_server import running_mail_server
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

LINK = re.compile(r"https?://\S+")


class Outbox:
    """What is in the outbox for the recipients of one test, which nobody else writes to."""

    def __init__(self, server: ThreadedServer, account: str) -> None:
        self.url = f"{server.url}/_fogbank/outbox"
        self.address = f"ada-{account}@example.com"
        self.number = f"+1{account}"

    def get(self, path: str = "", accept: str = "application/json", method: str = "GET") -> str:
        request = urllib.request.Request(self.url + path, headers={"Accept": accept}, method=method)
        with urllib.request.urlopen(request) as answer:
            return str(answer.read().decode())

    def messages(self, recipient: str) -> list[dict[str, Any]]:
        found = json.loads(self.get("?limit=1000"))["messages"]
        return [message for message in found if message["to"] == recipient]

    def wait(self, recipient: str, count: int) -> dict[str, Any]:
        """Wait for so many messages to somebody; returns the last."""
        wait_until(lambda: len(self.messages(recipient)) >= count)
        found = self.messages(recipient)
        assert len(found) == count
        return found[-1]


@pytest.fixture
def outbox(server: ThreadedServer, account: str) -> Outbox:
    return Outbox(server, account)


@pytest.fixture
def sns(client: Callable[..., Any]) -> Any:
    return client("sns")


@pytest.fixture
def topic(sns: Any) -> str:
    return sns.create_topic(Name="news", Attributes={"DisplayName": "The news"})["TopicArn"]


def follow(text: str) -> str:
    """Open the first link of a text."""
    match = LINK.search(text)
    assert match is not None
    with urllib.request.urlopen(match[0]) as answer:
        return str(answer.read().decode())


def test_an_email_subscription_is_confirmed_by_the_link_in_the_mail(sns: Any, topic: str, outbox: Outbox) -> None:
    reply = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=outbox.address)
    assert reply["SubscriptionArn"] == "pending confirmation"
    question = outbox.wait(outbox.address, 1)
    assert question["subject"] == "AWS Notification - Subscription Confirmation"
    assert topic in question["text"]
    sns.publish(TopicArn=topic, Message="too early")
    assert topic in follow(question["text"])
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", outbox.address)
    attributes = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
    assert attributes["ConfirmationWasAuthenticated"] == "false"
    told = sns.publish(TopicArn=topic, Message="안녕 <b>", Subject="Greeting")
    mail = outbox.wait(outbox.address, 2)
    assert (mail["kind"], mail["subject"]) == ("email", "Greeting")
    assert mail["from"] == '"The news" <no-reply@sns.amazonaws.com>'
    assert mail["text"].startswith("안녕 <b>\n\n--\nIf you wish to stop receiving notifications from this topic")
    assert mail["facts"] == {"id": told["MessageId"], "topic": topic}
    page = outbox.get(accept="text/html")
    assert "안녕 &lt;b&gt;" in page
    assert "<b>" not in page
    assert json.loads(outbox.get(f"/{mail['number']}")) == mail
    sns.publish(TopicArn=topic, Message="without a subject")
    assert outbox.wait(outbox.address, 3)["subject"] == "AWS Notification Message"
    # The link in the footer takes the subscription away.
    follow(mail["text"])
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_a_subscription_that_is_guarded_is_only_removed_by_a_signed_request(
    sns: Any, topic: str, outbox: Outbox
) -> None:
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=outbox.address)
    question = outbox.wait(outbox.address, 1)["text"]
    token = re.search(r"Token=(\w+)", question)
    assert token is not None
    link = LINK.search(question)
    assert link is not None
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{link[0]}&AuthenticateOnUnsubscribe=true")
    arn = sns.confirm_subscription(TopicArn=topic, Token=token[1], AuthenticateOnUnsubscribe="true")["SubscriptionArn"]
    # The link doesn't change what was confirmed.
    follow(question)
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["ConfirmationWasAuthenticated"] == "true"
    sns.publish(TopicArn=topic, Message="m")
    mail = outbox.wait(outbox.address, 2)
    with pytest.raises(urllib.error.HTTPError, match="403") as refusal:
        follow(mail["text"])
    assert b"<Code>AuthorizationError</Code>" in refusal.value.read()
    sns.unsubscribe(SubscriptionArn=arn)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_an_email_as_json_has_the_envelope(sns: Any, topic: str, outbox: Outbox) -> None:
    for protocol in ("email-json", "email"):
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=outbox.address)
        outbox.wait(outbox.address, 1 if protocol == "email-json" else 2)
    question = json.loads(outbox.messages(outbox.address)[0]["text"])
    assert (question["Type"], question["TopicArn"]) == ("SubscriptionConfirmation", topic)
    assert question["SignatureVersion"] == "1"
    follow(question["SubscribeURL"])
    sns.publish(
        TopicArn=topic, Message=json.dumps({"default": "d", "email-json": "for programs"}), MessageStructure="json"
    )
    envelope = json.loads(outbox.wait(outbox.address, 3)["text"])
    assert (envelope["Type"], envelope["Message"]) == ("Notification", "for programs")
    assert envelope["Signature"]


def test_text_messages_need_no_confirmation(sns: Any, topic: str, outbox: Outbox) -> None:
    policy = json.dumps({"urgent": ["yes"]})
    arn = sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint=outbox.number, Attributes={"FilterPolicy": policy})[
        "SubscriptionArn"
    ]
    assert arn.startswith(f"{topic}:")
    sns.publish(TopicArn=topic, Message="not for everybody")
    sns.set_sms_attributes(attributes={"DefaultSenderID": "Fogbank"})
    urgent = {"urgent": {"DataType": "String", "StringValue": "yes"}}
    sns.publish(TopicArn=topic, Message="hello", Subject="not in text messages", MessageAttributes=urgent)
    text = outbox.wait(outbox.number, 1)
    assert (text["kind"], text["text"], text["subject"]) == ("sms", "The news> hello", "")
    assert text["from"] == "Fogbank"
    with pytest.raises(ClientError, match="does not support raw message delivery"):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true")


def test_a_message_to_a_phone_number(sns: Any, outbox: Outbox) -> None:
    sns.set_sms_attributes(attributes={"DefaultSenderID": "Fogbank", "DefaultSMSType": "Transactional"})
    assert sns.get_sms_attributes(attributes=["DefaultSenderID"])["attributes"] == {"DefaultSenderID": "Fogbank"}
    told = sns.publish(PhoneNumber=outbox.number, Message="your code is 123456")
    text = outbox.wait(outbox.number, 1)
    assert (text["text"], text["from"]) == ("your code is 123456", "Fogbank")
    assert text["facts"] == {"id": told["MessageId"], "AWS.SNS.SMS.SMSType": "Transactional"}
    attributes = {"AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "Other"}}
    sns.publish(PhoneNumber=outbox.number, Message="again", MessageAttributes=attributes)
    assert outbox.wait(outbox.number, 2)["from"] == "Other"
    attributes["AWS.SNS.SMS.SenderID"]["StringValue"] = "far too long a name"
    with pytest.raises(ClientError, match=r"AWS\.SNS\.SMS\.SenderID must have 1 to 11"):
        sns.publish(PhoneNumber=outbox.number, Message="m", MessageAttributes=attributes)
    sns.set_sms_attributes(attributes={"DefaultSenderID": ""})
    assert "DefaultSenderID" not in sns.get_sms_attributes()["attributes"]
    for wrong in (
        {"DefaultSMSType": "Cheap"},
        {"Nonsense": "1"},
        {"MonthlySpendLimit": "much"},
        {"UsageReportS3Bucket": "bucket"},
    ):
        with pytest.raises(ClientError, match="InvalidParameter"):
            sns.set_sms_attributes(attributes=wrong)


def test_who_answers_stop_gets_no_more(sns: Any, outbox: Outbox, server: ThreadedServer) -> None:
    sns.publish(PhoneNumber=outbox.number, Message="first")
    text = outbox.wait(outbox.number, 1)
    assert not sns.check_if_phone_number_is_opted_out(phoneNumber=outbox.number)["isOptedOut"]
    assert json.loads(outbox.get(f"/{text['number']}/stop", method="POST")) == {"opted_out": outbox.number}
    assert sns.check_if_phone_number_is_opted_out(phoneNumber=outbox.number)["isOptedOut"]
    assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == [outbox.number]
    sns.publish(PhoneNumber=outbox.number, Message="second")
    server.call(server.app.settle())
    sns.opt_in_phone_number(phoneNumber=outbox.number)
    assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == []
    sns.publish(PhoneNumber=outbox.number, Message="third")
    assert outbox.wait(outbox.number, 2)["text"] == "third"
    with pytest.raises(ClientError, match="input incorrectly formatted"):
        sns.check_if_phone_number_is_opted_out(phoneNumber="STOP")


def test_numbers_of_the_sandbox(sns: Any, outbox: Outbox) -> None:
    assert not sns.get_sms_sandbox_account_status()["IsInSandbox"]
    assert sns.list_origination_numbers(MaxResults=1)["PhoneNumbers"] == []
    sns.create_sms_sandbox_phone_number(PhoneNumber=outbox.number)
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == [{"PhoneNumber": outbox.number, "Status": "Pending"}]
    code = re.search(r"\d{6}", outbox.wait(outbox.number, 1)["text"])
    assert code is not None
    with pytest.raises(ClientError, match="VerificationException"):
        sns.verify_sms_sandbox_phone_number(PhoneNumber=outbox.number, OneTimePassword="nothing")
    sns.verify_sms_sandbox_phone_number(PhoneNumber=outbox.number, OneTimePassword=code[0])
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"][0]["Status"] == "Verified"
    sns.delete_sms_sandbox_phone_number(PhoneNumber=outbox.number)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sns.delete_sms_sandbox_phone_number(PhoneNumber=outbox.number)


def test_an_ordered_topic_writes_to_nobody(sns: Any, outbox: Outbox) -> None:
    topic = sns.create_topic(Name="news.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    for protocol, endpoint in (("email", outbox.address), ("sms", outbox.number)):
        with pytest.raises(ClientError, match=f"Invalid protocol type: {protocol}"):
            sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("?format=xml", "GET", 400),
        ("?limit=0", "GET", 400),
        ("?format=html&after=1", "GET", 400),
        ("?nonsense=1", "GET", 400),
        ("/999999999999", "GET", 404),
        ("/nonsense", "GET", 404),
        ("", "POST", 405),
        ("/1", "DELETE", 405),
        ("/999999999999/stop", "POST", 404),
    ],
)
def test_what_the_outbox_refuses(outbox: Outbox, path: str, method: str, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError, match=str(status)):
        outbox.get(path, method=method)


def test_the_outbox_is_listed_in_pages_and_emptied(
    timed_server: ThreadedServer, timed_client: Callable[..., Any], account: str
) -> None:
    sns, outbox = timed_client("sns"), Outbox(timed_server, account)
    for number in range(5):
        sns.publish(PhoneNumber=outbox.number, Message=f"m{number}")
    wait_until(lambda: len(outbox.messages(outbox.number)) == 5)
    first = json.loads(outbox.get("?format=json&limit=3", accept="*/*"))
    rest = json.loads(outbox.get(f"?limit=3&after={first['next']}"))
    texts = [message["text"] for message in (*first["messages"], *rest["messages"])]
    assert sorted(texts) == [f"m{number}" for number in range(5)]
    assert rest["next"] is None
    assert json.loads(outbox.get(method="DELETE")) == {"removed": 5}
    assert json.loads(outbox.get()) == {"messages": [], "next": None}
    assert "Nothing was sent yet." in outbox.get(accept="text/html")


def test_emails_are_sent_on_to_a_mail_server_and_tried_again(account: str) -> None:
    with running_mail_server() as mail_server:
        mail_server.verdict = b"451 busy"
        settings = Settings(port=0, memory=True, smtp=f"127.0.0.1:{mail_server.server_address[1]}")
        with ThreadedServer(settings, frozen_at_us=1_795_348_800_000_000, seed=1) as server:
            sns, outbox = boto3_client(server, account)("sns"), Outbox(server, account)
            topic = sns.create_topic(Name="news")["TopicArn"]
            sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=outbox.address)
            sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint=outbox.number)
            question = outbox.wait(outbox.address, 1)
            wait_until(lambda: mail_server.asked >= 2)
            assert mail_server.taken == []
            mail_server.verdict = b"250 OK"
            wait_until(lambda: server.advance(10) or mail_server.taken)
            message = message_from_bytes(mail_server.taken[0], policy=policy.default)
            assert message["Subject"] == question["subject"]
            assert question["text"].split() == message.get_content().split()
            sns.publish(TopicArn=topic, Message="a text message")
            outbox.wait(outbox.number, 1)
            server.advance(10)
        assert len(mail_server.taken) == 1
