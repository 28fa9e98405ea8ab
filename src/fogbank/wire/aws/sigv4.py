"""What a Signature Version 4 says about its request, without checking it.

AWS documentation, "Signature Version 4 for API requests": the Authorization header, or the same facts in the
query of a presigned URL.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from fogbank.wire.http import Request


class Credential(NamedTuple):
    """Who signed, and for which region and service."""

    access_key: str
    region: str
    service: str


class IncompleteSignatureError(Exception):
    """There is a signature, but it isn't of the documented form."""


def read_credential(request: Request) -> Credential | None:
    """Return the credential scope of a request, None if it isn't signed at all."""
    header = request.headers.get(b"authorization")
    if header is not None:
        # The parts that name the scope are the same for all requests of a client and a day.
        return _from_header(header.partition(b", SignedHeaders")[0])
    if "X-Amz-Credential" in request.raw_query:
        return _from_scope(parse_qs(request.raw_query)["X-Amz-Credential"][0])
    return None


@lru_cache(maxsize=1024)
def _from_header(header: bytes) -> Credential | None:
    text = header.decode("latin-1")
    scheme, _, rest = text.partition(" ")
    if not scheme.startswith("AWS4-"):
        return None
    for part in rest.replace(",", " ").split():
        name, _, value = part.partition("=")
        if name == "Credential":
            return _from_scope(value)
    msg = "Authorization header requires 'Credential' parameter."
    raise IncompleteSignatureError(msg)


def _from_scope(scope: str) -> Credential:
    parts = scope.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts):
        msg = f"Credential must have exactly 5 slash-delimited elements, keyid/date/region/service/term, got '{scope}'."
        raise IncompleteSignatureError(msg)
    return Credential(parts[0], parts[2], parts[3])
