"""What reading costs in a large table or container, in one process: at 10,000 items, and at as many as are asked for.

python -m bench.large --items 5000000            DynamoDB: GetItem and Query; some minutes and 8 GB of disk
python -m bench.large --cosmos --items 1000000   Cosmos DB: an item by its key, and by a property
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
from typing import TYPE_CHECKING, NamedTuple

import uvloop

from bench import cosmos, micro
from bench.dynamodb import PARTITIONS, ddb_item
from bench.http import Client
from fogbank.app import App
from fogbank.clouds.aws.dynamodb.attributes import read_document
from fogbank.clouds.aws.dynamodb.indexes import SHAPE
from fogbank.clouds.aws.dynamodb.items.writing import key_of_item
from fogbank.clouds.azure.cosmos.items import writing
from fogbank.engines.documents import collections, documents
from fogbank.engines.documents.documents import Write
from fogbank.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.model import Document

SMALL = 10_000
AT_ONCE = 500
READS = 4_000
TABLE = "large"


class Kind(NamedTuple):
    """A service: what makes its table, how items are written without requests, and which requests read them."""

    prepare: list[bytes]
    fill: Callable[[App, int, int], asyncio.Future[object]]
    reads: Callable[[int], dict[str, list[bytes]]]


def _dynamodb(client: Client) -> Kind:
    def ask(operation: str, **members: object) -> bytes:
        return client.json("dynamodb", f"DynamoDB_20120810.{operation}", json.dumps(members).encode())

    def fill(app: App, first: int, last: int) -> asyncio.Future[object]:
        writes = []
        name = ("aws/000000000000/us-east-1", TABLE)
        for number in range(first, last):
            document = read_document(ddb_item(number))
            change = partial(_constantly, document)
            writes.append(Write(name, app.ids.sequence(), partial(key_of_item, document.fields), change))
        return asyncio.ensure_future(app.store.run(documents.put_each, writes, SHAPE))

    def reads(items: int) -> dict[str, list[bytes]]:
        chance = random.Random(1)
        requests: dict[str, list[bytes]] = {"GetItem": [], "Query of 10": []}
        for _ in range(READS):
            item = ddb_item(chance.randrange(items))
            requests["GetItem"].append(ask("GetItem", TableName=TABLE, Key={name: item[name] for name in ("pk", "sk")}))
            values = {":pk": item["pk"], ":sk": item["sk"]}
            condition = {"KeyConditionExpression": "pk = :pk AND sk >= :sk", "ExpressionAttributeValues": values}
            requests["Query of 10"].append(ask("Query", TableName=TABLE, Limit=10, **condition))
        return requests

    schema = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    types = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    how = {"BillingMode": "PAY_PER_REQUEST", "KeySchema": schema, "AttributeDefinitions": types}
    return Kind([ask("CreateTable", TableName=TABLE, **how)], fill, reads)


def _constantly(document: Document, _before: object) -> Document:
    return document


def _cosmos(client: Client) -> Kind:
    database = f"dbs/{TABLE}"
    path = f"{database}/colls/c"

    async def write(app: App, first: int, last: int) -> None:
        names = await app.store.read(collections.names_everywhere, 1_000)
        name = next(name for name in names if name[0].startswith("azure") and name[1].endswith("/c"))
        puts = []
        for each in map(cosmos.item, range(first, last)):
            document = writing.read_item(each, len(json.dumps(each)))
            target = writing.Target(str(each["id"]), (each["pk"],), "", document.fields)
            item = writing.ItemWrite("create", target, writing.Conditions(), document)
            puts.append(app.store.run(writing.write, name, app.ids.sequence(), item))
        await asyncio.gather(*puts)

    def reads(items: int) -> dict[str, list[bytes]]:
        chance = random.Random(1)
        requests: dict[str, list[bytes]] = {"by its key": [], "by a property": []}
        for _ in range(READS):
            each = cosmos.item(chance.randrange(items))
            read = cosmos.request(client, "GET", f"{path}/docs/{each['id']}", None, str(each["pk"]))
            requests["by its key"].append(read)
            requests["by a property"].append(cosmos.find(client, path, "number", each["number"]))
        return requests

    definition = {"id": "c", "partitionKey": {"paths": ["/pk"], "kind": "Hash", "version": 2}}
    made = [("dbs", {"id": TABLE}), (f"{database}/colls", definition)]
    prepare = [cosmos.request(client, "POST", where, what) for where, what in made]
    return Kind(prepare, lambda app, first, last: asyncio.ensure_future(write(app, first, last)), reads)


async def _fill(app: App, kind: Kind, first: int, last: int) -> None:
    began = time.monotonic()
    for start in range(first, last, AT_ONCE):
        await kind.fill(app, start, min(start + AT_ONCE, last))
        if start // AT_ONCE % 200 == 0:
            print(f"\r{start:,} of {last:,}, {time.monotonic() - began:.0f} s ", end="", file=sys.stderr)
    print(file=sys.stderr)


async def _time(app: App, kind: Kind, items: int) -> dict[str, tuple[float, float]]:
    """Return CPU time and median latency of reads by kind, in µs and ms."""
    costs = {}
    for name, asked in kind.reads(items).items():
        for request in asked[: READS // 4]:
            await micro.feed_once(app.handle, app.clock, request)
        took = []
        began = time.process_time()
        for request in asked:
            since = time.perf_counter()
            await micro.feed_once(app.handle, app.clock, request)
            took.append(time.perf_counter() - since)
        costs[name] = (time.process_time() - began) / READS * 1e6, sorted(took)[READS // 2] * 1e3
    return costs


async def main(items: int, folder: Path, make: Callable[[Client], Kind]) -> None:
    async with App(Settings(port=0, data=folder)) as app:
        kind = make(Client(app.url))
        for request in kind.prepare:
            await micro.feed_once(app.handle, app.clock, request)
        await _fill(app, kind, 0, SMALL)
        small = await _time(app, kind, SMALL)
        await _fill(app, kind, SMALL, items)
        large = await _time(app, kind, items)
        again = await _time(app, kind, items)
    print(f"{'':<14}{SMALL:>12,} {items:>14,}  ratio ({PARTITIONS} partitions, CPU µs)  p50 ms")
    for name, (cost, _) in small.items():
        best, latency = min(large[name], again[name])
        print(f"{name:<14}{cost:>12.1f} {best:>14.1f} {best / cost:>6.2f} {latency:>34.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5_000_000)
    parser.add_argument("--cosmos", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fogbank-bench-") as place:
        uvloop.run(main(wanted.items, Path(place), _cosmos if wanted.cosmos else _dynamodb))
