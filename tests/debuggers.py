"""Debuggers' clients, just enough of each: the Debug Adapter Protocol, and the inspector of Node.js."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import urllib.request
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_MAX = 20


class _Client:
    """Sends requests and waits for what comes; messages that nobody has asked for yet are kept."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX)
        self._stream = self._socket.makefile("rb")
        self._kept: list[dict[str, Any]] = []
        self._number = 0

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for message in self._kept:
            if wanted(message):
                self._kept.remove(message)
                return message
        while not wanted(message := self._receive()):
            self._kept.append(message)
        return message

    def _receive(self) -> dict[str, Any]:
        raise NotImplementedError


class Dap(_Client):
    """Attaches to debugpy as editors do."""

    def __init__(self, port: int, local: str, remote: str) -> None:
        super().__init__(port)
        self.ask("initialize", adapterID="test", pathFormat="path", linesStartAt1=True, columnsStartAt1=True)
        mappings = [{"localRoot": local, "remoteRoot": remote}]
        self._attached = self.send("attach", pathMappings=mappings, justMyCode=True)
        self.event("initialized")

    def send(self, command: str, **arguments: Any) -> int:
        self._number += 1
        message = {"seq": self._number, "type": "request", "command": command, "arguments": arguments}
        data = json.dumps(message).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        return self._number

    def ask(self, command: str, **arguments: Any) -> Any:
        number = self.send(command, **arguments)
        reply = self.until(lambda message: message.get("request_seq") == number)
        assert reply["success"], reply
        return reply.get("body", {})

    def event(self, name: str) -> Any:
        return self.until(lambda message: message.get("event") == name).get("body", {})

    def break_at(self, path: str, line: int) -> None:
        self.ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": line}])
        self.ask("configurationDone")

    def stopped(self) -> tuple[int, dict[str, Any]]:
        """Wait until a breakpoint is reached; returns the thread and the frame."""
        thread = self.event("stopped")["threadId"]
        return thread, self.ask("stackTrace", threadId=thread)["stackFrames"][0]

    def evaluate(self, expression: str, frame: int) -> str:
        return str(self.ask("evaluate", expression=expression, frameId=frame)["result"])

    def _receive(self) -> dict[str, Any]:
        length = 0
        while line := self._stream.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the debugger's adapter went away"
        message: dict[str, Any] = json.loads(self._stream.read(length))
        return message


class Inspector(_Client):
    """Attaches to Node.js over WebSocket (RFC 6455), and lets it begin."""

    def __init__(self, port: int) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as reply:
            address = urlsplit(json.load(reply)[0]["webSocketDebuggerUrl"])
        super().__init__(port)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert b" 101 " in self._stream.readline()
        while self._stream.readline().strip():
            pass
        for method in ("Runtime.enable", "Debugger.enable", "Runtime.runIfWaitingForDebugger"):
            self.ask(method)

    def ask(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        number = self._number
        data = json.dumps({"id": number, "method": method, "params": parameters}).encode()
        length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(data))
        # A mask of zeros leaves the data as they are.
        self._socket.sendall(b"\x81" + length + bytes(4) + data)
        reply = self.until(lambda message: message.get("id") == number)
        assert "error" not in reply, reply
        return reply["result"]

    def event(self, name: str) -> Any:
        return self.until(lambda message: message.get("method") == name)["params"]

    def _receive(self) -> dict[str, Any]:
        _, length = self._stream.read(2)
        if length == 126:
            (length,) = struct.unpack(">H", self._stream.read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._stream.read(8))
        message: dict[str, Any] = json.loads(self._stream.read(length))
        return message
