"""From the bytes of one HTTP/1.1 connection to requests, on httptools (RFC 9112).

What llhttp takes although a server should not is refused here: transfer codings other than chunked, versions
other than 1.0 and 1.1, a missing or repeated Host, heads without end.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import httptools

from fogbank.wire.bodies import IncomingBody
from fogbank.wire.http import BODY_BUFFERED_BYTES_MAX, BODY_BYTES_MAX, KIB, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.wire.bodies import Flow

# A head is refused when it goes on for more than this beyond the piece of data that it began in, and pieces are
# no larger than this. The same holds for what stands between the parts of a chunked body, and for its trailers.
HEADER_BYTES_MAX: Final = 64 * KIB
HEADERS_MAX: Final = 256
# How a connection in HTTP/2 begins: "PRI * HTTP/2.0".
_HTTP2_PREFACE: Final = b"PRI"
_FRAMING: Final = (b"content-length", b"transfer-encoding")
# Headers with which a head has to be looked at more closely.
_SPECIAL: Final = frozenset({b"expect", b"transfer-encoding", b"upgrade"})
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_METHODS: Final = {name.encode(): name for name in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")}


class Bodies(NamedTuple):
    """How long bodies may be, and whether those in chunks are handed over as they come, however short they are.

    `longer` are the targets whose bodies may be longer than others, and how long; bytes.
    """

    bytes_max: int = BODY_BYTES_MAX
    chunks_at_once: bool = False
    longer: Mapping[bytes, int] = MappingProxyType({})

    def forbid(self, target: bytes, length: int) -> bool:
        """Whether a body is too long."""
        return length > max(self.bytes_max, self.longer.get(target, 0))


class Conversation(Protocol):
    """Who takes what the reader has read."""

    @property
    def flow(self) -> Flow:
        """What a body can hold back."""

    def take(self, request: Request) -> None:
        """Take a request; its body is complete, or a stream that has begun to arrive."""

    def invite(self) -> None:
        """Take note that the client waits for `100 Continue` before it sends a body."""

    def refuse(self, status: int, request: Request) -> None:
        """Take note that nothing more can be read; `request` is what is known of the one that is refused."""


class RequestReader:
    """Reads the requests of one connection.

    `receiving` is true from a request's first byte to its last, `began` counts requests, `body_bytes` those of
    the body that is being received. Once `deaf`, nothing more is read. `offered` is true while the client of the last
    request waits for the answer to its offer to go on in WebSocket; what it sends behind that is kept.
    """

    __slots__ = (
        "_bodies", "_conversation", "_head_bytes", "_headers", "_in_body", "_keep_alive", "_muted", "_parser", "_parts",
        "_raw", "_repeats", "_rest", "_target", "_unbegun", "_upgrade", "began", "body_bytes", "client", "deaf",
        "offered", "port", "receiving", "scheme", "server_port", "stream",
    )  # fmt: skip

    def __init__(self, conversation: Conversation, bodies: Bodies) -> None:
        self._bodies = bodies
        self.client = ""
        self.port = 0
        self.server_port = 0
        self.scheme = "http"
        self.receiving = False
        self.began = 0
        self.body_bytes = 0
        self.deaf = False
        self.stream: IncomingBody | None = None
        self._conversation = conversation
        self._parser: Any = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._head_bytes = 0
        self._repeats = 0
        self._in_body = False
        self._keep_alive = True
        self._upgrade = False
        self._muted = False
        self.offered = False
        self._rest = b""
        # What is being read, until a request begins in it; and what the current request was read from, if all of it is.
        self._unbegun = b""
        self._raw = b""

    def feed(self, data: bytes) -> None:
        """Read what has arrived."""
        if len(data) <= HEADER_BYTES_MAX or self._in_body:
            self._feed(data)
            return
        for at in range(0, len(data), HEADER_BYTES_MAX):
            self._feed(data[at : at + HEADER_BYTES_MAX])

    def end(self, *, status: int) -> None:
        """Refuse the request that is being received, if there is one: the rest of it never comes."""
        if self.receiving:
            self._refuse(status)

    def decline(self) -> None:
        """Read on in HTTP/1.1: the offer was answered as any request."""
        self.offered = False
        rest = self.give_up()
        self._parser = httptools.HttpRequestParser(self)
        self._conversation.flow.resume_body()
        if rest:
            self.feed(rest)

    def give_up(self) -> bytes:
        """Return what the client has sent behind its offer."""
        rest, self._rest = self._rest, b""
        return rest

    def lose(self) -> None:
        """Stop reading: the connection is gone."""
        self.deaf = True
        if self.stream is not None:
            self.stream.finish(broken=True)

    def _feed(self, data: bytes) -> None:
        if self.offered:
            self._rest += data
            return
        began, body_bytes = self.began, self.body_bytes
        self._unbegun = b"" if self.receiving else data
        self._raw = b""
        while not self.deaf:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                if self._upgrade and self._is_offer():
                    self._offer(data)
                    return
                self._decline_upgrade()
                continue
            except httptools.HttpParserError:
                self._refuse(505 if self._parser.get_method() == _HTTP2_PREFACE else 400)
            break
        if self.receiving and self.began == began and self.body_bytes == body_bytes:
            self._head_bytes += len(data)
            if self._head_bytes > HEADER_BYTES_MAX:
                self._refuse(431)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Start a request."""
        if not (self._muted or self.deaf):
            self.receiving = True
            self.began += 1
            self.body_bytes = self._head_bytes = self._repeats = 0
            self._in_body = False
            self._target = b""
            self._headers = {}
            self._parts = []
            self._raw, self._unbegun = self._unbegun, b""

    def on_url(self, part: bytes) -> None:
        """Take a part of the request target."""
        if not self._muted:
            self._target = self._target + part if self._target else part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are passed over (RFC 9110, section 6.5.1), but for those of streamed bodies."""
        if self._in_body:
            if self.stream is not None and len(self.stream.trailers) < HEADERS_MAX:
                self.stream.trailers[name.lower()] = value
            return
        headers = self._headers
        name = name.lower()
        if name in headers:
            self._repeats += 1
            if self._repeats <= HEADERS_MAX:
                headers[name] += b", " + value
        else:
            headers[name] = value

    def on_headers_complete(self) -> None:
        """Decide how the body is received."""
        if self._muted or self.deaf:
            self._muted = False
            return
        self._in_body = True
        headers = self._headers
        length = int(headers.get(b"content-length", b"0"))
        self._keep_alive = self._parser.should_keep_alive()
        if (
            self._keep_alive
            and not self._repeats
            and length <= BODY_BUFFERED_BYTES_MAX
            and len(headers) <= HEADERS_MAX
            and b"host" in headers
            and headers.keys().isdisjoint(_SPECIAL)
        ):
            return
        status = self._fault(headers, length)
        if status:
            self._refuse(status)
            return
        # The parser takes all that follows such a head for the other protocol, and the request for complete.
        self._upgrade = b"upgrade" in headers and self._parser.should_upgrade()
        if b"expect" in headers and self._parser.get_http_version() == "1.1":
            self._conversation.invite()
        if length > BODY_BUFFERED_BYTES_MAX or (self._bodies.chunks_at_once and b"transfer-encoding" in headers):
            self._begin_stream()

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        if self.deaf:
            return
        self.body_bytes += len(part)
        if self.body_bytes > self._bodies.bytes_max and self._bodies.forbid(self._target, self.body_bytes):
            self._refuse(413)
        elif self.stream is not None:
            self.stream.feed(part)
        else:
            self._parts.append(part)
            if self.body_bytes > BODY_BUFFERED_BYTES_MAX:
                self._begin_stream()

    def on_message_complete(self) -> None:
        """Hand over the request."""
        if self.deaf or self._upgrade:
            return
        self.receiving = False
        # What follows a client's last request is nothing to us (RFC 9112, section 9.6).
        self.deaf = not self._keep_alive
        if self.stream is not None:
            stream, self.stream = self.stream, None
            stream.finish(broken=False)
        else:
            parts = self._parts
            self._hand_over(parts[0] if len(parts) == 1 else b"".join(parts))

    def _fault(self, headers: dict[bytes, bytes], length: int) -> int:
        """Return the status with which a head has to be refused, 0 if it hasn't."""
        version = self._parser.get_http_version
        coding = headers.get(b"transfer-encoding")
        host = headers.get(b"host")
        if len(headers) > HEADERS_MAX or self._repeats > HEADERS_MAX:
            return 431
        if not self._keep_alive and version() not in _VERSIONS:
            return 505
        if (host is None and version() == "1.1") or (host is not None and b"," in host):
            return 400
        if coding is not None and (coding.lower() != b"chunked" or version() == "1.0"):
            return 400 if coding.lower() == b"chunked" else 501
        if self._bodies.forbid(self._target, length):
            return 413
        if headers.get(b"expect", b"100-continue").lower() != b"100-continue":
            return 417
        return 0

    def _begin_stream(self) -> None:
        stream = self.stream = IncomingBody(self._conversation.flow)
        for part in self._parts:
            stream.feed(part)
        self._hand_over(b"", stream)

    def _hand_over(self, body: bytes, stream: IncomingBody | None = None) -> None:
        parser, target, headers = self._parser, self._target, self._headers
        verb = parser.get_method()
        method = _METHODS.get(verb) or verb.decode("ascii")
        if not target.startswith(b"/"):
            target, host = _origin_form(target)
            if not target:
                self._refuse(501 if method == "CONNECT" else 400)
                return
            if host:
                headers[b"host"] = host
        request = Request(
            method,
            target,
            headers,
            body,
            stream=stream,
            scheme=self.scheme,
            client=self.client,
            client_port=self.port,
            server_port=self.server_port,
        )
        request.upgrade = self.offered
        request.raw = self._raw
        if b"connection" in headers or not self._keep_alive:
            request.keep_alive = self._keep_alive
            request.version = parser.get_http_version()
        self._conversation.take(request)

    def _is_offer(self) -> bool:
        """Whether a request offers to go on in WebSocket (RFC 6455, section 4.1): it has no body."""
        headers = self._headers
        return (
            headers[b"upgrade"].lower() == b"websocket"
            and bool(self._parser.get_method() == b"GET")
            and all(headers.get(name, b"0") == b"0" for name in _FRAMING)
        )

    def _offer(self, rest: bytes) -> None:
        """Hand over a request that may be the last in HTTP: until it is answered, nothing is read."""
        self._upgrade = self.receiving = False
        self.offered = True
        self._rest = rest
        self._conversation.flow.pause_body()
        self._hand_over(b"")

    def _decline_upgrade(self) -> None:
        """Read on in HTTP/1.1 (RFC 9110, section 7.8): a new parser is told only how the body is framed."""
        method = self._parser.get_method()
        self._parser = httptools.HttpRequestParser(self)
        if self._upgrade:
            self._upgrade = False
            self._muted = True
            framing = [b"%b: %b\r\n" % (name, self._headers[name]) for name in _FRAMING if name in self._headers]
            self._parser.feed_data(b"%b / HTTP/1.1\r\n%b\r\n" % (method, b"".join(framing)))

    def _refuse(self, status: int) -> None:
        if not self.deaf:
            self.deaf = True
            stream, self.stream = self.stream, None
            self._conversation.refuse(status, Request("POST", self._target or b"/", self._headers, stream=stream))
            if stream is not None:
                stream.finish(broken=True)


def read_request(raw: bytes) -> Request:
    """Read once more what a request was read from (`Request.raw`)."""
    again = _Again()
    again.reader.feed(raw)
    return again.taken[0]


class _Again:
    """A conversation that takes the first request and nothing else."""

    def __init__(self) -> None:
        self.taken: list[Request] = []
        self.reader = RequestReader(self, Bodies())

    @property
    def flow(self) -> _Again:
        return self

    def pause_body(self) -> None:
        pass

    def resume_body(self) -> None:
        pass

    def take(self, request: Request) -> None:
        self.taken.append(request)
        self.reader.deaf = True

    def invite(self) -> None:
        pass

    def refuse(self, status: int, request: Request) -> None:
        raise AssertionError((status, request.raw_path))


def _origin_form(target: bytes) -> tuple[bytes, bytes]:
    """Return path and host of a target in absolute form (RFC 9112, section 3.2.2), nothing for any other."""
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        return (target, b"") if target == b"*" else (b"", b"")
    host, slash, path = rest.partition(b"/")
    if not slash:
        host, question, query = host.partition(b"?")
        return b"/" + question + query, host
    return slash + path, host
