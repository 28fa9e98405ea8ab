"""An Azure Functions worker in a process of its own, spoken to over its channel as the server does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Self

from fogbank.runtimes.inside.channel import Channel, Message

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """
import json, os, socket, sys
from fogbank.runtimes.inside import azure_functions_python
from fogbank.runtimes.inside.channel import Channel
launch = json.loads(sys.argv[2])
os.chdir(launch["code"])
sys.argv = [""]
azure_functions_python.run(Channel(socket.socket(fileno=int(os.environ.pop("TEST_CHANNEL")))), launch)
"""


def write_app(folder: Path, **files: str) -> Path:
    """Write an app's files; `function_app` is for function_app.py, `hello__function.json` for a path."""
    for name, content in files.items():
        path = folder / (name.replace("__", "/", 1) if "." in name else f"{name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content))
    return folder


class WorkerProcess:
    """`with WorkerProcess(folder) as worker:`; `first` is the message that it began with."""

    def __init__(self, folder: Path, **environment: str) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        self.channel = Channel(ours)
        launch = {"code": str(folder), "handler": "", "concurrency": 8}
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "worker", json.dumps(launch)],
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment, "TEST_CHANNEL": str(theirs.fileno())},
        )
        theirs.close()
        ours.settimeout(30)
        self.first = self.channel.receive()
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> str:
        """Close the channel; returns what the worker printed."""
        self._socket.close()
        output, _ = self.process.communicate(timeout=30)
        return output

    def send(self, body: bytes = b"", **context: Any) -> str:
        """Hand over an invocation; returns its id."""
        self._count += 1
        number = f"id-{self._count}"
        self.channel.send("invoke", body, id=number, deadline_ms=0, context=context)
        return number

    def call(self, body: bytes = b"", **context: Any) -> Message:
        """Run one invocation."""
        number = self.send(body, **context)
        message = self.channel.receive()
        assert message.head["id"] == number
        return message

    def request(self, function: str, target: str = "/api/x", body: bytes = b"", **settings: Any) -> Message:
        """Run an invocation by HTTP."""
        path, _, query = target.partition("?")
        context = {"method": "GET", "headers": [], "params": {}, "url": f"http://app{target}"} | settings
        return self.call(body, function=function, path=path, query=query, **context)

    def index(self) -> dict[str, dict[str, Any]]:
        """Return the functions' descriptions by name."""
        described = json.loads(self.call(index=True).body)["functions"]
        return {each["name"]: each for each in described}
