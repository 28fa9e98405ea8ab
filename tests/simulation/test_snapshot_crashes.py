"""A server that is killed while it saves, restores or imports has what was there before or what was to come: no mix."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from click import ClickException

from fogbank.cli.client import ask, fetch
from tests.servers import RawClient, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEEDS = (1,)
ITEMS = 500
BATCH = 25
# Longer than any of it takes, so that some are killed when it is over.
SECONDS_MAX = 0.12
TABLE = {
    "TableName": "table",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}


def write(raw: RawClient, generation: int) -> None:
    """Write every item, as one of a generation."""
    for start in range(0, ITEMS, BATCH):
        puts = [
            {"PutRequest": {"Item": {"id": {"S": str(number)}, "g": {"N": str(generation)}, "x": {"S": "x" * 500}}}}
            for number in range(start, start + BATCH)
        ]
        raw.call("dynamodb", "BatchWriteItem", RequestItems={"table": puts})


def generations(raw: RawClient) -> dict[str, int]:
    """Return how many items there are of each generation."""
    items = raw.call("dynamodb", "Scan", TableName="table")["Items"]
    return Counter(item["g"]["N"] for item in items)


def interrupt(server: ServerProcess, work: Callable[[], object], seconds: float) -> None:
    """Kill a server some time after it has begun with something."""

    def attempt() -> None:
        try:
            work()
        except ClickException:
            # It was killed.
            return

    working = threading.Thread(target=attempt)
    working.start()
    time.sleep(seconds)
    server.kill()
    working.join()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_old_or_the_new(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    flags = ("--data", str(tmp_path / "data"))
    file = tmp_path / "file"
    first, second, third = ({str(number): ITEMS} for number in (1, 2, 3))

    with ServerProcess(*flags) as server, RawClient(server.url) as raw:
        raw.call("dynamodb", "CreateTable", **TABLE)
        write(raw, 1)
        ask(server.url, "PUT", "/_fogbank/snapshots/s")
        with file.open("wb") as target:
            fetch(server.url, "/_fogbank/export", target, 60)
        write(raw, 2)
        url = server.url
        interrupt(server, lambda: ask(url, "POST", "/_fogbank/snapshots/s/restore"), chance.uniform(0, SECONDS_MAX))

    with ServerProcess(*flags) as server, RawClient(server.url) as raw:
        assert generations(raw) in (first, second)
        write(raw, 3)
        url = server.url
        interrupt(server, lambda: ask(url, "PUT", "/_fogbank/snapshots/s"), chance.uniform(0, SECONDS_MAX))

    with ServerProcess(*flags) as server, RawClient(server.url) as raw:
        assert generations(raw) == third
        assert [each["name"] for each in ask(server.url, "GET", "/_fogbank/snapshots")["snapshots"]] == ["s"]
        # What was left half done is gone.
        assert [path.name for path in (tmp_path / "data" / "snapshots").iterdir()] == ["s.fogbank"]
        ask(server.url, "POST", "/_fogbank/snapshots/s/restore")
        assert generations(raw) in (first, third)
        write(raw, 2)
        url = server.url
        interrupt(
            server, lambda: ask(url, "POST", "/_fogbank/import", file.read_bytes()), chance.uniform(0, SECONDS_MAX)
        )

    with ServerProcess(*flags) as server, RawClient(server.url) as raw:
        assert generations(raw) in (first, second)
