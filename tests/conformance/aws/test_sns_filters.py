"""Every operator of Amazon SNS's filter policies, on attributes and on bodies, through boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.aws.test_sns_publish import Inbox

if TYPE_CHECKING:
    from collections.abc import Callable

# By operator: the conditions on a field, values that pass, and values that don't.
OPERATORS: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
    "equals": (["a", 3, True, None], ["a", 3, True, None], ["b", 4, False, "3"]),
    "anything-but": ([{"anything-but": ["a", 3]}], ["b", 4], ["a", 3]),
    "anything-but-prefix": ([{"anything-but": {"prefix": "ab"}}], ["ba"], ["abc"]),
    "anything-but-suffix": ([{"anything-but": {"suffix": "ab"}}], ["abc"], ["cab"]),
    "anything-but-wildcard": ([{"anything-but": {"wildcard": "a*c"}}], ["abd"], ["abc"]),
    "prefix": ([{"prefix": "ab"}], ["abc", "ab"], ["ba", "AB", 3]),
    "suffix": ([{"suffix": "ab"}], ["cab"], ["abc"]),
    "equals-ignore-case": ([{"equals-ignore-case": "aB"}], ["AB", "ab"], ["abc"]),
    "wildcard": ([{"wildcard": "a*c"}], ["ac", "abbc"], ["acd"]),
    "numeric": ([{"numeric": [">", 0, "<=", 10]}], [0.5, 10], [0, 10.1, "5"]),
    "numeric-equals": ([{"numeric": ["=", 3.015e2]}], [301.5], [301]),
    "cidr": ([{"cidr": "10.0.0.0/24"}], ["10.0.0.255"], ["10.0.1.0"]),
    "one of a list": (["a"], [["b", "a"]], [["b"]]),
}


@pytest.fixture
def sns(client: Callable[..., Any]) -> Any:
    return client("sns")


@pytest.fixture
def topic(sns: Any) -> str:
    return sns.create_topic(Name="news")["TopicArn"]


def sent(inbox: Inbox) -> list[str]:
    found: list[str] = []
    while texts := inbox.texts():
        found += texts
    return sorted(found)


@pytest.mark.parametrize("name", OPERATORS)
def test_on_the_body(sns: Any, topic: str, client: Callable[..., Any], name: str) -> None:
    conditions, passing, others = OPERATORS[name]
    policy = json.dumps({"detail": {"field": conditions}})
    inbox = Inbox(client, topic, FilterPolicy=policy, FilterPolicyScope="MessageBody")
    for value in (*passing, *others):
        sns.publish(TopicArn=topic, Message=json.dumps({"detail": {"field": value}}))
    sns.publish(TopicArn=topic, Message=json.dumps({"detail": {}}))
    assert sent(inbox) == sorted(json.dumps({"detail": {"field": value}}) for value in passing)


@pytest.mark.parametrize("name", OPERATORS)
def test_on_attributes(sns: Any, topic: str, client: Callable[..., Any], name: str) -> None:
    conditions, passing, others = OPERATORS[name]
    inbox = Inbox(client, topic, FilterPolicy=json.dumps({"field": conditions}))
    for value in (*passing, *others):
        if can_be_attribute(value):
            sns.publish(TopicArn=topic, Message=json.dumps(value), MessageAttributes={"field": attribute(value)})
    assert sent(inbox) == sorted(json.dumps(value) for value in passing if can_be_attribute(value))


def can_be_attribute(value: Any) -> bool:
    return value is not None and not isinstance(value, bool)


def attribute(value: Any) -> dict[str, str]:
    if isinstance(value, list):
        return {"DataType": "String.Array", "StringValue": json.dumps(value)}
    kind = "String" if isinstance(value, str) else "Number"
    return {"DataType": kind, "StringValue": str(value)}


def test_fields_that_exist_and_alternatives(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    there = Inbox(client, topic, "there", FilterPolicy=json.dumps({"a": [{"exists": True}]}))
    not_there = Inbox(client, topic, "not-there", FilterPolicy=json.dumps({"a": [{"exists": False}], "b": ["1"]}))
    either = Inbox(client, topic, "either", FilterPolicy=json.dumps({"$or": [{"a": ["1"]}, {"b": ["1"]}]}))
    for names in ("a", "b", "ab", "c"):
        sns.publish(TopicArn=topic, Message=names, MessageAttributes={each: attribute("1") for each in names})
    assert sent(there) == ["a", "ab"]
    assert sent(not_there) == ["b"]
    assert sent(either) == ["a", "ab", "b"]


def test_the_group_of_a_message_goes_on_to_queues(sns: Any, topic: str, client: Callable[..., Any]) -> None:
    inbox = Inbox(client, topic, RawMessageDelivery="true")
    sns.publish(TopicArn=topic, Message="m", MessageGroupId="tenant-1")
    (message,) = inbox.messages()
    assert message["Body"] == "m"
    assert message["Attributes"].get("MessageGroupId") == "tenant-1"
