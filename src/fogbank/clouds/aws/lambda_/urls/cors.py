"""What a function URL lets pages of other origins do.

AWS Lambda Developer Guide, "Creating and managing Lambda function URLs", "Cross-origin resource sharing": the URL's
own settings answer preflight requests, and take the place of such headers in the function's responses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.engines.functions.entrances.urls import Cors
    from fogbank.wire.http import Request

    Fields: TypeAlias = list[tuple[bytes, bytes]]

_PREFIX: Final = b"access-control-"


def is_preflight(request: Request) -> bool:
    """Whether a browser asks what it may send (Fetch, "CORS-preflight request")."""
    return (
        request.method == "OPTIONS"
        and b"origin" in request.headers
        and b"access-control-request-method" in request.headers
    )


def preflight(cors: Cors, request: Request) -> Response:
    """Answer what may be sent; to an origin that may send nothing, nothing is said."""
    fields = _allowed(cors, request)
    if fields:
        for name, values in (
            (b"Access-Control-Allow-Methods", cors.methods),
            (b"Access-Control-Allow-Headers", cors.headers),
        ):
            if values:
                fields.append((name, ",".join(values).encode()))
        if cors.max_age_seconds is not None:
            fields.append((b"Access-Control-Max-Age", str(cors.max_age_seconds).encode()))
    return Response(200, fields)


def share(cors: Cors, request: Request, response: Response) -> None:
    """Say in a response whether the page that asked may read it."""
    response.headers = [(name, value) for name, value in response.headers if not name.lower().startswith(_PREFIX)]
    fields = _allowed(cors, request)
    if fields and cors.exposed:
        fields.append((b"Access-Control-Expose-Headers", ",".join(cors.exposed).encode()))
    response.headers += fields


def _allowed(cors: Cors, request: Request) -> Fields:
    origin = request.headers.get(b"origin")
    if origin is None:
        return []
    origins = cors.origins or []
    everyone = "*" in origins
    if not everyone and origin.decode("latin-1").lower() not in (each.lower() for each in origins):
        return []
    fields: Fields = []
    if everyone and not cors.credentials:
        fields.append((b"Access-Control-Allow-Origin", b"*"))
    else:
        fields += [(b"Access-Control-Allow-Origin", origin), (b"Vary", b"Origin")]
    if cors.credentials:
        fields.append((b"Access-Control-Allow-Credentials", b"true"))
    return fields
