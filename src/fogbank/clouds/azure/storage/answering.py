"""How Azure Storage's services answer: the headers of every answer, and what becomes of errors."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from fogbank.clouds.azure.storage.errors import StorageError, body_too_large, error_body
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import StoreUnavailableError
from fogbank.wire.http import BodyIncompleteError, BodyTooLargeError, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Request

_log = logging.getLogger(__name__)


class Form(NamedTuple):
    """A service's own form: what it calls itself, its words for what engines refuse, how it writes refusals.

    `refuse` is given the request, the error, the request's id and the time.
    """

    server: bytes
    refusals: Sequence[tuple[type[Exception] | tuple[type[Exception], ...], StorageError]]
    refuse: Callable[[Request, StorageError, str, str], Response]


async def answer(parts: Parts, request: Request, form: Form, work: Awaitable[Response]) -> Response:
    """Answer a request with what `work` makes of it."""
    number = parts.ids.request()
    headers = [
        (b"Cache-Control", b"no-cache"),
        (b"Server", form.server),
        (b"x-ms-request-id", number.encode()),
    ]
    client = request.headers.get(b"x-ms-client-request-id")
    if client is not None and len(client) <= 1024:
        headers.append((b"x-ms-client-request-id", client))
    headers.append((b"x-ms-version", request.headers.get(b"x-ms-version", b"2026-02-06")))
    try:
        response = await work
    except BodyIncompleteError:
        raise
    except Exception as error:  # noqa: BLE001 - answered, and logged unless the engine refuses
        response = form.refuse(request, worded(request, form, error), number, told_time(parts))
    if request.method == "HEAD":
        response = Response(response.status, response.headers)
    response.headers += headers
    return response


def told_time(parts: Parts) -> str:
    """Return the time as errors tell it."""
    return f"{datetime.fromtimestamp(parts.clock.now() / SECOND_US, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def worded(request: Request, form: Form, error: Exception) -> StorageError:
    """Return an error in the service's words; what nobody worded is logged."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, BodyTooLargeError):
        return body_too_large(error.limit)
    if isinstance(error, StoreUnavailableError):
        _log.error("the store is unavailable: %s", error)
        return StorageError(503, "ServerBusy", f"The store is unavailable: {error}")
    for kinds, found in form.refusals:
        if isinstance(error, kinds):
            return found
    _log.error("%s %s failed", request.method, request.raw_path, exc_info=error)
    return StorageError(500, "InternalError", "The server encountered an internal error. Please retry the request.")


def refusal_headers(error: StorageError, content: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers of a refusal."""
    headers = [(b"Content-Type", content), (b"x-ms-error-code", error.code.encode())]
    if error.status == 401:
        headers.append((b"WWW-Authenticate", b"SharedKey"))
    return headers


def refuse_in_xml(_request: Request, error: StorageError, number: str, time: str) -> Response:
    """Return an error's response in XML."""
    return Response(error.status, refusal_headers(error, b"application/xml"), error_body(error, number, time))
