"""What Amazon SNS sends to HTTP addresses: its signatures, and how it tries again by delivery policies."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from fogbank.storage.leasing import counting
from tests.conformance.aws.test_lambda_invoke import wait_for
from tests.conformance.aws.test_sns_publish import Website, confirmed, website  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

HEALTHY = {
    "minDelayTarget": 1,
    "maxDelayTarget": 7,
    "numRetries": 6,
    "numNoDelayRetries": 1,
    "numMinDelayRetries": 1,
    "numMaxDelayRetries": 1,
    "backoffFunction": "linear",
}


@pytest.fixture
def sns(client: Callable[..., Any]) -> Any:
    return client("sns")


@pytest.fixture
def topic(sns: Any) -> str:
    return sns.create_topic(Name="news")["TopicArn"]


def verify(envelope: dict[str, Any]) -> None:
    """Check a signature as "Verifying the signatures of Amazon SNS messages" says."""
    with urllib.request.urlopen(envelope["SigningCertURL"]) as answer:
        certificate = x509.load_pem_x509_certificate(answer.read())
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    digest = {"1": SHA1(), "2": SHA256()}[envelope["SignatureVersion"]]
    signature = base64.b64decode(envelope["Signature"])
    certificate.public_key().verify(signature, text.encode(), PKCS1v15(), digest)  # type: ignore[union-attr, call-arg, arg-type]


def test_what_is_posted_is_signed(sns: Any, topic: str, website: Website) -> None:  # noqa: F811
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=website.url)
    question = json.loads(wait_for(lambda: website.posts)[0][1])
    verify(question)
    sns.confirm_subscription(TopicArn=topic, Token=question["Token"])
    kind = {"kind": {"DataType": "String", "StringValue": "hello"}}
    sns.publish(TopicArn=topic, Message="안녕", Subject="Greeting", MessageAttributes=kind)
    headers, body = wait_for(lambda: len(website.posts) == 2 and website.posts[1])
    notification = json.loads(body)
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert notification["SignatureVersion"] == "1"
    assert notification["SigningCertURL"].rpartition("/")[2].startswith("SimpleNotificationService-")
    verify(notification)
    notification["Message"] += "!"
    with pytest.raises(InvalidSignature):
        verify(notification)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    sns.publish(TopicArn=topic, Message="without a subject")
    notification = json.loads(wait_for(lambda: len(website.posts) == 3 and website.posts[2])[1])
    assert notification["SignatureVersion"] == "2"
    verify(notification)


def test_certificates_that_are_not_there(server: ThreadedServer) -> None:
    for path in ("SimpleNotificationService-0000.pem", "SimpleNotificationService-"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{server.url}/{path}")


def effective(sns: Any, subscription: str) -> dict[str, Any]:
    shown = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    policy: dict[str, Any] = json.loads(shown["EffectiveDeliveryPolicy"])
    return policy


def test_the_policy_of_a_topic_and_of_a_subscription(sns: Any, topic: str, website: Website) -> None:  # noqa: F811
    arn = confirmed(sns, topic, website)
    assert effective(sns, arn)["healthyRetryPolicy"]["numRetries"] == 3
    http: dict[str, Any] = {
        "defaultHealthyRetryPolicy": HEALTHY,
        "defaultRequestPolicy": {"headerContentType": "application/json"},
    }

    def set_topic(**changes: Any) -> None:
        value = json.dumps({"http": http | changes})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=value)

    set_topic()
    assert effective(sns, arn)["healthyRetryPolicy"] == HEALTHY
    sns.publish(TopicArn=topic, Message="m")
    headers, _body = wait_for(lambda: website.posts)[0]
    assert headers["content-type"] == "application/json"
    own = json.dumps({"healthyRetryPolicy": {"numRetries": 5}})
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=own)
    assert effective(sns, arn)["healthyRetryPolicy"]["numRetries"] == 5
    assert effective(sns, arn)["requestPolicy"] == {"headerContentType": "application/json"}
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert shown["DeliveryPolicy"] == own
    set_topic(disableSubscriptionOverrides=True)
    assert effective(sns, arn)["healthyRetryPolicy"] == HEALTHY
    shown = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["EffectiveDeliveryPolicy"])
    assert shown["http"]["defaultHealthyRetryPolicy"] == HEALTHY
    assert shown["http"]["disableSubscriptionOverrides"] is True
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue="")
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue="")
    assert effective(sns, arn)["healthyRetryPolicy"]["numRetries"] == 3
    assert "DeliveryPolicy" not in sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]


@pytest.mark.parametrize(
    ("policy", "match"),
    [
        ({"numRetries": 101}, "numRetries must be an integer from 0 to 100"),
        ({"minDelayTarget": 30}, "minDelayTarget must be less than or equal to maxDelayTarget"),
        ({"maxDelayTarget": 3_601}, "maxDelayTarget must be an integer"),
        ({"maxDelayTarget": 3_600}, "more than 3600 seconds"),
        ({"numNoDelayRetries": 4}, "numRetries must be greater than or equal"),
        ({"backoffFunction": "fibonacci"}, "backoffFunction must be one of"),
        ({"numRetries": True}, "numRetries must be an integer"),
        ({"retries": 1}, "Unknown attribute retries"),
    ],
)
def test_retry_policies_that_are_refused(sns: Any, topic: str, policy: dict[str, Any], match: str) -> None:
    value = json.dumps({"http": {"defaultHealthyRetryPolicy": policy}})
    with pytest.raises(ClientError, match=match):
        sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=value)
    assert "DeliveryPolicy" not in sns.get_topic_attributes(TopicArn=topic)["Attributes"]


@pytest.mark.parametrize(
    ("policy", "match"),
    [
        ("nonsense", "failed to parse JSON"),
        ("[]", "failed to parse JSON"),
        ('{"throttlePolicy": {"maxReceivesPerSecond": 0}}', "maxReceivesPerSecond must be an integer of at least 1"),
        ('{"throttlePolicy": {"maxReceivesPerHour": 1}}', "Unknown attribute maxReceivesPerHour"),
        ('{"requestPolicy": {"headerContentType": "image/png"}}', "Invalid headerContentType image/png"),
        ('{"requestPolicy": 1}', "must be a JSON object"),
        ('{"healthyRetryPolicy": 1}', "must be a JSON object"),
        ('{"guaranteed": true}', "does not support DeliveryPolicy"),
        ('{"http": {}}', "Unknown attribute http"),
    ],
)
def test_policies_of_subscriptions_that_are_refused(sns: Any, topic: str, policy: str, match: str) -> None:
    with pytest.raises(ClientError, match=match):
        sns.subscribe(
            TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/", Attributes={"DeliveryPolicy": policy}
        )
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_retries_follow_the_policy(
    timed_client: Callable[..., Any],
    timed_server: ThreadedServer,
    website: Website,  # noqa: F811
) -> None:
    sns = timed_client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    arn = confirmed(sns, topic, website)
    value = json.dumps({"healthyRetryPolicy": HEALTHY})
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=value)
    website.status = 500
    sns.publish(TopicArn=topic, Message="m")
    # At once, after the least delay, three growing ones, the greatest.
    wait_for(lambda: len(website.posts) == 2)
    timed_server.call(timed_server.app.settle())
    for number, delay_seconds in enumerate((1, 3, 5, 7, 7)):
        wait_for(lambda: timed_server.call(waiting(timed_server)))
        timed_server.advance(delay_seconds - 0.1)
        assert len(website.posts) == 2 + number
        timed_server.advance(0.1)
        wait_for(lambda number=number: len(website.posts) == 3 + number)
    wait_for(lambda: not timed_server.call(queued(timed_server)))
    assert len(website.posts) == 7


def test_an_endpoint_is_sent_so_many_in_a_second(
    timed_client: Callable[..., Any],
    timed_server: ThreadedServer,
    website: Website,  # noqa: F811
) -> None:
    sns = timed_client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    arn = confirmed(sns, topic, website)
    value = json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 2}})
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="DeliveryPolicy", AttributeValue=value)
    assert effective(sns, arn)["throttlePolicy"] == {"maxReceivesPerSecond": 2}
    for number in range(5):
        sns.publish(TopicArn=topic, Message=str(number))
    for count in range(1, 6):
        wait_for(lambda count=count: len(website.posts) == count)
        wait_for(lambda count=count: timed_server.call(waiting(timed_server)) == 5 - count)
        timed_server.advance(0.4)
        assert len(website.posts) == count
        timed_server.advance(0.1)
    assert sorted(json.loads(body)["Message"] for _headers, body in website.posts) == ["0", "1", "2", "3", "4"]


async def queued(server: ThreadedServer) -> int:
    return sum(await server.app.store.read(counting.counts, 2))


async def waiting(server: ThreadedServer) -> int:
    return (await server.app.store.read(counting.counts, 2)).delayed
