"""Amazon SQS through boto3: fair queues, moves of dead letters, permissions, quotas, looking without receiving."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from fogbank.clouds.aws.sqs import quotas
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.test_sqs import bodies, receive, refused
from tests.conformance.conftest import boto3_client

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]


@pytest.fixture
def sqs(client: Make) -> Any:
    return client("sqs")


def make(sqs: Any, name: str, **attributes: Any) -> tuple[str, str]:
    """Create a queue; returns its URL and its ARN."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()}
    url = sqs.create_queue(QueueName=name, Attributes=texts)["QueueUrl"]
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, shown["QueueArn"]


def test_a_tenant_with_a_backlog_holds_up_no_other(sqs: Any) -> None:
    url, _ = make(sqs, "fair")
    sqs.send_message(QueueUrl=url, MessageBody="before")
    for number in range(30):
        sqs.send_message(QueueUrl=url, MessageBody=f"noisy {number}", MessageGroupId="noisy")
    sqs.send_message(QueueUrl=url, MessageBody="quiet", MessageGroupId="quiet")
    first = receive(sqs, url, MaxNumberOfMessages=3, AttributeNames=["All"])
    assert {message["Body"] for message in first} == {"before", "noisy 0", "quiet"}
    groups = {message["Body"]: message["Attributes"].get("MessageGroupId") for message in first}
    assert groups == {"before": None, "noisy 0": "noisy", "quiet": "quiet"}
    for message in first:
        assert "SequenceNumber" not in message["Attributes"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    left = [body for _ in range(3) for body in bodies(sqs, url, MaxNumberOfMessages=10)]
    assert left == [f"noisy {number}" for number in range(1, 30)]


def dead_letters(sqs: Any, count: int) -> tuple[str, str, str]:
    """Have messages dead-lettered; returns the queue's URL, the dead-letter queue's URL and ARN."""
    dead, arn = make(sqs, "dead")
    policy = {"deadLetterTargetArn": arn, "maxReceiveCount": 1}
    url, _ = make(sqs, "live", RedrivePolicy=policy, VisibilityTimeout="0")
    for number in range(count):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    while sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        pass
    return url, dead, arn


def wait_for_move(sqs: Any, arn: str) -> dict[str, Any]:
    for _ in range(200):
        (task,) = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
        if task["Status"] != "RUNNING":
            return task
    raise AssertionError(task)


def test_dead_letters_go_back_to_where_they_came_from(sqs: Any) -> None:
    url, dead, arn = dead_letters(sqs, 5)
    assert sqs.list_message_move_tasks(SourceArn=arn)["Results"] == []
    assert sqs.start_message_move_task(SourceArn=arn)["TaskHandle"]
    task = wait_for_move(sqs, arn)
    assert task["Status"] == "COMPLETED"
    assert task["ApproximateNumberOfMessagesMoved"] == task["ApproximateNumberOfMessagesToMove"] == 5
    assert "TaskHandle" not in task
    assert sorted(bodies(sqs, url, MaxNumberOfMessages=10, VisibilityTimeout=30)) == list("01234")
    assert bodies(sqs, dead) == []


def test_dead_letters_go_elsewhere_at_a_rate(timed_client: Make, timed_server: ThreadedServer) -> None:
    sqs = timed_client("sqs")
    _, _, arn = dead_letters(sqs, 3)
    other, other_arn = make(sqs, "other")
    handle = sqs.start_message_move_task(SourceArn=arn, DestinationArn=other_arn, MaxNumberOfMessagesPerSecond=1)
    with refused("UnsupportedOperation"):
        sqs.start_message_move_task(SourceArn=arn)
    timed_server.advance(1)
    cancelled = sqs.cancel_message_move_task(TaskHandle=handle["TaskHandle"])
    assert cancelled["ApproximateNumberOfMessagesMoved"] == 2
    timed_server.advance(5)
    (task,) = sqs.list_message_move_tasks(SourceArn=arn, MaxResults=10)["Results"]
    assert task["Status"] == "CANCELLED"
    assert task["DestinationArn"] == other_arn
    assert task["MaxNumberOfMessagesPerSecond"] == 1
    assert len(bodies(sqs, other, MaxNumberOfMessages=10)) == 2
    with refused("ResourceNotFoundException"):
        sqs.cancel_message_move_task(TaskHandle=handle["TaskHandle"])


def test_moves_that_are_refused(sqs: Any, account: str) -> None:
    _, arn = make(sqs, "plain")
    with pytest.raises(ClientError, match="must be configured as a Dead Letter Queue"):
        sqs.start_message_move_task(SourceArn=arn)
    missing = f"arn:aws:sqs:us-east-1:{account}:missing"
    for ask in (sqs.start_message_move_task, sqs.list_message_move_tasks):
        with refused("ResourceNotFoundException"):
            ask(SourceArn=missing)
    with refused("InvalidParameterValue"):
        sqs.list_message_move_tasks(SourceArn=arn, MaxResults=11)
    with refused("InvalidParameterValue"):
        sqs.cancel_message_move_task(TaskHandle="nonsense")


def test_permissions(sqs: Any) -> None:
    url, arn = make(sqs, "shared")

    def policy() -> Any:
        shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
        return json.loads(shown["Policy"]) if shown else None

    accounts = ["111111111111", "222222222222"]
    sqs.add_permission(QueueUrl=url, Label="send", AWSAccountIds=accounts, Actions=["SendMessage"])
    assert policy()["Statement"] == [
        {
            "Sid": "send",
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in accounts]},
            "Action": "SQS:SendMessage",
            "Resource": arn,
        }
    ]
    with pytest.raises(ClientError, match="Already exists"):
        sqs.add_permission(QueueUrl=url, Label="send", AWSAccountIds=accounts, Actions=["*"])
    for change in ({"Actions": ["CreateQueue"]}, {"AWSAccountIds": ["me"]}, {"Label": "a b"}):
        with refused("InvalidParameterValue"):
            given = {"Label": "other", "AWSAccountIds": accounts, "Actions": ["*"], **change}
            sqs.add_permission(QueueUrl=url, **given)
    sqs.remove_permission(QueueUrl=url, Label="send")
    assert policy() is None
    with refused("InvalidParameterValue"):
        sqs.remove_permission(QueueUrl=url, Label="send")


def test_a_redrive_allow_policy_is_heeded(sqs: Any) -> None:
    _, friend = make(sqs, "friend")
    _, dead = make(sqs, "dead", RedriveAllowPolicy={"redrivePermission": "byQueue", "sourceQueueArns": [friend]})
    policy = {"deadLetterTargetArn": dead, "maxReceiveCount": 1}
    sqs.set_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName="friend")["QueueUrl"], Attributes={"RedrivePolicy": json.dumps(policy)}
    )
    with pytest.raises(ClientError, match="denies this source"):
        make(sqs, "stranger", RedrivePolicy=policy)
    for wrong in ({"redrivePermission": "some"}, {"redrivePermission": "byQueue"}, []):
        with refused("InvalidParameterValue"):
            make(sqs, "wrong", RedriveAllowPolicy=wrong)


def test_only_so_many_messages_are_in_flight(sqs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "IN_FLIGHT_MAX", 3)
    monkeypatch.setattr(quotas, "FIFO_IN_FLIGHT_MAX", 2)
    url, _ = make(sqs, "busy")
    for number in range(5):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    held = receive(sqs, url, MaxNumberOfMessages=10)
    assert len(held) == 3
    with refused("OverLimit"):
        sqs.receive_message(QueueUrl=url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=held[0]["ReceiptHandle"])
    assert len(receive(sqs, url, MaxNumberOfMessages=10)) == 1
    fifo, _ = make(sqs, "busy.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for number in range(3):
        sqs.send_message(QueueUrl=fifo, MessageBody=str(number), MessageGroupId=str(number))
    assert len(receive(sqs, fifo, MaxNumberOfMessages=10)) == 2
    assert receive(sqs, fifo) == []


def test_looking_at_messages_without_receiving_them(sqs: Any, server: ThreadedServer, account: str) -> None:
    url, _ = make(sqs, "watched")
    sqs.send_message(QueueUrl=url, MessageBody="held <&>")
    receive(sqs, url)
    sqs.send_message(QueueUrl=url, MessageBody="seen <&>")
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=60)

    def look(query: str, **headers: str) -> Any:
        request = urllib.request.Request(f"{server.url}/_aws/sqs/messages{query}", headers=headers)
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    def texts(query: str) -> list[str]:
        answer = json.loads(look(query, Accept="application/json"))
        return [each["Body"] for each in answer["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"]]

    assert texts(f"?QueueUrl={url}") == ["seen <&>"]
    assert texts(f"?QueueUrl={url}&ShowInvisible=true&ShowDelayed=true") == ["held <&>", "seen <&>", "later"]
    assert texts(f"/us-east-1/{account}/watched") == ["seen <&>"]
    assert "<Body>seen &lt;&amp;&gt;</Body>" in look(f"?QueueUrl={url}")
    assert bodies(sqs, url) == ["seen <&>"]
    for query, code in (("", "MissingParameter"), (f"?QueueUrl={url}x", "NonExistentQueue")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            look(query)
        assert code in caught.value.read().decode()


def test_a_strict_server_keeps_the_names_of_deleted_queues_for_a_minute(account: str) -> None:
    settings = Settings(port=0, memory=True, strict=True)
    with ThreadedServer(settings, frozen_at_us=1_795_348_800_000_000, seed=1) as server:
        sqs = boto3_client(server, account)("sqs")
        url, _ = make(sqs, "again")
        sqs.delete_queue(QueueUrl=url)
        with refused("QueueDeletedRecently"):
            make(sqs, "again")
        server.advance(60)
        make(sqs, "again")
