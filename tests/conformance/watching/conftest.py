"""A server whose requests and faults belong to one test at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.cli.client import ask
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator


class Watched:
    """What the command line asks of a server, without it."""

    def __init__(self, server: ThreadedServer) -> None:
        self.server = server
        self.url = server.url

    def fault(self, kind: str, **more: Any) -> int:
        """Add a fault; returns its number."""
        added = ask(self.url, "POST", "/_fogbank/faults", json.dumps({"kind": kind, **more}).encode())
        return int(added["id"])

    def faults(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask(self.url, "GET", "/_fogbank/faults")["faults"]
        return found

    def requests(self, query: str = "limit=500") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask(self.url, "GET", f"/_fogbank/requests?{query}")["requests"]
        return found

    def show(self, which: int | str = "last") -> dict[str, Any]:
        found: dict[str, Any] = ask(self.url, "GET", f"/_fogbank/requests/{which}")
        return found

    def explain(self, which: int | str = "last") -> dict[str, Any]:
        found: dict[str, Any] = ask(self.url, "GET", f"/_fogbank/requests/{which}/explanation")["explanation"]
        return found


@pytest.fixture(scope="package")
def watched_server() -> Iterator[ThreadedServer]:
    with ThreadedServer(Settings(port=0, memory=True)) as running:
        yield running


@pytest.fixture
def server(watched_server: ThreadedServer) -> ThreadedServer:
    """That server, empty."""
    watched_server.reset()
    return watched_server


@pytest.fixture
def watched(server: ThreadedServer) -> Watched:
    return Watched(server)
