"""Amazon EventBridge through boto3: buses, rules, targets, and what these get."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_invoke import wait_for
from tests.conformance.aws.test_sns_topics import queue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORDERS = json.dumps({"source": ["shop"], "detail": {"price": [{"numeric": [">", 100]}]}})


@pytest.fixture
def events(client: Callable[..., Any]) -> Any:
    return client("events")


class Inbox:
    """A queue that a rule sends to."""

    def __init__(self, client: Callable[..., Any], name: str = "inbox", **attributes: str) -> None:
        self.sqs = client("sqs")
        self.url, self.arn = queue(client, name, **attributes)

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
        ).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def bodies(self) -> list[Any]:
        return [json.loads(message["Body"]) for message in self.messages()]


def rule(events: Any, inbox: Inbox, pattern: str = ORDERS, name: str = "orders", **target: Any) -> None:
    events.put_rule(Name=name, EventPattern=pattern)
    put = events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": inbox.arn, **target}])
    assert put["FailedEntryCount"] == 0


def order(price: int = 200, **more: Any) -> dict[str, Any]:
    return {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"price": price, "items": ["a"]}), **more}


def refusal(what: Callable[..., Any], **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        what(**members)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_matching_event_reaches_the_queue_as_it_is(events: Any, client: Callable[..., Any], account: str) -> None:
    inbox = Inbox(client)
    rule(events, inbox)
    put = events.put_events(Entries=[order(Resources=["arn:x"]), order(99), order(Source="other")])
    assert put["FailedEntryCount"] == 0
    (event,) = inbox.bodies()
    assert event.pop("time").endswith("Z")
    assert event == {
        "version": "0",
        "id": put["Entries"][0]["EventId"],
        "detail-type": "order",
        "source": "shop",
        "account": account,
        "region": "us-east-1",
        "resources": ["arn:x"],
        "detail": {"price": 200, "items": ["a"]},
    }


def test_entries_fail_by_themselves(events: Any) -> None:
    put = events.put_events(
        Entries=[
            order(),
            order(Detail="[]"),
            order(Detail="{"),
            {"DetailType": "order", "Detail": "{}"},
            order(Source="aws.s3"),
            {"Source": "shop", "Detail": "{}"},
            order(Detail='{"n": 1e400}'),
        ]
    )
    codes = [entry.get("ErrorCode") for entry in put["Entries"]]
    assert codes == [
        None,
        "MalformedDetail",
        "MalformedDetail",
        "InvalidArgument",
        "NotAuthorizedForSourceException",
        "InvalidArgument",
        "MalformedDetail",
    ]
    assert put["FailedEntryCount"] == 6
    code, message = refusal(events.put_events, Entries=[order(Detail=json.dumps({"x": "x" * 1_048_576}))])
    assert (code, message) == ("ValidationException", "Total size of the entries in the request is over the limit.")
    assert refusal(events.put_events, Entries=[order()] * 11)[0] == "ValidationException"


def test_what_a_target_gets_can_be_shaped(events: Any, client: Callable[..., Any]) -> None:
    inbox = Inbox(client)
    rule(events, inbox, Input='{"constant": true}')
    events.put_events(Entries=[order()])
    assert inbox.bodies() == [{"constant": True}]
    rule(events, inbox, InputPath="$.detail.items[0]")
    events.put_events(Entries=[order()])
    assert inbox.bodies() == ["a"]
    template = '{"cost": <price>, "text": "it is <price> for <items>", "rule": <aws.events.rule-name>, "no": <none>}'
    transformer = {
        "InputPathsMap": {"price": "$.detail.price", "items": "$.detail.items", "none": "$.detail.nothing"},
        "InputTemplate": template,
    }
    rule(events, inbox, InputTransformer=transformer)
    events.put_events(Entries=[order()])
    assert inbox.bodies() == [{"cost": 200, "text": 'it is 200 for ["a"]', "rule": "orders", "no": None}]
    rule(events, inbox, InputTransformer={"InputTemplate": '"all: <aws.events.event.json>"'})
    events.put_events(Entries=[order()])
    (text,) = inbox.bodies()
    assert json.loads(text.removeprefix("all: "))["detail"] == {"price": 200, "items": ["a"]}
    code, message = refusal(
        events.put_targets,
        Rule="orders",
        Targets=[{"Id": "x", "Arn": inbox.arn, "InputTransformer": {"InputTemplate": "no json"}}],
    )
    assert code == "ValidationException"
    assert "Invalid InputTemplate for target x" in message


def test_a_fifo_queue_gets_its_group(events: Any, client: Callable[..., Any]) -> None:
    inbox = Inbox(client, "inbox.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    events.put_rule(Name="orders", EventPattern=ORDERS)
    code, _ = refusal(events.put_targets, Rule="orders", Targets=[{"Id": "1", "Arn": inbox.arn}])
    assert code == "ValidationException"
    rule(events, inbox, SqsParameters={"MessageGroupId": "g"})
    events.put_events(Entries=[order()])
    (message,) = inbox.messages()
    assert message["Attributes"]["MessageGroupId"] == "g"


def test_functions_and_topics_are_targets(
    events: Any, client: Callable[..., Any], tmp_path: Path, account: str
) -> None:
    code = (
        "import json\ndef handler(event, context):\n    open(event['detail']['path'], 'w').write(json.dumps(event))\n"
    )
    lambda_ = client("lambda")
    deploy(lambda_, "shopper", code)
    inbox = Inbox(client)
    topic = client("sns").create_topic(Name="news")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox.arn)
    events.put_rule(Name="all", EventPattern=json.dumps({"source": [{"prefix": "sh"}]}))
    function = f"arn:aws:lambda:us-east-1:{account}:function:shopper"
    events.put_targets(Rule="all", Targets=[{"Id": "f", "Arn": function}, {"Id": "t", "Arn": topic}])
    path = tmp_path / "event.json"
    events.put_events(Entries=[order(Detail=json.dumps({"path": str(path)}))])
    wait_for(lambda: path.exists() and path.read_text())
    assert json.loads(path.read_text())["detail-type"] == "order"
    (envelope,) = wait_for(inbox.bodies)
    assert envelope["TopicArn"] == topic
    assert json.loads(envelope["Message"])["source"] == "shop"
    assert client("sns").list_topics()["Topics"] == [{"TopicArn": topic}]
    assert len(client("sns").list_subscriptions()["Subscriptions"]) == 1


def test_buses_send_to_buses_and_circles_end(events: Any, client: Callable[..., Any]) -> None:
    inbox = Inbox(client)
    arn = events.create_event_bus(Name="other", Description="d", Tags=[{"Key": "a", "Value": "b"}])["EventBusArn"]
    everything = json.dumps({"source": [{"exists": True}]})
    default = arn.replace("other", "default")
    events.put_rule(Name="there", EventPattern=everything)
    events.put_targets(Rule="there", Targets=[{"Id": "1", "Arn": arn}])
    events.put_rule(Name="back", EventPattern=everything, EventBusName="other")
    targets = [{"Id": "1", "Arn": default}, {"Id": "2", "Arn": inbox.arn}]
    events.put_targets(Rule="back", EventBusName="other", Targets=targets)
    put = events.put_events(Entries=[order()])
    seen: list[Any] = []

    def all_came() -> bool:
        seen.extend(inbox.bodies())
        return len(seen) >= 8

    wait_for(all_came)
    assert {each["id"] for each in seen} == {put["Entries"][0]["EventId"]}
    assert events.list_rule_names_by_target(TargetArn=default, EventBusName="other")["RuleNames"] == ["back"]
    assert [each["Name"] for each in events.list_event_buses()["EventBuses"]] == ["default", "other"]
    code, _ = refusal(events.delete_event_bus, Name="other")
    assert code == "ValidationException"


def test_rules_are_shown_switched_and_deleted(events: Any, client: Callable[..., Any]) -> None:
    inbox = Inbox(client)
    rule(events, inbox)
    arn = events.put_rule(Name="orders", EventPattern=ORDERS, Description="big", Tags=[{"Key": "k", "Value": "v"}])
    shown = events.describe_rule(Name="orders")
    assert (shown["Arn"], shown["State"], shown["Description"]) == (arn["RuleArn"], "ENABLED", "big")
    events.disable_rule(Name="orders")
    events.put_events(Entries=[order()])
    assert inbox.bodies() == []
    events.enable_rule(Name="orders")
    events.put_events(Entries=[order()])
    assert len(inbox.bodies()) == 1
    events.tag_resource(ResourceARN=shown["Arn"], Tags=[{"Key": "a", "Value": "b"}])
    assert events.list_tags_for_resource(ResourceARN=shown["Arn"])["Tags"] == [{"Key": "a", "Value": "b"}]
    assert refusal(events.delete_rule, Name="orders") == (
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    )
    assert [each["Id"] for each in events.list_targets_by_rule(Rule="orders")["Targets"]] == ["queue"]
    removed = events.remove_targets(Rule="orders", Ids=["queue", "none"])
    assert [each["TargetId"] for each in removed["FailedEntries"]] == ["none"]
    events.delete_rule(Name="orders")
    events.delete_rule(Name="orders")
    assert refusal(events.describe_rule, Name="orders") == (
        "ResourceNotFoundException",
        "Rule orders does not exist on EventBus default.",
    )
    assert (
        refusal(events.put_rule, Name="x", EventPattern="{}", EventBusName="none")[0] == "InvalidEventPatternException"
    )
    assert refusal(events.put_rule, Name="x", EventPattern=ORDERS, EventBusName="none") == (
        "ResourceNotFoundException",
        "Event bus none does not exist.",
    )


def test_pages_of_rules(events: Any) -> None:
    for number in range(5):
        events.put_rule(Name=f"r{number}", EventPattern=ORDERS)
    first = events.list_rules(Limit=3)
    second = events.list_rules(Limit=3, NextToken=first["NextToken"])
    assert [each["Name"] for each in first["Rules"] + second["Rules"]] == [f"r{number}" for number in range(5)]
    assert "NextToken" not in second


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{", "Invalid JSON"),
        ("[]", "Filter is not an object"),
        ('{"source": "shop"}', "must be an object or an array"),
        ('{"source": []}', "Empty arrays are not allowed"),
        ('{"source": [{"like": "x"}]}', "Unrecognized match type like"),
        ('{"source": [["x"]]}', "Match value must be String, number, true, false, or null"),
        ('{"detail": {"n": [{"numeric": [">", 6e9]}]}}', "must be between -5.0E9 and 5.0E9"),
    ],
)
def test_bad_patterns_are_refused(events: Any, pattern: str, reason: str) -> None:
    code, message = refusal(events.put_rule, Name="x", EventPattern=pattern)
    assert code == "InvalidEventPatternException"
    assert message.startswith("Event pattern is not valid. Reason: ")
    assert reason in message


def test_patterns_can_be_tried(events: Any) -> None:
    event = {
        "id": "1",
        "account": "1",
        "source": "shop",
        "time": "2026-01-01T00:00:00Z",
        "region": "x",
        "resources": [],
        "detail-type": "order",
        "detail": {"a": [["x"], "y"]},
    }

    def tried(pattern: Any) -> bool:
        return bool(events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"])

    assert tried({"detail": {"a": ["x"]}})
    assert tried({"$or": [{"source": ["no"]}, {"detail-type": [{"wildcard": "or*"}]}]})
    assert not tried({"source": [{"anything-but": {"prefix": "sh"}}]})
    del event["id"]
    assert (
        refusal(events.test_event_pattern, EventPattern='{"a": [1]}', Event=json.dumps(event))[0]
        == "ValidationException"
    )


def test_what_is_not_supported_is_refused_by_name(events: Any, client: Callable[..., Any], account: str) -> None:
    events.put_rule(Name="orders", EventPattern=ORDERS)
    stream = f"arn:aws:kinesis:us-east-1:{account}:stream/s"
    code, message = refusal(events.put_targets, Rule="orders", Targets=[{"Id": "1", "Arn": stream}])
    assert (code, message) == ("ValidationException", f"Fogbank does not support targets of kinesis: {stream}.")
    many = [{"Id": str(number), "Arn": Inbox(client, f"q{number}").arn} for number in range(6)]
    assert refusal(events.put_targets, Rule="orders", Targets=many)[0] == "LimitExceededException"
    assert (
        "CreateEndpoint"
        in refusal(
            events.create_endpoint,
            Name="x",
            RoutingConfig={
                "FailoverConfig": {
                    "Primary": {"HealthCheck": "arn:aws:route53:::healthcheck/x"},
                    "Secondary": {"Route": "us-east-1"},
                }
            },
            EventBuses=[{"EventBusArn": "arn:aws:events:us-east-1:123456789012:event-bus/x"}] * 2,
        )[1]
    )
    assert "ListEventSources" in refusal(events.list_event_sources)[1]


def test_permissions_are_kept(events: Any) -> None:
    events.put_permission(Action="events:PutEvents", Principal="123456789012", StatementId="a")
    policy = json.loads(events.describe_event_bus()["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    events.remove_permission(StatementId="a")
    assert "Policy" not in events.describe_event_bus()
    assert refusal(events.remove_permission, StatementId="a")[0] == "ResourceNotFoundException"


def test_a_log_group_is_a_target(events: Any, client: Callable[..., Any], account: str) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="/aws/events/orders")
    events.put_rule(Name="orders", EventPattern=ORDERS)
    group = f"arn:aws:logs:us-east-1:{account}:log-group:/aws/events/orders"
    transformer = {"InputTemplate": '{"timestamp": 1, "message": "got <aws.events.rule-name>"}'}
    targets = [{"Id": "1", "Arn": group}, {"Id": "2", "Arn": f"{group}:*", "InputTransformer": transformer}]
    events.put_targets(Rule="orders", Targets=targets)
    put = events.put_events(Entries=[order()])

    def lines() -> list[str]:
        found = logs.filter_log_events(logGroupName="/aws/events/orders")["events"]
        return [each["message"] for each in found] if len(found) == 2 else []

    texts = sorted(wait_for(lines))
    assert texts[0] == "got orders"
    assert json.loads(texts[1])["id"] == put["Entries"][0]["EventId"]
