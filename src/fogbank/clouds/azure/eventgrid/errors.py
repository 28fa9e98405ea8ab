"""Errors of Event Grid's endpoints: `{"error": {"code", "message", "details"}}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.azure.errors import json_response

if TYPE_CHECKING:
    from fogbank.wire.http import Response


class EventGridError(Exception):
    """A request is refused; `detail` is the inner code, empty for none."""

    def __init__(self, status: int, code: str, message: str, detail: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail


def invalid(message: str, detail: str = "InputJsonInvalid") -> EventGridError:
    """What was published isn't what it has to be."""
    return EventGridError(400, "BadRequest", message, detail)


def unauthorized(message: str) -> EventGridError:
    """The request doesn't prove that it may be made."""
    return EventGridError(401, "Unauthorized", message)


def too_large(message: str) -> EventGridError:
    """It is more than may be published at once."""
    return EventGridError(413, "PayloadTooLarge", message)


def error_response(error: EventGridError) -> Response:
    """Return the response that an error makes."""
    details = [{"code": error.detail, "message": error.message}] if error.detail else []
    told = {"code": error.code, "message": error.message, **({"details": details} if details else {})}
    return json_response(error.status, {"error": told})
