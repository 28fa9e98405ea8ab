"""The opening handshake (RFC 6455, section 4.2): from a request to the reply that makes its connection a socket.

A handler that is asked for a socket returns `accept(request, session)` in the place of another response; who doesn't
know of sockets answers as ever, and the connection goes on in HTTP/1.1. No extension is agreed on.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha1
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.wire.http import MIB, Response, Switch

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Sequence
    from typing import TypeAlias

    from fogbank.wire.http import Request
    from fogbank.wire.websocket.connection import Owner
    from fogbank.wire.websocket.socket import WebSocket

    Session: TypeAlias = "Callable[[WebSocket], Coroutine[object, object, None]]"

MESSAGE_BYTES_MAX: Final = MIB
QUEUED_MESSAGES_MAX: Final = 64
VERSION: Final = b"13"
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES: Final = 16


class Limits(NamedTuple):
    """What a socket takes of its client.

    `message_bytes_max`: the longest message. `queued_bytes_max`, `queued_messages_max`: beyond so much that the session
    hasn't taken yet, nothing is read. `silence_seconds`: how long it may be silent before it is asked for a sign of
    life; as long as the server's connections may be idle if that is 0.
    """

    message_bytes_max: int = MESSAGE_BYTES_MAX
    queued_bytes_max: int = MESSAGE_BYTES_MAX
    queued_messages_max: int = QUEUED_MESSAGES_MAX
    silence_seconds: float = 0.0


LIMITS: Final = Limits()


def is_handshake(request: Request) -> bool:
    """Whether a request asks for a socket."""
    return request.upgrade


def subprotocols(request: Request) -> list[str]:
    """Return the subprotocols that a client offers, the one that it likes best first."""
    return [name for each in request.header(b"sec-websocket-protocol").split(",") if (name := each.strip())]


def accept(
    request: Request,
    session: Session,
    *,
    subprotocol: str = "",
    headers: Sequence[tuple[bytes, bytes]] = (),
    limits: Limits = LIMITS,
) -> Response:
    """Return the reply that makes a request's connection a socket, or the refusal of what is no good handshake.

    `session` then runs as a task of its own; the socket is closed when it returns.
    """
    if request.headers.get(b"sec-websocket-version") != VERSION:
        return Response(426, [(b"Upgrade", b"websocket"), (b"Sec-WebSocket-Version", VERSION)])
    key = request.headers.get(b"sec-websocket-key", b"").strip()
    if not request.upgrade or not _is_key(key):
        return Response(400, [])
    agreed = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
    told = [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Accept", agreed), *headers]
    if subprotocol:
        told.append((b"Sec-WebSocket-Protocol", subprotocol.encode("latin-1")))

    def begin(owner: Owner, transport: asyncio.Transport, begun: bytes) -> None:
        from fogbank.wire.websocket.connection import SocketConnection  # noqa: PLC0415 - loaded on first use

        SocketConnection(owner, session, limits).take_over(transport, begun)

    return Switch(told, begin)


def _is_key(key: bytes) -> bool:
    try:
        return len(b64decode(key, validate=True)) == _KEY_BYTES
    except (Base64Error, ValueError):
        return False
