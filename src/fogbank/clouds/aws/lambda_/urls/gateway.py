"""The front door of function URLs: requests by host name, run as invocations that are waited for.

In dev mode signatures aren't verified and policies aren't evaluated: a URL that wants signed requests takes any
signature, and one that doesn't takes every request.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import DEFAULT_ACCOUNT
from fogbank.clouds.aws.identities import account_of, subject_of
from fogbank.clouds.aws.lambda_.names import FunctionName
from fogbank.clouds.aws.lambda_.urls.cors import is_preflight, preflight, share
from fogbank.clouds.aws.lambda_.urls.hosts import read_host
from fogbank.clouds.aws.lambda_.urls.requests import Caller, event_of
from fogbank.clouds.aws.lambda_.urls.responses import UnusableResponseError, response_of
from fogbank.clouds.aws.lambda_.urls.streams import streamed_response
from fogbank.clouds.aws.sessions import SessionRefusedError
from fogbank.engines.functions import versions
from fogbank.engines.functions.entrances import urls
from fogbank.engines.functions.errors import FunctionNotFoundError, UrlNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError
from fogbank.wire.aws.sigv4 import IncompleteSignatureError, read_credential
from fogbank.wire.http import BodyIncompleteError, BodyTooLargeError, Response

if TYPE_CHECKING:
    from fogbank.clouds.aws.lambda_.urls.hosts import UrlHost
    from fogbank.clouds.aws.sessions import Sessions
    from fogbank.connectors.invoker import Invoker
    from fogbank.engines.functions.entrances.urls import FunctionUrl
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.wire.http import Request

# AWS Lambda Developer Guide, "Lambda quotas": 6 MB for synchronous invocations.
BODY_BYTES_MAX: Final = 6_291_456
_ACCOUNT_DIGITS: Final = 12
_log = logging.getLogger(__name__)


class FunctionUrls:
    """Answers requests to function URLs."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, invoker: Invoker, sessions: Sessions) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._invoker = invoker
        self._sessions = sessions

    async def handle(self, request: Request) -> Response:
        """Answer a request as the function says, or as Lambda does where the function can't."""
        request_id = self._ids.uuid()
        host = read_host(request.header(b"host"))
        try:
            response = _missing() if host is None else await self._answer(request, host, request_id)
        except BodyIncompleteError:
            raise
        except BodyTooLargeError:
            response = _refusal(413, "RequestTooLargeException", "Request Entity Too Large")
        except Exception:  # noqa: BLE001 - answered as Lambda answers what went wrong inside, and logged
            _log.exception("%s %s%s failed", request.method, request.header(b"host"), request.raw_path)
            response = _failed()
        response.headers.append((b"x-amzn-RequestId", request_id.encode()))
        return response

    async def _answer(self, request: Request, host: UrlHost, request_id: str) -> Response:
        try:
            url = await self._store.read(urls.find_by_id, host.number)
        except UrlNotFoundError:
            return _missing()
        _realm, account, region = url.scope.split("/")
        if region != host.region:
            return _missing()
        cors = url.config.cors
        if cors is not None and is_preflight(request):
            return preflight(cors, request)
        name = FunctionName(account, region, url.name, url.qualifier or None)
        response = await self._invoke(request, url, name, host, request_id)
        if cors is not None:
            share(cors, request, response)
        return response

    async def _invoke(
        self, request: Request, url: FunctionUrl, name: FunctionName, host: UrlHost, request_id: str
    ) -> Response:
        caller = None
        if url.config.signed:
            caller = await self._caller(request)
            if caller is None:
                return _refusal(403, "AccessDeniedException", "Forbidden")
        body = await request.read(BODY_BYTES_MAX)
        now_us = self._clock.now()
        trace_id = f"Root=1-{now_us // SECOND_US:08x}-{self._ids.hex(12)}"
        event = event_of(request, body, host, request_id, trace_id, now_us, caller)
        try:
            function = await self._store.read(versions.find, name.key, name.target, self._ids.jitter(0, 1))
            invocation = Invocation(request_id, event, name.context)
            if url.config.streamed:
                return await streamed_response(self._invoker.stream(function, invocation))
            outcome = await self._invoker.run(function, invocation)
        except FunctionNotFoundError:
            return _missing()
        except BusyError:
            return _refusal(429, "TooManyRequestsException", "Rate Exceeded.")
        except UnusableResponseError:
            return _failed()
        if outcome.ended is not Ended.OK:
            return _failed()
        try:
            return response_of(outcome.payload)
        except UnusableResponseError:
            return _failed()

    async def _caller(self, request: Request) -> Caller | None:
        """Return who signed a request; None for one that isn't signed, or with credentials that have expired."""
        try:
            credential = read_credential(request)
            if credential is None:
                return None
            key = credential.access_key
            session = await self._sessions.find(key)
        except (IncompleteSignatureError, SessionRefusedError):
            return None
        if session is not None:
            account = account_of(session.scope)
        else:
            account = key if len(key) == _ACCOUNT_DIGITS and key.isdecimal() else DEFAULT_ACCOUNT
        return Caller(account, key, subject_of(account, session))


def _missing() -> Response:
    return Response(404, [(b"Content-Type", b"application/json")], b'{"Message":null}')


def _failed() -> Response:
    return Response(502, [(b"Content-Type", b"application/json")], b"Internal Server Error")


def _refusal(status: int, code: str, message: str) -> Response:
    fields = [(b"Content-Type", b"application/json"), (b"x-amzn-ErrorType", code.encode())]
    return Response(status, fields, msgspec.json.encode({"Message": message}))
