"""How the server talks with an instance: hand it invocations, hear what becomes of them."""

from __future__ import annotations

import asyncio
import struct
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

import msgspec

from fogbank.runtimes.inside.channel import encode
from fogbank.runtimes.streams.reply import ReplyStream

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from fogbank.runtimes.model import Invocation, Outcome

_LENGTHS: Final = struct.Struct(">II")
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
HEAD_BYTES_MAX: Final = 1_048_576


class Delivered(NamedTuple):
    """What an instance answered: a result (`error_type` is None), or an error as its contract reports it.

    `too_large` is the size in bytes of a result that was longer than may be. Of one that was streamed into the
    invocation's `reply` the payload is the beginning. After one that is the `last` the instance ends by itself.
    """

    payload: bytes
    error_type: str | None = None
    too_large: int = 0
    head: Mapping[str, Any] = MappingProxyType({})
    last: bool = False


class Companions(Protocol):
    """Programs beside a function in its sandbox, which hear of its invocations and of its end."""

    @property
    def broken(self) -> bool:
        """Whether one of them has failed, so that the instance is good for nothing more."""

    def unsettled(self) -> asyncio.Future[None] | None:
        """Return what is done when they have finished with the last invocation; None if they have."""

    def observe(self, invocation: Invocation, outcome: Outcome, memory_mib: int) -> None:
        """Take note of what became of an invocation."""

    async def dismiss(self, reason: str, programs: Callable[[], int]) -> bool:
        """Let them come to their end, for a "timeout", "failure" or "spindown"; `programs` counts those that run.

        Returns whether there are any.
        """


class Link(Protocol):
    """A way to one instance."""

    @property
    def companions(self) -> Companions | None:
        """What is beside the function, if anything is."""

    @property
    def initialised(self) -> asyncio.Future[Delivered | None]:
        """Done when the instance is ready (None), or has reported that it can't be."""

    def give(self, invocation: Invocation, context: Mapping[str, Any], deadline_ms: int) -> asyncio.Future[Delivered]:
        """Hand an invocation to an instance that is ready; the future is what it makes of it."""

    async def close(self) -> None:
        """Cut the instance off."""


class ChannelLink(asyncio.Protocol):
    """The server's end of a channel (see `inside/channel.py`)."""

    def __init__(self, result_bytes_max: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._result_bytes_max = result_bytes_max
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._running: dict[str, asyncio.Future[Delivered]] = {}
        # The replies of those that stream, or may.
        self._replies: dict[str, ReplyStream] = {}
        self.initialised: asyncio.Future[Delivered | None] = self._loop.create_future()

    @classmethod
    async def open(cls, connection: socket.socket, result_bytes_max: int) -> ChannelLink:
        """Make the link over a connected socket, which it owns from then on."""
        loop = asyncio.get_running_loop()
        _, link = await loop.create_unix_connection(lambda: cls(result_bytes_max), sock=connection)
        return link

    def give(self, invocation: Invocation, context: Mapping[str, Any], deadline_ms: int) -> asyncio.Future[Delivered]:
        """Hand an invocation to the instance."""
        result: asyncio.Future[Delivered] = self._loop.create_future()
        self._running[invocation.id] = result
        if invocation.reply is not None:
            self._replies[invocation.id] = invocation.reply
        head = {"kind": "invoke", "id": invocation.id, "deadline_ms": deadline_ms, "context": context}
        self._transport.write(encode(head, invocation.event))
        return result

    @property
    def companions(self) -> Companions | None:
        """There are none."""
        return None

    def restore(self, environment: Mapping[str, str]) -> None:
        """Give a fork of a template what is its own."""
        self._transport.write(encode({"kind": "restore", "environment": environment}, b""))

    async def close(self) -> None:
        """Cut the instance off."""
        self._transport.abort()
        await self._lost

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end."""
        self._lost.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take the messages that are complete."""
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _LENGTHS.size:
            head_bytes, body_bytes = _LENGTHS.unpack_from(buffer, at)
            begin = at + _LENGTHS.size
            if head_bytes > HEAD_BYTES_MAX or body_bytes > self._result_bytes_max * 2 + HEAD_BYTES_MAX:
                self._transport.abort()
                return
            if len(buffer) < begin + head_bytes + body_bytes:
                break
            at = begin + head_bytes + body_bytes
            self._take(bytes(buffer[begin : begin + head_bytes]), bytes(buffer[begin + head_bytes : at]))
        del buffer[:at]

    def _take(self, encoded: bytes, body: bytes) -> None:
        try:
            head = _decode(encoded)
        except msgspec.DecodeError:
            # Not our worker any more: the function has written over its channel.
            self._transport.abort()
            return
        kind = head.get("kind")
        if kind in ("ready", "init_error"):
            if not self.initialised.done():
                self.initialised.set_result(
                    None if kind == "ready" else Delivered(body, str(head.get("error_type", "")))
                )
            return
        number = str(head.get("id"))
        if kind in ("begin", "part"):
            self._take_part(number, head, body)
            return
        result = self._running.pop(number, None)
        reply = self._replies.pop(number, None)
        if result is None or result.done():
            return
        if kind == "error":
            result.set_result(Delivered(body, str(head.get("error_type", "")), last=head.get("last") is True))
        elif kind == "end" and reply is not None:
            result.set_result(Delivered(bytes(reply.kept), head=reply.head))
        elif len(body) > self._result_bytes_max:
            result.set_result(Delivered(b"", None, too_large=len(body)))
        else:
            result.set_result(Delivered(body, head=head.get("head") or {}))

    def _take_part(self, number: str, head: Mapping[str, Any], body: bytes) -> None:
        """Pass on what a function streams; a reply that becomes too large is its result then."""
        result = self._running.get(number)
        if result is None:
            return
        reply = self._replies.get(number)
        if reply is None:
            reply = self._replies[number] = ReplyStream.collecting(self._result_bytes_max)
        if head["kind"] == "begin":
            reply.begin(head.get("head") or {})
        elif not reply.feed(body):
            self._transport.pause_reading()
            reply.when_room(self._transport.resume_reading)
        if reply.too_large and not result.done():
            result.set_result(Delivered(b"", None, too_large=reply.size))


def encode_launch(launch: Mapping[str, Any]) -> bytes:
    """Return the message that makes a stem a function's instance."""
    return encode({"kind": "launch", "launch": launch}, b"")
