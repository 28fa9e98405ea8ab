"""Every AWS request passes here: find the service and operation, decode, operate, encode.

In dev mode any credentials are taken: the signature isn't checked, a 12-digit access key names the account, the
credential scope the region and the service. Temporary credentials count for the account that they were issued for,
and only until they expire.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from fogbank.clouds.aws.api import DEFAULT_ACCOUNT, DEFAULT_REGION, Call
from fogbank.clouds.aws.registry import REGISTRY, identify
from fogbank.clouds.aws.sessions import PREFIX, SessionRefusedError
from fogbank.kernel.errors import EngineError
from fogbank.storage import StoreUnavailableError
from fogbank.wire.aws.chunked import ChecksumMismatchError, ChunkedBodyError, decode_chunks
from fogbank.wire.aws.codec import codec_for
from fogbank.wire.aws.constraints import compile_constraints
from fogbank.wire.aws.errors import AwsError, InputError, encode_error
from fogbank.wire.aws.models import ModelError, load_model
from fogbank.wire.aws.sigv4 import IncompleteSignatureError, read_credential
from fogbank.wire.http import BODY_BYTES_MAX, BodyTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.clouds.aws.api import Operation, Service
    from fogbank.clouds.aws.sessions import Sessions
    from fogbank.kernel.ids import Ids
    from fogbank.wire.aws.codec import Codec, Decoder, Encoder
    from fogbank.wire.aws.models import Metadata
    from fogbank.wire.http import Request, Response

_log = logging.getLogger(__name__)
_ACCOUNT_DIGITS: Final = 12


class _Bound:
    """An operation with its compiled codec."""

    __slots__ = ("check", "decode", "deps", "encode", "run")

    def __init__(
        self,
        deps: Any,
        operation: Operation[Any, Any],
        decode: Decoder[Any],
        check: Callable[[Any], None] | None,
        encode: Encoder,
    ) -> None:
        self.deps = deps
        self.run = operation.run
        self.decode = decode
        self.check = check
        self.encode = encode


class _Endpoint:
    """A service with its codec; operations are bound when they are first used."""

    def __init__(self, service: Service[Any]) -> None:
        self.service = service
        self.codec: Codec = codec_for(service.model)
        self.metadata: Metadata = self.codec.model.metadata
        self._bound: dict[str, _Bound] = {}

    def bind(self, name: str) -> _Bound:
        """Return an operation, or raise the error for one that is unknown or unsupported."""
        bound = self._bound.get(name)
        if bound is None:
            operation = self.service.operations.get(name)
            if operation is None:
                raise self._refusal(name)
            shape = self.codec.model.operation(name)
            decode = self.codec.decoder(shape, operation.input)
            fields = operation.input.__struct_fields__
            check = None
            if self.service.constrained:
                check = compile_constraints(self.codec.model, shape, fields, self.service.unchecked)
            bound = _Bound(self.service.deps, operation, decode, check, self.codec.encoder(shape))
            self._bound[name] = bound
        return bound

    def _refusal(self, name: str) -> AwsError:
        known = name in self.codec.model.operations
        code = "InvalidAction" if self.metadata.protocol == "query" else "UnknownOperationException"
        if known:
            return AwsError(code, f"Fogbank does not support the operation {name} of {self.metadata.service_id}.")
        if self.metadata.protocol == "query":
            return AwsError(code, f"The action {name} is not valid for this web service.")
        return AwsError(code, f"{self.metadata.service_id} has no operation {name}.")


class AwsGateway:
    """Answers AWS requests; services are made when they are first called."""

    def __init__(self, factories: Mapping[str, Callable[[], Service[Any]]], ids: Ids, sessions: Sessions) -> None:
        self._factories = factories
        self._ids = ids
        self._sessions = sessions
        self._endpoints: dict[str, _Endpoint] = {}

    @property
    def services(self) -> list[str]:
        """The names of the services there are."""
        return sorted(self._factories)

    async def handle(self, request: Request) -> Response:
        """Answer a request; errors are worded in the protocol of the service that it was meant for."""
        request_id = self._ids.request()
        metadata: Metadata | None = None
        endpoint: _Endpoint | None = None
        try:
            credential = read_credential(request)
            name = identify(request, None if credential is None else credential.service)
            endpoint = self._endpoint(name)
            metadata = endpoint.metadata
            body = await _body(request)
            named = endpoint.codec.name(request, body)
            if named is None:
                raise _nothing_named(request, metadata)
            bound = endpoint.bind(named.operation)
            if credential is None:
                call = Call(DEFAULT_ACCOUNT, DEFAULT_REGION, request_id, request.origin, "")
            else:
                key = credential.access_key
                if key.startswith(PREFIX):
                    account = await self._sessions.account(key)
                else:
                    account = key if len(key) == _ACCOUNT_DIGITS and key.isdigit() else DEFAULT_ACCOUNT
                call = Call(account, credential.region, request_id, request.origin, key)
            members = bound.decode(request, named, body)
            if bound.check is not None:
                bound.check(members)
            reply = await bound.run(bound.deps, call, members)
            response = bound.encode(reply, request_id)
        except AwsError as error:
            response = encode_error(error, metadata, request_id)
        except InputError as error:
            assert endpoint is not None
            response = encode_error(endpoint.service.input_error(error), metadata, request_id)
        except EngineError as error:
            assert endpoint is not None
            response = encode_error(endpoint.service.word(error), metadata, request_id)
        except SessionRefusedError as error:
            response = encode_error(error.worded(metadata), metadata, request_id)
        except UnknownServiceError as error:
            response = encode_error(error.worded, error.metadata, request_id)
        except IncompleteSignatureError as error:
            response = encode_error(AwsError("IncompleteSignatureException", str(error)), metadata, request_id)
        except StoreUnavailableError as error:
            _log.error("the store is unavailable: %s", error)
            unavailable = AwsError("ServiceUnavailable", f"The store is unavailable: {error}", 503, server=True)
            response = encode_error(unavailable, metadata, request_id)
        except Exception:  # noqa: BLE001 - the client gets the service's own form of a 500, the log the rest
            _log.exception("%s %s failed", request.method, request.raw_path)
            failure = AwsError("InternalFailure", "Fogbank failed to answer; its log says why.", 500, server=True)
            response = encode_error(failure, metadata, request_id)
        if endpoint is not None and endpoint.service.crc32:
            assert isinstance(response.body, bytes)
            response.headers.append((b"x-amz-crc32", b"%d" % crc32(response.body)))
        return response

    def refuse(self, status: int, request: Request) -> Response:
        """Word the answer to something that never became a request."""
        code, message = _WIRE_ERRORS.get(status, ("InternalFailure", "Fogbank failed to answer."))
        metadata = None
        try:
            credential = read_credential(request)
            metadata = _metadata(identify(request, None if credential is None else credential.service))
        except (IncompleteSignatureError, UnknownServiceError):
            pass
        return encode_error(AwsError(code, message, status, server=status >= 500), metadata, self._ids.request())

    def _endpoint(self, name: str | None) -> _Endpoint:
        endpoint = self._endpoints.get(name or "")
        if endpoint is None:
            factory = self._factories.get(name or "")
            if name is None or factory is None:
                raise UnknownServiceError(name)
            endpoint = self._endpoints[name] = _Endpoint(factory())
        return endpoint


class UnknownServiceError(Exception):
    """The request is meant for a service that Fogbank doesn't have, or for none that can be told."""

    def __init__(self, name: str | None) -> None:
        super().__init__(name)
        self.metadata = None if name is None else _metadata(name)
        if name is None:
            msg = "The request names no AWS service: it has neither a signature nor X-Amz-Target."
        else:
            msg = f"Fogbank does not have the AWS service {name}."
        query = self.metadata is not None and self.metadata.protocol == "query"
        self.worded = AwsError("InvalidAction" if query else "UnknownOperationException", msg)


_WIRE_ERRORS: Final = {
    400: ("BadRequestException", "The request is not well-formed HTTP."),
    408: ("RequestTimeout", "The request did not arrive in time."),
    413: ("RequestEntityTooLarge", f"The request body is larger than {BODY_BYTES_MAX} bytes."),
    431: ("RequestHeaderSectionTooLarge", "The request's headers are too large."),
}


def _metadata(name: str | None) -> Metadata | None:
    """Return how a service words its errors, if there is such a service at all."""
    if name is None:
        return None
    try:
        return load_model(REGISTRY[name].model if name in REGISTRY else name).metadata
    except ModelError:
        return None


def _nothing_named(request: Request, metadata: Metadata) -> AwsError:
    if metadata.protocol == "json":
        target = request.header(b"x-amz-target")
        msg = f"Unknown target {target}." if target else "The request has no X-Amz-Target."
        return AwsError("UnknownOperationException", msg)
    if metadata.protocol == "query":
        return AwsError("MissingAction", "The request must contain the parameter Action.")
    msg = f"{metadata.service_id} has no operation for {request.method} {request.raw_path}."
    return AwsError("UnknownOperationException", msg, 404)


async def _body(request: Request) -> bytes:
    try:
        body = request.body if request.stream is None else await request.read()
    except BodyTooLargeError as error:
        raise AwsError("RequestEntityTooLarge", str(error), 413) from None
    if b"aws-chunked" not in request.headers.get(b"content-encoding", b""):
        return body
    length = request.header(b"x-amz-decoded-content-length")
    try:
        return decode_chunks(body, int(length) if length.isdigit() else None)
    except ChecksumMismatchError as error:
        raise AwsError("BadDigest", str(error)) from None
    except ChunkedBodyError as error:
        raise AwsError("IncompleteBody", str(error)) from None
