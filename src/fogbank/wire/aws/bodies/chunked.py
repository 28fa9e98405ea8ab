"""Bodies in `aws-chunked` content encoding: signed or unsigned chunks, and trailers.

AWS documentation, "Signature calculations for the Authorization header: transferring payload in multiple
chunks" and "… including trailing headers": `size[;chunk-signature=…]CRLF data CRLF … 0 CRLF trailers CRLF`.
"""

from __future__ import annotations

import re
from typing import Final

from fogbank.wire.aws.errors import AwsError

SIZE_LINE_BYTES_MAX: Final = 1_024
TRAILER_BYTES_MAX: Final = 16_384
_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,8})(?:;chunk-signature=[0-9a-fA-F]*)?")
_TRAILER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*")


def decode_chunks(body: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the data of a body in chunks, and its trailers by their names in lower case; raises `AwsError`."""
    parts = []
    at = 0
    while True:
        end = body.find(b"\r\n", at, at + SIZE_LINE_BYTES_MAX)
        line = _SIZE.fullmatch(body, at, end) if end >= 0 else None
        if line is None:
            raise AwsError("IncompleteBody", "The request body has no chunk where one should begin.")
        size = int(line[1], 16)
        at = end + 2
        if size == 0:
            break
        if body[at + size : at + size + 2] != b"\r\n":
            raise AwsError("IncompleteBody", "A chunk of the request body is not as long as its size says.")
        parts.append(body[at : at + size])
        at += size + 2
    return b"".join(parts), _read_trailers(body[at:])


def _read_trailers(text: bytes) -> dict[bytes, bytes]:
    trailers = {}
    # The last line is empty; clients leave out one line break, or both, where there are no trailers.
    for line in text.removesuffix(b"\r\n").removesuffix(b"\r\n").split(b"\r\n") if text else ():
        match = _TRAILER.fullmatch(line)
        if len(text) > TRAILER_BYTES_MAX or (line and match is None):
            raise malformed_trailer()
        if match is not None:
            trailers[match[1].lower()] = match[2]
    return trailers


def malformed_trailer() -> AwsError:
    """What follows the last chunk isn't what it should be."""
    return AwsError(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )
