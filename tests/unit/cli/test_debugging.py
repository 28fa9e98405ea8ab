"""Functions that wait for debuggers: which has which port, what is said, and that it ends."""

from __future__ import annotations

import json
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
import pytest

from fogbank.cli.dev import debugging
from fogbank.cli.dev.debugging import Debuggers
from fogbank.cli.dev.projects import Given
from tests.servers import wait_until


class Server:
    """Stands for the server: notes what it is asked, and says how many instances have begun to wait."""

    def __init__(self) -> None:
        self.debugged: dict[str, int] = {}
        self.waits = 0
        self.news = threading.Event()

    def ask(self, _url: str, method: str, path: str, body: bytes | None = None, timeout_seconds: float = 0) -> Any:
        if method == "POST":
            order = json.loads(body or b"")
            self.debugged[order["function"]] = order["port"]
            return {"host": "127.0.0.1", "port": order["port"], "code": "/var/task"}
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if method == "DELETE":
            self.news.set()
            del self.debugged[query["function"]]
            return {}
        if query["after"] == str(self.waits):
            self.news.wait(10)
        if query["function"] not in self.debugged:
            raise click.ClickException("It is not debugged.")
        return {"host": "127.0.0.1", "port": self.debugged[query["function"]], "waits": self.waits}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(debugging, "ask", made.ask)
    return made


def test_each_function_has_a_port_of_its_own(server: Server) -> None:
    lines: list[str] = []
    debuggers = Debuggers("http://x", "s", Given(debug=True), lines.append)
    for name, runtime in (("a", "python3.11"), ("b", "nodejs22.x"), ("c", "python311"), ("a", "python3.11")):
        debuggers.begin(name, runtime)
    assert server.debugged == {"s/a": 5678, "s/b": 9229, "s/c": 5679}
    assert lines[0] == "  a will wait for a debugger on 127.0.0.1:5678, its code is in /var/task"
    assert len(lines) == 3
    debuggers.end()
    assert server.debugged == {}
    # It keeps its port, of which was told already.
    debuggers.begin("c", "python311")
    assert server.debugged == {"s/c": 5679}
    assert len(lines) == 3
    debuggers.end()


def test_what_is_said_goes_before_and_each_wait_is_told_once(server: Server) -> None:
    lines: list[str] = []
    debuggers = Debuggers("http://x", "s", Given(debug=True, debug_port=7000), lines.append)
    debuggers.begin("a", "nodejs22")
    server.waits = 1
    server.news.set()
    wait_until(lambda: lines[1:] == ["a: waiting for a debugger on 127.0.0.1:7000"])
    debuggers.end()


def test_nothing_is_debugged_unasked(server: Server) -> None:
    debuggers = Debuggers("http://x", "s", Given(), print)
    debuggers.begin("a", "python3.11")
    debuggers.end()
    assert server.debugged == {}
