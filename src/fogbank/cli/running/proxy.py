"""The proxy in front of a program that runs: what it asks of the clouds' hosts goes to the server, the rest passes.

`CONNECT` to a cloud's host is handed to the server as it is, which begins TLS there; to other hosts the tunnel leads
where it should. Requests in plain HTTP, whose targets come in absolute form, are passed on one by one. (RFC 9110,
sections 7.6 and 9.3.6; RFC 9112, section 3.2.2.)
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, NamedTuple, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD_BYTES_MAX: Final = 65_536
HEAD_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 15.0
_END: Final = b"\r\n\r\n"
_LINE: Final = re.compile(rb"([A-Z]+) (\S+) (HTTP/1\.[01])\r\n")
_HOP: Final = re.compile(rb"\r\n(?:proxy-connection|proxy-authorization|connection):[^\r\n]*", re.IGNORECASE)
_GRANTED: Final = b"HTTP/1.1 200 Connection Established\r\n\r\n"


class Place(NamedTuple):
    """Where a host's requests go."""

    host: str
    port: int


class Proxy:
    """Listens for a program's requests; `is_cloud` tells by a host's name whether the server answers for it.

    Other hosts are refused when `offline`.
    """

    def __init__(self, server: Place, is_cloud: Callable[[str], bool], *, offline: bool) -> None:
        self.server = server
        self.is_cloud = is_cloud
        self.offline = offline
        self.refused: set[str] = set()
        self.ends: set[Pipe] = set()
        self._listener: asyncio.Server | None = None

    async def listen(self) -> int:
        """Begin, on a free port of this machine; returns it."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Incoming(self), "127.0.0.1", 0, backlog=1_024)
        return int(self._listener.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """End every connection."""
        if self._listener is not None:
            self._listener.close()
        for end in list(self.ends):
            end.abort()
        await asyncio.sleep(0)


class Pipe(asyncio.Protocol):
    """One end of a connection through the proxy: what comes in goes out at the other end, as fast as that takes it."""

    def __init__(self, proxy: Proxy, other: Pipe | None = None) -> None:
        self._proxy = proxy
        self._transport: asyncio.Transport | None = None
        self._other = other
        self.has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = cast("asyncio.Transport", transport)
        self._proxy.ends.add(self)

    def data_received(self, data: bytes) -> None:
        """Pass on."""
        if self._other is not None:
            self._other.write(data)

    def eof_received(self) -> bool:
        """Tell the other end; the way back stays open until that has ended, too."""
        self.has_ended = True
        if self._other is None:
            return False
        self._other.write_eof()
        if self._other.has_ended:
            self._other.close()
        return not self._other.has_ended

    def connection_lost(self, exc: Exception | None) -> None:
        """End the other end, too."""
        self._proxy.ends.discard(self)
        self._transport = None
        if self._other is not None:
            other, self._other = self._other, None
            other.close()

    def pause_writing(self) -> None:
        """Have the other end read no more."""
        if self._other is not None:
            self._other.hold(held=True)

    def resume_writing(self) -> None:
        """Have it read on."""
        if self._other is not None:
            self._other.hold(held=False)

    def write(self, data: bytes) -> None:
        """Send something out here."""
        if self._transport is not None:
            self._transport.write(data)

    def write_eof(self) -> None:
        """Say that nothing more comes."""
        if self._transport is not None and self._transport.can_write_eof():
            self._transport.write_eof()

    def hold(self, *, held: bool) -> None:
        """Stop reading, or go on."""
        if self._transport is None or self._transport.is_closing():
            return
        if held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close once everything is sent."""
        self._other = None
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()


class Incoming(Pipe):
    """The program's end: reads the first request's head, then passes everything on."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy)
        self._head = b""
        self._patience = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.abort)
        self._opening: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        """Read the head; pass on what comes behind it."""
        if self._other is not None:
            self._other.write(data)
            return
        self._head += data
        if self._opening is not None:
            return
        end = self._head.find(_END)
        if end < 0:
            if len(self._head) > HEAD_BYTES_MAX:
                self._refuse(b"431 Request Header Fields Too Large", "The head of a request may have 64 KiB.")
            return
        self._patience.cancel()
        line = _LINE.match(self._head)
        if line is None:
            self._refuse(b"400 Bad Request", "This is a proxy, and that is no request for one.")
            return
        self.hold(held=True)
        self._opening = asyncio.get_running_loop().create_task(self._open(line[1], line[2].decode("latin-1")))

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up."""
        self._patience.cancel()
        if self._opening is not None:
            self._opening.cancel()
        super().connection_lost(exc)

    async def _open(self, method: bytes, target: str) -> None:
        """Find out where the request goes, and connect the two ends."""
        is_tunnel = method == b"CONNECT"
        place = _place(target, is_tunnel=is_tunnel)
        if place is None:
            self._refuse(b"400 Bad Request", f"{target} is nothing that a proxy can pass on.")
            return
        is_cloud = self._proxy.is_cloud(place.host)
        if self._proxy.offline and not is_cloud and not _is_here(place.host):
            self._proxy.refused.add(place.host)
            self._refuse(b"403 Forbidden", f"{place.host} is no cloud's host, and fogbank run is --offline.")
            return
        out = Pipe(self._proxy, self)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.create_connection(lambda: out, *(self._proxy.server if is_cloud else place))
        except (OSError, TimeoutError) as error:
            self._refuse(b"502 Bad Gateway", f"{place.host} can't be reached: {error}")
            return
        if self._transport is None:
            out.close()
            return
        if is_tunnel and not is_cloud:
            self.write(_GRANTED)
            out.write(self._head[self._head.index(_END) + len(_END) :])
        else:
            out.write(self._head if is_tunnel else _once(self._head, target, in_full=is_cloud))
        self._head = b""
        self._other = out
        self.hold(held=False)

    def _refuse(self, status: bytes, reason: str) -> None:
        text = f"{reason}\n".encode("latin-1", "replace")
        head = b"HTTP/1.1 %b\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        self.write(head % (status, len(text)) + text)
        self.close()


def _place(target: str, *, is_tunnel: bool) -> Place | None:
    """Return where a request's target is; None for what is none."""
    try:
        parts = urlsplit(f"//{target}" if is_tunnel else target)
        place = Place(parts.hostname or "", parts.port or (443 if is_tunnel else 80))
    except ValueError:
        return None
    return place if place.host and (is_tunnel or parts.scheme.lower() == "http") else None


def _is_here(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")


def _once(request: bytes, target: str, *, in_full: bool) -> bytes:
    """Make a request the last one of its connection, since the next may be for another host.

    Its target stays in absolute form (`in_full`), or becomes the path only.
    """
    end = request.index(_END)
    head = _HOP.sub(b"", request[:end])
    if not in_full:
        _scheme, _, rest = target.partition("://")
        path = rest[len(rest.partition("/")[0].partition("?")[0]) :]
        path = path if path.startswith("/") else f"/{path}"
        head = head.replace(target.encode("latin-1"), path.encode("latin-1"), 1)
    return head + b"\r\nConnection: close" + request[end:]
