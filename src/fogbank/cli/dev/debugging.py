"""Having the functions of a folder wait for debuggers, and saying when one waits."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click
import msgspec

from fogbank.cli.client import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.cli.dev.projects import Given

PATH: Final = "/_fogbank/debug"
# Where debugpy's and Node's own documentation have them.
PYTHON_PORT: Final = 5_678
NODE_PORT: Final = 9_229
WAIT_SECONDS: Final = 20
ANSWER_SECONDS_MAX: Final = 40.0


class Debuggers:
    """Debugs functions of one scope if that was asked for: each on a port of its own, in the order of their coming."""

    def __init__(self, url: str, scope: str, given: Given, say: Callable[[str], None]) -> None:
        self._url = url
        self._scope = scope
        self._wanted = given.debug
        self._first = given.debug_port
        self._say = say
        self._ports: dict[str, int] = {}
        self._following: dict[str, threading.Event] = {}

    def begin(self, name: str, runtime: str) -> None:
        """Have a function's next instance wait for a debugger; one that is debugged already goes on."""
        if not self._wanted or name in self._following:
            return
        said_before = name in self._ports
        port = self._ports.setdefault(name, self._free_port(runtime))
        body = msgspec.json.encode({"function": f"{self._scope}/{name}", "port": port})
        answer = ask(self._url, "POST", PATH, body)
        if not said_before:
            place = f", its code is in {answer['code']}" if answer["code"] else ""
            self._say(f"  {name} will wait for a debugger on {answer['host']}:{port}{place}")
        stopped = self._following[name] = threading.Event()
        thread = threading.Thread(target=self._follow, args=(name, stopped), name=f"fogbank-debug-{name}", daemon=True)
        thread.start()

    def end(self) -> None:
        """Debug nothing more."""
        while self._following:
            name, stopped = self._following.popitem()
            stopped.set()
            # The server, or the function, may be gone.
            with contextlib.suppress(click.ClickException):
                ask(self._url, "DELETE", self._path(name))

    def _free_port(self, runtime: str) -> int:
        port = self._first or (NODE_PORT if runtime.startswith("node") else PYTHON_PORT)
        while port in self._ports.values():
            port += 1
        return port

    def _follow(self, name: str, stopped: threading.Event) -> None:
        waits = 0
        path = self._path(name)
        with contextlib.suppress(click.ClickException):
            while not stopped.is_set():
                found: dict[str, Any] = ask(
                    self._url, "GET", f"{path}&after={waits}&wait={WAIT_SECONDS}", timeout_seconds=ANSWER_SECONDS_MAX
                )
                if found["waits"] > waits and not stopped.is_set():
                    self._say(f"{name}: waiting for a debugger on {found['host']}:{found['port']}")
                waits = found["waits"]

    def _path(self, name: str) -> str:
        return f"{PATH}?function={quote(f'{self._scope}/{name}', safe='')}"
