"""Errors as Azure Resource Manager words them: `{"error": {"code", "message"}}`."""

from __future__ import annotations

from typing import Any

import msgspec

from fogbank.wire.http import Response


class AzureError(Exception):
    """A request is refused. `status` is that of HTTP, `code` the machine's word for it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str) -> AzureError:
    """Something in the request isn't allowed."""
    return AzureError(400, "BadRequest", message)


def unsupported(what: str) -> AzureError:
    """Azure has it, and Fogbank has not."""
    return bad_request(f"Fogbank does not support {what}.")


def json_response(status: int, value: Any, headers: list[tuple[bytes, bytes]] | None = None) -> Response:
    """Return a response with a JSON body."""
    content = (b"Content-Type", b"application/json; charset=utf-8")
    return Response(status, [content, *(headers or ())], msgspec.json.encode(value))


def error_response(error: AzureError, headers: list[tuple[bytes, bytes]] | None = None) -> Response:
    """Return the response that an error makes."""
    return json_response(error.status, {"error": {"code": error.code, "message": error.message}}, headers)
