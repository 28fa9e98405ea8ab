"""How each protocol words an error: `error_writer(model)` gives the writer for a service.

Smithy, "Operation errors" of the AWS JSON, REST-JSON, Query and REST-XML protocols; the members of an error's
shape are written as those of any structure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from fogbank.wire.aws.json import JSON_TYPE, JsonBody
from fogbank.wire.aws.models import Ref
from fogbank.wire.aws.rest import RestWriter
from fogbank.wire.aws.xml import XML_DECLARATION, XmlCompiler, escape
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.wire.aws.errors import AwsError
    from fogbank.wire.aws.models import ServiceModel, Shape

ErrorWriter: TypeAlias = "Callable[[AwsError, str], Response]"
DEFAULT_STATUS: Final = 400
FAULT_STATUS: Final = 500
# What AWS's own framework refuses stands in its name spaces, not the service's.
_FRAMEWORK: Final = "com.amazon.coral.service#"
_VALIDATION: Final = "com.amazon.coral.validate#"
# DynamoDB's has the version of its API in it (Developer Guide, "Error handling with DynamoDB"), and its streams' is
# the same: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html.
_DYNAMODB: Final = "com.amazonaws.dynamodb.v20120810#"
_NAMESPACES: Final = {"dynamodb": _DYNAMODB, "streams.dynamodb": _DYNAMODB}


def error_writer(model: ServiceModel | None) -> ErrorWriter:
    """Return `write(error, request_id)` for a service; without one, errors are worded in JSON."""
    protocol = "json" if model is None else model.metadata.protocol
    shapes = _Shapes(model)
    if model is None or protocol not in ("query", "rest-json", "rest-xml"):
        return _json_writer(model, shapes)
    return _rest_json_writer(model, shapes) if protocol == "rest-json" else _xml_writer(model, shapes)


class _Shapes:
    """The shapes of a service's errors, by their codes on the wire."""

    def __init__(self, model: ServiceModel | None) -> None:
        self._by_code: dict[str, tuple[Ref, Shape]] = {}
        for name, shape in ({} if model is None else model.shapes).items():
            if shape.exception:
                code = name if shape.error is None else shape.error.code or name
                self._by_code[code] = (Ref(shape=name), shape)

    def find(self, error: AwsError) -> tuple[Ref, Shape] | None:
        """Return an error's shape; the framework's own errors have none."""
        return self._by_code.get(error.code)

    def status(self, error: AwsError) -> int:
        """Return the HTTP status of an error."""
        if error.status is not None:
            return error.status
        found = self.find(error)
        if found is not None and found[1].error is not None and found[1].error.http_status_code is not None:
            return found[1].error.http_status_code
        return FAULT_STATUS if error.server or (found is not None and found[1].fault) else DEFAULT_STATUS


def _members(error: AwsError, shape: Shape | None) -> dict[str, Any]:
    """Return an error's members, the message under the name that its shape gives it."""
    names = () if shape is None else shape.members
    message = next((name for name in names if name.lower() == "message"), "message")
    return {message: error.message, **error.fields}


def _json_writer(model: ServiceModel | None, shapes: _Shapes) -> ErrorWriter:
    metadata = None if model is None else model.metadata
    version = "1.1" if metadata is None else metadata.json_version or "1.0"
    body = None if model is None else JsonBody(model)
    prefix = "" if metadata is None else metadata.endpoint_prefix
    namespace = _NAMESPACES.get(prefix, f"com.amazonaws.{prefix}#")
    older = metadata is not None and metadata.aws_query_compatible is not None

    def write(error: AwsError, request_id: str) -> Response:
        found = shapes.find(error)
        if found is None or body is None:
            framework = _VALIDATION if error.code == "ValidationException" else _FRAMEWORK
            members = {"__type": framework + error.code, **_members(error, None)}
        else:
            ref, shape = found
            members = {"__type": namespace + error.code, **body.change(ref)(_members(error, shape))}
        headers = [(b"Content-Type", JSON_TYPE[version]), (b"x-amzn-RequestId", request_id.encode())]
        if older:
            fault = "Receiver" if error.server else "Sender"
            headers.append((b"x-amzn-query-error", f"{error.query_code or error.code};{fault}".encode()))
        return Response(shapes.status(error), headers, msgspec.json.encode(members))

    return write


def _rest_json_writer(model: ServiceModel, shapes: _Shapes) -> ErrorWriter:
    body = JsonBody(model)

    def write(error: AwsError, request_id: str) -> Response:
        status = shapes.status(error)
        found = shapes.find(error)
        if found is None:
            response = Response(
                status, [(b"Content-Type", body.content_type)], msgspec.json.encode(_members(error, None))
            )
        else:
            ref, shape = found
            members = _members(error, shape)
            if "Type" in shape.members:
                members.setdefault("Type", "Service" if error.server else "User")
            response = RestWriter(model, ref, status, body).write(members)
        response.headers.append((b"x-amzn-RequestId", request_id.encode()))
        response.headers.append((b"x-amzn-ErrorType", error.code.encode()))
        return response

    return write


def _xml_writer(model: ServiceModel, shapes: _Shapes) -> ErrorWriter:
    compiler = XmlCompiler(model)
    namespace = model.metadata.namespace
    declared = f' xmlns="{namespace}"' if namespace else ""
    is_query = model.metadata.protocol == "query"
    # Amazon S3 alone leaves out the element around the error.
    bare = model.metadata.service_id.startswith("S3")
    content_type = b"text/xml" if is_query else b"application/xml"
    id_header = b"x-amzn-RequestId" if is_query else b"x-amz-request-id"

    def fields(error: AwsError) -> str:
        found = shapes.find(error)
        parts: list[str] = []
        for name, value in error.fields.items():
            if found is not None and name in found[1].members:
                ref = found[1].members[name]
                compiler.writer(ref)(value, compiler.wire_name(name, ref), parts)
            else:
                parts.append(f"<{name}>{escape(str(value))}</{name}>")
        return "".join(parts)

    def write(error: AwsError, request_id: str) -> Response:
        text = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>{fields(error)}"
        told = f"<RequestId>{request_id}</RequestId>"
        if bare:
            document = f"<Error>{text}{told}</Error>"
        else:
            fault = "Receiver" if error.server else "Sender"
            document = f"<ErrorResponse{declared}><Error><Type>{fault}</Type>{text}</Error>{told}</ErrorResponse>"
        headers = [(b"Content-Type", content_type), (id_header, request_id.encode())]
        return Response(shapes.status(error), headers, XML_DECLARATION + document.encode())

    return write
