"""Printing what becomes of functions' invocations as they end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import click

from fogbank.cli.client import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

PATH: Final = "/_fogbank/invocations"
WAIT_SECONDS: Final = 20
ANSWER_SECONDS_MAX: Final = 40.0
PAUSE_SECONDS: Final = 1.0
MIB: Final = 1_048_576
# Lambda's own lines say what stands in the first line here.
PLATFORM_LINES: Final = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ")


class Follower:
    """Prints the invocations of some functions of a scope, on a thread of its own, from now on."""

    def __init__(self, url: str, scope: str, say: Callable[[str], None]) -> None:
        self.functions: Collection[str] = ()
        self._url = url
        self._scope = scope
        self._say = say
        self._stopped = threading.Event()
        latest = ask(url, "GET", f"{PATH}?limit=1")["invocations"]
        self._after = latest[0]["record"] if latest else "0"

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="fogbank-follow", daemon=True).start()

    def stop(self) -> None:
        """Print nothing more."""
        self._stopped.set()

    def _run(self) -> None:
        gone = False
        while not self._stopped.is_set():
            try:
                self._follow()
                gone = False
            except click.ClickException as error:
                if self._stopped.is_set():
                    return
                if not gone:
                    self._say(error.message)
                gone = True
                self._stopped.wait(PAUSE_SECONDS)

    def _follow(self) -> None:
        path = f"{PATH}?after={self._after}&wait={WAIT_SECONDS}"
        found = ask(self._url, "GET", path, timeout_seconds=ANSWER_SECONDS_MAX)
        for brief in found["invocations"]:
            # What functions an app has is asked for by the server, not by anybody who follows.
            wanted = brief["function"] in self.functions and brief["source"] != "index"
            if brief["scope"] == self._scope and wanted:
                text = describe(ask(self._url, "GET", f"{PATH}/{brief['record']}"))
                if not self._stopped.is_set():
                    self._say(text)
            self._after = brief["record"]


def describe(record: dict[str, Any]) -> str:
    """Return an invocation in a line, and what it printed below."""
    took = f"{record['duration_ms']:.1f} ms"
    if record["cold"]:
        took += f" after {record['init_ms']:.1f} ms to start"
    memory = -(-int(record["peak_bytes"]) // MIB)
    ended = record["ended"] + (f": {record['error']}" if record["error"] else "")
    lines = [f"{record['began'][11:23]}  {record['function']}  {ended}  ({took}, {memory} MiB)  {record['id']}"]
    for line in record["logs"]:
        if not line["text"].startswith(PLATFORM_LINES):
            lines += [f"    {text}" for text in line["text"].rstrip("\n").split("\n")]
    return "\n".join(lines)
