"""The instance's end of the connection to the server: messages in both ways over one stream socket.

A message is a head, which is a JSON object with a `kind`, and a body of bytes. On the wire both lengths come first,
each as four bytes, big end first.

| from | kind | head | body |
|---|---|---|---|
| server | `launch` | `launch`: all that the instance needs to know of its function | |
| server | `fork` | to a template (see `snapshot.py`), with descriptors | |
| server | `restore` | `environment`: all variables of a fork, before anything else | |
| server | `invoke` | `id`, `deadline_ms` (since the epoch), `context` (in the contract's own words) | the event |
| worker | `ready` | | |
| worker | `init_error` | `error_type` | the error, as the contract reports it |
| worker | `result` | `id`, `head` (what belongs to the result, in the contract's own words) | the result |
| worker | `error` | `id`, `error_type`, `last` (whether the worker ends now) | the error, as the contract reports it |
| worker | `begin` | `id`, `head` (as for `result`): the result comes in parts | |
| worker | `part` | `id` | the next part of the result |
| worker | `end` | `id`: the result is complete; an `error` may come in its place | |

A worker is ready before it gets its first invocation. It gets as many at a time as its function's concurrency says.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where a program that is executed finds its channel.
CHANNEL_OF_PROGRAMS: Final = 3
LENGTHS: Final = struct.Struct(">II")
READ_BYTES: Final = 65_536


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

    def receive_with(self, count: int) -> tuple[Message, list[int]]:
        """Return the next message and the descriptors that come with it; raises `ClosedError`.

        For messages that come one at a time, each after something was answered to the last.
        """
        try:
            lengths, descriptors, _, _ = socket.recv_fds(self._connection, LENGTHS.size, count)
        except OSError:
            raise ClosedError from None
        if len(lengths) < LENGTHS.size or len(descriptors) < count:
            raise ClosedError
        return self.receive_rest(*LENGTHS.unpack(lengths)), descriptors

    def close(self) -> None:
        """Let go of this end."""
        self._connection.close()

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


def receive_launch(channel: Channel, connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Wait for the launch message; returns it with the descriptors that came with it for output.

    These are the function's, unless it has one already, and its companions'. Raises `ClosedError`.
    """
    try:
        lengths, descriptors, _, _ = socket.recv_fds(connection, LENGTHS.size, 2)
    except OSError:
        raise ClosedError from None
    if len(lengths) < LENGTHS.size:
        raise ClosedError
    head_bytes, _ = LENGTHS.unpack(lengths)
    return channel.receive_rest(head_bytes, 0).head["launch"], descriptors


def encode(head: Mapping[str, Any], body: bytes) -> bytes:
    """Return the bytes of a message."""
    encoded = json.dumps(head).encode()
    return LENGTHS.pack(len(encoded), len(body)) + encoded + body
