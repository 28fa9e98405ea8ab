"""Cross-origin requests of web pages, which Google's APIs allow from everywhere.

Fetch Standard, "CORS protocol" (https://fetch.spec.whatwg.org/#http-cors-protocol): the browser asks beforehand by
OPTIONS, and lets the page see answers that name its origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.wire.http import Request

_METHODS: Final = b"DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"
# Headers of answers that scripts may read: what WebChannel's clients look at.
_EXPOSED: Final = b"X-HTTP-Session-Id,X-HTTP-Initial-Response,X-Client-Wire-Protocol,Date,Content-Encoding,Server"
_SECONDS: Final = b"3600"


def preflight(request: Request) -> Response | None:
    """Return the answer to what a browser asks beforehand; None if it doesn't."""
    wanted = request.headers.get(b"access-control-request-method")
    if request.method != "OPTIONS" or wanted is None:
        return None
    headers = [(b"Access-Control-Allow-Methods", _METHODS), (b"Access-Control-Max-Age", _SECONDS)]
    asked = request.headers.get(b"access-control-request-headers")
    if asked is not None:
        headers.append((b"Access-Control-Allow-Headers", asked))
    if request.headers.get(b"access-control-request-private-network") == b"true":
        headers.append((b"Access-Control-Allow-Private-Network", b"true"))
    return allow_origin(Response(200, headers), request)


def allow_origin(response: Response, request: Request) -> Response:
    """Let the page that sent a request see its answer."""
    origin = request.headers.get(b"origin")
    if origin is not None:
        response.headers += [
            (b"Access-Control-Allow-Origin", origin),
            (b"Access-Control-Allow-Credentials", b"true"),
            (b"Access-Control-Expose-Headers", _EXPOSED),
        ]
    return response
