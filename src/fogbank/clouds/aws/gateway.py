"""Every AWS request passes here: find the service and operation, decode, operate, encode.

In dev mode any credentials are taken: the signature isn't checked, a 12-digit access key names the account, the
credential scope the region and the service. Temporary credentials count for the account that they were issued for,
and only until they expire.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote
from zlib import crc32

from fogbank.clouds.aws.api import DEFAULT_ACCOUNT, DEFAULT_REGION, Call
from fogbank.clouds.aws.refusals import (
    UnknownServiceError,
    incomplete_signature,
    malformed,
    metadata_of,
    no_operation,
    unknown_operation,
    unknown_service,
    writer_of,
)
from fogbank.clouds.aws.registry import identify
from fogbank.clouds.aws.sessions import PREFIX, SessionRefusedError
from fogbank.kernel.errors import EngineError
from fogbank.storage import StoreUnavailableError
from fogbank.wire.aws.bodies import check_integrity, is_plain, read_body
from fogbank.wire.aws.codec import codec_for
from fogbank.wire.aws.constraints import compile_constraints
from fogbank.wire.aws.error_replies import error_writer
from fogbank.wire.aws.errors import AwsError, InputError
from fogbank.wire.aws.sigv4 import IncompleteSignatureError, read_credential
from fogbank.wire.http import BodyIncompleteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.clouds.aws.api import Operation, Service
    from fogbank.clouds.aws.sessions import Sessions
    from fogbank.kernel.ids import Ids
    from fogbank.wire.aws.codec import Codec, Decoder, Encoder
    from fogbank.wire.aws.error_replies import ErrorWriter
    from fogbank.wire.aws.models import Metadata
    from fogbank.wire.http import Request, Response

_log = logging.getLogger(__name__)
_ACCOUNT_DIGITS: Final = 12
_TRACE: Final = re.compile(r"[!-~]{1,1024}")


class _Bound:
    """An operation with its compiled codec and checks."""

    __slots__ = ("check", "checksum_possible", "checksum_required", "decode", "deps", "encode", "run")

    def __init__(self, service: Service[Any], operation: Operation[Any, Any], codec: Codec) -> None:
        shape = codec.model.operation(operation.name)
        fields = operation.input.__struct_fields__
        self.deps = service.deps
        self.run = operation.run
        self.decode: Decoder[Any] = codec.decoder(shape, operation.input)
        self.check = None
        if service.constrained:
            self.check = compile_constraints(codec.model, shape, fields, service.unchecked, service.listed)
        encode: Encoder = codec.encoder(shape)
        self.encode = _with_crc32(encode) if service.crc32 else encode
        self.checksum_possible = shape.checksum_possible
        self.checksum_required = shape.checksum_required


class _Endpoint:
    """A service with its codec; operations are bound when they are first used."""

    def __init__(self, service: Service[Any]) -> None:
        self.service = service
        self.codec: Codec = codec_for(service.model)
        self.metadata: Metadata = self.codec.model.metadata
        refuse: ErrorWriter = error_writer(self.codec.model)
        self.refuse = _with_crc32(refuse) if service.crc32 else refuse
        self._bound: dict[str, _Bound] = {}

    def bind(self, name: str) -> _Bound:
        """Return an operation, or raise the error for one that is unknown or unsupported."""
        bound = self._bound.get(name)
        if bound is None:
            operation = self.service.operations.get(name)
            if operation is None:
                raise unknown_operation(name, self.metadata, exists=name in self.codec.model.operations)
            bound = self._bound[name] = _Bound(self.service, operation, self.codec)
        return bound


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
        endpoint: _Endpoint | None = None
        try:
            credential = read_credential(request)
            name = identify(request, None if credential is None else credential.service)
            endpoint = self._endpoint(name)
            body = request.body if is_plain(request) else await read_body(request)
            named = endpoint.codec.name(request, body)
            if named is None:
                raise no_operation(request, endpoint.metadata)
            bound = endpoint.bind(named.operation)
            if bound.checksum_possible:
                await check_integrity(request.headers, body, required=bound.checksum_required)
            if credential is None:
                call = Call(DEFAULT_ACCOUNT, DEFAULT_REGION, request_id, request.origin, "", read_trace(request))
            else:
                key = credential.access_key
                if key.startswith(PREFIX):
                    account = await self._sessions.account(key)
                else:
                    account = key if len(key) == _ACCOUNT_DIGITS and key.isdecimal() else DEFAULT_ACCOUNT
                call = Call(account, credential.region, request_id, request.origin, key, read_trace(request))
            members = bound.decode(request, named, body)
            if bound.check is not None:
                bound.check(members)
            reply = await bound.run(bound.deps, call, members)
            return bound.encode(reply, request_id)
        except BodyIncompleteError:
            raise
        except Exception as error:  # noqa: BLE001 - answered in the service's own form, and logged
            if endpoint is not None:
                return endpoint.refuse(_word(error, endpoint, request), request_id)
            metadata = metadata_of(_name_meant(request), request)
            return writer_of(metadata)(_word_unplaced(error, metadata, request), request_id)

    def refuse(self, status: int, request: Request) -> Response:
        """Word the answer to something that never became a request."""
        return writer_of(metadata_of(_name_meant(request), request))(malformed(status), self._ids.request())

    def _endpoint(self, name: str | None) -> _Endpoint:
        endpoint = self._endpoints.get(name or "")
        if endpoint is None:
            factory = self._factories.get(name or "")
            if name is None or factory is None:
                raise UnknownServiceError(name)
            endpoint = self._endpoints[name] = _Endpoint(factory())
        return endpoint


def read_trace(request: Request) -> str:
    """Return the trace header of a request; what SDKs have percent-encoded of it is decoded."""
    sent = request.headers.get(b"x-amzn-trace-id")
    if sent is None:
        return ""
    header = unquote(sent.decode("latin-1")) if b"%" in sent else sent.decode("latin-1")
    return header if _TRACE.fullmatch(header) else ""


def _with_crc32(write: Callable[[Any, str], Response]) -> Callable[[Any, str], Response]:
    """Let what is written carry the checksum of its body."""

    def write_with(content: Any, request_id: str) -> Response:
        response = write(content, request_id)
        assert isinstance(response.body, bytes)
        response.headers.append((b"x-amz-crc32", b"%d" % crc32(response.body)))
        return response

    return write_with


def _name_meant(request: Request) -> str | None:
    """Return the service's name as far as the request tells."""
    try:
        credential = read_credential(request)
    except IncompleteSignatureError:
        credential = None
    return identify(request, None if credential is None else credential.service)


def _word_unplaced(error: Exception, metadata: Metadata | None, request: Request) -> AwsError:
    """Say in AWS's words what went wrong before a service was found."""
    if isinstance(error, UnknownServiceError):
        return unknown_service(error.name, metadata)
    if isinstance(error, IncompleteSignatureError):
        return incomplete_signature(str(error), metadata)
    return _unforeseen(error, request)


def _word(error: Exception, endpoint: _Endpoint, request: Request) -> AwsError:
    """Say in the service's words what went wrong."""
    if isinstance(error, AwsError):
        return error
    if isinstance(error, InputError):
        return endpoint.service.input_error(error)
    if isinstance(error, EngineError) and (worded := endpoint.service.word(error)) is not None:
        return worded
    if isinstance(error, SessionRefusedError):
        return error.worded(endpoint.metadata)
    if isinstance(error, StoreUnavailableError):
        _log.error("the store is unavailable: %s", error)
        return AwsError("ServiceUnavailable", f"The store is unavailable: {error}", 503, server=True)
    return _unforeseen(error, request)


def _unforeseen(error: Exception, request: Request) -> AwsError:
    _log.error("%s %s failed", request.method, request.raw_path, exc_info=error)
    return malformed(500)
