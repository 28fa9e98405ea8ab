"""What reading costs in a large table, in one process: at 10,000 items, and again at as many as are asked for.

python -m bench.large --items 5000000        takes some minutes and 7 GB of disk
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from bench import micro
from bench.dynamodb import PARTITIONS, ddb_item
from bench.http import Client
from fogbank.clouds.aws.dynamodb.attributes import read_item
from fogbank.clouds.aws.dynamodb.indexes import SHAPE
from fogbank.clouds.aws.dynamodb.items.writing import key_of_item
from fogbank.engines.documents import documents
from fogbank.engines.documents.model import Document
from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import Ids
from fogbank.kernel.scope import Scope
from fogbank.storage import open_store

if TYPE_CHECKING:
    from fogbank.clouds.aws.gateway import AwsGateway
    from fogbank.storage import Store

SMALL = 10_000
AT_ONCE = 500
READS = 4_000
TABLE = "large"
NAME = (Scope("aws", "000000000000", "us-east-1").key, TABLE)


def _request(client: Client, operation: str, **members: object) -> bytes:
    return client.json("dynamodb", f"DynamoDB_20120810.{operation}", json.dumps(members).encode())


async def _fill(store: Store, ids: Ids, first: int, last: int) -> None:
    """Put items as the service does, without requests."""
    began = time.monotonic()
    for start in range(first, last, AT_ONCE):
        puts = []
        for number in range(start, min(start + AT_ONCE, last)):
            item, size = read_item(ddb_item(number))
            put = (NAME, ids.sequence(), partial(key_of_item, item), Document(size, item), SHAPE)
            puts.append(store.run(documents.put, *put))
        await asyncio.gather(*puts)
        if start // AT_ONCE % 200 == 0:
            print(f"\r{start:,} of {last:,}, {time.monotonic() - began:.0f} s ", end="", file=sys.stderr)
    print(file=sys.stderr)


async def _time(gateway: AwsGateway, clock: Clock, client: Client, items: int) -> dict[str, float]:
    """Return the CPU time of a read by kind, in µs: of random items, and of ten items from a random place on."""
    chance = random.Random(1)
    requests: dict[str, list[bytes]] = {"GetItem": [], "Query of 10": []}
    for _ in range(READS):
        item = ddb_item(chance.randrange(items))
        requests["GetItem"].append(_request(client, "GetItem", TableName=TABLE, Key={k: item[k] for k in ("pk", "sk")}))
        values = {":pk": item["pk"], ":sk": item["sk"]}
        condition = {"KeyConditionExpression": "pk = :pk AND sk >= :sk", "ExpressionAttributeValues": values}
        requests["Query of 10"].append(_request(client, "Query", TableName=TABLE, Limit=10, **condition))
    costs = {}
    for name, asked in requests.items():
        for request in asked[: READS // 4]:
            await micro.feed_once(gateway.handle, clock, request)
        began = time.process_time()
        for request in asked:
            await micro.feed_once(gateway.handle, clock, request)
        costs[name] = (time.process_time() - began) / READS * 1e6
    return costs


async def main(items: int, folder: Path) -> None:
    clock = Clock()
    ids = Ids(clock)
    store = await open_store(clock, folder=folder)
    gateway = micro.make_gateway(store, clock, ids)
    client = Client("http://127.0.0.1:4566")
    create = _request(
        client,
        "CreateTable",
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    )
    await micro.feed_once(gateway.handle, clock, create)
    await _fill(store, ids, 0, SMALL)
    small = await _time(gateway, clock, client, SMALL)
    await _fill(store, ids, SMALL, items)
    large = await _time(gateway, clock, client, items)
    again = await _time(gateway, clock, client, items)
    print(f"{'':<14}{SMALL:>12,} {items:>14,}  ratio ({PARTITIONS} partitions, CPU µs)")
    for name, cost in small.items():
        best = min(large[name], again[name])
        print(f"{name:<14}{cost:>12.1f} {best:>14.1f} {best / cost:>6.2f}")
    await store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5_000_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fogbank-bench-") as place:
        uvloop.run(main(wanted.items, Path(place)))
