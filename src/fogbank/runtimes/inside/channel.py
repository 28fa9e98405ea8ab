"""The instance's end of the connection to the server: messages in both ways over one stream socket.

A message is a head, which is a JSON object with a `kind`, and a body of bytes. On the wire both lengths come first,
each as four bytes, big end first.

| from | kind | head | body |
|---|---|---|---|
| server | `launch` | `launch`: all that the instance needs to know of its function | |
| server | `invoke` | `id`, `deadline_ms` (since the epoch), `context` (in the contract's own words) | the event |
| worker | `ready` | | |
| worker | `init_error` | `error_type` | the error, as the contract reports it |
| worker | `result` | `id`, `head` (what belongs to the result, in the contract's own words) | the result |
| worker | `error` | `id`, `error_type`, `last` (whether the worker ends now) | the error, as the contract reports it |

A worker is ready before it gets its first invocation. It gets as many at a time as its function's concurrency says.
"""

from __future__ import annotations

import json
import struct
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

LENGTHS: Final = struct.Struct(">II")
READ_BYTES: Final = 65_536
# Where a program that is executed in the worker's place finds its channel.
CHANNEL_OF_COMMANDS: Final = 3


class Message(NamedTuple):
    """A message; `head["kind"]` says what it is."""

    head: dict[str, Any]
    body: bytes


class ClosedError(Exception):
    """The server has gone, or ends this instance."""


class Channel:
    """Blocking; any thread may send, one thread receives."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""
        self._sending = threading.Lock()

    def fileno(self) -> int:
        """Return the connection's descriptor."""
        return self._connection.fileno()

    def receive(self) -> Message:
        """Return the next message; raises `ClosedError`."""
        return self.receive_rest(*LENGTHS.unpack(self._read(LENGTHS.size)))

    def receive_rest(self, head_bytes: int, body_bytes: int) -> Message:
        """Return the message whose lengths have been read."""
        head: dict[str, Any] = json.loads(self._read(head_bytes))
        return Message(head, self._read(body_bytes))

    def send(self, kind: str, body: bytes = b"", **head: Any) -> None:
        """Send a message; raises `ClosedError`."""
        with self._sending:
            try:
                self._connection.sendall(encode({"kind": kind, **head}, body))
            except OSError:
                raise ClosedError from None

    def _read(self, count: int) -> bytes:
        buffer = self._buffer
        if len(buffer) < count:
            parts = [buffer]
            missing = count - len(buffer)
            while missing > 0:
                try:
                    part = self._connection.recv(max(missing, READ_BYTES))
                except OSError:
                    raise ClosedError from None
                if not part:
                    raise ClosedError
                parts.append(part)
                missing -= len(part)
            buffer = b"".join(parts)
        self._buffer = buffer[count:]
        return buffer[:count]


def encode(head: Mapping[str, Any], body: bytes) -> bytes:
    """Return the bytes of a message."""
    encoded = json.dumps(head).encode()
    return LENGTHS.pack(len(encoded), len(body)) + encoded + body
