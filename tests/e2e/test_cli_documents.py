"""`fogbank table` and `fogbank docs`, run as users run them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import RawClient, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USERS = "projects/shop/databases/(default)/documents/users"
TABLE = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def fogbank(url: str, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fogbank", *arguments],
        capture_output="stderr" not in settings,
        text=True,
        env={**os.environ, "FOGBANK_URL": url},
        timeout=30,
        check=False,
        **settings,
    )


def fill(url: str, count: int) -> None:
    with RawClient(url) as client:
        client.call("dynamodb", "CreateTable", TableName="users", **TABLE)
        for number in range(count):
            item = {"pk": {"S": f"u{number:03}"}, "tags": {"SS": ["a"]}}
            client.call("dynamodb", "PutItem", TableName="users", Item=item)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--memory") as running:
        fill(running.url, 250)
        yield running


def test_a_table_is_browsed_over_many_pages(server: ServerProcess) -> None:
    done = fogbank(server.url, "table", "browse", "users", "--limit", "240", "-o", "json")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)) == 240
    assert done.stderr.startswith("More follow: --after ")


def test_a_document_is_put_and_queried(server: ServerProcess) -> None:
    done = fogbank(server.url, "table", "put", "users", "-", input='{"pk": "new", "n": 1}')
    assert (done.returncode, done.stdout) == (0, "new is written.\n")
    done = fogbank(server.url, "table", "query", "users", "new")
    assert (done.stdout, done.stderr) == ('new  {"pk":"new","n":1}\n', "")
    done = fogbank(server.url, "table", "put", "users", '{"n": 1}')
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "Error: One or more parameter values were invalid: Missing the key pk in the item"
    ]


def test_a_copy_shows_its_progress_on_a_terminal(server: ServerProcess) -> None:
    ours, theirs = pty.openpty()
    done = fogbank(server.url, "docs", "copy", "users", USERS, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = os.read(ours, 4096).decode()
    os.close(ours)
    assert re.search(r"Copying  .  100 copied, 0 skipped.*Copying  .  200 copied, 0 skipped", shown)
    assert shown.endswith("\r\x1b[K")
    first, _, *rows = done.stdout.splitlines()
    assert first in ("250 documents copied, 0 skipped.", "251 documents copied, 0 skipped.")
    assert rows[0] == "Not carried over as they were:"
    assert re.fullmatch(r"set +as a list in the order of its members +250 +250 +tags of u\d+", rows[2])


def test_a_copy_goes_on_after_a_crash(tmp_path: Path) -> None:
    flags = ("--data", str(tmp_path / "data"))
    running = ServerProcess(*flags)
    fill(running.url, 120)
    with RawClient(running.url) as client:
        page = client.rest("POST", "/_fogbank/documents/copy?from=users&to=projects/p/databases/d/documents/c&limit=50")
    assert (page["copied"], page["skipped"]) == (50, [])
    running.kill()
    with ServerProcess(*flags) as again:
        name = "projects/p/databases/d/documents/c"
        rest = fogbank(again.url, "docs", "copy", "users", name, "--after", page["next"], "-o", "json")
        assert json.loads(rest.stdout)["copied"] == 70
        found = json.loads(fogbank(again.url, "table", "browse", name, "--limit", "1000", "-o", "json").stdout)
        assert sorted(each["pk"] for each in found) == [f"u{number:03}" for number in range(120)]


def test_no_server_is_said(tmp_path: Path) -> None:
    done = fogbank("http://127.0.0.1:1", "docs", "copy", "a", "b", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: No Fogbank answers at http://127.0.0.1:1")
