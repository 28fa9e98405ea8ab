"""Amazon SNS through boto3: archives of FIFO topics, and what subscriptions replay from them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws.test_sns_publish import Inbox
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

# The timed server's clock begins at this time.
START = "2026-11-22T12:00:00.000Z"


@pytest.fixture
def sns(client: Callable[..., Any]) -> Any:
    return client("sns")


def create(sns: Any, name: str = "orders.fifo", days: str = "2") -> str:
    attributes = {
        "FifoTopic": "true",
        "ContentBasedDeduplication": "true",
        "ArchivePolicy": json.dumps({"MessageRetentionPeriod": days}),
    }
    return sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]


def publish(sns: Any, topic: str, *texts: str, **more: Any) -> list[str]:
    """Publish messages of one group; returns their ids."""
    return [sns.publish(TopicArn=topic, Message=text, MessageGroupId="g", **more)["MessageId"] for text in texts]


def policy(start: str = START, end: str | None = None) -> str:
    points = {"PointType": "Timestamp", "StartingPoint": start}
    return json.dumps(points if end is None else {**points, "EndingPoint": end})


def replay(sns: Any, subscription: str, text: str) -> None:
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="ReplayPolicy", AttributeValue=text)


def status(sns: Any, subscription: str) -> str | None:
    return sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"].get("ReplayStatus")


def take(inbox: Inbox, count: int) -> list[dict[str, Any]]:
    """Receive so many envelopes, one after another, and no more."""
    found: list[dict[str, Any]] = []
    while messages := inbox.messages():
        for message in messages:
            found.append(json.loads(message["Body"]))
            inbox.sqs.delete_message(QueueUrl=inbox.url, ReceiptHandle=message["ReceiptHandle"])
    assert len(found) == count, found
    return found


def replayed(sns: Any, inbox: Inbox, count: int) -> list[dict[str, Any]]:
    wait_until(lambda: status(sns, inbox.subscription) == "Completed")
    return take(inbox, count)


def test_what_was_published_is_replayed_with_its_ids_and_times(sns: Any, client: Callable[..., Any]) -> None:
    topic = create(sns)
    attributes = {"kind": {"DataType": "String", "StringValue": "hello"}}
    ids = publish(sns, topic, "m0", "m1", "m2", Subject="Greeting", MessageAttributes=attributes)
    beginning = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["BeginningArchiveTime"]
    inbox = Inbox(client, topic, "late.fifo", ReplayPolicy=policy(beginning))
    found = replayed(sns, inbox, 3)
    assert [(each["Message"], each["MessageId"], each["Replayed"]) for each in found] == [
        (f"m{place}", number, True) for place, number in enumerate(ids)
    ]
    assert found[0]["MessageAttributes"] == {"kind": {"Type": "String", "Value": "hello"}}
    assert found[0]["Subject"] == "Greeting"
    (number,) = publish(sns, topic, "m3")
    (live,) = take(inbox, 1)
    assert (live["MessageId"], "Replayed" in live) == (number, False)
    # The same messages again, though the queue got them a moment ago.
    replay(sns, inbox.subscription, policy(beginning))
    again = replayed(sns, inbox, 4)
    assert again[:3] == found
    assert again[3] == {**live, "Replayed": True}
    attributes = sns.get_subscription_attributes(SubscriptionArn=inbox.subscription)["Attributes"]
    assert json.loads(attributes["ReplayPolicy"]) == json.loads(policy(beginning))


def test_a_period_is_replayed_and_the_filter_passes(
    timed_client: Callable[..., Any], timed_server: ThreadedServer
) -> None:
    sns = timed_client("sns")
    topic = create(sns)
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["BeginningArchiveTime"] == START
    for place in range(4):
        kind = {"kind": {"DataType": "String", "StringValue": "odd" if place % 2 else "even"}}
        publish(sns, topic, f"m{place}", MessageAttributes=kind)
        timed_server.advance(60)
    chosen = policy("2026-11-22T12:01:00Z", "2026-11-22T12:02:00Z")
    inbox = Inbox(timed_client, topic, "inbox.fifo", ReplayPolicy=chosen)
    assert [each["Message"] for each in replayed(sns, inbox, 2)] == ["m1", "m2"]
    only = Inbox(timed_client, topic, "only.fifo", ReplayPolicy=policy(), FilterPolicy='{"kind": ["odd"]}')
    found = replayed(sns, only, 2)
    assert [each["Message"] for each in found] == ["m1", "m3"]
    assert found[0]["Timestamp"] == "2026-11-22T12:01:00.000Z"
    replay(sns, inbox.subscription, "{}")
    assert status(sns, inbox.subscription) is None
    publish(sns, topic, "m4")
    assert [each["Message"] for each in take(inbox, 1)] == ["m4"]


def test_an_archive_is_deactivated_before_its_topic_is_deleted(sns: Any, client: Callable[..., Any]) -> None:
    topic = create(sns)
    assert create(sns) == topic
    with pytest.raises(ClientError, match="already exists with different attributes"):
        create(sns, days="3")
    inbox = Inbox(client, topic, "inbox.fifo")
    publish(sns, topic, "m")
    take(inbox, 1)
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == inbox.subscription
    assert sns.list_subscriptions()["Subscriptions"] == [listed]
    shown = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (shown["SubscriptionsConfirmed"], json.loads(shown["ArchivePolicy"])) == (
        "1",
        {"MessageRetentionPeriod": "2"},
    )
    with pytest.raises(ClientError) as refusal:
        sns.delete_topic(TopicArn=topic)
    error = refusal.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "InvalidState",
        "Invalid state: Cannot delete a topic with an ArchivePolicy",
    )
    sns.set_topic_attributes(TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue="{}")
    assert "BeginningArchiveTime" not in sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    with pytest.raises(ClientError, match="the topic has no ArchivePolicy"):
        replay(sns, inbox.subscription, policy())
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue='{"MessageRetentionPeriod": 1}'
    )
    beginning = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["BeginningArchiveTime"]
    replay(sns, inbox.subscription, policy(beginning))
    replayed(sns, inbox, 0)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue="{}")
    sns.delete_topic(TopicArn=topic)
    sns.delete_topic(TopicArn=topic)
    assert sns.list_topics()["Topics"] == []


def test_what_is_published_during_a_replay_outlives_the_archive(sns: Any, client: Callable[..., Any]) -> None:
    topic = create(sns)
    # So many that the replay goes on when the archive goes away.
    for tens in range(25):
        entries = [{"Id": str(ones), "Message": f"old{tens}{ones}", "MessageGroupId": "g"} for ones in range(10)]
        sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    inbox = Inbox(client, topic, "inbox.fifo", FilterPolicy='{"kind": ["new"]}')
    beginning = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["BeginningArchiveTime"]
    replay(sns, inbox.subscription, policy(beginning))
    kind = {"kind": {"DataType": "String", "StringValue": "new"}}
    publish(sns, topic, "meanwhile", MessageAttributes=kind)
    assert status(sns, inbox.subscription) in ("Pending", "In progress")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue="{}")
    assert status(sns, inbox.subscription) == "Failed"
    publish(sns, topic, "afterwards", MessageAttributes=kind)
    found = take(inbox, 2)
    assert [(each["Message"], "Replayed" in each) for each in found] == [("meanwhile", False), ("afterwards", False)]


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("nonsense", "failed to parse JSON"),
        ("", "failed to parse JSON"),
        ('{"MessageRetentionPeriod": "0"}', "from 1 to 365"),
        ('{"MessageRetentionPeriod": "366"}', "from 1 to 365"),
        ('{"MessageRetentionPeriod": true}', "from 1 to 365"),
        ('{"Days": "1"}', "Unknown attribute Days"),
    ],
)
def test_archive_policies_that_are_refused(sns: Any, value: str, match: str) -> None:
    topic = create(sns)
    with pytest.raises(ClientError, match=match):
        sns.set_topic_attributes(TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue=value)
    shown = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert json.loads(shown["ArchivePolicy"]) == {"MessageRetentionPeriod": "2"}


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("nonsense", "failed to parse JSON"),
        ('{"PointType": "Sequence", "StartingPoint": "2026-11-22"}', "PointType must be Timestamp"),
        ('{"PointType": "Timestamp"}', "StartingPoint must be a time"),
        ('{"PointType": "Timestamp", "StartingPoint": "yesterday"}', "StartingPoint must be a time"),
        (policy("2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"), "must be before EndingPoint"),
        ('{"PointType": "Timestamp", "Speed": 2}', "Unknown attribute Speed"),
        (policy("2099-01-01T00:00:00Z"), "between the topic's BeginningArchiveTime and now"),
        (policy("2020-01-01T00:00:00Z"), "between the topic's BeginningArchiveTime and now"),
    ],
)
def test_replay_policies_that_are_refused(sns: Any, client: Callable[..., Any], value: str, match: str) -> None:
    topic = create(sns)
    inbox = Inbox(client, topic, "inbox.fifo")
    with pytest.raises(ClientError, match=match):
        replay(sns, inbox.subscription, value)
    assert status(sns, inbox.subscription) is None
