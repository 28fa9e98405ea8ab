"""Seeds of AWS. What is there stays as it is, except that functions get the code and the settings of the seed."""

from __future__ import annotations

import asyncio
import io
import zipfile
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.control.seeding import SeedError
from fogbank.control.seeding.asking import Aws

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.control.seeding.model import AwsFunction, AwsQueue, AwsSubscription, AwsTable, AwsTopic
    from fogbank.wire.http import Handler

_SQS: Final = "AmazonSQS"
_DYNAMODB: Final = "DynamoDB_20120810"
_SNS_VERSION: Final = "2010-03-31"
_FUNCTIONS: Final = "/2015-03-31/functions"
# The oldest time that an archive can tell: equal folders are equal archives.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


async def queue(handle: Handler, seed: AwsQueue, _folder: Path) -> None:
    """Make a queue."""
    aws = Aws(handle, seed.account, seed.region)
    attributes = {name: _text(value) for name, value in seed.attributes.items()}
    if seed.dead_letter:
        target = aws.arn("sqs", seed.dead_letter)
        attributes["RedrivePolicy"] = _text({"deadLetterTargetArn": target, "maxReceiveCount": seed.receives_max})
    members: dict[str, Any] = {"QueueName": seed.name, "Attributes": attributes}
    if seed.tags:
        members["tags"] = seed.tags
    made = await aws.json(f"{_SQS}.CreateQueue", "1.0", **members)
    if not made.has("QueueAlreadyExists", "QueueNameExists"):
        made.check()


async def topic(handle: Handler, seed: AwsTopic, _folder: Path) -> None:
    """Make a topic."""
    aws = Aws(handle, seed.account, seed.region)
    members = {"Action": "CreateTopic", "Name": seed.name, **_entries("Attributes", seed.attributes)}
    for number, (key, value) in enumerate(seed.tags.items(), 1):
        members |= {f"Tags.member.{number}.Key": key, f"Tags.member.{number}.Value": value}
    made = await aws.query("sns", _SNS_VERSION, members)
    if not made.has("already exists with different"):
        made.check()


async def subscription(handle: Handler, seed: AwsSubscription, _folder: Path) -> None:
    """Make a subscription."""
    aws = Aws(handle, seed.account, seed.region)
    endpoint = seed.endpoint
    if ":" not in endpoint and seed.protocol in ("sqs", "lambda"):
        endpoint = aws.arn(seed.protocol, endpoint if seed.protocol == "sqs" else f"function:{endpoint}")
    members = {
        "Action": "Subscribe", "TopicArn": aws.arn("sns", seed.name), "Protocol": seed.protocol, "Endpoint": endpoint,
        **_entries("Attributes", seed.attributes),
    }  # fmt: skip
    made = await aws.query("sns", _SNS_VERSION, members)
    if not made.has("already exists with different"):
        made.check()


async def table(handle: Handler, seed: AwsTable, _folder: Path) -> None:
    """Make a table, and put in what it has no item for."""
    aws = Aws(handle, seed.account, seed.region)
    keys = [(seed.hash, "HASH"), *(((seed.range, "RANGE"),) if seed.range is not None else ())]
    made = await aws.json(
        f"{_DYNAMODB}.CreateTable",
        "1.0",
        TableName=seed.name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key.name, "AttributeType": key.type} for key, _role in keys],
        KeySchema=[{"AttributeName": key.name, "KeyType": role} for key, role in keys],
    )
    if not made.has("ResourceInUseException"):
        made.check()
    for item in seed.items:
        put = await aws.json(
            f"{_DYNAMODB}.PutItem",
            "1.0",
            TableName=seed.name,
            Item={name: _value(value) for name, value in item.items()},
            ConditionExpression="attribute_not_exists(#key)",
            ExpressionAttributeNames={"#key": seed.hash.name},
        )
        if not put.has("ConditionalCheckFailedException"):
            put.check()


async def function(handle: Handler, seed: AwsFunction, folder: Path) -> None:
    """Make a function, or give the one that there is its code and its settings."""
    aws = Aws(handle, seed.account, seed.region)
    loop = asyncio.get_running_loop()
    archive = b64encode(await loop.run_in_executor(None, _archive, folder / seed.path)).decode()
    settings = {
        "Runtime": seed.runtime,
        "Handler": seed.handler,
        "Role": seed.role,
        "Timeout": seed.timeout_seconds,
        "MemorySize": seed.memory_mib,
        "Environment": {"Variables": seed.environment},
    }
    members = {"FunctionName": seed.name, "Code": {"ZipFile": archive}, **settings}
    made = await aws.rest("POST", _FUNCTIONS, "lambda", members)
    if not made.has("Function already exist"):
        made.check()
        return
    place = f"{_FUNCTIONS}/{seed.name}"
    (await aws.rest("PUT", f"{place}/code", "lambda", {"ZipFile": archive})).check()
    (await aws.rest("PUT", f"{place}/configuration", "lambda", settings)).check()


def _archive(path: Path) -> bytes:
    """Return an archive as it is, or one of a folder's files."""
    try:
        if not path.is_dir():
            return path.read_bytes()
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for each in sorted(path.rglob("*")):
                if each.is_file() and "__pycache__" not in each.parts:
                    entry = zipfile.ZipInfo(each.relative_to(path).as_posix(), _EPOCH)
                    entry.external_attr = each.stat().st_mode << 16
                    archive.writestr(entry, each.read_bytes(), zipfile.ZIP_DEFLATED)
    except OSError as error:
        raise SeedError(f"{path}: {error.strerror}") from None
    return target.getvalue()


def _entries(name: str, values: dict[str, Any]) -> dict[str, str]:
    """Return a map as the Query protocol writes it."""
    members: dict[str, str] = {}
    for number, (key, value) in enumerate(values.items(), 1):
        members |= {f"{name}.entry.{number}.key": key, f"{name}.entry.{number}.value": _text(value)}
    return members


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _value(value: Any) -> dict[str, Any]:
    """Return a plain value as DynamoDB writes it."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [_value(each) for each in value]}
    if isinstance(value, dict):
        return {"M": {name: _value(each) for name, each in value.items()}}
    return {"S": str(value)}
