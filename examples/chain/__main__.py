"""Deploy both services and place an order: Lambda and Amazon SNS, on plain boto3.

eval "$(fogbank env)" && python -m examples.chain
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import boto3

FUNCTIONS = Path(__file__).with_name("functions")
ROLE = "arn:aws:iam::000000000000:role/shop"


def deploy(sns: Any, sqs: Any, lambda_: Any) -> str:
    """Deploy the services, the second subscribed to what the first tells; returns the queue of filed invoices."""
    topic = sns.create_topic(Name="orders-placed")["TopicArn"]
    filed: str = sqs.create_queue(QueueName="invoices")["QueueUrl"]
    _create(lambda_, "orders", PLACED=topic)
    arn = _create(lambda_, "invoices", FILED=filed)
    lambda_.add_permission(
        FunctionName="invoices",
        StatementId="orders-placed",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    return filed


def place(lambda_: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Place an order."""
    answer: dict[str, Any] = json.load(lambda_.invoke(FunctionName="orders", Payload=json.dumps(order))["Payload"])
    return answer


def invoice(sqs: Any, filed: str) -> str:
    """Wait for the next invoice."""
    (message,) = sqs.receive_message(QueueUrl=filed, WaitTimeSeconds=20)["Messages"]
    sqs.delete_message(QueueUrl=filed, ReceiptHandle=message["ReceiptHandle"])
    return str(message["Body"])


def _create(lambda_: Any, name: str, **variables: str) -> str:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(FUNCTIONS / f"{name}.py", f"{name}.py")
    made = lambda_.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler=f"{name}.handler",
        Role=ROLE,
        Timeout=20,
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": variables},
    )
    return str(made["FunctionArn"])


def main() -> None:
    sns, sqs, lambda_ = (boto3.client(service) for service in ("sns", "sqs", "lambda"))
    filed = deploy(sns, sqs, lambda_)
    order = {"order": 1, "customer": "Ada Lovelace", "lines": [{"price": 12_000, "count": 2}]}
    print(place(lambda_, order))
    print(invoice(sqs, filed))


if __name__ == "__main__":
    main()
