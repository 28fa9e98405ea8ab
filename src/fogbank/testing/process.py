"""A server in a process of its own, or one that runs already, behind the same face as that in the test's process."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from datetime import datetime
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self
from urllib.parse import quote, urlsplit

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.storage.signals import Happening

READY: Final = "Ready."
# An advance fires all that falls due on the way.
PATIENCE_SECONDS: Final = 3_600.0
STOP_SECONDS: Final = 30.0
_CLOCK: Final = "/_fogbank/clock"
_SNAPSHOTS: Final = "/_fogbank/snapshots"
_snapshots = itertools.count(1)


class NotInProcessError(Exception):
    """Something was asked for that only a server in the test's own process has."""


class RunningServer:
    """A server that runs at `url`, wherever that is."""

    def __init__(self, url: str) -> None:
        self.url = url

    def advance(self, seconds: float) -> None:
        """Move the server's clock on; what falls due meanwhile has happened when this returns."""
        self._move("advance", seconds=seconds)

    def advance_to_next(self) -> bool:
        """Move the server's clock to when something is due next, and have it happen; False if nothing is."""
        return bool(self._move("next")["moved"])

    def freeze(self) -> None:
        """Let the server's time stand still."""
        self._move("freeze")

    def resume(self) -> None:
        """Let the server's time run on from where it stands."""
        self._move("resume")

    def now(self) -> float:
        """Return what time it is for the server, in seconds since the epoch."""
        return datetime.fromisoformat(self.ask("GET", _CLOCK)["now"]).timestamp()

    def reset(self) -> None:
        """Delete every resource."""
        self.ask("POST", "/_fogbank/reset")

    def snapshot(self, name: str = "") -> str:
        """Keep all resources and what is in them; returns the snapshot's name."""
        chosen = name or f"test-{os.getpid()}-{next(_snapshots)}"
        return str(self.ask("PUT", f"{_SNAPSHOTS}/{quote(chosen, safe='')}")["name"])

    def restore(self, name: str) -> None:
        """Have what a snapshot holds in the place of all that there is; time doesn't go back."""
        self.ask("POST", f"{_SNAPSHOTS}/{quote(name, safe='')}/restore")

    def witness(self, witness: Callable[[Happening], None]) -> NoReturn:
        """Raise `NotInProcessError`."""
        del witness
        raise NotInProcessError("A spy sees what happens on a server in the test's own process only.")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask one of the server's own endpoints; raises `OSError` if none answers, `ValueError` if it refuses."""
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, None if body is None else msgspec.json.encode(body))
            response = connection.getresponse()
            answer = msgspec.json.decode(response.read())
        finally:
            connection.close()
        if response.status >= 400:
            raise ValueError(answer.get("error", f"HTTP {response.status}"))
        return answer

    def _move(self, action: str, **more: float) -> Any:
        return self.ask("POST", _CLOCK, {"action": action, **more})


class ServerProcess(RunningServer):
    """`with ServerProcess() as server:` runs `fogbank up` on a free port, in memory, until the block ends.

    `flags` are more of the command's, and may say where it keeps its data instead.
    """

    def __init__(self, flags: Sequence[str] = ("--memory",)) -> None:
        super().__init__("")
        self._command = [sys.executable, "-m", "fogbank", "up", "--port", "0", *flags]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip().startswith("Endpoint"):
                self.url = line.split()[1]
            if line.startswith(READY):
                return self
        self._process.stdout.close()
        msg = f"No server could be started: it ended with status {self._process.wait()}."
        raise OSError(msg)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
