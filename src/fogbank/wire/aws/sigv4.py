"""What a Signature Version 4 says about its request, without checking it.

AWS documentation, "Signature Version 4 for API requests": the Authorization header, or the same facts in the
query of a presigned URL.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from fogbank.wire.http import Request

ALGORITHM: Final = "AWS4-HMAC-SHA256"
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


class Credential(NamedTuple):
    """Who signed, and for which region and service."""

    access_key: str
    region: str
    service: str


class IncompleteSignatureError(Exception):
    """There is a signature, but it isn't of the documented form."""


def read_credential(request: Request) -> Credential | None:
    """Return the credential scope of a request, None if it isn't signed at all; raises `IncompleteSignatureError`."""
    header = request.headers.get(b"authorization")
    if header is not None:
        scope, separator, rest = header.partition(b", SignedHeaders=")
        if separator and b"Signature=" in rest:
            # The part that names the scope is the same for all requests of a client and a day.
            return _from_start(scope)
        return _from_any(header)
    if "X-Amz-Credential=" in request.raw_query:
        query = parse_qs(request.raw_query)
        if "X-Amz-Credential" in query:
            return _from_scope(query["X-Amz-Credential"][0])
    return None


@lru_cache(maxsize=1024)
def _from_start(start: bytes) -> Credential:
    return _from_any(start + b", SignedHeaders=, Signature=")


def _from_any(header: bytes) -> Credential:
    """Read any order and any spacing of the header's parts."""
    text = header.decode("latin-1")
    algorithm, _, rest = text.strip().partition(" ")
    if algorithm != ALGORITHM:
        msg = f"Unsupported authorization type {algorithm!r}; expected {ALGORITHM}."
        raise IncompleteSignatureError(msg)
    parts = {}
    for part in rest.replace(",", " ").split():
        name, equals, value = part.partition("=")
        if not equals:
            msg = f"'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{text}'."
            raise IncompleteSignatureError(msg)
        parts[name] = value
    lacking = [name for name in ("Credential", "Signature", "SignedHeaders") if name not in parts]
    if lacking:
        told = " ".join(f"Authorization header requires '{name}' parameter." for name in lacking)
        raise IncompleteSignatureError(f"{told} Authorization={text}")
    return _from_scope(parts["Credential"])


def _from_scope(scope: str) -> Credential:
    parts = scope.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts):
        msg = f"Credential must have exactly 5 slash-delimited elements, keyid/date/region/service/term, got '{scope}'."
        raise IncompleteSignatureError(msg)
    key, _date, region, service, _term = parts
    if not _NAME.fullmatch(region):
        msg = f"Credential should be scoped to a valid region, not '{region}'."
        raise IncompleteSignatureError(msg)
    if not _NAME.fullmatch(service):
        msg = f"Credential should be scoped to a valid service, not '{service}'."
        raise IncompleteSignatureError(msg)
    return Credential(key, region, service)
