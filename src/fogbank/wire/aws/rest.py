"""Requests and replies whose members are spread over path, query, headers, status and body.

Smithy, "HTTP binding traits". The body is JSON or XML. Both directions are compiled for each operation.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import msgspec

from fogbank.wire.aws.values import MalformedValueError, decode_text, members_of, read_scalar, write_scalar
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from fogbank.wire.aws.models import Operation, Ref, ServiceModel, Shape
    from fogbank.wire.http import Request

Query: TypeAlias = "Mapping[str, list[str]]"
BoundReader: TypeAlias = "Callable[[Request, Mapping[str, str], Query], Any]"
Headers: TypeAlias = "list[tuple[bytes, bytes]]"
HeaderWriter: TypeAlias = "Callable[[Any, Headers], None]"
_BARE: Final = ("blob", "string")
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
# RFC 9110, section 5.6.1: an element is a quoted string or runs up to the next comma.
_ELEMENT: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"\s*|([^,]*))(?:,|$)')


class BodyFormat(Protocol):
    """How a structure is written as the body of a message."""

    content_type: bytes

    def reader(self, ref: Ref) -> Callable[[bytes], Any]:
        """Compile the reader of a value; members bound elsewhere are not in it."""

    def writer(self, ref: Ref, root: str) -> Callable[[Any], bytes]:
        """Compile the writer of a value, named `root` where names are written."""


class RestReader:
    """Gathers the members of one operation's input."""

    def __init__(self, model: ServiceModel, operation: Operation, body: BodyFormat) -> None:
        self._model = model
        self._bound: list[tuple[str, BoundReader]] = []
        self._body: Callable[[bytes], dict[str, Any]] | None = None
        if operation.input is not None:
            shape = model.shape(operation.input)
            self._bound = [
                (name, self._reader(name, ref, shape)) for name, ref in shape.members.items() if ref.location
            ]
            self._body = self._body_reader(operation.input, shape, body)

    def read(self, request: Request, labels: Mapping[str, str], query: Query, body: bytes) -> dict[str, Any]:
        """Return the members that were sent; labels and query come from the route. Raises `MalformedValueError`."""
        members = {} if self._body is None else self._body(body)
        for name, read in self._bound:
            value = read(request, labels, query)
            if value is not None:
                members[name] = value
        return members

    def _body_reader(self, ref: Ref, shape: Shape, body: BodyFormat) -> Callable[[bytes], dict[str, Any]] | None:
        name = shape.payload
        if name is None:
            if all(member.location for member in shape.members.values()):
                return None
            read = body.reader(ref)
            return lambda data: read(data) if data else {}
        member = shape.members[name]
        kind = self._model.shape(member).type
        if kind not in _BARE:
            read = body.reader(member)
            return lambda data: {name: read(data)} if data else {}
        read = _same if kind == "blob" else decode_text
        # No body and an empty one look the same; where there has to be one, it is empty.
        required = name in shape.required
        return lambda data: {name: read(data)} if data or required else {}

    def _reader(self, name: str, ref: Ref, parent: Shape) -> BoundReader:
        wire_name = ref.location_name or name
        shape = self._model.shape(ref)
        if ref.location == "uri":
            read = self._text_reader(ref, name)
            return lambda _request, labels, _query: read(labels[wire_name])
        if ref.location == "querystring":
            return self._query_reader(name, wire_name, ref, parent)
        if ref.location == "headers":
            return _prefixed_headers(wire_name.lower())
        header = wire_name.lower().encode()
        read = self._header_list(shape, name) if shape.type == "list" else self._text_reader(ref, name)

        def read_header(request: Request, _labels: object, _query: object) -> Any:
            raw = request.headers.get(header)
            return None if raw is None else read(raw.decode("latin-1"))

        return read_header

    def _query_reader(self, name: str, wire_name: str, ref: Ref, parent: Shape) -> BoundReader:
        shape = self._model.shape(ref)
        if shape.type == "map":
            bound = {other.location_name or member for member, other in parent.members.items()}
            assert shape.value is not None
            many = self._model.shape(shape.value).type == "list"

            def read_others(_request: object, _labels: object, query: Query) -> Any:
                found = {key: values if many else values[-1] for key, values in query.items() if key not in bound}
                return found or None

            return read_others
        if shape.type == "list":
            assert shape.member is not None
            read_item = self._text_reader(shape.member, name)

            def read_list(_request: object, _labels: object, query: Query) -> Any:
                values = query.get(wire_name)
                return None if values is None else [read_item(value) for value in values]

            return read_list
        read = self._text_reader(ref, name)

        def read_one(_request: object, _labels: object, query: Query) -> Any:
            values = query.get(wire_name)
            return None if values is None else read(values[-1])

        return read_one

    def _header_list(self, shape: Shape, name: str) -> Callable[[str], Any]:
        assert shape.member is not None
        read = self._text_reader(shape.member, name)
        if self._model.shape(shape.member).type != "timestamp":
            return lambda text: [read(part) for part in _elements(text)]

        def read_dates(text: str) -> Any:
            # Each date has a comma of its own: "Mon, 01 Jan 2024 00:00:00 GMT".
            parts = text.split(",")
            return [read(",".join(parts[at : at + 2]).strip()) for at in range(0, len(parts), 2)]

        return read_dates

    def _text_reader(self, ref: Ref, name: str) -> Callable[[str], Any]:
        kind = self._model.shape(ref).type
        if ref.jsonvalue:
            return lambda text: _json_value(text, name)
        if kind == "string":
            return _same

        def read(text: str) -> Any:
            try:
                return read_scalar(kind, text)
            except MalformedValueError as error:
                raise MalformedValueError(error.expected, name) from None

        return read


class RestWriter:
    """Spreads one operation's reply, or an error, over status, headers and body."""

    def __init__(self, model: ServiceModel, ref: Ref | None, status: int, body: BodyFormat) -> None:
        self._model = model
        self._status = status
        self._status_member: str | None = None
        self._length_member: str | None = None
        self._headers: list[tuple[str, HeaderWriter]] = []
        self._payload: str | None = None
        self._write: Callable[[Any], bytes | AsyncIterator[bytes]] | None = None
        self._type = body.content_type
        self._in_body: list[str] = []
        if ref is not None:
            self._compile(ref, model.shape(ref), body)

    def write(self, reply: Any) -> Response:
        """Return the response; a streamed payload stays one, and its length is the one that the reply tells."""
        members = members_of(reply)
        status = self._status
        if self._status_member is not None:
            status = members.get(self._status_member) or status
        headers: Headers = []
        for name, write_header in self._headers:
            item = members.get(name)
            if item is not None:
                write_header(item, headers)
        body: bytes | AsyncIterator[bytes] = b""
        if self._write is not None:
            if self._payload is None:
                body = self._write({name: members[name] for name in self._in_body if members.get(name) is not None})
            elif members.get(self._payload) is not None:
                body = self._write(members[self._payload])
            if body and self._type:
                headers.append((b"Content-Type", self._type))
        length = None if self._length_member is None else members.get(self._length_member)
        return Response(status, headers, body, length)

    def _compile(self, ref: Ref, shape: Shape, body: BodyFormat) -> None:
        for name, member in shape.members.items():
            if member.location == "statusCode":
                self._status_member = name
            elif (member.location_name or "").lower() == "content-length":
                self._length_member = name
            elif member.location is not None:
                self._headers.append((name, self._header_writer(name, member)))
            elif name != shape.payload:
                self._in_body.append(name)
        self._payload = shape.payload
        if shape.payload is None:
            if self._in_body:
                self._write = body.writer(ref, ref.location_name or ref.shape)
            return
        member = shape.members[shape.payload]
        if self._model.shape(member).type in _BARE or self._model.shape(member).eventstream:
            # The operation writes the events, as its reply is an iterator of their bytes (`event_stream.py`).
            named = any((each.location_name or "").lower() == "content-type" for each in shape.members.values())
            self._write = _bare
            self._type = b"" if named else b"application/octet-stream"
        else:
            self._write = body.writer(member, member.location_name or member.shape)

    def _header_writer(self, name: str, ref: Ref) -> HeaderWriter:
        wire_name = (ref.location_name or name).encode()
        if ref.location == "headers":

            def write_prefixed(value: Any, headers: Headers) -> None:
                headers.extend((wire_name + _header(key), _header(text)) for key, text in value.items())

            return write_prefixed
        write = self._text_writer(ref)
        return lambda value, headers: headers.append((wire_name, _header(write(value))))

    def _text_writer(self, ref: Ref) -> Callable[[Any], str]:
        shape = self._model.shape(ref)
        if ref.jsonvalue:
            return lambda value: b64encode(msgspec.json.encode(value)).decode()
        if shape.type == "list":
            assert shape.member is not None
            write = self._text_writer(shape.member)
            return lambda value: ", ".join(map(write, value))
        style = ref.timestamp_format or shape.timestamp_format or "rfc822"
        kind = shape.type
        return lambda value: write_scalar(kind, value, style)


def _prefixed_headers(prefix: str) -> BoundReader:
    start = prefix.encode()

    def read(request: Request, _labels: object, _query: object) -> Any:
        found = {
            name[len(start) :].decode("latin-1"): value.decode("latin-1")
            for name, value in request.headers.items()
            if name.startswith(start)
        }
        return found or None

    return read


def _elements(text: str) -> list[str]:
    """Take a list in a header apart."""
    found = []
    at = 0
    while at <= len(text):
        match = _ELEMENT.match(text, at)
        if match is None:
            raise MalformedValueError("a list with its quotes closed")
        quoted, bare = match.groups()
        found.append(bare.strip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        if not match[0].endswith(","):
            break
        at = match.end()
    return found


def _json_value(text: str, name: str) -> Any:
    try:
        return msgspec.json.decode(b64decode(text, validate=True))
    except (Base64Error, ValueError, msgspec.DecodeError, RecursionError):
        raise MalformedValueError("JSON in base64", name) from None


def _header(text: str) -> bytes:
    """Return a header's name or value; what would break the message, or isn't Latin-1, becomes a question mark."""
    if not text.isprintable():
        text = _UNPRINTABLE.sub("?", text)
    return text.encode("latin-1", "replace")


def _bare(value: Any) -> bytes | AsyncIterator[bytes]:
    return value.encode() if isinstance(value, str) else value


def _same(value: Any) -> Any:
    return value
