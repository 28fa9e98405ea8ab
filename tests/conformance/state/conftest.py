"""Servers whose whole state is replaced: each of a test's own, or of tests that expect nothing to stay."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from fogbank.cli import main
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Cli:
    """Commands of `fogbank` against a server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run a command to its end; returns what it has printed."""
        result = CliRunner().invoke(main, [*arguments, "--url", self.url])
        assert (result.exit_code != 0) == fails, result.output
        return result.output

    def snapshot(self, *arguments: str, fails: bool = False) -> str:
        return self.run("snapshot", *arguments, fails=fails)

    def diff(self, *names: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.snapshot("diff", *names, "--json"))
        return found


@pytest.fixture(params=("memory", "file"))
def kept_server(request: pytest.FixtureRequest, tmp_path: Path, shared: Path) -> Iterator[ThreadedServer]:
    """A server in memory, and one in a folder."""
    settings = Settings(port=0, memory=request.param == "memory", data=tmp_path / "data", shared=shared)
    with ThreadedServer(settings) as running:
        yield running


@pytest.fixture(scope="module")
def server(shared: Path) -> Iterator[ThreadedServer]:
    """A server for a module's tests, which don't count on what others have made."""
    with ThreadedServer(Settings(port=0, memory=True, shared=shared)) as running:
        yield running


@pytest.fixture
def cli(server: ThreadedServer) -> Cli:
    return Cli(server.url)
