"""`fogbank invocations`, run as users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.cli.tables import pairs, table
from tests.conformance.aws.functions import deploy
from tests.servers import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SOURCE = """
    def handler(event, context):
        print("hello from", event.get("name"))
        if "fail" in event:
            raise ValueError(event["fail"])
        return {"name": event.get("name")}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--memory") as running:
        yield running


@pytest.fixture(scope="module")
def lambda_(server: ServerProcess) -> Any:
    import boto3

    made = boto3.client(
        "lambda",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="x",
    )
    deploy(made, "greet", SOURCE)
    return made


@pytest.fixture
def invoke(lambda_: Any) -> Callable[[Any], str]:
    def run(event: Any) -> str:
        reply = lambda_.invoke(FunctionName="greet", Payload=json.dumps(event))
        return reply["ResponseMetadata"]["RequestId"]

    return run


@pytest.fixture
def run(server: ServerProcess) -> Callable[..., subprocess.CompletedProcess[str]]:
    def invocations(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "FOGBANK_URL": server.url, **settings.pop("env", {})}
        command = [sys.executable, "-m", "fogbank", "invocations", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=30, check=False, **settings
        )

    return invocations


def test_lists_in_a_table_or_as_json(run: Any, invoke: Any) -> None:
    good, bad = invoke({"name": "Ada"}), invoke({"fail": "no"})
    lines = run("list").stdout.splitlines()
    assert lines[0].split() == ["BEGAN", "FUNCTION", "ENDED", "DURATION", "INIT", "MEMORY", "SOURCE", "ID"]
    assert lines[1].split()[2:4] == ["greet", "error"]
    assert lines[1].endswith(bad)
    assert lines[2].endswith(good)
    listed = json.loads(run("list", "--function", "greet", "--status", "ok", "--limit", "1", "--json").stdout)
    assert [each["id"] for each in listed] == [good]
    assert run("list", "--function", "nothing").stdout == "No invocation is kept that fits.\n"
    assert run("list", "--status", "fine").returncode == 2
    assert run("list", "--url", "http://127.0.0.1:1").returncode == 1


def test_shows_what_is_known(run: Any, invoke: Any) -> None:
    number = invoke({"name": "Ada", "fail": "no"})
    shown = run("show", number)
    assert shown.returncode == 0
    assert f"id        {number}\n" in shown.stdout
    assert "ended     error: ValueError: no\n" in shown.stdout
    assert '  {\n    "name": "Ada",\n' in shown.stdout
    assert "  hello from Ada\n" in shown.stdout
    assert json.loads(run("show", number, "--json").stdout)["id"] == number
    missing = run("show", "nothing")
    assert (missing.returncode, missing.stderr) == (1, "Error: No invocation nothing is kept.\n")


def test_replays_with_the_same_or_another_event(run: Any, invoke: Any, tmp_path: Path) -> None:
    number = invoke({"name": "Ada"})
    again = run("replay", number)
    assert again.returncode == 0
    assert "source    replay\n" in again.stdout
    assert number not in again.stdout
    (tmp_path / "event.json").write_text('{"name": "Bob"}\n')
    other = json.loads(run("replay", number, "--event", str(tmp_path / "event.json"), "--json").stdout)
    assert other["payload"] == {"name": "Bob"}
    failed = run("replay", number, "--event", "-", input='{"fail": "now"}')
    assert failed.returncode == 1
    assert "ValueError: now" in failed.stdout
    assert failed.stderr == ""
    broken = run("replay", number, "--event", "-", input="{")
    assert broken.returncode == 1, "the function gets what it is sent, and fails"


def test_replays_with_an_edited_event(run: Any, invoke: Any, tmp_path: Path) -> None:
    number = invoke({"name": "Ada"})

    def edited(script: str, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        editor = tmp_path / "editor"
        editor.write_text(f"#!/bin/sh\n{script}\n")
        editor.chmod(0o755)
        return run("replay", number, "--edit", *arguments, env={"EDITOR": str(editor), "VISUAL": ""}, **settings)

    # An editor that is done within the clock's grain must not look like one that didn't save.
    save = 'sed -i s/Ada/Eve/ "$1"; touch -d "1 hour" "$1"'
    assert json.loads(edited(save, "--json").stdout)["payload"] == {"name": "Eve"}
    as_given = edited(save, "--json", "--event", "-", input='{"name": "Ada II"}')
    assert json.loads(as_given.stdout)["payload"] == {"name": "Eve II"}
    unsaved = edited("true")
    assert (unsaved.returncode, unsaved.stderr) == (1, "Error: The event wasn't saved; nothing is replayed.\n")
    broken = edited('echo "{" > "$1"; touch -d "1 hour" "$1"')
    assert broken.returncode == 1
    assert "The event is no JSON any more" in broken.stderr


def test_what_was_invoked_outlives_the_server(tmp_path: Path) -> None:
    import boto3

    flags = ("--data", str(tmp_path / "data"))
    numbers = []
    for _ in range(2):
        with ServerProcess(*flags) as running:
            made = boto3.client(
                "lambda",
                endpoint_url=running.url,
                region_name="us-east-1",
                aws_access_key_id="000000000000",
                aws_secret_access_key="x",
            )
            if not numbers:
                deploy(made, "greet", SOURCE)
            reply = made.invoke(FunctionName="greet", Payload=b"{}")
            numbers.append(reply["ResponseMetadata"]["RequestId"])
            running.stop()
    with ServerProcess(*flags) as running:
        command = [sys.executable, "-m", "fogbank", "invocations", "list", "--url", running.url, "--json"]
        listed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert [each["id"] for each in listed] == numbers[::-1]


def test_binary_and_cut_events_are_shown_and_not_edited() -> None:
    from click import ClickException

    from fogbank.cli.invocations import _edited, _replay_body, describe

    record = {
        "id": "i", "record": "1", "function": "f", "version": "1", "scope": "s", "source": "request", "began": "now",
        "ended": "timeout", "error": "It ran longer than 3.00 seconds.", "duration_ms": 3000.0, "billed_ms": 3100,
        "cold": True, "init_ms": 100.0, "peak_bytes": 1_048_577, "event": "AAE=", "event_form": "base64",
        "event_bytes": 2, "payload": "abc", "payload_form": "text", "payload_bytes": 300, "logs": [],
        "cut": ["payload"],
    }  # fmt: skip
    text = describe(record)
    assert "ended     timeout: It ran longer than 3.00 seconds.\n" in text
    assert "instance  cold, 100.00 ms to initialise\nmemory    2 MiB at most\n" in text
    assert "event, 2 bytes\n  AAE=\n" in text
    assert "payload, 300 bytes, of which the first 3 characters are kept\n  abc" in text
    with pytest.raises(ClickException):
        _edited(None, record)
    assert json.loads(_replay_body(b"\xff")) == {"event": "/w==", "event_form": "base64"}
    assert _replay_body(b'{"a":  1}') == b'{"event":{"a":  1}}'


def test_tables_line_up() -> None:
    assert table(("A", ">NUMBER"), [("long one", "1"), ("b", "23")]) == (
        "A         NUMBER\nlong one       1\nb             23"
    )
    assert pairs([("a", "1"), ("long", "")]) == "a     1\nlong"
