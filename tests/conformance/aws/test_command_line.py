"""The AWS CLI, as in the tutorials."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conformance.aws.command_line import CommandLine


def test_a_queue_from_the_shell(aws: CommandLine) -> None:
    url = aws("sqs", "create-queue", "--queue-name", "orders", "--attributes", "DelaySeconds=0", "--tags", "a=b")[
        "QueueUrl"
    ]
    assert aws("sqs", "get-queue-url", "--queue-name", "orders", "--output", "text").strip() == url
    attributes = {
        "size": {"DataType": "Number", "StringValue": "3"},
        "raw": {"DataType": "Binary", "BinaryValue": "raw"},
    }
    sent = aws(
        "sqs",
        "send-message",
        "--queue-url",
        url,
        "--message-body",
        "Grüße",
        "--message-attributes",
        json.dumps(attributes),
    )
    received = aws(
        "sqs", "receive-message", "--queue-url", url, "--message-attribute-names", "All", "--wait-time-seconds", "1"
    )
    (message,) = received["Messages"]
    assert message["MessageId"] == sent["MessageId"]
    assert message["Body"] == "Grüße"
    # Version 1 of the CLI takes bytes as text, and prints them in base64.
    attributes["raw"]["BinaryValue"] = "cmF3"
    assert message["MessageAttributes"] == attributes
    assert aws("sqs", "delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"]) is None
    shown = aws("sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All")["Attributes"]
    assert shown["ApproximateNumberOfMessages"] == "0"
    entries = json.dumps([{"Id": f"m{number}", "MessageBody": "x"} for number in range(3)])
    assert len(aws("sqs", "send-message-batch", "--queue-url", url, "--entries", entries)["Successful"]) == 3
    assert aws("sqs", "delete-queue", "--queue-url", url) is None
    assert aws("sqs", "list-queues") is None


def test_pages_and_queries(aws: CommandLine) -> None:
    for number in range(3):
        aws("sqs", "create-queue", "--queue-name", f"page-{number}")
    listed = aws("sqs", "list-queues", "--page-size", "1", "--query", "QueueUrls[]", "--output", "text")
    assert [url[-6:] for url in listed.split()] == ["page-0", "page-1", "page-2"]
    assert len(aws("sqs", "list-queues", "--max-items", "2")["QueueUrls"]) == 2


def test_errors_are_told(aws: CommandLine) -> None:
    told = aws.error("sqs", "get-queue-url", "--queue-name", "missing")
    assert "(AWS.SimpleQueueService.NonExistentQueue)" in told
    assert "The specified queue does not exist" in told
    told = aws.error("sqs", "create-queue", "--queue-name", "a b")
    assert "(InvalidParameterValue)" in told
    told = aws.error("gamelift", "list-fleets")
    assert "Fogbank does not have the AWS service gamelift" in told
