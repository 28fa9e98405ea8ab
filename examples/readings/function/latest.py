"""Keeps the latest reading of each device.

Batches may come twice, and devices that were out of reach send old readings late: what is kept is only ever replaced
by what was measured later.
"""

import os

import boto3

dynamodb = boto3.client("dynamodb")
missing_or_older = {
    "ConditionExpression": "attribute_not_exists(#at) OR #at < :at",
    "ExpressionAttributeNames": {"#at": "at"},
}


def handler(event, context):
    newest = {}
    for record in event["Records"]:
        reading = record["dynamodb"]["NewImage"]
        device = reading["device"]["S"]
        if device not in newest or newest[device]["at"]["S"] < reading["at"]["S"]:
            newest[device] = reading
    # A device that sends a lot is written once for each batch.
    for reading in newest.values():
        try:
            dynamodb.put_item(
                TableName=os.environ["LATEST"],
                Item=reading,
                ExpressionAttributeValues={":at": reading["at"]},
                **missing_or_older,
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            print(f"a reading of {reading['device']['S']} comes late")
