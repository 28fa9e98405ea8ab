"""An AWS service's refusal, and how each protocol words it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.wire.aws.xml import escape
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.wire.aws.models import Metadata

JSON_TYPE: Final = {"1.0": b"application/x-amz-json-1.0", "1.1": b"application/x-amz-json-1.1"}


class AwsError(Exception):
    """An error as AWS words it: a code, a message, an HTTP status.

    `query_code` is the older code that services which moved from Query to JSON send along for older SDKs;
    `fields` are further members of the error's shape; `server` marks a fault of the service, not the caller.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        status: int = 400,
        *,
        query_code: str | None = None,
        fields: dict[str, Any] | None = None,
        server: bool = False,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.query_code = query_code
        self.fields = fields or {}
        self.server = server


class InputError(Exception):
    """A request's input that doesn't fit the operation; each service words it in its own way.

    `kind` is `malformed` (not of the protocol's form at all), `type` (a value of the wrong type), `missing`,
    `unknown` (a parameter that AWS doesn't have), `unsupported` (one that AWS has and Fogbank has not) or
    `constraint` (values against the model's constraints; `detail` is all of AWS's wording).
    `path` names the parameter in dotted form; `detail` says what was expected.
    """

    def __init__(self, kind: str, path: str, detail: str = "") -> None:
        super().__init__(f"{kind} {path}: {detail}")
        self.kind = kind
        self.path = path
        self.detail = detail


def encode_error(error: AwsError, metadata: Metadata | None, request_id: str) -> Response:
    """Word an error in the protocol of its service; without one, in JSON."""
    protocol = "json" if metadata is None else metadata.protocol
    if protocol in ("query", "rest-xml"):
        return _xml(error, metadata, request_id)
    if protocol == "rest-json":
        return _rest_json(error, request_id)
    return _json(error, metadata, request_id)


def _json(error: AwsError, metadata: Metadata | None, request_id: str) -> Response:
    version = "1.1" if metadata is None else metadata.json_version or "1.0"
    namespace = f"com.amazonaws.{metadata.endpoint_prefix}#" if metadata is not None else ""
    body = {"__type": namespace + error.code, "message": error.message, **error.fields}
    headers = [(b"Content-Type", JSON_TYPE[version]), (b"x-amzn-RequestId", request_id.encode())]
    if metadata is not None and metadata.aws_query_compatible is not None:
        fault = "Receiver" if error.server else "Sender"
        headers.append((b"x-amzn-query-error", f"{error.query_code or error.code};{fault}".encode()))
    return Response(error.status, headers, msgspec.json.encode(body))


def _rest_json(error: AwsError, request_id: str) -> Response:
    fault = "Service" if error.server else "User"
    body = {"Type": fault, "Message": error.message, "message": error.message, **error.fields}
    headers = [
        (b"Content-Type", b"application/json"),
        (b"x-amzn-RequestId", request_id.encode()),
        (b"x-amzn-ErrorType", error.code.encode()),
    ]
    return Response(error.status, headers, msgspec.json.encode(body))


def _xml(error: AwsError, metadata: Metadata | None, request_id: str) -> Response:
    fault = "Receiver" if error.server else "Sender"
    fields = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in error.fields.items())
    text = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>{fields}"
    headers = [(b"Content-Type", b"text/xml"), (b"x-amzn-RequestId", request_id.encode())]
    if metadata is not None and metadata.protocol == "rest-xml":
        headers[0] = (b"Content-Type", b"application/xml")
        body = f"<Error>{text}<RequestId>{request_id}</RequestId></Error>"
    else:
        namespace = "" if metadata is None else f' xmlns="{metadata.namespace}"'
        body = (
            f"<ErrorResponse{namespace}><Error><Type>{fault}</Type>{text}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return Response(error.status, headers, b'<?xml version="1.0" encoding="UTF-8"?>\n' + body.encode())
