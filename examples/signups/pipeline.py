"""The application, on plain boto3: nothing here knows that it isn't talking to AWS."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import boto3

FUNCTION = Path(__file__).with_name("function") / "app.py"
FAMILY = ("김", "이", "박", "최", "정", "강", "조", "윤", "장", "임")
GIVEN = ("서연", "민준", "지우", "하준", "서윤", "도윤", "지유", "시우", "하은", "주원")


def signup(number: int) -> dict[str, Any]:
    """Return the sign-up of a number."""
    name = FAMILY[number % len(FAMILY)] + GIVEN[number // len(FAMILY) % len(GIVEN)]
    return {"id": f"user-{number:04d}", "name": name, "greeting": f"{name} 님, 가입을 환영합니다! 🎉", "number": number}


def build() -> str:
    """Create everything that the pipeline is made of; returns the ARN of the topic to publish to."""
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    boto3.client("dynamodb").create_table(
        TableName="users",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    queue = sqs.create_queue(QueueName="signups", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="signups")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    role = boto3.client("iam").create_role(
        RoleName="register",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
                ],
            }
        ),
    )["Role"]["Arn"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(FUNCTION, "app.py")
    lambda_ = boto3.client("lambda")
    lambda_.create_function(
        FunctionName="register",
        Runtime="python3.11",
        Handler="app.handler",
        Role=role,
        Timeout=5,
        Code={"ZipFile": package.getvalue()},
    )
    lambda_.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="register", BatchSize=10)
    return topic


def publish(topic: str, number: int) -> None:
    """Announce a sign-up."""
    boto3_client("sns").publish(TopicArn=topic, Message=json.dumps(signup(number), ensure_ascii=False))


def registered() -> dict[str, dict[str, Any]]:
    """Return the users in the table by their ids."""
    pages = boto3_client("dynamodb").get_paginator("scan").paginate(TableName="users", ConsistentRead=True)
    found = {}
    for page in pages:
        for item in page["Items"]:
            user = {name: value.get("S", value.get("N")) for name, value in item.items()}
            user["number"] = int(user["number"])
            found[user["id"]] = user
    return found


_clients: dict[str, Any] = {}


def boto3_client(service: str) -> Any:
    """Return the client of a service, made once."""
    if service not in _clients:
        _clients[service] = boto3.client(service)
    return _clients[service]
