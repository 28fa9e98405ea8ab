"""What is tested: a shop that queues orders, and a barista who makes what is ordered."""

from __future__ import annotations

import json

import boto3


def order(queue_url: str, drink: str) -> None:
    """Queue an order."""
    boto3.client("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps({"type": "order", "drink": drink}))


def make_next(queue_url: str) -> str | None:
    """Make the drink that was ordered first; return what it is, or None if none was ordered."""
    sqs = boto3.client("sqs")
    messages = sqs.receive_message(QueueUrl=queue_url).get("Messages", [])
    if not messages:
        return None
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=messages[0]["ReceiptHandle"])
    drink: str = json.loads(messages[0]["Body"])["drink"]
    return drink
