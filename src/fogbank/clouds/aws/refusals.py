"""What is refused before any service sees it, in the words and the protocol of the service that was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.registry import REGISTRY
from fogbank.wire.aws.error_replies import error_writer
from fogbank.wire.aws.errors import AwsError
from fogbank.wire.aws.models import Metadata, ModelError, ServiceModel, load_metadata
from fogbank.wire.http import BODY_BYTES_MAX

if TYPE_CHECKING:
    from fogbank.wire.aws.error_replies import ErrorWriter
    from fogbank.wire.http import Request

# What never became a request, by HTTP status.
MALFORMED: Final = {
    400: ("BadRequestException", "The request is not well-formed HTTP."),
    408: ("RequestTimeout", "The request did not arrive in time."),
    413: ("RequestEntityTooLarge", f"The request body is larger than {BODY_BYTES_MAX} bytes."),
    417: ("ExpectationFailed", "The only expectation that can be met is 100-continue."),
    431: ("RequestHeaderSectionTooLarge", "The request's headers are too large."),
    500: ("InternalFailure", "Fogbank failed to answer; its log says why."),
    501: ("NotImplemented", "A header you provided implies functionality that is not implemented."),
    505: ("HttpVersionNotSupported", "The HTTP version specified is not supported."),
}
_FORM: Final = b"application/x-www-form-urlencoded"
_SOME_QUERY: Final = Metadata(api_version="", endpoint_prefix="", protocol="query")


class UnknownServiceError(Exception):
    """The request is meant for a service that Fogbank doesn't have, or for none that can be told."""

    def __init__(self, name: str | None) -> None:
        super().__init__(name)
        self.name = name


def malformed(status: int) -> AwsError:
    """Word what the HTTP server refused."""
    code, message = MALFORMED[status]
    return AwsError(code, message, status, server=status >= 500)


def unknown_service(name: str | None, metadata: Metadata | None) -> AwsError:
    """Word a request for a service that isn't there."""
    code = _unknown_code(metadata)
    if name is None:
        return AwsError(code, "The request names no AWS service: it has neither a signature nor X-Amz-Target.")
    return AwsError(code, f"Fogbank does not have the AWS service {name}.")


def unknown_operation(name: str, metadata: Metadata, *, exists: bool) -> AwsError:
    """Word a request for an operation that the service, or Fogbank, doesn't have."""
    code = _unknown_code(metadata)
    if exists:
        return AwsError(code, f"Fogbank does not support the operation {name} of {metadata.service_id}.")
    if metadata.protocol == "query":
        return AwsError(code, f"The action {name} is not valid for this web service.")
    return AwsError(code, f"{metadata.service_id} has no operation {name}.")


def no_operation(request: Request, metadata: Metadata) -> AwsError:
    """Word a request that names no operation of its service at all."""
    if metadata.protocol == "query":
        return AwsError("MissingAction", "The request must contain the parameter Action.")
    if metadata.protocol == "json":
        target = request.header(b"x-amz-target")
        msg = f"Unknown target {target}." if target else "The request has no X-Amz-Target."
        if not target and _is_form(request):
            msg += f" It is in the AWS Query protocol; Fogbank serves {metadata.service_id} in AWS JSON only."
        return AwsError("UnknownOperationException", msg)
    msg = f"{metadata.service_id} has no operation for {request.method} {request.raw_path}."
    return AwsError("UnknownOperationException", msg, 404)


def metadata_of(name: str | None, request: Request) -> Metadata | None:
    """Return how a service words its errors; one that AWS doesn't have is answered as it was addressed."""
    try:
        return load_metadata(REGISTRY[name].model if name in REGISTRY else name or "")
    except ModelError:
        return _SOME_QUERY if _is_form(request) else None


def writer_of(metadata: Metadata | None) -> ErrorWriter:
    """Return the writer of what is refused before any service sees it."""
    return error_writer(None if metadata is None else ServiceModel(metadata, {}, {}))


def incomplete_signature(message: str, metadata: Metadata | None) -> AwsError:
    """Word a signature that isn't of the documented form."""
    if metadata is not None and metadata.service_id == "S3":
        return AwsError("AuthorizationHeaderMalformed", message)
    xml = metadata is not None and metadata.protocol == "query"
    return AwsError("IncompleteSignature" if xml else "IncompleteSignatureException", message)


def _is_form(request: Request) -> bool:
    return request.headers.get(b"content-type", b"").startswith(_FORM)


def _unknown_code(metadata: Metadata | None) -> str:
    return "InvalidAction" if metadata is not None and metadata.protocol == "query" else "UnknownOperationException"
