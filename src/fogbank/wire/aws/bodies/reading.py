"""From a request to the body that its sender meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.wire.aws.bodies.checksums import HEADERS
from fogbank.wire.aws.bodies.chunked import decode_chunks, malformed_trailer
from fogbank.wire.aws.bodies.integrity import check_checksum, check_md5
from fogbank.wire.aws.errors import AwsError
from fogbank.wire.http import BodyTooLargeError

if TYPE_CHECKING:
    from fogbank.wire.http import Request

# A request with none of these has its body as it is.
_PACKING: Final = frozenset({b"content-encoding", b"content-md5", b"x-amz-decoded-content-length", b"x-amz-trailer"})
_CHUNKED: Final = b"aws-chunked"


def is_plain(request: Request) -> bool:
    """Whether the body has come whole and as it is, so that nothing needs to be read or checked."""
    return request.stream is None and request.headers.keys().isdisjoint(_PACKING)


async def read_body(request: Request) -> bytes:
    """Return the whole body, out of its chunks and checked; raises `AwsError`.

    What only describes the packing is taken out of the request's headers.
    """
    try:
        body = request.body if request.stream is None else await request.read()
    except BodyTooLargeError as error:
        raise AwsError("RequestEntityTooLarge", str(error), 413) from None
    headers = request.headers
    if headers.keys().isdisjoint(_PACKING):
        return body
    if b"content-md5" in headers:
        check_md5(headers[b"content-md5"], body)
    codings = [coding.strip() for coding in headers.get(b"content-encoding", b"").split(b",") if coding.strip()]
    streaming = headers.get(b"x-amz-content-sha256", b"").startswith(b"STREAMING-")
    return await _unpack(request, body, codings) if streaming or _CHUNKED in codings else body


async def _unpack(request: Request, body: bytes, codings: list[bytes]) -> bytes:
    """Take a body out of its chunks, and check it against its trailers."""
    headers = request.headers
    length = headers.get(b"x-amz-decoded-content-length")
    if length is None or not length.isdigit():
        raise AwsError("MissingContentLength", "You must provide the x-amz-decoded-content-length HTTP header.", 411)
    data, trailers = decode_chunks(body)
    if len(data) != int(length):
        raise AwsError("IncompleteBody", "The request body is not as long as x-amz-decoded-content-length says.")
    announced = [name.strip().lower() for name in headers.get(b"x-amz-trailer", b"").split(b",") if name.strip()]
    if any(name not in trailers for name in announced):
        raise malformed_trailer()
    for name in HEADERS & trailers.keys():
        await check_checksum(name, trailers[name], data, trailing=True)
    headers[b"content-length"] = length
    others = b",".join(coding for coding in codings if coding != _CHUNKED)
    if others:
        headers[b"content-encoding"] = others
    else:
        headers.pop(b"content-encoding", None)
    return data
