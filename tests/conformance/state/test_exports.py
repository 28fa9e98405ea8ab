"""Files of a server's whole state: from one server to another, whatever they keep it in; others are refused whole."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.cli.client import ask
from fogbank.kernel.clock import Clock
from fogbank.settings import Settings, SettingsError, load_settings
from fogbank.storage.images import packing
from fogbank.storage.images.model import build, read_facts, seal
from fogbank.storage.migrations import migrations
from fogbank.testing.server import ThreadedServer
from tests.conformance.conftest import boto3_client
from tests.conformance.state.conftest import Cli
from tests.conformance.state.test_snapshots import TABLE, bodies
from tests.servers import RawClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ITEM = {"id": {"S": "grüße"}, "n": {"N": "12345678901234567890.5"}, "b": {"B": b"\x00\xff"}}


def fill(client: Callable[..., Any]) -> str:
    """Make a queue with a message and a table with an item; returns the queue's URL's path."""
    sqs, ddb = client("sqs"), client("dynamodb")
    url: str = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    ddb.create_table(TableName="table", **TABLE)
    ddb.put_item(TableName="table", Item=ITEM)
    return url


def check(client: Callable[..., Any]) -> None:
    """Look whether that is all there."""
    sqs = client("sqs")
    assert bodies(sqs, sqs.get_queue_url(QueueName="q")["QueueUrl"]) == ["kept"]
    assert client("dynamodb").scan(TableName="table")["Items"] == [ITEM]


def test_from_server_to_server(
    server: ThreadedServer, kept_server: ThreadedServer, account: str, tmp_path: Path
) -> None:
    file = tmp_path / "state.fogbank"
    fill(boto3_client(server, account))
    assert "Exported into" in Cli(server.url).run("export", str(file))
    other = boto3_client(kept_server, account)
    other("sqs").create_queue(QueueName="gone")
    assert "Everything is as it was exported" in Cli(kept_server.url).run("import", str(file), "--yes")
    check(other)
    assert len(other("sqs").list_queues()["QueueUrls"]) == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != "data"] == ["state.fogbank"]


def test_to_postgresql_and_back_on_postgres(
    server: ThreadedServer, account: str, tmp_path: Path, postgres_url: str, shared: Path
) -> None:
    file, back = tmp_path / "state.fogbank", tmp_path / "back.fogbank"
    fill(boto3_client(server, account))
    Cli(server.url).run("export", str(file))
    settings = Settings(port=0, database=postgres_url, data=tmp_path / "data", shared=shared)
    with ThreadedServer(settings) as postgres:
        cli, client = Cli(postgres.url), boto3_client(postgres, account)
        cli.run("import", str(file), "--yes")
        check(client)
        cli.snapshot("save", "one")
        client("dynamodb").delete_table(TableName="table")
        (removed,) = cli.diff("one")
        assert (removed["name"], removed["change"], removed["documents"]["removed"]) == ("table", "removed", 1)
        cli.snapshot("restore", "one")
        check(client)
        cli.run("export", str(back))
        postgres.reset()
    server.reset()
    Cli(server.url).run("import", str(back), "--yes")
    check(boto3_client(server, account))


def test_what_is_damaged_or_foreign_changes_nothing(server: ThreadedServer, account: str, tmp_path: Path) -> None:
    client, cli = boto3_client(server, account), Cli(server.url)
    server.reset()
    fill(client)
    whole = tmp_path / "whole"
    cli.run("export", str(whole))
    good = whole.read_bytes()
    middle = len(good) // 2
    files = {
        "damaged": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :],
        "isn't all there": good[:-1000],
        "wasn't exported by Fogbank": b'{"queues": []}' * 100,
        "format 7": good[:12] + good[12:].replace(b'"format":1', b'"format":7', 1),
        "later version": packing.MAGIC + (5).to_bytes(4, "big") + b"{not}" + b"\0" * 64,
    }
    cli.snapshot("save", "before")
    for message, content in files.items():
        bad = tmp_path / "bad"
        bad.write_bytes(content)
        said = cli.run("import", str(bad), "--yes", fails=True)
        assert "Nothing was imported" in said
        assert message in said
    assert cli.diff("before") == []
    check(client)


def pack(image: Path, file: Path) -> None:
    file.write_bytes(b"".join(packing.pack(image, read_facts(image))))


def test_versions_before_and_after(server: ThreadedServer, account: str, tmp_path: Path) -> None:
    """A file of an earlier version is migrated; one of a later version is refused by its number."""
    cli = Cli(server.url)
    image, file = tmp_path / "image", tmp_path / "file"
    with contextlib.closing(sqlite3.connect(image, isolation_level=None)) as connection:
        build(connection, {step.number for step in migrations()[:2]})
        connection.execute("INSERT INTO queue VALUES (?, 'old', 5, 6, X'80', 0, 0, 0)", (f"aws/{account}/us-east-1",))
        seal(connection, Clock.wall())
    pack(image, file)
    cli.run("import", str(file), "--yes")
    sqs = boto3_client(server, account)("sqs")
    url = sqs.get_queue_url(QueueName="old")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert bodies(sqs, url) == ["x"]
    with contextlib.closing(sqlite3.connect(image, isolation_level=None)) as connection:
        connection.execute("INSERT INTO migration VALUES (9999, 'later')")
    pack(image, file)
    assert "migration 9999" in cli.run("import", str(file), "--yes", fails=True)
    assert bodies(sqs, url) == ["x"]


def test_an_export_is_of_one_moment_under_load(kept_server: ThreadedServer, account: str, tmp_path: Path) -> None:
    """Items that are always written together are there together."""
    ddb = boto3_client(kept_server, account)("dynamodb")
    ddb.create_table(TableName="table", **TABLE)
    ended = threading.Event()

    def load(worker: int) -> None:
        number = 0
        with RawClient(kept_server.url, account) as raw:
            while not ended.is_set():
                number += 1
                puts = [
                    {"Put": {"TableName": "table", "Item": {"id": {"S": f"{worker}{side}"}, "n": {"N": str(number)}}}}
                    for side in "ab"
                ]
                raw.call("dynamodb", "TransactWriteItems", TransactItems=puts)

    workers = [threading.Thread(target=load, args=(number,)) for number in range(2)]
    for worker in workers:
        worker.start()
    cli = Cli(kept_server.url)
    for number in range(3):
        cli.snapshot("save", f"s{number}")
        cli.run("export", str(tmp_path / f"file{number}"))
    ended.set()
    for worker in workers:
        worker.join()
    for number in range(3):
        for back in (("snapshot", "restore", f"s{number}"), ("import", str(tmp_path / f"file{number}"), "--yes")):
            cli.run(*back)
            items = {item["id"]["S"]: item["n"]["N"] for item in ddb.scan(TableName="table")["Items"]}
            for worker in "01":
                assert items.get(f"{worker}a") == items.get(f"{worker}b")


def test_begun_with_what_the_last_one_left(tmp_path: Path, account: str) -> None:
    file = tmp_path / "state.fogbank"
    flags = {"port": 0, "memory": True, "import_from": str(file), "export_on_exit": str(file)}
    settings = load_settings(flags, {}, tmp_path)
    for number in range(3):
        with ThreadedServer(settings) as server:
            sqs = boto3_client(server, account)("sqs")
            assert len(sqs.list_queues().get("QueueUrls", ())) == number
            sqs.create_queue(QueueName=f"q{number}")
    assert [path.name for path in tmp_path.iterdir()] == ["state.fogbank"]
    for name, content in (("none", None), ("foreign", b"{}")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        settings = Settings(port=0, memory=True, import_from=tmp_path / name)
        with pytest.raises(SettingsError, match=f"{name} can't be imported"), ThreadedServer(settings):
            pass


def test_a_clock_that_was_ahead(server: ThreadedServer, account: str, tmp_path: Path, shared: Path) -> None:
    """What was written by a clock that was ahead doesn't lie in the future where it is brought in."""
    file = tmp_path / "state.fogbank"
    day = 86_400
    with ThreadedServer(Settings(port=0, memory=True, shared=shared)) as ahead:
        ahead.advance(day)
        fill(boto3_client(ahead, account))
        Cli(ahead.url).run("export", str(file))
    assert ask(server.url, "GET", "/_fogbank/clock")["ahead_seconds"] < day / 2
    Cli(server.url).run("import", str(file), "--yes")
    assert ask(server.url, "GET", "/_fogbank/clock")["ahead_seconds"] > day - 60
    check(boto3_client(server, account))


def test_keys_are_those_of_the_state(server: ThreadedServer, tmp_path: Path, shared: Path) -> None:
    """What was signed there can be checked here; a reset changes no keys."""
    file = tmp_path / "state.fogbank"

    def key(of: ThreadedServer) -> str:
        return of.call(of.app.signer.key("sns")).id

    own = key(server)
    with ThreadedServer(Settings(port=0, memory=True, shared=shared)) as other:
        there = key(other)
        Cli(other.url).run("export", str(file))
    Cli(server.url).run("import", str(file), "--yes")
    assert key(server) == there != own
    server.reset()
    assert key(server) == there
