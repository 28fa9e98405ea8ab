"""How the APIs of one instance answer."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from fogbank.wire.http import Response

_JSON: Final = (b"Content-Type", b"application/json")


def accepted() -> Response:
    """Return that something was taken note of."""
    return Response(202, [_JSON], b'{"status":"OK"}\n')


def found(body: Any, *fields: tuple[bytes, bytes]) -> Response:
    """Return what was asked for: bytes as they are, anything else in JSON."""
    return Response(200, [_JSON, *fields], body if isinstance(body, bytes) else msgspec.json.encode(body))


def error(status: int, kind: str, message: str) -> Response:
    """Return that a call is refused."""
    return Response(status, [_JSON], msgspec.json.encode({"errorMessage": message, "errorType": kind}))
