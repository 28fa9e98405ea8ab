"""The commands that see, explain and disturb requests, against a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from fogbank.cli import main
from fogbank.cli.output import is_coloured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conformance.watching.conftest import Watched

# Programs run by these have the output to themselves.
WITHOUT_JSON = {("run",), ("functions", "dev")}


@pytest.fixture
def run(watched: Watched) -> Callable[..., str]:
    """`run("tail", ...)` runs a command and returns what it prints."""

    def invoke(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, arguments, env={"FOGBANK_URL": watched.url})
        assert result.exit_code == status, result.output
        return result.output

    return invoke


def test_requests_are_listed_shown_and_explained(client: Callable[..., Any], run: Callable[..., str]) -> None:
    assert run("requests", "list") == "No request is kept that fits.\n"
    client("sqs").create_queue(QueueName="orders")
    with pytest.raises(ClientError):
        client("sqs").get_queue_url(QueueName="ordres")
    listed = run("requests", "list").splitlines()
    assert len(listed) == 2
    assert "sqs GetQueueUrl" in listed[1]
    assert listed[1].endswith("QueueDoesNotExist: The specified queue does not exist.")
    (only,) = json.loads(run("requests", "list", "--status", "error", "-o", "json"))
    assert "operation  aws sqs GetQueueUrl" in run("requests", "show", str(only["id"]))
    assert json.loads(run("requests", "show", "last", "-o", "json"))["parameters"] == {"QueueName": "ordres"}
    assert "CURE  Did you mean orders?" in run("explain")
    assert json.loads(run("explain", str(only["id"]), "-o", "json"))["explanation"]["near"] == ["orders"]
    assert "neither the number" in run("explain", "x", status=2)
    assert len(run("tail", "--no-follow").splitlines()) == 2
    tailed = [json.loads(line) for line in run("tail", "--no-follow", "--limit", "1", "-o", "json").splitlines()]
    assert tailed == [only]


def test_faults_are_added_listed_and_cleared(run: Callable[..., str]) -> None:
    assert run("faults", "list") == "There is no fault.\n"
    first = json.loads(run("faults", "add", "latency", "--latency", "50-200", "--rate", "0.5", "-o", "json"))
    assert (first["low_ms"], first["high_ms"], first["rate"]) == (50, 200, 0.5)
    assert run("faults", "add", "drop", "--when", "after", "--service", "sqs").endswith("drop after the work.\n")
    assert "--latency goes with latency, not with error" in run("faults", "add", "error", "--latency", "5", status=2)
    assert "no time in milliseconds" in run("faults", "add", "latency", "--latency", "soon", status=2)
    assert "latency 50 to 200 ms" in run("faults", "list")
    assert run("faults", "clear", str(first["id"])) == "1 removed.\n"
    assert "There is no fault" in run("faults", "clear", str(first["id"]), status=1)
    assert json.loads(run("faults", "clear", "-o", "json")) == {"removed": 1}


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from leaves(inner, (*path, name))
    else:
        yield path, command


def test_every_command_prints_json_if_asked() -> None:
    without = {
        path
        for path, command in leaves(main)
        if not any("-o" in parameter.opts and "--output" in parameter.opts for parameter in command.params)
    }
    assert without == WITHOUT_JSON


@pytest.mark.parametrize(
    "arguments",
    [
        ("clock", "show"), ("health",), ("route", "list"), ("functions", "list"), ("invocations", "list"), ("env",),
        ("completion", "zsh"), ("reset", "--yes"),
        ("firestore", "rules", "show", "--project", "project-1"),
    ],
)  # fmt: skip
def test_what_is_printed_then_is_json(run: Callable[..., str], arguments: tuple[str, ...]) -> None:
    json.loads(run(*arguments, "-o", "json"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete(run: Callable[..., str], shell: str) -> None:
    script = run("completion", shell)
    assert "_FOGBANK_COMPLETE" in script
    result = CliRunner().invoke(
        main,
        [],
        prog_name="fogbank",
        env={"_FOGBANK_COMPLETE": "bash_complete", "COMP_WORDS": "fogbank fau", "COMP_CWORD": "1"},
    )
    assert result.output == "plain,faults\n"


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert not is_coloured()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert is_coloured()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not is_coloured()
