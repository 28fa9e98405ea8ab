"""The form in which Fogbank answers for itself: JSON, and `{"error": "…"}` where it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.wire.http import Request


class RefusedError(Exception):
    """The request is answered with that status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def json_reply(status: int, value: Any) -> Response:
    """Answer with a value."""
    return Response(status, [(b"Content-Type", b"application/json")], msgspec.json.encode(value))


def error_reply(status: int, message: str) -> Response:
    """Answer with an error."""
    return json_reply(status, {"error": message})


def allow(request: Request, path: str, *methods: str) -> None:
    """Raise `RefusedError` if the request's method is none of those."""
    if request.method not in methods:
        raise RefusedError(405, f"{request.method} is not allowed on {path}; use {methods[0]}.")


def read_query(request: Request, *names: str) -> dict[str, str]:
    """Return the parameters of a request, each of which must be one of `names` and stand there once."""
    values: dict[str, str] = {}
    for name, value in parse_qsl(request.raw_query, keep_blank_values=True):
        if name not in names:
            raise RefusedError(400, f"There is no parameter {name}; there are {', '.join(names)}.")
        if name in values:
            raise RefusedError(400, f"The parameter {name} is given twice.")
        values[name] = value
    return values


def read_number(values: dict[str, str], name: str, low: int, high: int, default: int) -> int:
    """Return a parameter that is a whole number in a range."""
    text = values.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdecimal() and len(text) <= len(str(high)) and low <= int(text) <= high:
        return int(text)
    raise RefusedError(400, f"{name} must be a whole number from {low} to {high}, not {text!r}.")
