"""Saves an item, or deletes it, and queues the change for the backup server.

The message is sent before the change is made: if the change fails, the caller tries again, and the backup has been
told twice, which does no harm. A table with a stream would tell of its changes itself: see examples/readings.
"""

import json
import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
sqs = boto3.client("sqs")


def handler(event, context):
    key = event["key"]
    # Changes of one item stay in their order.
    sqs.send_message(
        QueueUrl=os.environ["CHANGES"],
        MessageBody=json.dumps(event),
        MessageGroupId=key,
        MessageDeduplicationId=context.aws_request_id,
    )
    if event.get("item") is None:
        table.delete_item(Key={"key": key})
    else:
        table.put_item(Item={"key": key, **event["item"]})
