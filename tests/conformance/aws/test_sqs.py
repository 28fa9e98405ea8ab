"""Amazon SQS through boto3."""

from __future__ import annotations

import json
import threading
import time
from hashlib import md5
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

    Make = Callable[..., Any]


@pytest.fixture
def sqs(client: Make) -> Any:
    return client("sqs")


@pytest.fixture
def url(sqs: Any) -> str:
    return sqs.create_queue(QueueName="orders")["QueueUrl"]


@pytest.fixture
def fifo(sqs: Any) -> str:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    return sqs.create_queue(QueueName="orders.fifo", Attributes=attributes)["QueueUrl"]


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


def receive(sqs: Any, url: str, **wanted: Any) -> list[dict[str, Any]]:
    wanted = {"MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]} | wanted
    return sqs.receive_message(QueueUrl=url, **wanted).get("Messages", [])


def bodies(sqs: Any, url: str, **wanted: Any) -> list[str]:
    return [message["Body"] for message in receive(sqs, url, **wanted)]


def await_receiver(server: ThreadedServer) -> None:
    """Return once a receiver waits for news of a queue."""
    listeners = server.app.store.signals._listeners  # type: ignore[attr-defined]
    while not any(kind == "queue" and number > 1_000 for kind, number in list(listeners)):
        time.sleep(0.01)


# Queues


def test_a_queue_is_created_found_listed_and_deleted(sqs: Any, server: ThreadedServer, account: str) -> None:
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    assert url == f"{server.url}/{account}/orders"
    assert sqs.get_queue_url(QueueName="orders")["QueueUrl"] == url
    assert sqs.list_queues()["QueueUrls"] == [url]
    sqs.delete_queue(QueueUrl=url)
    assert "QueueUrls" not in sqs.list_queues()
    with refused("NonExistentQueue"):
        sqs.get_queue_url(QueueName="orders")
    with refused("NonExistentQueue"):
        sqs.delete_queue(QueueUrl=url)


def test_creating_a_queue_again_returns_it_unless_its_attributes_differ(sqs: Any, url: str) -> None:
    assert sqs.create_queue(QueueName="orders")["QueueUrl"] == url
    assert sqs.create_queue(QueueName="orders", Attributes={"DelaySeconds": "0"})["QueueUrl"] == url
    with pytest.raises(sqs.exceptions.QueueNameExists, match="VisibilityTimeout"):
        sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "31"})


@pytest.mark.parametrize("name", ["", "a b", "x" * 81, "orders.fifo", "höhe"])
def test_names_that_no_queue_may_have(sqs: Any, name: str) -> None:
    with refused("InvalidParameterValue"):
        sqs.create_queue(QueueName=name)


def test_lists_are_paged(sqs: Any) -> None:
    names = [f"queue-{number:02d}" for number in range(7)]
    for name in [*names, "other"]:
        sqs.create_queue(QueueName=name)
    first = sqs.list_queues(QueueNamePrefix="queue-", MaxResults=3)
    assert len(first["QueueUrls"]) == 3
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix="queue-", PaginationConfig={"PageSize": 3})
    found = [url.rpartition("/")[2] for page in pages for url in page["QueueUrls"]]
    assert found == names
    with refused("InvalidParameterValue"):
        sqs.list_queues(MaxResults=3, NextToken="not one of ours")
    with refused("InvalidParameterValue"):
        sqs.list_queues(MaxResults=1001)


def test_attributes_have_the_documented_defaults(sqs: Any, url: str, account: str) -> None:
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    created = int(shown.pop("CreatedTimestamp"))
    assert abs(created - time.time()) < 60
    assert int(shown.pop("LastModifiedTimestamp")) == created
    assert shown == {
        "QueueArn": f"arn:aws:sqs:us-east-1:{account}:orders",
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "DelaySeconds": "0",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
    }


def test_attributes_are_set_and_read_back(sqs: Any, url: str) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "5", "Policy": policy})
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds", "Policy", "RedrivePolicy"])
    assert shown["Attributes"] == {"DelaySeconds": "5", "Policy": policy}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("VisibilityTimeout", "43201", "InvalidAttributeValue"),
        ("VisibilityTimeout", "-1", "InvalidAttributeValue"),
        ("VisibilityTimeout", "soon", "InvalidAttributeValue"),
        ("DelaySeconds", "901", "InvalidAttributeValue"),
        ("MessageRetentionPeriod", "59", "InvalidAttributeValue"),
        ("MessageRetentionPeriod", "1209601", "InvalidAttributeValue"),
        ("MaximumMessageSize", "1023", "InvalidAttributeValue"),
        ("MaximumMessageSize", "1048577", "InvalidAttributeValue"),
        ("ReceiveMessageWaitTimeSeconds", "21", "InvalidAttributeValue"),
        ("SqsManagedSseEnabled", "maybe", "InvalidAttributeValue"),
        ("Policy", "not json", "InvalidAttributeValue"),
        ("ContentBasedDeduplication", "true", "InvalidAttributeName"),
        ("KmsMasterKeyId", "alias/aws/sqs", "InvalidAttributeName"),
        ("Nonsense", "1", "InvalidAttributeName"),
        ("FifoQueue", "true", "InvalidAttributeName"),
        ("RedrivePolicy", "{}", "InvalidParameterValue"),
        ("RedrivePolicy", '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:q", "maxReceiveCount": 0}', "InvalidP"),
        ("RedrivePolicy", '{"deadLetterTargetArn": "nonsense", "maxReceiveCount": 1}', "InvalidParameterValue"),
    ],
)
def test_attributes_out_of_range_are_refused_and_change_nothing(
    sqs: Any, url: str, name: str, value: str, code: str
) -> None:
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    with refused(code):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "7", name: value})
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"] == before


def test_unknown_attributes_are_refused(sqs: Any, url: str) -> None:
    with refused("InvalidAttributeName"):
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Nonsense"])
    with refused("InvalidAttributeName"):
        sqs.receive_message(QueueUrl=url, AttributeNames=["Nonsense"])


def test_tags(sqs: Any, url: str) -> None:
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)
    sqs.tag_queue(QueueUrl=url, Tags={"team": "billing", "stage": "test"})
    sqs.tag_queue(QueueUrl=url, Tags={"stage": "live"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "billing", "stage": "live"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["team", "unknown"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "live"}
    created = sqs.create_queue(QueueName="tagged", tags={"a": "b"})["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=created)["Tags"] == {"a": "b"}


def test_queue_urls_of_the_real_service_and_of_other_accounts_work(client: Make, account: str) -> None:
    mine, theirs = client("sqs"), client("sqs", region="eu-west-1")
    mine.create_queue(QueueName="far")
    mine.send_message(QueueUrl=f"https://sqs.us-east-1.amazonaws.com/{account}/far", MessageBody="1")
    theirs.send_message(QueueUrl=f"https://us-east-1.queue.amazonaws.com/{account}/far", MessageBody="2")
    arn = f"http://sqs.us-east-1.localhost.localstack.cloud:4566/{account}/far"
    assert bodies(theirs, arn) == ["1", "2"]
    with refused("NonExistentQueue"):
        theirs.get_queue_url(QueueName="far")
    with refused("InvalidAddress"):
        mine.send_message(QueueUrl="far", MessageBody="3")


# Messages


def test_a_message_comes_as_it_was_sent(sqs: Any, url: str, account: str) -> None:
    text = "안녕하세요 <&> \r\n\t'\" 𝄞"
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody=text,
        MessageAttributes={
            "name": {"DataType": "String", "StringValue": "김철수"},
            "size.bytes": {"DataType": "Number.int", "StringValue": "42"},
            "blob": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5-6"}},
    )
    (message,) = receive(sqs, url)
    assert message["MessageId"] == sent["MessageId"]
    assert message["Body"] == text
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"] == md5(text.encode()).hexdigest()
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"] == {
        "name": {"DataType": "String", "StringValue": "김철수"},
        "size.bytes": {"DataType": "Number.int", "StringValue": "42"},
        "blob": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    attributes = message["Attributes"]
    assert attributes["SenderId"] == account
    assert attributes["ApproximateReceiveCount"] == "1"
    assert attributes["AWSTraceHeader"] == "Root=1-5-6"
    assert abs(int(attributes["SentTimestamp"]) / 1000 - time.time()) < 60


def test_only_what_is_asked_for_is_returned(sqs: Any, url: str) -> None:
    attributes = {name: {"DataType": "String", "StringValue": "x"} for name in ("a.1", "a.2", "b")}
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="m", MessageAttributes=attributes)
    (plain,) = receive(sqs, url, AttributeNames=[], MessageAttributeNames=[], MaxNumberOfMessages=1)
    assert plain.keys() == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}
    (chosen,) = receive(sqs, url, AttributeNames=["SentTimestamp"], MessageAttributeNames=["a.*"])
    assert chosen["Attributes"].keys() == {"SentTimestamp"}
    assert chosen["MessageAttributes"].keys() == {"a.1", "a.2"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"MessageBody": ""}, "MissingParameter"),
        ({"MessageBody": "a\x00b"}, "InvalidMessageContents"),
        ({"MessageBody": "a\ufffeb"}, "InvalidMessageContents"),
        ({"MessageBody": "x" * 1_048_577}, "InvalidParameterValue"),
        ({"DelaySeconds": 901}, "InvalidParameterValue"),
        ({"DelaySeconds": -1}, "InvalidParameterValue"),
        ({"MessageDeduplicationId": "1"}, "InvalidParameterValue"),
        ({"MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}}, "InvalidParameterValue"),
        ({"MessageAttributes": {"a": {"DataType": "String"}}}, "InvalidParameterValue"),
        ({"MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}, "InvalidParameterValue"),
        ({"MessageAttributes": {"AWS.a": {"DataType": "String", "StringValue": "x"}}}, "InvalidParameterValue"),
        (
            {"MessageAttributes": {str(n): {"DataType": "String", "StringValue": "x"} for n in range(11)}},
            "InvalidParameterValue",
        ),
    ],
)
def test_messages_that_are_refused(sqs: Any, url: str, change: dict[str, Any], code: str) -> None:
    with refused(code):
        sqs.send_message(**{"QueueUrl": url, "MessageBody": "m"} | change)
    assert bodies(sqs, url) == []


def test_the_queue_s_own_size_limit_counts_attributes(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="small", Attributes={"MaximumMessageSize": "1024"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1024)
    with pytest.raises(ClientError, match="shorter than 1024 bytes"):
        sqs.send_message(
            QueueUrl=url,
            MessageBody="x" * 1020,
            MessageAttributes={"a": {"DataType": "String", "StringValue": "xxxx"}},
        )


@pytest.mark.parametrize("wanted", [{"MaxNumberOfMessages": 11}, {"MaxNumberOfMessages": 0}, {"WaitTimeSeconds": 21}])
def test_receives_that_are_refused(sqs: Any, url: str, wanted: dict[str, Any]) -> None:
    with refused("InvalidParameterValue"):
        sqs.receive_message(QueueUrl=url, **wanted)


def test_a_deleted_message_never_comes_back(sqs: Any, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="m")
    (message,) = receive(sqs, url, VisibilityTimeout=0)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert bodies(sqs, url) == []


@pytest.mark.parametrize("handle", ["", "nonsense", "AQEBAAAA", "x" * 36])
def test_receipt_handles_that_are_none(sqs: Any, url: str, handle: str) -> None:
    with refused("ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    with refused("ReceiptHandleIsInvalid"):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=1)


def test_a_receipt_handle_belongs_to_its_queue(sqs: Any, url: str) -> None:
    other = sqs.create_queue(QueueName="other")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    (message,) = receive(sqs, url)
    with refused("ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=other, ReceiptHandle=message["ReceiptHandle"])


def test_counts_follow_the_messages(sqs: Any, url: str) -> None:
    for delay in (0, 0, 0, 60):
        sqs.send_message(QueueUrl=url, MessageBody="m", DelaySeconds=delay)
    receive(sqs, url, MaxNumberOfMessages=1)
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert shown["ApproximateNumberOfMessages"] == "2"
    assert shown["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert shown["ApproximateNumberOfMessagesDelayed"] == "1"


def test_purging_empties_the_queue_once_a_minute(timed_client: Make, timed_server: ThreadedServer) -> None:
    sqs = timed_client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    (held,) = receive(sqs, url)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.purge_queue(QueueUrl=url)
    assert bodies(sqs, url) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=held["ReceiptHandle"])
    with refused("PurgeQueueInProgress"):
        sqs.purge_queue(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody="new")
    assert bodies(sqs, url) == ["new"]
    timed_server.advance(60)
    sqs.purge_queue(QueueUrl=url)


# Time


def test_visibility_delay_and_retention_follow_the_clock(timed_client: Make, timed_server: ThreadedServer) -> None:
    sqs = timed_client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"DelaySeconds": "10"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.send_message(QueueUrl=url, MessageBody="at once", DelaySeconds=0)
    assert bodies(sqs, url, VisibilityTimeout=86) == ["at once"]
    timed_server.advance(10)
    (message,) = receive(sqs, url)
    timed_server.advance(29)
    assert bodies(sqs, url) == []
    timed_server.advance(1)
    (again,) = receive(sqs, url)
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    first_seen = message["Attributes"]["ApproximateFirstReceiveTimestamp"]
    assert again["Attributes"]["ApproximateFirstReceiveTimestamp"] == first_seen
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(sqs, url) == ["m"]
    with refused("MessageNotInflight|InvalidParameterValue"):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=5)
    timed_server.advance(345_600)
    assert bodies(sqs, url) == []


def test_a_lease_can_be_extended_to_twelve_hours_in_all(timed_client: Make, timed_server: ThreadedServer) -> None:
    sqs = timed_client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "43200"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    (message,) = receive(sqs, url)
    handle = message["ReceiptHandle"]
    timed_server.advance(3600)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=39_600)
    with pytest.raises(ClientError, match="beyond the limit"):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=39_700)


def test_a_long_poll_is_woken_by_the_message(sqs: Any, url: str) -> None:
    got: list[str] = []
    waiter = threading.Thread(target=lambda: got.extend(bodies(sqs, url, WaitTimeSeconds=20)))
    started = time.monotonic()
    waiter.start()
    time.sleep(0.3)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    waiter.join(10)
    assert got == ["m"]
    assert time.monotonic() - started < 10


def test_a_long_poll_is_woken_by_a_lease_that_runs_out(timed_client: Make, timed_server: ThreadedServer) -> None:
    sqs = timed_client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    receive(sqs, url, VisibilityTimeout=5)
    got: list[str] = []
    waiter = threading.Thread(target=lambda: got.extend(bodies(sqs, url, WaitTimeSeconds=20)))
    waiter.start()
    await_receiver(timed_server)
    timed_server.advance(5)
    waiter.join(10)
    assert got == ["m"]


def test_a_long_poll_that_nothing_wakes_ends_by_the_clock(timed_client: Make, timed_server: ThreadedServer) -> None:
    sqs = timed_client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"ReceiveMessageWaitTimeSeconds": "20"})["QueueUrl"]
    got: list[list[str]] = []
    waiter = threading.Thread(target=lambda: got.append(bodies(sqs, url)))
    waiter.start()
    await_receiver(timed_server)
    timed_server.advance(20)
    waiter.join(10)
    assert got == [[]]


# Dead letters


def test_a_message_received_too_often_is_dead_lettered(timed_client: Make, timed_server: ThreadedServer) -> None:
    sqs = timed_client("sqs")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
    url = sqs.create_queue(QueueName="live", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy", "QueueArn"])["Attributes"]
    assert json.loads(shown["RedrivePolicy"]) == {"deadLetterTargetArn": arn, "maxReceiveCount": 2}
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sent = sqs.send_message(QueueUrl=url, MessageBody="bad")
    for _ in range(2):
        assert bodies(sqs, url) == ["bad"]
        assert bodies(sqs, dead) == []
        timed_server.advance(30)
    assert bodies(sqs, url) == []
    (message,) = receive(sqs, dead)
    assert message["MessageId"] == sent["MessageId"]
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == shown["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == []


def test_dead_letter_targets_that_are_refused(sqs: Any, url: str, fifo: str, account: str) -> None:
    def policy(name: str, region: str = "us-east-1") -> dict[str, str]:
        arn = f"arn:aws:sqs:{region}:{account}:{name}"
        return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})}

    with pytest.raises(ClientError, match="does not exist"):
        sqs.set_queue_attributes(QueueUrl=url, Attributes=policy("missing"))
    with pytest.raises(ClientError, match="same type"):
        sqs.set_queue_attributes(QueueUrl=url, Attributes=policy("orders.fifo"))
    with pytest.raises(ClientError, match="same account and region"):
        sqs.set_queue_attributes(QueueUrl=url, Attributes=policy("orders", "eu-west-1"))


# Batches


def test_batches(sqs: Any, url: str) -> None:
    entries = [{"Id": f"m{number}", "MessageBody": f"body {number}"} for number in range(9)]
    sent = sqs.send_message_batch(QueueUrl=url, Entries=[*entries, {"Id": "bad", "MessageBody": "\x00"}])
    assert [each["Id"] for each in sent["Successful"]] == [f"m{number}" for number in range(9)]
    assert [(each["Id"], each["Code"], each["SenderFault"]) for each in sent["Failed"]] == [
        ("bad", "InvalidMessageContents", True)
    ]
    got = receive(sqs, url)
    assert [message["Body"] for message in got] == [f"body {number}" for number in range(9)]
    changes = [
        {"Id": f"c{number}", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
        for number, message in enumerate(got)
    ]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=url, Entries=[*changes, {"Id": "bad", "ReceiptHandle": "nonsense", "VisibilityTimeout": 0}]
    )
    assert len(changed["Successful"]) == 9
    assert changed["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    again = receive(sqs, url)
    deletions = [
        {"Id": f"d{number}", "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(again)
    ]
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=[*deletions, {"Id": "x", "ReceiptHandle": "no"}])
    assert len(deleted["Successful"]) == 9
    assert deleted["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    assert bodies(sqs, url) == []


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(number), "MessageBody": "m"} for number in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "MessageBody": "m"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "m"}], "InvalidBatchEntryId"),
        ([{"Id": str(number), "MessageBody": "x" * 600_000} for number in range(2)], "BatchRequestTooLong"),
    ],
)
def test_batches_that_are_refused_as_a_whole(sqs: Any, url: str, entries: list[Any], code: str) -> None:
    with refused(code):
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert bodies(sqs, url) == []


# FIFO queues


def test_a_fifo_queue_keeps_the_order_of_each_group(sqs: Any, fifo: str) -> None:
    for number in range(3):
        for group in "ab":
            sqs.send_message(QueueUrl=fifo, MessageBody=f"{group}{number}", MessageGroupId=group)
    first = receive(sqs, fifo, MaxNumberOfMessages=2)
    assert [message["Body"] for message in first] == ["a0", "a1"]
    assert bodies(sqs, fifo) == ["b0", "b1", "b2"]
    for message in first:
        sqs.delete_message(QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])
    (last,) = receive(sqs, fifo)
    assert last["Body"] == "a2"
    assert last["Attributes"]["MessageGroupId"] == "a"
    assert len(last["Attributes"]["SequenceNumber"]) == 20
    assert last["Attributes"]["SequenceNumber"] > first[1]["Attributes"]["SequenceNumber"]


def test_duplicates_within_five_minutes_are_not_delivered(timed_client: Make, timed_server: ThreadedServer) -> None:
    sqs = timed_client("sqs")
    attributes = {"FifoQueue": "true"}
    url = sqs.create_queue(QueueName="q.fifo", Attributes=attributes)["QueueUrl"]
    first = sqs.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="g", MessageDeduplicationId="d")
    again = sqs.send_message(QueueUrl=url, MessageBody="2", MessageGroupId="h", MessageDeduplicationId="d")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    (message,) = receive(sqs, url)
    assert message["Body"] == "1"
    assert message["Attributes"]["MessageDeduplicationId"] == "d"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sqs.send_message(QueueUrl=url, MessageBody="3", MessageGroupId="g", MessageDeduplicationId="d")
    assert bodies(sqs, url) == [], "a duplicate of a deleted message is one too"
    timed_server.advance(300)
    sqs.send_message(QueueUrl=url, MessageBody="4", MessageGroupId="g", MessageDeduplicationId="d")
    assert bodies(sqs, url) == ["4"]


def test_content_based_duplicates(sqs: Any, fifo: str) -> None:
    for body in ("same", "same", "other"):
        sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId="g")
    assert bodies(sqs, fifo) == ["same", "other"]


def test_deduplication_within_message_groups(sqs: Any) -> None:
    attributes = {
        "FifoQueue": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
    }
    url = sqs.create_queue(QueueName="wide.fifo", Attributes=attributes)["QueueUrl"]
    for group in "aab":
        sqs.send_message(QueueUrl=url, MessageBody=group, MessageGroupId=group, MessageDeduplicationId="d")
    assert bodies(sqs, url) == ["a", "b"]
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert {key: shown[key] for key in attributes} == attributes


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"MessageGroupId": None}, "MissingParameter"),
        ({"MessageGroupId": "a b"}, "InvalidParameterValue"),
        ({"MessageGroupId": "x" * 129}, "InvalidParameterValue"),
        ({"DelaySeconds": 5}, "InvalidParameterValue"),
        ({"MessageDeduplicationId": "ä"}, "InvalidParameterValue"),
    ],
)
def test_fifo_messages_that_are_refused(sqs: Any, fifo: str, change: dict[str, Any], code: str) -> None:
    request = {"QueueUrl": fifo, "MessageBody": "m", "MessageGroupId": "g"} | change
    with refused(code):
        sqs.send_message(**{key: value for key, value in request.items() if value is not None})


def test_a_fifo_queue_without_content_based_deduplication_needs_an_id(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="strict.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    with pytest.raises(ClientError, match="ContentBasedDeduplication"):
        sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="g")
    sent = sqs.send_message_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "a", "MessageBody": "m", "MessageGroupId": "g"},
            {"Id": "b", "MessageBody": "m", "MessageGroupId": "g", "MessageDeduplicationId": "1"},
        ],
    )
    assert [each["Id"] for each in sent["Failed"]] == ["a"]
    assert bodies(sqs, url) == ["m"]


def test_a_fifo_receipt_handle_expires_with_its_lease(timed_client: Make, timed_server: ThreadedServer) -> None:
    sqs = timed_client("sqs")
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName="q.fifo", Attributes=attributes)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="g")
    (message,) = receive(sqs, url)
    timed_server.advance(30)
    with pytest.raises(ClientError, match="expired"):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert bodies(sqs, url) == ["m"]


# What there is not


def test_parameters_that_are_not_supported_are_refused_by_name(sqs: Any, url: str) -> None:
    with pytest.raises(ClientError, match="does not support the parameter ReceiveRequestAttemptId"):
        sqs.receive_message(QueueUrl=url, ReceiveRequestAttemptId="1")
