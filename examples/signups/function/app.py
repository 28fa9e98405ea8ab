"""The Lambda function: writes each sign-up of a batch into the table."""

import json

import boto3

users = boto3.resource("dynamodb").Table("users")


def handler(event, context):
    """Take a batch from the queue; what SNS wrapped around the sign-up is taken off again."""
    for record in event["Records"]:
        signup = json.loads(json.loads(record["body"])["Message"])
        users.put_item(Item=signup)
    return {"batchItemFailures": []}
