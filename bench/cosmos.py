"""Azure Cosmos DB cases."""

from __future__ import annotations

import hmac
import itertools
import json
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench.case import Case

if TYPE_CHECKING:
    from bench.case import Work
    from bench.http import Client, Connection

KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
DATE = "Fri, 27 Nov 2026 00:00:00 GMT"
DATABASE = "dbs/bench-cosmos"
PARTITIONS = 100
QUERIED = 2_000
_numbers = itertools.count(1)


def item(number: int) -> dict[str, object]:
    """An item of some 700 bytes with a few properties of the usual types."""
    return {
        "id": f"order-{number:010d}",
        "pk": f"customer-{number % PARTITIONS:06d}",
        "number": number,
        "status": "shipped",
        "total": 129.95,
        "gift": False,
        "tags": ["express", "fragile"],
        "address": {"city": "Seoul", "zip": "04524"},
        "text": "x" * 500,
    }


def request(client: Client, method: str, path: str, body: object = None, partition: str = "", more: str = "") -> bytes:
    """Return a request that is signed as Microsoft's clients sign it."""
    segments = path.split("/")
    kind, link = (segments[-1], "/".join(segments[:-1])) if len(segments) % 2 else (segments[-2], path)
    text = f"{method.lower()}\n{kind}\n{link}\n{DATE.lower()}\n\n"
    signature = b64encode(hmac.digest(b64decode(KEY), text.encode(), sha256)).decode()
    token = quote(f"type=master&ver=1.0&sig={signature}", safe="-_.!~*'()")
    data = b"" if body is None else json.dumps(body).encode()
    key = f'x-ms-documentdb-partitionkey: ["{partition}"]\r\n' if partition else ""
    head = (
        f"{method} /{path} HTTP/1.1\r\nHost: {client.host}:{client.port}\r\nx-ms-date: {DATE}\r\n"
        f"x-ms-version: 2020-07-15\r\nAuthorization: {token}\r\n{key}{more}Content-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def find(client: Client, path: str, name: str, value: object) -> bytes:
    """Return a query for the items of a container that have a property's value, over all partitions."""
    more = (
        "x-ms-documentdb-isquery: true\r\nx-ms-documentdb-query-enablecrosspartition: true\r\n"
        "Content-Type: application/query+json\r\n"
    )
    wanted = {"query": f"SELECT * FROM c WHERE c.{name} = @value", "parameters": [{"name": "@value", "value": value}]}
    return request(client, "POST", f"{path}/docs", wanted, more=more)


async def _container(client: Client, connection: Connection, items: int = 0) -> str:
    """Create a container with so many items; returns its path."""
    number = next(_numbers)
    database = f"{DATABASE}-{number}"
    await connection.ask(request(client, "POST", "dbs", {"id": database.partition("/")[2]}))
    definition = {"id": "c", "partitionKey": {"paths": ["/pk"], "kind": "Hash", "version": 2}}
    await connection.ask(request(client, "POST", f"{database}/colls", definition))
    path = f"{database}/colls/c"
    for each in map(item, range(items)):
        await connection.ask(request(client, "POST", f"{path}/docs", each, str(each["pk"])))
    return path


async def create(client: Client, connection: Connection) -> Work:
    path = await _container(client, connection)
    numbers = itertools.count()

    async def work(connection: Connection) -> int:
        each = item(next(numbers))
        await connection.ask(request(client, "POST", f"{path}/docs", each, str(each["pk"])))
        return 1

    return work


async def read(client: Client, connection: Connection) -> Work:
    path = await _container(client, connection, QUERIED)
    turn = itertools.cycle(
        [request(client, "GET", f"{path}/docs/{each['id']}", None, str(each["pk"])) for each in map(item, range(1_000))]
    )

    async def work(connection: Connection) -> int:
        await connection.ask(next(turn))
        return 1

    return work


async def query(client: Client, connection: Connection) -> Work:
    """One item by a property that isn't its key, over all partitions."""
    path = await _container(client, connection, QUERIED)
    turn = itertools.cycle([find(client, path, "number", number) for number in range(QUERIED)])

    async def work(connection: Connection) -> int:
        await connection.ask(next(turn))
        return 1

    return work


COSMOS_CASES = (
    Case("cosmos.CreateItem", create),
    Case("cosmos.ReadItem", read),
    Case("cosmos.Query by a property", query),
)
