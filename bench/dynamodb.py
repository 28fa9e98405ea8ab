"""Amazon DynamoDB cases."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from bench.case import Case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.case import Work
    from bench.http import Client, Connection

KEYS = ("pk", "sk")
PARTITIONS = 100


def ddb_item(number: int) -> dict[str, dict[str, object]]:
    """An item of 1 KB with a few attributes of the usual types."""
    return {
        "pk": {"S": f"customer#{number % PARTITIONS:06d}"},
        "sk": {"S": f"order#{number:010d}"},
        "status": {"S": "shipped"},
        "total": {"N": "129.95"},
        "count": {"N": "3"},
        "gift": {"BOOL": False},
        "tags": {"SS": ["express", "fragile"]},
        "address": {"M": {"city": {"S": "Seoul"}, "zip": {"S": "04524"}}},
        "lines": {"L": [{"M": {"sku": {"S": "A-1"}, "quantity": {"N": "2"}}}, {"S": "note"}]},
        "text": {"S": "x" * 800},
    }


def _ddb(client: Client, operation: str, **members: object) -> bytes:
    return client.json("dynamodb", f"DynamoDB_20120810.{operation}", json.dumps(members).encode())


def _key(number: int) -> dict[str, object]:
    item = ddb_item(number)
    return {name: item[name] for name in KEYS}


async def _table(client: Client, connection: Connection, name: str, items: int = 0, *, indexed: bool = False) -> None:
    """Create a table with so many items in it, and a secondary index if one is wanted."""
    schema = [{"AttributeName": key, "KeyType": kind} for key, kind in zip(KEYS, ("HASH", "RANGE"), strict=True)]
    types = [{"AttributeName": key, "AttributeType": "S"} for key in KEYS]
    how: dict[str, object] = {"KeySchema": schema, "AttributeDefinitions": types, "BillingMode": "PAY_PER_REQUEST"}
    if indexed:
        types.append({"AttributeName": "status", "AttributeType": "S"})
        key = [{"AttributeName": "status", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        index = {"IndexName": "by-status", "KeySchema": key, "Projection": {"ProjectionType": "ALL"}}
        how["GlobalSecondaryIndexes"] = [index]
    await connection.ask(_ddb(client, "CreateTable", TableName=name, **how))
    for number in range(items):
        await connection.ask(_ddb(client, "PutItem", TableName=name, Item=ddb_item(number)))


def _take_turns(requests: Sequence[bytes]) -> Work:
    turn = itertools.cycle(requests)

    async def work(connection: Connection) -> int:
        await connection.ask(next(turn))
        return 1

    return work


async def put(client: Client, connection: Connection) -> Work:
    """Create 10,000 items, then replace them."""
    await _table(client, connection, "bench-put")
    return _take_turns(
        [_ddb(client, "PutItem", TableName="bench-put", Item=ddb_item(number)) for number in range(10_000)]
    )


async def put_indexed(client: Client, connection: Connection) -> Work:
    """Create items in a table with a secondary index."""
    await _table(client, connection, "bench-indexed", indexed=True)
    items = [ddb_item(number) for number in range(20_000)]
    return _take_turns([_ddb(client, "PutItem", TableName="bench-indexed", Item=item) for item in items])


async def write_batch(client: Client, connection: Connection) -> Work:
    """Put 25 items of 1 KB."""
    await _table(client, connection, "bench-batch")
    puts = [{"PutRequest": {"Item": ddb_item(number)}} for number in range(10_000)]
    batches = [puts[at : at + 25] for at in range(0, len(puts), 25)]
    return _take_turns([_ddb(client, "BatchWriteItem", RequestItems={"bench-batch": batch}) for batch in batches])


async def get(client: Client, connection: Connection) -> Work:
    await _table(client, connection, "bench-get", 1_000)
    return _take_turns([_ddb(client, "GetItem", TableName="bench-get", Key=_key(number)) for number in range(1_000)])


async def query(client: Client, connection: Connection) -> Work:
    """Ten items of a partition."""
    await _table(client, connection, "bench-query", 10 * PARTITIONS)
    condition = {"KeyConditionExpression": "pk = :pk AND begins_with(sk, :order)", "Limit": 10}
    values = [{":pk": ddb_item(number)["pk"], ":order": {"S": "order#"}} for number in range(PARTITIONS)]
    return _take_turns(
        [_ddb(client, "Query", TableName="bench-query", **condition, ExpressionAttributeValues=each) for each in values]
    )


async def update(client: Client, connection: Connection) -> Work:
    """Count up where a condition holds."""
    await _table(client, connection, "bench-update", 1_000)
    how = {
        "UpdateExpression": "SET #count = #count + :one",
        "ConditionExpression": "attribute_exists(pk) AND gift = :gift",
        "ExpressionAttributeNames": {"#count": "count"},
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":gift": {"BOOL": False}},
    }
    return _take_turns(
        [_ddb(client, "UpdateItem", TableName="bench-update", Key=_key(number), **how) for number in range(1_000)]
    )


DYNAMODB_CASES = (
    Case("ddb.PutItem1KB", put, 110),
    Case("ddb.GetItem", get, 70),
    Case("ddb.Query10", query, 160),
    Case("ddb.UpdateItemIf", update, 140),
    Case("ddb.PutItem with one GSI", put_indexed, 170),
    Case("ddb.BatchWriteItem25", write_batch, 1_200),
)
