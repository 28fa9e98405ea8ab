"""Deploy the tables and the function, and send readings: DynamoDB and Lambda, on plain boto3.

eval "$(fogbank env)" && python -m examples.readings
"""

from __future__ import annotations

import io
import time
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from collections.abc import Iterable

FUNCTION = Path(__file__).with_name("function") / "latest.py"
ROLE = "arn:aws:iam::000000000000:role/latest"
READINGS = "readings"
LATEST = "latest-readings"


def deploy(dynamodb: Any, lambda_: Any) -> None:
    """Create the tables of all readings and of the latest ones, and the function between them."""
    device = {"AttributeName": "device", "KeyType": "HASH"}
    readings = dynamodb.create_table(
        TableName=READINGS,
        KeySchema=[device, {"AttributeName": "at", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("device", "at")],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    latest = dynamodb.create_table(
        TableName=LATEST,
        KeySchema=[device],
        AttributeDefinitions=[{"AttributeName": "device", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for table in (readings, latest):
        table.wait_until_exists()
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(FUNCTION, "latest.py")
    lambda_.create_function(
        FunctionName="latest",
        Runtime="python3.11",
        Handler="latest.handler",
        Role=ROLE,
        Timeout=20,
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": {"LATEST": LATEST}},
    )
    lambda_.create_event_source_mapping(
        FunctionName="latest",
        EventSourceArn=readings.latest_stream_arn,
        StartingPosition="TRIM_HORIZON",
        BatchSize=100,
        # Readings are never changed; those that are removed concern nobody.
        FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=5,
    )


def send(dynamodb: Any, readings: Iterable[tuple[str, datetime, Decimal]]) -> None:
    """Write what devices have measured: the device, when it was, and the degrees."""
    with dynamodb.Table(READINGS).batch_writer() as batch:
        for device, at, degrees in readings:
            # Texts of one length in one time zone: they stand in the order of time.
            text = at.astimezone(UTC).isoformat(timespec="milliseconds")
            batch.put_item(Item={"device": device, "at": text, "degrees": degrees})


def latest(dynamodb: Any) -> dict[str, Decimal]:
    """Return the degrees that each device measured last."""
    items = dynamodb.Table(LATEST).scan()["Items"]
    return {item["device"]: item["degrees"] for item in items}


def main() -> None:
    dynamodb = boto3.resource("dynamodb")
    deploy(dynamodb, boto3.client("lambda"))
    end = datetime.now(UTC)
    sent = [
        (f"sensor-{number}", end - timedelta(minutes=age), Decimal(200 + number - age) / 10)
        for age in range(60)
        for number in range(5)
    ]
    send(dynamodb, sent)
    while len(latest(dynamodb)) < 5:
        time.sleep(0.05)
    for device, degrees in sorted(latest(dynamodb).items()):
        print(f"{device}: {degrees} °C")


if __name__ == "__main__":
    main()
