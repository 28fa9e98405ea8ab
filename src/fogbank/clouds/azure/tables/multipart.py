"""Batches on the wire: `multipart/mixed` of requests, and of their answers (RFC 2046, OData's batch processing)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from fogbank.clouds.azure.tables.errors import invalid_input
from fogbank.wire.http import REASONS, Request, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTS_MAX: Final = 200
_BOUNDARY: Final = re.compile(r"multipart/mixed\s*;.*?boundary=(?:\"([^\"]+)\"|([^\s;,]+))", re.IGNORECASE | re.DOTALL)


class Part(NamedTuple):
    """A part of a body: headers with small names, and what is in it."""

    headers: dict[str, str]
    body: bytes


def boundary_of(media: str) -> bytes:
    """Return what stands between the parts of a body, by its media type."""
    match = _BOUNDARY.match(media)
    if match is None:
        raise invalid_input("A batch must be multipart/mixed, with a boundary.")
    return (match[1] or match[2]).encode("latin-1")


def read_parts(data: bytes, boundary: bytes) -> list[Part]:
    """Return the parts of a body."""
    mark = b"--" + boundary
    pieces = data.split(mark, PARTS_MAX)
    if len(pieces) < 2:
        raise invalid_input("The batch has no part.")
    parts: list[Part] = []
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return parts
        headers, body = _split(piece.lstrip(b" \t").removeprefix(b"\r").removeprefix(b"\n"))
        parts.append(Part(headers, body.removesuffix(b"\n").removesuffix(b"\r")))
    raise invalid_input("The batch has no end, or too many parts.")


def _split(data: bytes) -> tuple[dict[str, str], bytes]:
    """Return headers, and what follows the empty line behind them."""
    headers: dict[str, str] = {}
    while data:
        line, _, data = data.partition(b"\n")
        line = line.rstrip(b"\r")
        if not line:
            break
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or len(headers) > 100:
            raise invalid_input("A part of the batch has no headers.")
        headers[name.strip().lower()] = value.strip()
    return headers, data


def read_request(part: Part, outer: Request) -> tuple[Request, str]:
    """Return the request that a part has, as if it had come the way of the batch, and its Content-ID."""
    if not part.headers.get("content-type", "").lower().startswith("application/http"):
        raise invalid_input("A part of a batch must be application/http.")
    line, _, rest = part.body.lstrip(b"\r\n").partition(b"\n")
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise invalid_input("A part of a batch must begin with a method, an address and HTTP/1.1.")
    headers, body = _split(rest)
    address = urlsplit(words[1])
    target = f"{address.path}?{address.query}" if address.query else address.path
    named = {name.encode("latin-1"): value.encode("latin-1") for name, value in headers.items()}
    named[b"host"] = address.netloc.encode("latin-1") or outer.headers.get(b"host", b"")
    request = Request(
        words[0].upper(),
        target.encode("latin-1"),
        named,
        body.rstrip(b"\r\n"),
        scheme=outer.scheme,
        client=outer.client,
    )
    return request, headers.get("content-id", "") or part.headers.get("content-id", "")


def write_parts(number: str, answers: Sequence[tuple[str, Response]], *, changes: bool = True) -> Response:
    """Return the answer to a batch: those to its requests, each with its Content-ID."""
    inner, outer = f"changesetresponse_{number}", f"batchresponse_{number}"
    texts = [_write(content_id, response) for content_id, response in answers]
    if changes:
        head = f"--{outer}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n".encode()
        between = f"--{inner}\r\n".encode()
        body = head + b"".join([between + text for text in texts]) + f"--{inner}--\r\n--{outer}--\r\n".encode()
    else:
        between = f"--{outer}\r\n".encode()
        body = b"".join([between + text for text in texts]) + f"--{outer}--\r\n".encode()
    return Response(202, [(b"Content-Type", f"multipart/mixed; boundary={outer}".encode())], body)


def _write(content_id: str, response: Response) -> bytes:
    lines = [
        b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n",
        b"HTTP/1.1 %d %b" % (response.status, REASONS.get(response.status, b"")),
    ]
    if content_id:
        lines.append(b"Content-ID: " + content_id.encode("latin-1"))
    lines.append(b"X-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\nDataServiceVersion: 3.0;")
    lines += [name + b": " + value for name, value in response.headers]
    assert isinstance(response.body, bytes)
    return b"\r\n".join([*lines, b"", response.body, b""])
