"""Answers REST requests with the methods that gRPC calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fogbank.wire.google.bindings import Router
from fogbank.wire.google.transcoding import Presentation, read_query, read_request, read_system
from fogbank.wire.grpc.calls import word
from fogbank.wire.grpc.encoded import Encoded
from fogbank.wire.grpc.framing import MESSAGE_BYTES_MAX
from fogbank.wire.grpc.service import Call
from fogbank.wire.grpc.status import HTTP_STATUSES, Code, GrpcError
from fogbank.wire.http import BodyIncompleteError, BodyTooLargeError, Response

if TYPE_CHECKING:
    from fogbank.wire.google.bindings import Found
    from fogbank.wire.grpc.metadata import Metadata
    from fogbank.wire.grpc.service import Method, Methods
    from fogbank.wire.grpc.types import Types
    from fogbank.wire.http import Request

_JSON = (b"Content-Type", b"application/json; charset=UTF-8")


class RestApplication:
    """The REST side of services."""

    def __init__(self, methods: Methods) -> None:
        self._methods = methods
        self._types: Types = methods.types
        self._router = Router(methods)

    def find(self, verb: str, raw_path: str) -> tuple[str, dict[str, str]] | None:
        """Return the path of the method that a request is for, and what its own path holds; None if it is for none."""
        found = self._router.find(verb, raw_path)
        return None if found is None else (found.binding.path, found.values)

    async def handle(self, request: Request) -> Response:
        """Answer a request; errors have the form of Google's APIs."""
        shown = Presentation()
        streams = False
        try:
            pairs = read_query(request.raw_query)
            shown = read_system(pairs)
            found = self._router.find(request.method, request.raw_path)
            if found is None:
                raise GrpcError(Code.NOT_FOUND, "Method not found.")
            streams = self._methods.find(found.binding.path).server_streaming
            return await self._call(request, found, pairs, shown)
        except BodyIncompleteError:
            raise
        except BodyTooLargeError as error:
            refused = GrpcError(Code.INVALID_ARGUMENT, f"Request payload size exceeds the limit: {error.limit} bytes.")
            return write_error(self._types, refused, shown, listed=streams)
        except GrpcError as error:
            return write_error(self._types, error, shown, listed=streams)

    async def _call(
        self, request: Request, found: Found, pairs: list[tuple[str, str]], shown: Presentation
    ) -> Response:
        method = self._methods.find(found.binding.path)
        if method.client_streaming:
            raise GrpcError(Code.UNIMPLEMENTED, f"{method.name} streams; Fogbank answers it over gRPC only.")
        message = method.request()
        read_request(self._types, message, found, pairs, await request.read(MESSAGE_BYTES_MAX))
        metadata: Metadata = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.items()
        ]
        running = method.run(method.service.deps, Call(request.origin, metadata), message)
        try:
            if method.server_streaming:
                # A stream is a list of answers.
                shapes = [self._shape(method, each, shown) async for each in running]
                return _write(200, shapes, shown)
            answer = await running
        except Exception as error:  # noqa: BLE001 - answered in Google's form, and logged
            raise word(method, error) from None
        if found.binding.response_body:
            answer = getattr(answer, found.binding.response_body)
        return _write(200, self._shape(method, answer, shown), shown)

    def _shape(self, method: Method, answer: Any, shown: Presentation) -> Any:
        if isinstance(answer, Encoded):
            answer = method.response.FromString(answer.SerializeToString())
        return self._types.to_json(answer, enums_as_ints=shown.enums_as_ints)


def write_error(types: Types, error: GrpcError, shown: Presentation | None = None, *, listed: bool = False) -> Response:
    """Write an error (Google Cloud, "Errors": HTTP mapping).

    That of a method whose answer is a stream is `listed`, as its answers are
    (https://github.com/samuelgozi/firebase-firestore-lite/issues/13).
    """
    status = HTTP_STATUSES[error.code]
    told: dict[str, Any] = {"code": status, "message": error.message, "status": error.code.name}
    if error.details:
        told["details"] = [types.to_json(types.pack(detail)) for detail in error.details]
    value = {"error": told}
    return _write(status, [value] if listed else value, shown or Presentation())


def _write(status: int, value: Any, shown: Presentation) -> Response:
    body = msgspec.json.encode(value)
    if shown.pretty:
        body = msgspec.json.format(body, indent=2)
    return Response(status, [_JSON, (b"Vary", b"Origin, X-Origin, Referer")], body)
