"""Amazon SNS through boto3: topics and subscriptions as resources."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def sns(client: Callable[..., Any]) -> Any:
    return client("sns")


@pytest.fixture
def topic(sns: Any) -> str:
    return sns.create_topic(Name="news")["TopicArn"]


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


def queue(client: Callable[..., Any], name: str = "inbox", **attributes: str) -> tuple[str, str]:
    """Create a queue; returns its URL and ARN."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def test_a_topic_is_created_shown_listed_and_deleted(sns: Any, account: str) -> None:
    arn = sns.create_topic(Name="news", Tags=[{"Key": "team", "Value": "press"}])["TopicArn"]
    assert arn == f"arn:aws:sns:us-east-1:{account}:news"
    assert sns.create_topic(Name="news")["TopicArn"] == arn
    assert sns.list_topics()["Topics"] == [{"TopicArn": arn}]
    shown = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    policy = json.loads(shown.pop("Policy"))
    assert policy["Statement"][0]["Resource"] == arn
    effective = json.loads(shown.pop("EffectiveDeliveryPolicy"))["http"]
    assert effective["defaultHealthyRetryPolicy"]["numRetries"] == 3
    assert shown == {
        "TopicArn": arn,
        "Owner": account,
        "DisplayName": "",
        "SubscriptionsConfirmed": "0",
        "SubscriptionsPending": "0",
        "SubscriptionsDeleted": "0",
    }
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "press"}]
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    assert sns.list_topics()["Topics"] == []
    with refused("NotFound"):
        sns.get_topic_attributes(TopicArn=arn)
    with refused("ResourceNotFound"):
        sns.list_tags_for_resource(ResourceArn=arn)


def test_topics_are_listed_in_pages_of_a_hundred(sns: Any) -> None:
    for number in range(101):
        sns.create_topic(Name=f"t{number:03d}")
    pages = list(sns.get_paginator("list_topics").paginate())
    assert [len(page["Topics"]) for page in pages] == [100, 1]
    with refused("InvalidParameter"):
        sns.list_topics(NextToken="not one of ours")


def test_attributes_are_set_and_read_back(sns: Any, topic: str) -> None:
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="The news")
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    shown = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (shown["DisplayName"], shown["Policy"]) == ("The news", policy)


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("Nonsense", "1", "InvalidParameter"),
        ("FifoTopic", "true", "InvalidParameter"),
        ("ContentBasedDeduplication", "true", "InvalidParameter"),
        ("Policy", "not json", "InvalidParameter"),
        ("KmsMasterKeyId", "alias/aws/sns", "does not support the attribute KmsMasterKeyId"),
        ("DeliveryPolicy", "{}", "http must be a JSON object"),
        ("SignatureVersion", "3", "SignatureVersion: 3"),
        ("TracingConfig", "Active", "TracingConfig: Active"),
        ("ArchivePolicy", '{"MessageRetentionPeriod": "1"}', "only valid for FIFO topics"),
        ("SQSSuccessFeedbackSampleRate", "101", "InvalidParameter"),
        ("SQSSuccessFeedbackSampleRate", "many", "InvalidParameter"),
        ("SQSFailureFeedbackRoleArn", "arn:aws:iam::1:role/r", "support the attribute SQSFailureFeedbackRoleArn"),
    ],
)
def test_attributes_that_are_refused(sns: Any, topic: str, name: str, value: str, match: str) -> None:
    with refused(match):
        sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)


def test_rates_of_logged_deliveries_are_kept_and_what_is_not_set_can_be_taken_back(sns: Any, topic: str) -> None:
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SQSSuccessFeedbackSampleRate", AttributeValue="100")
    for unset in ("SQSSuccessFeedbackRoleArn", "KmsMasterKeyId", "DeliveryPolicy"):
        sns.set_topic_attributes(TopicArn=topic, AttributeName=unset, AttributeValue="")
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SQSSuccessFeedbackSampleRate"] == "100"


@pytest.mark.parametrize("name", ["", "a b", "x" * 257, "news.fifo", "höhe"])
def test_names_that_no_topic_may_have(sns: Any, name: str) -> None:
    with refused("InvalidParameter"):
        sns.create_topic(Name=name)


def test_creating_a_topic_again_with_other_attributes_is_refused(sns: Any, topic: str) -> None:
    with refused("already exists with different attributes"):
        sns.create_topic(Name="news", Attributes={"DisplayName": "other"})
    with refused("already exists with different tags"):
        sns.create_topic(Name="news", Tags=[{"Key": "a", "Value": "b"}])


def test_tags(sns: Any, topic: str) -> None:
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    sns.untag_resource(ResourceArn=topic, TagKeys=["a", "unknown"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_a_subscription_is_made_shown_listed_and_removed(
    sns: Any, topic: str, client: Callable[..., Any], account: str
) -> None:
    _, endpoint = queue(client)
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint)["SubscriptionArn"]
    assert arn.startswith(f"{topic}:")
    assert sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint)["SubscriptionArn"] == arn
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"] == {
        "SubscriptionArn": arn,
        "TopicArn": topic,
        "Protocol": "sqs",
        "Endpoint": endpoint,
        "Owner": account,
        "ConfirmationWasAuthenticated": "true",
        "PendingConfirmation": "false",
        "RawMessageDelivery": "false",
        "SubscriptionPrincipal": f"arn:aws:iam::{account}:root",
    }
    summary = {"SubscriptionArn": arn, "Owner": account, "Protocol": "sqs", "Endpoint": endpoint, "TopicArn": topic}
    assert sns.list_subscriptions()["Subscriptions"] == [summary]
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == [summary]
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1"
    sns.unsubscribe(SubscriptionArn=arn)
    sns.unsubscribe(SubscriptionArn=arn)
    assert sns.list_subscriptions()["Subscriptions"] == []
    with refused("NotFound"):
        sns.get_subscription_attributes(SubscriptionArn=arn)


def test_deleting_a_topic_removes_its_subscriptions(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue(client)[1])
    sns.delete_topic(TopicArn=topic)
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_subscription_attributes_are_set_and_read_back(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    attributes = {"RawMessageDelivery": "true", "FilterPolicy": '{"a": ["b"]}'}
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue(client)[1], Attributes=attributes)[
        "SubscriptionArn"
    ]
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (shown["RawMessageDelivery"], shown["FilterPolicy"]) == ("true", '{"a": ["b"]}')
    assert shown["FilterPolicyScope"] == "MessageAttributes"
    for name, value in (("FilterPolicyScope", "MessageBody"), ("FilterPolicy", '{"a": {"b": ["c"]}}')):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (shown["FilterPolicyScope"], shown["FilterPolicy"]) == ("MessageBody", '{"a": {"b": ["c"]}}')
    with refused("does not support nested filter policy"):
        sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName="FilterPolicyScope", AttributeValue="MessageAttributes"
        )
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue="{}")
    assert "FilterPolicy" not in sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    with refused("already exists with different attributes"):
        sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=shown["Endpoint"], Attributes={"RawMessageDelivery": "false"}
        )


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("RawMessageDelivery", "maybe", "RawMessageDelivery: Invalid value"),
        ("FilterPolicy", "not json", "failed to parse JSON"),
        ("FilterPolicy", "[]", "must be an object"),
        ("FilterPolicy", '{"a": "b"}', "must be an object or an array"),
        ("FilterPolicy", '{"a": [{"like": "b"}]}', "Unrecognized match type like"),
        ("FilterPolicy", json.dumps({str(n): ["x"] for n in range(6)}), "can not have more than 5 keys"),
        ("FilterPolicy", json.dumps({str(n): list(range(6)) for n in range(3)}), "too complex"),
        ("FilterPolicyScope", "Nowhere", "FilterPolicyScope: Invalid value"),
        ("RedrivePolicy", "[]", "RedrivePolicy: failed to parse JSON"),
        ("RedrivePolicy", '{"deadLetterTargetArn": "arn:aws:sns:us-east-1:1:t"}', "ARN of an Amazon SQS queue"),
        ("RedrivePolicy", '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:q.fifo"}', "must not use a FIFO queue"),
        ("ReplayPolicy", '{"PointType": "Timestamp"}', "only valid for subscriptions to FIFO topics"),
        ("DeliveryPolicy", '{"healthyRetryPolicy": {"numRetries": 1}}', "does not support it"),
        ("Nonsense", "1", "InvalidParameter"),
    ],
)
def test_subscription_attributes_that_are_refused(
    sns: Any, topic: str, client: Callable[..., Any], name: str, value: str, match: str
) -> None:
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue(client)[1])["SubscriptionArn"]
    before = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    with refused(match):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"] == before


@pytest.mark.parametrize(
    ("protocol", "endpoint", "match"),
    [
        ("sqs", "http://queue", "SQS endpoint ARN"),
        ("sqs", "arn:aws:sqs:us-east-1:000000000000:q.fifo", "can not be subscribed to standard SNS topics"),
        ("lambda", "arn:aws:sqs:us-east-1:000000000000:q", "Lambda endpoint ARN"),
        ("http", "https://example.com", "must match the specified protocol"),
        ("https", "nonsense", "Endpoint"),
        ("email", "nobody", "Email address"),
        ("sms", "555 0100", "Invalid SMS endpoint"),
        ("application", "arn:aws:sns:us-east-1:000000000000:topic", "Application endpoint arn invalid"),
        ("application", "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/a/b", "Endpoint does not exist for endpoint"),
        ("firehose", "arn:aws:firehose:us-east-1:1:deliverystream/d", "does not support the protocol firehose"),
        ("pigeon", "x", "does not support this protocol string"),
    ],
)
def test_subscriptions_that_are_refused(sns: Any, topic: str, protocol: str, endpoint: str, match: str) -> None:
    with refused(match):
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_a_topic_that_isn_t_there_can_t_be_subscribed(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    with refused("NotFound"):
        sns.subscribe(TopicArn=topic + "x", Protocol="sqs", Endpoint=queue(client)[1])
    with refused("InvalidParameter"):
        sns.subscribe(TopicArn="nonsense", Protocol="sqs", Endpoint=queue(client)[1])


def test_operations_that_are_not_supported_are_refused_by_name(sns: Any) -> None:
    with refused("does not support the operation PutDataProtectionPolicy"):
        sns.put_data_protection_policy(ResourceArn="arn:aws:sns:us-east-1:000000000000:t", DataProtectionPolicy="{}")


def test_the_dead_letters_of_an_ordered_topic_go_to_an_ordered_queue(sns: Any, client: Callable[..., Any]) -> None:
    topic = sns.create_topic(Name="news.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    _, endpoint = queue(client, "inbox.fifo", FifoQueue="true")
    _, standard = queue(client, "letters")
    _, ordered = queue(client, "letters.fifo", FifoQueue="true")

    def subscribe(target: str) -> str:
        policy = json.dumps({"deadLetterTargetArn": target})
        reply = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint, Attributes={"RedrivePolicy": policy})
        return str(reply["SubscriptionArn"])

    with refused("must use a FIFO queue as DLQ"):
        subscribe(standard)
    shown = sns.get_subscription_attributes(SubscriptionArn=subscribe(ordered))["Attributes"]
    assert json.loads(shown["RedrivePolicy"]) == {"deadLetterTargetArn": ordered}


def test_permissions_are_statements_of_the_policy(sns: Any, topic: str) -> None:
    def statements() -> dict[str, Any]:
        policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
        return {each["Sid"]: each for each in policy["Statement"]}

    sns.add_permission(
        TopicArn=topic, Label="friends", AWSAccountId=["111122223333"], ActionName=["Publish", "Subscribe"]
    )
    assert statements()["friends"] == {
        "Sid": "friends",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": ["SNS:Publish", "SNS:Subscribe"],
        "Resource": topic,
    }
    assert "__default_statement_ID" in statements()
    with refused("Statement already exists"):
        sns.add_permission(TopicArn=topic, Label="friends", AWSAccountId=["111122223333"], ActionName=["Publish"])
    for wrong in ({"AWSAccountId": ["1"]}, {"ActionName": ["Fly"]}, {"Label": "a b"}, {"AWSAccountId": []}):
        request = {"Label": "x", "AWSAccountId": ["111122223333"], "ActionName": ["Publish"]} | wrong
        with refused("InvalidParameter"):
            sns.add_permission(TopicArn=topic, **request)
    sns.remove_permission(TopicArn=topic, Label="friends")
    assert list(statements()) == ["__default_statement_ID"]
    with refused("NotFound"):
        sns.remove_permission(TopicArn=topic + "x", Label="friends")
