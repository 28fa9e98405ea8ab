"""Requests and replies whose members are spread over path, query, headers, status and body.

Smithy, "HTTP binding traits". The body is JSON or XML; `RestBinding` is what both have in common.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

import msgspec

from fogbank.wire.aws.values import MalformedValueError, read_scalar, write_scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.wire.aws.models import Operation, Ref, ServiceModel, Shape
    from fogbank.wire.http import Request

_NO_SHAPE_BODY = ("blob", "string")


class BodyFormat(Protocol):
    """How a structure is written as the body of a message."""

    content_type: bytes

    def read(self, ref: Ref, body: bytes, *, root: str | None) -> Any:
        """Read a value; members bound elsewhere are not in it."""

    def write(self, ref: Ref, value: Any, *, root: str | None) -> bytes:
        """Write a value; members bound elsewhere are not in it."""


class RestBinding:
    """The HTTP binding of one operation."""

    def __init__(self, model: ServiceModel, operation: Operation, body: BodyFormat) -> None:
        self._model = model
        self._operation = operation
        self._format = body

    def read_request(self, request: Request, labels: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """Gather the members of the operation's input; labels come from the route."""
        ref = self._operation.input
        if ref is None:
            return {}
        shape = self._model.shape(ref)
        result = self._read_body(ref, shape, body)
        query = parse_qsl(request.raw_query, keep_blank_values=True) if request.raw_query else []
        for name, member in shape.members.items():
            if member.location is not None:
                value = self._read_bound(name, member, request, labels, query)
                if value is not None:
                    result[name] = value
        return result

    def write_reply(self, value: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Spread a reply over status, headers and body."""
        status = self._operation.http.response_code
        headers: list[tuple[bytes, bytes]] = []
        ref = self._operation.output
        if ref is None:
            return status, headers, b""
        shape = self._model.shape(ref)
        for name, member in shape.members.items():
            item = value.get(name)
            if item is None or member.location is None:
                continue
            if member.location == "statusCode":
                status = item
            elif member.location == "headers":
                prefix = member.location_name or ""
                headers += [((prefix + key).encode(), text.encode("latin-1")) for key, text in item.items()]
            else:
                text = self._write_text(member, item, "rfc822")
                headers.append(((member.location_name or name).encode(), text.encode("latin-1")))
        body, content_type = self._write_body(ref, shape, value)
        if content_type:
            headers.append((b"Content-Type", content_type))
        return status, headers, body

    def _read_body(self, ref: Ref, shape: Shape, body: bytes) -> dict[str, Any]:
        if shape.payload is not None:
            member = shape.members[shape.payload]
            kind = self._model.shape(member).type
            if kind == "blob":
                return {shape.payload: body} if body else {}
            if kind == "string":
                return {shape.payload: body.decode()} if body else {}
            if not body:
                return {}
            root = member.location_name or member.shape
            return {shape.payload: self._format.read(member, body, root=root)}
        if body and any(member.location is None for member in shape.members.values()):
            result: dict[str, Any] = self._format.read(ref, body, root=ref.location_name)
            return result
        return {}

    def _read_bound(
        self, name: str, ref: Ref, request: Request, labels: Mapping[str, str], query: list[tuple[str, str]]
    ) -> Any:
        wire_name = ref.location_name or name
        shape = self._model.shape(ref)
        if ref.location == "uri":
            return self._read_text(ref, labels[wire_name], name)
        if ref.location == "querystring":
            if shape.type == "map":
                return self._read_query_map(shape, query) or None
            values = [value for key, value in query if key == wire_name]
            if not values:
                return None
            if shape.type == "list":
                assert shape.member is not None
                return [self._read_text(shape.member, value, name) for value in values]
            return self._read_text(ref, values[-1], name)
        if ref.location == "headers":
            prefix = wire_name.lower()
            found = {
                key.decode("latin-1")[len(prefix) :]: value.decode("latin-1")
                for key, value in request.headers.items()
                if key.decode("latin-1").startswith(prefix)
            }
            return found or None
        raw = request.headers.get(wire_name.lower().encode())
        return None if raw is None else self._read_header(ref, shape, raw.decode("latin-1"), name)

    def _read_query_map(self, shape: Shape, query: list[tuple[str, str]]) -> dict[str, Any]:
        assert shape.value is not None
        bound = {ref.location_name for ref in self._model.shape(self._operation.input).members.values()}  # type: ignore[arg-type]
        result: dict[str, Any] = {}
        for key, value in query:
            if key not in bound:
                if self._model.shape(shape.value).type == "list":
                    result.setdefault(key, []).append(value)
                else:
                    result[key] = value
        return result

    def _read_header(self, ref: Ref, shape: Shape, text: str, name: str) -> Any:
        if ref.jsonvalue:
            try:
                return msgspec.json.decode(b64decode(text))
            except (Base64Error, msgspec.DecodeError):
                raise MalformedValueError("JSON in base64", name) from None
        if shape.type == "list":
            assert shape.member is not None
            kind = self._model.shape(shape.member).type
            if kind == "timestamp":
                days = text.split(",")
                parts = [",".join(pair) for pair in zip(days[::2], days[1::2], strict=True)]
            else:
                parts = text.split(",")
            return [self._read_text(shape.member, part.strip(), name) for part in parts]
        return self._read_text(ref, text, name)

    def _read_text(self, ref: Ref, text: str, name: str) -> Any:
        try:
            return read_scalar(self._model.shape(ref).type, text)
        except MalformedValueError as error:
            raise MalformedValueError(error.expected, name) from None

    def _write_text(self, ref: Ref, value: Any, style: str) -> str:
        shape = self._model.shape(ref)
        if ref.jsonvalue:
            return b64encode(msgspec.json.encode(value)).decode()
        if shape.type == "list":
            assert shape.member is not None
            member = shape.member
            return ", ".join(self._write_text(member, item, style) for item in value)
        style = ref.timestamp_format or shape.timestamp_format or style
        return write_scalar(shape.type, value, style)

    def _write_body(self, ref: Ref, shape: Shape, value: dict[str, Any]) -> tuple[bytes, bytes]:
        if shape.payload is not None:
            member = shape.members[shape.payload]
            item = value.get(shape.payload)
            kind = self._model.shape(member).type
            if kind in _NO_SHAPE_BODY:
                data = b"" if item is None else item if isinstance(item, bytes) else str(item).encode()
                return data, b"" if any(m.location_name == "Content-Type" for m in shape.members.values()) else (
                    b"application/octet-stream" if data else b""
                )
            if item is None:
                return b"", b""
            root = member.location_name or member.shape
            return self._format.write(member, item, root=root), self._format.content_type
        body = {name: item for name, item in value.items() if shape.members[name].location is None}
        if not any(member.location is None for member in shape.members.values()):
            return b"", b""
        return self._format.write(ref, body, root=ref.location_name or ref.shape), self._format.content_type
