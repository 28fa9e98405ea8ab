"""Errors as Azure Storage words them in XML ("Status and error codes")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

_ESCAPES: Final = {"\r": "&#xD;"}


class StorageError(Exception):
    """A request is refused; `details` are further elements of the error."""

    def __init__(self, status: int, code: str, message: str, details: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details or {}


def text_of(value: str) -> str:
    """Return a text as it stands in XML."""
    return escape(value, _ESCAPES)


def error_body(error: StorageError, request_id: str, time: str) -> bytes:
    """Return the body of an error's response."""
    details = "".join(f"<{name}>{text_of(value)}</{name}>" for name, value in error.details.items())
    told = text_of(f"{error.message}\nRequestId:{request_id}\nTime:{time}")
    head = '<?xml version="1.0" encoding="utf-8"?>'
    return f"{head}<Error><Code>{error.code}</Code><Message>{told}</Message>{details}</Error>".encode()


def invalid_value(name: str, value: str, reason: str = "") -> StorageError:
    """A query parameter's value is none that it may have."""
    details = {"QueryParameterName": name, "QueryParameterValue": value, "Reason": reason}
    return StorageError(
        400,
        "InvalidQueryParameterValue",
        "Value for one of the query parameters specified in the request URI is invalid.",
        details,
    )


def out_of_range(name: str, value: int, low: int, high: int) -> StorageError:
    """A number in the query is too small or too large."""
    return StorageError(
        400,
        "OutOfRangeQueryParameterValue",
        "One of the query parameters specified in the request URI is outside the permissible range.",
        {
            "QueryParameterName": name,
            "QueryParameterValue": str(value),
            "MinimumAllowed": str(low),
            "MaximumAllowed": str(high),
        },
    )


def invalid_xml(reason: str = "") -> StorageError:
    """The body isn't the XML that it should be."""
    return StorageError(
        400, "InvalidXmlDocument", "XML specified is not syntactically valid.", {"Reason": reason} if reason else None
    )


def body_too_large(limit: int) -> StorageError:
    """A body, or a part of it, is longer than it may be."""
    message = "The request body is too large and exceeds the maximum permissible limit."
    return StorageError(413, "RequestBodyTooLarge", message, {"MaxLimit": str(limit)})


def unsupported(what: str) -> StorageError:
    """Azure has it, and Fogbank has not."""
    return StorageError(400, "UnsupportedByFogbank", f"Fogbank does not support {what}.")


def not_authentic(detail: str) -> StorageError:
    """The signature doesn't prove who sent the request."""
    message = (
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly"
        " including the signature."
    )
    return StorageError(403, "AuthenticationFailed", message, {"AuthenticationErrorDetail": detail})
