"""The same requests by h2load, 16 connections, at a server of our own and, by turns, at another that is running.

python -m bench.beside dynamodb
python -m bench.beside dynamodb --other http://127.0.0.1:4567 --pid PID     beside dynalite
python -m bench.beside cosmos --other https://127.0.0.1:3000 --pid PID      beside cosmosdb-server, both with TLS

h2load costs its processor far less than a client in Python, so that the server is what is measured.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import ssl
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from bench import cosmos
from bench.dynamodb import KEYS, ddb_item
from bench.http import Client
from bench.process import OwnServer, cpu_seconds
from fogbank.wire.http1_reader import read_request

if TYPE_CHECKING:
    from fogbank.wire.http import Request

CONNECTIONS = 16
ITEMS = 1_000
READY_SECONDS = 60.0
_RATE = re.compile(r", ([\d.]+) req/s")


class Suite(NamedTuple):
    """What makes a server ready, and the requests that are measured."""

    prepare: list[bytes]
    requests: dict[str, bytes]


def dynamodb(client: Client) -> Suite:
    """Items of 1 KB in a table without and one with a secondary index."""

    def ask(operation: str, **members: object) -> bytes:
        return client.json("dynamodb", f"DynamoDB_20120810.{operation}", json.dumps(members).encode())

    def create(table: str, keys: tuple[str, ...], **more: object) -> bytes:
        schema = [{"AttributeName": name, "KeyType": kind} for name, kind in zip(KEYS, ("HASH", "RANGE"), strict=True)]
        types = [{"AttributeName": name, "AttributeType": "S"} for name in keys]
        how = {"BillingMode": "PAY_PER_REQUEST", "KeySchema": schema, "AttributeDefinitions": types}
        return ask("CreateTable", TableName=table, **how, **more)

    index = {
        "IndexName": "by-status",
        "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    puts = [{"PutRequest": {"Item": ddb_item(number)}} for number in range(ITEMS)]
    batches = [puts[at : at + 25] for at in range(0, ITEMS, 25)]
    item = ddb_item(5)
    key = {name: item[name] for name in KEYS}
    changes = {
        "UpdateExpression": "SET #count = #count + :one",
        "ConditionExpression": "attribute_exists(pk) AND gift = :gift",
        "ExpressionAttributeNames": {"#count": "count"},
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":gift": {"BOOL": False}},
    }
    begins = {
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :order)",
        "ExpressionAttributeValues": {":pk": item["pk"], ":order": {"S": "order#"}},
    }
    pair = [{"Put": {"TableName": "plain", "Item": ddb_item(number)}} for number in (5, 6)]
    return Suite(
        [
            create("plain", KEYS),
            create("indexed", (*KEYS, "status"), GlobalSecondaryIndexes=[index]),
            *(ask("BatchWriteItem", RequestItems={table: each}) for each in batches for table in ("plain", "indexed")),
        ],
        {
            "PutItem 1 KB": ask("PutItem", TableName="plain", Item=item),
            "GetItem": ask("GetItem", TableName="plain", Key=key),
            "Query of 10": ask("Query", TableName="plain", Limit=10, **begins),
            "UpdateItem if": ask("UpdateItem", TableName="plain", Key=key, **changes),
            "TransactWrite of 2": ask("TransactWriteItems", TransactItems=pair),
            "PutItem, one GSI": ask("PutItem", TableName="indexed", Item=item),
            "BatchWrite of 25": ask("BatchWriteItem", RequestItems={"plain": batches[0]}),
        },
    )


def azure_cosmos(client: Client) -> Suite:
    """Items of 700 bytes with all properties indexed."""
    path = "dbs/beside/colls/c"
    definition = {"id": "c", "partitionKey": {"paths": ["/pk"], "kind": "Hash"}}
    item = cosmos.item(5)
    partition = str(item["pk"])
    upsert = "x-ms-documentdb-is-upsert: true\r\nContent-Type: application/json\r\n"
    return Suite(
        [
            cosmos.request(client, "POST", "dbs", {"id": "beside"}),
            cosmos.request(client, "POST", "dbs/beside/colls", definition),
        ],
        {
            "upsert": cosmos.request(client, "POST", f"{path}/docs", item, partition, upsert),
            "read": cosmos.request(client, "GET", f"{path}/docs/{item['id']}", None, partition),
        },
    )


SUITES = {"dynamodb": dynamodb, "cosmos": azure_cosmos}


def prepare(url: str, requests: list[Request]) -> None:
    """Make a server ready; one that is still making something is asked again."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    if parts.scheme == "https":
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=trusting)
    for request in requests:
        end = time.monotonic() + READY_SECONDS
        while True:
            headers = {name.decode(): value.decode() for name, value in request.headers.items()}
            connection.request(request.method, request.raw_path, request.body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status < 300:
                break
            if time.monotonic() > end:
                raise RuntimeError(f"{request.raw_path}: {answer.status} {text[:300]!r}")
            time.sleep(0.1)


def load(url: str, pid: int, request: Request, count: int) -> tuple[float, float]:
    """Return requests a second, and CPU µs of the process tree for each; raises for refusals."""
    headers = [
        f"{name.decode()}: {value.decode()}"
        for name, value in request.headers.items()
        if name not in (b"host", b"content-length")
    ]
    with tempfile.NamedTemporaryFile() as body:
        body.write(request.body)
        body.flush()
        command = ["h2load", "--h1", f"-c{CONNECTIONS}", f"-n{count}"]
        command += [part for header in headers for part in ("-H", header)]
        command += ["-d", body.name] if request.body else []
        before = cpu_seconds(pid)
        told = subprocess.run([*command, f"{url}{request.raw_path}"], capture_output=True, text=True, check=True).stdout
        used = cpu_seconds(pid) - before
    if f"{count} 2xx" not in told:
        raise RuntimeError(told)
    found = _RATE.search(told)
    assert found is not None
    return float(found[1]), used / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--other", help="another server's URL")
    parser.add_argument("--pid", type=int, help="its process")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2, help="the best counts")
    wanted = parser.parse_args()
    with OwnServer() as own:
        url = own.tls_url if (wanted.other or "").startswith("https") else own.endpoint
        servers = {"ours": (url, own.pid)}
        if wanted.other:
            servers["other"] = (wanted.other, wanted.pid)
        suite = SUITES[wanted.suite](Client(url))
        for place, _ in servers.values():
            prepare(place, [read_request(raw) for raw in suite.prepare])
        for name, raw in suite.requests.items():
            count = wanted.count // 10 if "Batch" in name else wanted.count
            best: dict[str, tuple[float, float]] = {}
            for _ in range(wanted.rounds):
                for server, (place, pid) in servers.items():
                    try:
                        best[server] = max(best.get(server, (0.0, 0.0)), load(place, pid, read_request(raw), count))
                    except RuntimeError:
                        continue
            shown = [f"{server} {rate:7,.0f}/s {cost:6.0f} µs" for server, (rate, cost) in best.items()]
            times = f"{best['ours'][0] / best['other'][0]:5.2f} times" if len(best) == 2 else ""
            print(f"{name:<20}", "  ".join(shown), times, flush=True)


if __name__ == "__main__":
    main()
