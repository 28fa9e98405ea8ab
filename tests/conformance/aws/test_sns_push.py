"""Amazon SNS through boto3: applications, endpoints, and the notifications that arrive in the outbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws.test_sns_people import Outbox
from tests.conformance.aws.test_sns_publish import Inbox
from tests.conformance.aws.test_sns_topics import queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

EVENTS = ("EventEndpointCreated", "EventEndpointUpdated", "EventEndpointDeleted", "EventDeliveryFailure")
APPLE = {"PlatformPrincipal": "certificate", "PlatformCredential": "private key"}


@pytest.fixture
def outbox(server: ThreadedServer, account: str) -> Outbox:
    return Outbox(server, account)


@pytest.fixture
def sns(client: Callable[..., Any]) -> Any:
    return client("sns")


@pytest.fixture
def app(sns: Any) -> str:
    return application(sns)


@pytest.fixture
def token(account: str) -> str:
    """A token that no other test has."""
    return f"token-{account}"


def application(sns: Any, platform: str = "GCM", name: str = "app", **attributes: str) -> str:
    credentials = APPLE if platform != "GCM" else {"PlatformCredential": "key"}
    reply = sns.create_platform_application(Name=name, Platform=platform, Attributes={**credentials, **attributes})
    return str(reply["PlatformApplicationArn"])


def endpoint(sns: Any, app: str, token: str, **more: Any) -> str:
    return str(sns.create_platform_endpoint(PlatformApplicationArn=app, Token=token, **more)["EndpointArn"])


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as refused:
        call(**request)
    response = refused.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_applications_are_made_shown_changed_and_deleted(sns: Any, client: Callable[..., Any], account: str) -> None:
    app = application(sns, "APNS", "my.app", SuccessFeedbackSampleRate="50")
    assert app == f"arn:aws:sns:us-east-1:{account}:app/APNS/my.app"
    assert application(sns, "APNS", "my.app") == app
    code, message, _ = refusal(
        sns.create_platform_application, Name="my.app", Platform="APNS", Attributes={**APPLE, "PlatformPrincipal": "x"}
    )
    assert (code, "already exists with different attributes" in message) == ("InvalidParameter", True)
    assert sns.get_platform_application_attributes(PlatformApplicationArn=app)["Attributes"] == {
        "Enabled": "true",
        "SuccessFeedbackSampleRate": "50",
        "AuthenticationMethod": "certificate",
    }
    topic = sns.create_topic(Name="events")["TopicArn"]
    apple = {"ApplePlatformTeamID": "team", "ApplePlatformBundleID": "bundle", "EventEndpointCreated": topic}
    sns.set_platform_application_attributes(PlatformApplicationArn=app, Attributes=apple)
    shown = sns.get_platform_application_attributes(PlatformApplicationArn=app)["Attributes"]
    assert shown == {
        "Enabled": "true",
        "SuccessFeedbackSampleRate": "50",
        "AuthenticationMethod": "token",
        **apple,
    }
    sns.set_platform_application_attributes(PlatformApplicationArn=app, Attributes={"EventEndpointCreated": ""})
    for number in range(100):
        application(sns, name=f"a{number:03d}")
    first = sns.list_platform_applications()
    second = sns.list_platform_applications(NextToken=first["NextToken"])
    found = first["PlatformApplications"] + second["PlatformApplications"]
    assert (len(first["PlatformApplications"]), len(found), "NextToken" in second) == (100, 101, False)
    assert next(each for each in found if each["PlatformApplicationArn"] == app)["Attributes"] == {
        name: value for name, value in shown.items() if name != "EventEndpointCreated"
    }
    endpoint(sns, app, "abc")
    for _ in range(2):
        sns.delete_platform_application(PlatformApplicationArn=app)
    told = refusal(sns.get_platform_application_attributes, PlatformApplicationArn=app)
    assert told == ("NotFound", "PlatformApplication does not exist", 404)
    assert refusal(sns.list_endpoints_by_platform_application, PlatformApplicationArn=app) == told
    assert refusal(sns.create_platform_endpoint, PlatformApplicationArn=app, Token="abc") == told
    application(sns, "APNS", "my.app")
    assert sns.list_endpoints_by_platform_application(PlatformApplicationArn=app)["Endpoints"] == []
    assert client("sns", region="eu-west-1").list_platform_applications()["PlatformApplications"] == []


@pytest.mark.parametrize(
    ("request_", "match"),
    [
        ({"Platform": "PIGEON"}, "Platform Reason: PIGEON"),
        ({"Platform": "BAIDU"}, "does not support the platform BAIDU"),
        ({"Name": "a b"}, "Application names must be made up of"),
        ({"Attributes": {"PlatformPrincipal": "x"}}, "PlatformCredential is not provided"),
        ({"Platform": "ADM"}, "PlatformPrincipal is not provided"),
        ({"Attributes": {"PlatformCredential": "k", "Nonsense": "x"}}, "Invalid attribute name: Nonsense"),
        ({"Attributes": {"PlatformCredential": "k", "ApplePlatformTeamID": "x"}}, "Invalid attribute name"),
        (
            {"Attributes": {"PlatformCredential": "k", "SuccessFeedbackRoleArn": "x"}},
            "attribute SuccessFeedbackRoleArn",
        ),
        ({"Attributes": {"PlatformCredential": "k", "SuccessFeedbackSampleRate": "101"}}, "SuccessFeedbackSampleRate"),
        ({"Attributes": {"PlatformCredential": "k", "EventEndpointCreated": "x"}}, "has invalid ARN format"),
        (
            {"Attributes": {"PlatformCredential": "k", "EventDeliveryFailure": "arn:aws:sns:us-east-1:000000000000:t"}},
            "EventDeliveryFailure is not an existing Topic",
        ),
        (
            {"Platform": "APNS", "Attributes": {**APPLE, "ApplePlatformTeamID": "x"}},
            "ApplePlatformTeamID and ApplePlatformBundleID must be provided together",
        ),
    ],
)
def test_applications_that_are_refused(sns: Any, request_: dict[str, Any], match: str) -> None:
    request = {"Name": "app", "Platform": "GCM", "Attributes": {"PlatformCredential": "k"}} | request_
    with pytest.raises(ClientError, match=match):
        sns.create_platform_application(**request)
    assert sns.list_platform_applications()["PlatformApplications"] == []


def test_endpoints_go_by_their_tokens(sns: Any, app: str, token: str) -> None:
    arn = endpoint(sns, app, token, CustomUserData="ada")
    assert arn.startswith(app.replace(":app/", ":endpoint/") + "/")
    assert endpoint(sns, app, token, CustomUserData="ada", Attributes={"Enabled": "true"}) == arn
    assert endpoint(sns, app, token) == arn
    reason = f"Endpoint {arn} already exists with the same Token, but different attributes."
    taken = ("InvalidParameter", f"Invalid parameter: Token Reason: {reason}", 400)
    request = {"PlatformApplicationArn": app, "Token": token}
    assert refusal(sns.create_platform_endpoint, **request, CustomUserData="eve") == taken
    assert refusal(sns.create_platform_endpoint, **request, Attributes={"Enabled": "false"}) == taken
    other = endpoint(sns, app, token + "-other")
    assert refusal(sns.set_endpoint_attributes, EndpointArn=other, Attributes={"Token": token}) == taken
    shown = {"Enabled": "true", "Token": token, "CustomUserData": "ada"}
    assert sns.get_endpoint_attributes(EndpointArn=arn)["Attributes"] == shown
    found = sns.list_endpoints_by_platform_application(PlatformApplicationArn=app)["Endpoints"]
    assert {"EndpointArn": arn, "Attributes": shown} in found
    assert len(found) == 2
    # A new token leaves the old one to others.
    sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Token": token + "-new", "Enabled": "false"})
    assert endpoint(sns, app, token) not in (arn, other)
    assert endpoint(sns, app, token + "-new") == arn
    for _ in range(2):
        sns.delete_endpoint(EndpointArn=arn)
    assert refusal(sns.get_endpoint_attributes, EndpointArn=arn) == ("NotFound", "Endpoint does not exist", 404)
    assert refusal(sns.set_endpoint_attributes, EndpointArn=arn, Attributes={"Enabled": "true"})[0] == "NotFound"
    assert endpoint(sns, app, token + "-new") != arn
    apple = endpoint(sns, application(sns, "APNS"), "ABCDEF")
    assert sns.get_endpoint_attributes(EndpointArn=apple)["Attributes"]["Token"] == "abcdef"


def test_endpoints_are_listed_in_pages_of_a_hundred(sns: Any, app: str) -> None:
    arns = {endpoint(sns, app, f"t{number}") for number in range(101)}
    first = sns.list_endpoints_by_platform_application(PlatformApplicationArn=app)
    second = sns.list_endpoints_by_platform_application(PlatformApplicationArn=app, NextToken=first["NextToken"])
    assert (len(first["Endpoints"]), "NextToken" in second) == (100, False)
    assert {each["EndpointArn"] for each in first["Endpoints"] + second["Endpoints"]} == arns


@pytest.mark.parametrize(
    ("platform", "request_", "match"),
    [
        ("APNS", {"Token": "nonsense"}, "iOS device tokens must be no more than 400 hexadecimal characters"),
        ("GCM", {"Token": ""}, "Token Reason"),
        ("GCM", {"Token": "x" * 8_193}, "must be at most 8192 bytes long in UTF-8 encoding"),
        ("GCM", {"CustomUserData": "안" * 683}, "must be at most 2048 bytes long in UTF-8 encoding"),
        ("GCM", {"Attributes": {"Enabled": "perhaps"}}, "Enabled: Invalid value"),
        ("GCM", {"Attributes": {"ChannelId": "1"}}, "Invalid attribute name: ChannelId"),
        ("GCM", {"PlatformApplicationArn": "nonsense"}, "must have at least 6 elements, not 1"),
        (
            "GCM",
            {"PlatformApplicationArn": "arn:aws:sns:us-east-1:000000000000:topic"},
            "PlatformApplicationArn Reason: Wrong number of slashes in relative portion of the ARN",
        ),
    ],
)
def test_endpoints_that_are_refused(sns: Any, platform: str, request_: dict[str, Any], match: str) -> None:
    app = application(sns, platform)
    with pytest.raises(ClientError, match=match):
        sns.create_platform_endpoint(**({"PlatformApplicationArn": app, "Token": "abc"} | request_))
    assert sns.list_endpoints_by_platform_application(PlatformApplicationArn=app)["Endpoints"] == []


def test_a_notification_for_an_endpoint(sns: Any, app: str, token: str, outbox: Outbox) -> None:
    arn = endpoint(sns, app, token)
    attributes = {"AWS.SNS.MOBILE.GCM.TTL": {"DataType": "String", "StringValue": "60"}}
    told = sns.publish(TargetArn=arn, Message="hello", MessageAttributes=attributes)
    pushed = outbox.wait(token, 1)
    assert (pushed["kind"], pushed["from"], json.loads(pushed["text"])) == (
        "push",
        "app",
        {"data": {"default": "hello"}},
    )
    assert pushed["facts"] == {
        "id": told["MessageId"],
        "platform": "GCM",
        "application": app,
        "endpoint": arn,
        "AWS.SNS.MOBILE.GCM.TTL": "60",
    }
    own = json.dumps({"fcmV1Message": {"message": {"notification": {"title": "t"}}}})
    sns.publish(TargetArn=arn, Message=json.dumps({"GCM": own, "APNS": "{}"}), MessageStructure="json")
    assert outbox.wait(token, 2)["text"] == own
    texts = {"default": "for all", "APNS": "{}"}
    sns.publish(TargetArn=arn, Message=json.dumps(texts), MessageStructure="json")
    assert json.loads(outbox.wait(token, 3)["text"]) == {"data": {"default": "for all"}}


def test_apple_is_told_what_kind_of_notification_it_is(sns: Any, account: str, outbox: Outbox) -> None:
    arn = endpoint(sns, application(sns, "APNS_SANDBOX"), account)
    kinds = {"AWS.SNS.MOBILE.APNS.PUSH_TYPE": {"DataType": "String", "StringValue": "mdm"}}
    silent = json.dumps({"aps": {"content-available": 1}})
    sns.publish(TargetArn=arn, Message="hello")
    first = outbox.wait(account, 1)
    assert (json.loads(first["text"]), first["facts"]["apns-push-type"]) == ({"aps": {"alert": "hello"}}, "alert")
    sns.publish(TargetArn=arn, Message=json.dumps({"APNS_SANDBOX": silent}), MessageStructure="json")
    assert outbox.wait(account, 2)["facts"]["apns-push-type"] == "background"
    sns.publish(TargetArn=arn, Message="hello", MessageAttributes=kinds)
    assert outbox.wait(account, 3)["facts"]["apns-push-type"] == "mdm"


def test_notifications_that_are_refused(sns: Any, app: str, token: str) -> None:
    arn = endpoint(sns, app, token)

    def refused(message: str, target: str = arn, **more: Any) -> tuple[str, str]:
        return refusal(sns.publish, TargetArn=target, Message=message, **more)[:2]

    missing = "Invalid parameter: JSON must contain an entry for 'default' or 'GCM'."
    assert refused('{"APNS": "{}"}', MessageStructure="json") == ("InvalidParameter", missing)
    wrong = "Invalid parameter: Message Reason: Invalid notification for protocol GCM: Notification is"
    assert refused('{"GCM": "text"}', MessageStructure="json") == ("InvalidParameter", f"{wrong} malformed")
    assert refused("x" * 4_096) == ("InvalidParameter", f"{wrong} too long")
    assert refused("")[1] == "Invalid parameter: Empty message"
    assert "MessageGroupId" in refused("m", MessageGroupId="g")[1]
    assert "Wrong number of slashes" in refused("m", f"{arn}/x")[1]
    sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    assert refused("m") == ("EndpointDisabled", "Endpoint is disabled")
    sns.delete_endpoint(EndpointArn=arn)
    gone = "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"
    assert refused("m") == ("InvalidParameter", gone)


def test_an_endpoint_that_has_subscribed_to_a_topic(
    sns: Any, app: str, token: str, outbox: Outbox, client: Callable[..., Any]
) -> None:
    topic = sns.create_topic(Name="news")["TopicArn"]
    arn = endpoint(sns, app, token)
    url, letters = queue(client, "letters")
    policy = json.dumps({"deadLetterTargetArn": letters})
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="application", Endpoint=arn, Attributes={"RedrivePolicy": policy}
    )["SubscriptionArn"]
    assert subscription.startswith(f"{topic}:")
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (listed["Protocol"], listed["Endpoint"]) == ("application", arn)
    texts = {"default": "for all", "GCM": '{"data": {"for": "Google"}}', "APNS": "{}"}
    told = sns.publish(TopicArn=topic, Message=json.dumps(texts), MessageStructure="json")
    pushed = outbox.wait(token, 1)
    assert (pushed["text"], pushed["facts"]["id"]) == ('{"data": {"for": "Google"}}', told["MessageId"])
    assert pushed["facts"]["topic"] == topic
    with pytest.raises(ClientError, match="does not support raw message delivery"):
        sns.set_subscription_attributes(
            SubscriptionArn=subscription, AttributeName="RawMessageDelivery", AttributeValue="true"
        )
    # What can't be delivered goes to the dead letters.
    sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    sns.publish(TopicArn=topic, Message="lost")
    (letter,) = client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert json.loads(letter["Body"]) == {"data": {"default": "lost"}}
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "Endpoint is disabled"
    fifo = sns.create_topic(Name="news.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    with pytest.raises(ClientError, match="Invalid protocol type: application"):
        sns.subscribe(TopicArn=fifo, Protocol="application", Endpoint=arn)


def test_applications_tell_of_their_endpoints(
    sns: Any, client: Callable[..., Any], token: str, server: ThreadedServer
) -> None:
    events = sns.create_topic(Name="events")["TopicArn"]
    inbox = Inbox(client, events)
    app = application(sns, **dict.fromkeys(EVENTS, events))
    arn = endpoint(sns, app, token)
    endpoint(sns, app, token)
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=arn)
    sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "true"})
    sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    server.call(server.app.settle())
    told = sns.publish(TopicArn=topic, Message="lost")
    server.call(server.app.settle())
    sns.delete_endpoint(EndpointArn=arn)
    server.call(server.app.settle())
    envelopes = [json.loads(message["Body"]) for message in inbox.messages()]
    found = {envelope["Subject"]: json.loads(envelope["Message"]) for envelope in envelopes}
    assert len(envelopes) == len(found) == 4
    times = [event.pop("Time") for event in found.values()]
    assert all(time.endswith("Z") for time in times)
    same = {"EndpointArn": arn, "Resource": app, "Service": "SNS"}
    assert found == {
        "EndpointCreated event for app app (GCM)": {**same, "EventType": "EndpointCreated"},
        "EndpointUpdated event for app app (GCM)": {**same, "EventType": "EndpointUpdated"},
        "EndpointDeleted event for app app (GCM)": {**same, "EventType": "EndpointDeleted"},
        "DeliveryFailure event for app app (GCM)": {
            **same,
            "EventType": "DeliveryFailure",
            "DeliveryAttempts": 1,
            "FailureMessage": "Endpoint is disabled",
            "FailureType": "EndpointDisabled",
            "MessageId": told["MessageId"],
        },
    }
