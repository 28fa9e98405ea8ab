"""Writes an invoice for each order that was placed, and files it."""

import json
import os

import boto3

sqs = boto3.client("sqs")


def handler(event, context):
    for record in event["Records"]:
        order = json.loads(record["Sns"]["Message"])
        text = f"Invoice for {order['customer']}: order {order['order']}, {order['total']} won"
        sqs.send_message(QueueUrl=os.environ["FILED"], MessageBody=text)
