"""Deploy the function, change some items, and back them up: Lambda, DynamoDB and Amazon SQS, on plain boto3.

eval "$(fogbank env)" && python -m examples.backup_queue BACKUP.json
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import boto3

FUNCTION = Path(__file__).with_name("function") / "save.py"
ROLE = "arn:aws:iam::000000000000:role/save"


def deploy(dynamodb: Any, sqs: Any, lambda_: Any) -> str:
    """Create the table, the queue and the function that changes items; returns the queue's URL."""
    dynamodb.create_table(
        TableName="stock",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    changes: str = sqs.create_queue(QueueName="changes.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(FUNCTION, "save.py")
    lambda_.create_function(
        FunctionName="save",
        Runtime="python3.11",
        Handler="save.handler",
        Role=ROLE,
        Timeout=20,
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": {"TABLE": "stock", "CHANGES": changes}},
    )
    return changes


def save(lambda_: Any, key: str, item: dict[str, Any] | None) -> None:
    """Save an item under a key; None deletes it."""
    reply = lambda_.invoke(FunctionName="save", Payload=json.dumps({"key": key, "item": item}))
    if "FunctionError" in reply:
        raise SystemExit(reply["Payload"].read().decode())


def back_up(sqs: Any, changes: str, copy: Path) -> int:
    """Make the changes that wait in the queue in the copy, too; returns how many there were."""
    items: dict[str, Any] = json.loads(copy.read_text()) if copy.exists() else {}
    count = 0
    while messages := sqs.receive_message(QueueUrl=changes, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            change = json.loads(message["Body"])
            if change["item"] is None:
                items.pop(change["key"], None)
            else:
                items[change["key"]] = change["item"]
        # Only what is on disk is taken from the queue.
        copy.write_text(json.dumps(items, ensure_ascii=False, indent=2))
        for message in messages:
            sqs.delete_message(QueueUrl=changes, ReceiptHandle=message["ReceiptHandle"])
        count += len(messages)
    return count


def main() -> None:
    dynamodb, sqs, lambda_ = (boto3.client(service) for service in ("dynamodb", "sqs", "lambda"))
    changes = deploy(dynamodb, sqs, lambda_)
    for number in range(5):
        save(lambda_, f"item-{number}", {"name": f"thing {number}", "count": number})
    save(lambda_, "item-0", None)
    print(f"{back_up(sqs, changes, Path(sys.argv[1]))} changes are backed up.")


if __name__ == "__main__":
    main()
