"""What a function returns as the response of its URL.

AWS Lambda Developer Guide, "Invoking Lambda function URLs", "Response payload format": an object with a status code
is the response, any other value is the body of one, in JSON; a text that a function returns is the body as it is.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any, Final

import msgspec

from fogbank.wire.http import Response

JSON: Final = b"application/json"
STATUS_MIN: Final = 200
STATUS_MAX: Final = 599
# What the server itself says of a response.
_OURS: Final = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding", "upgrade"})
_CONTENT_TYPE: Final = "content-type"


class UnusableResponseError(Exception):
    """What the function returned isn't of the documented form."""


def response_of(payload: bytes) -> Response:
    """Return the response that a function's result describes; raises `UnusableResponseError`."""
    try:
        value: Any = msgspec.json.decode(payload) if payload else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Response(200, [(b"Content-Type", JSON)], payload)
    if not isinstance(value, dict) or "statusCode" not in value:
        body = value.encode() if isinstance(value, str) else payload
        return Response(200, [(b"Content-Type", JSON)], body)
    return Response(*head_of(value, JSON), _body(value))


def head_of(value: dict[str, Any], content_type: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Return status and headers that a function describes; `content_type` is that of a response that names none."""
    headers = _headers(value.get("headers"), content_type.decode())
    cookies = value.get("cookies")
    if cookies is not None and not isinstance(cookies, list):
        raise UnusableResponseError
    fields = [(name.encode("latin-1", "replace"), _field(text)) for name, text in headers.items() if name not in _OURS]
    fields += [(b"Set-Cookie", _field(cookie)) for cookie in cookies or ()]
    return _status(value.get("statusCode", 200)), fields


def _status(value: Any) -> int:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not STATUS_MIN <= value <= STATUS_MAX:
        raise UnusableResponseError
    return value


def _headers(value: Any, content_type: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise UnusableResponseError
    headers = {str(name).strip().lower(): text for name, text in (value or {}).items()}
    if any(not name or not name.isascii() or not name.isprintable() or set(name) & set(" :") for name in headers):
        raise UnusableResponseError
    headers.setdefault(_CONTENT_TYPE, content_type)
    return headers


def _field(value: Any) -> bytes:
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str | int | float):
        raise UnusableResponseError
    text = str(value)
    if "\r" in text or "\n" in text or "\0" in text:
        raise UnusableResponseError
    return text.encode("utf-8", "replace")


def _body(value: dict[str, Any]) -> bytes:
    body = value.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return msgspec.json.encode(body)
    if not value.get("isBase64Encoded"):
        return body.encode("utf-8", "replace")
    try:
        return b64decode(body, validate=True)
    except (Base64Error, ValueError):
        raise UnusableResponseError from None
