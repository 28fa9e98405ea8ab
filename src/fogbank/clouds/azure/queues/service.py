"""Queue Storage's operations by method and path ("Queue Storage REST API"); every other one is refused by name."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.azure.queues import access, messages, queues, service_properties
from fogbank.clouds.azure.storage import accounts, sas, shared_key
from fogbank.clouds.azure.storage.calls import read_call
from fogbank.clouds.azure.storage.errors import StorageError, error_body, invalid_value, not_authentic, unsupported
from fogbank.clouds.azure.storage.sas import Needs
from fogbank.engines.identity.keyed_resources import KeyedResourceNotFoundError
from fogbank.engines.messaging.errors import (
    HandleInvalidError,
    LeaseNotHeldError,
    MessageGoneError,
    QueueNotFoundError,
)
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import StoreUnavailableError
from fogbank.wire.http import BodyIncompleteError, BodyTooLargeError, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.wire.http import Request

_log = logging.getLogger(__name__)


class Operation(NamedTuple):
    """What runs an operation, and what a shared access signature must allow for it."""

    run: Callable[[Parts, StorageCall], Coroutine[object, object, Response]]
    needs: Needs


_GET_METADATA: Final = Operation(queues.get_metadata, Needs("c", "r", "r"))
_GET_ACL: Final = Operation(access.get_acl, Needs())
OPERATIONS: Final = {
    ("GET", "service", "list"): Operation(queues.list_queues, Needs("s", "l")),
    ("GET", "service", "properties"): Operation(service_properties.get_properties, Needs("s", "r")),
    ("PUT", "service", "properties"): Operation(service_properties.set_properties, Needs("s", "w")),
    ("GET", "service", "stats"): Operation(service_properties.get_stats, Needs("s", "r")),
    ("PUT", "queue", ""): Operation(queues.create_queue, Needs("c", "cw")),
    ("DELETE", "queue", ""): Operation(queues.delete_queue, Needs("c", "d")),
    ("GET", "queue", "metadata"): _GET_METADATA,
    ("HEAD", "queue", "metadata"): _GET_METADATA,
    ("PUT", "queue", "metadata"): Operation(queues.set_metadata, Needs("c", "w")),
    ("GET", "queue", "acl"): _GET_ACL,
    ("HEAD", "queue", "acl"): _GET_ACL,
    ("PUT", "queue", "acl"): Operation(access.set_acl, Needs()),
    ("POST", "messages", ""): Operation(messages.put_message, Needs("o", "a", "a")),
    ("GET", "messages", ""): Operation(messages.get_messages, Needs("o", "p", "p")),
    ("GET", "messages", "peek"): Operation(messages.peek_messages, Needs("o", "r", "r")),
    ("DELETE", "messages", ""): Operation(messages.clear_messages, Needs("o", "d")),
    ("PUT", "message", ""): Operation(messages.update_message, Needs("o", "u", "u")),
    ("DELETE", "message", ""): Operation(messages.delete_message, Needs("o", "dp", "p")),
}
_READING: Final = frozenset({"GET", "HEAD"})
_NOT_FOUND: Final = StorageError(404, "QueueNotFound", "The specified queue does not exist.")
# What the engine refuses, in Azure's words.
_REFUSALS: Final = (
    (QueueNotFoundError, _NOT_FOUND),
    (MessageGoneError, StorageError(404, "MessageNotFound", "The specified message does not exist.")),
    (
        (LeaseNotHeldError, HandleInvalidError),
        StorageError(
            400,
            "PopReceiptMismatch",
            "The specified pop receipt did not match the pop receipt for a dequeued message.",
        ),
    ),
)


async def handle(parts: Parts, request: Request, host: str) -> Response:
    """Answer a request."""
    number = parts.ids.request()
    headers = [
        (b"Cache-Control", b"no-cache"),
        (b"Server", b"Windows-Azure-Queue/1.0 Microsoft-HTTPAPI/2.0"),
        (b"x-ms-request-id", number.encode()),
    ]
    client = request.headers.get(b"x-ms-client-request-id")
    if client is not None and len(client) <= 1024:
        headers.append((b"x-ms-client-request-id", client))
    version = request.headers.get(b"x-ms-version", b"2026-02-06")
    headers.append((b"x-ms-version", version))
    try:
        response = await _run(parts, request, host)
    except BodyIncompleteError:
        raise
    except StorageError as error:
        response = _refusal(parts, error, number)
    except BodyTooLargeError as error:
        response = _refusal(parts, messages.too_large(error.limit), number)
    except StoreUnavailableError as error:
        _log.error("the store is unavailable: %s", error)
        response = _refusal(parts, StorageError(503, "ServerBusy", f"The store is unavailable: {error}"), number)
    except Exception as error:  # noqa: BLE001 - answered, and logged unless the engine refuses
        response = _refusal(parts, _worded(request, error), number)
    if request.method == "HEAD":
        response = Response(response.status, response.headers)
    response.headers += headers
    return response


async def _run(parts: Parts, request: Request, host: str) -> Response:
    call = read_call(request, host)
    operation = _operation(call)
    await _authorize(parts, call, operation.needs)
    if call.secondary and request.method not in _READING:
        raise StorageError(
            403, "InsufficientAccountPermissions", "Write operations are not allowed against the secondary."
        )
    return await operation.run(parts, call)


def _operation(call: StorageCall) -> Operation:
    query, path, method = call.query, call.path, call.request.method
    comp = query.get("comp", "")
    what = ("service", "queue", "messages", "message")[min(len(path), 3)]
    if len(path) > 3 or (len(path) > 1 and path[1].lower() != "messages"):
        raise StorageError(400, "InvalidUri", "The requested URI does not represent any resource on the server.")
    restype = query.get("restype", "")
    if restype and restype != "service":
        raise unsupported(f"restype={restype}: of Azure Storage there are queues")
    if what == "service" and comp in ("properties", "stats") and restype != "service":
        raise invalid_value("comp", comp)
    if what == "messages" and method == "GET" and query.get("peekonly", "false").lower() == "true":
        comp = "peek"
    operation = OPERATIONS.get((method, what, comp))
    if operation is not None:
        return operation
    if method == "OPTIONS":
        raise unsupported("cross-origin resource sharing (CORS)")
    if comp and not any(known[1:] == (what, comp) for known in OPERATIONS):
        raise invalid_value("comp", comp)
    raise StorageError(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")


async def _authorize(parts: Parts, call: StorageCall, needs: Needs) -> None:
    """Raise the error for a request that nobody may send who has no key of the account; tokens aren't verified."""
    request = call.request
    scheme, _, credential = request.header(b"authorization").partition(" ")
    try:
        account = await accounts.find(parts.store, call.account)
    except KeyedResourceNotFoundError:
        message = f"The storage account '{call.account}' does not exist on this server."
        raise StorageError(404, "ResourceNotFound", message) from None
    if scheme in ("SharedKey", "SharedKeyLite"):
        name, _, signature = credential.partition(":")
        if name != account.name:
            raise not_authentic(f"The account '{name}' is not the one that the request is for.")
        shared_key.check(request, account.name, account.keys, scheme, signature)
    elif scheme == "Bearer":
        return
    elif "sig" not in call.query:
        raise StorageError(
            401,
            "NoAuthenticationInformation",
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate"
            " header.",
        )
    elif "ss" in call.query:
        sas.check_account(call, account.keys, needs, parts.clock.now())
    else:
        policies = await access.policies_of(parts, call) if "si" in call.query and call.path else {}
        sas.check_service(call, account.keys, needs, parts.clock.now(), policies)


def _worded(request: Request, error: Exception) -> StorageError:
    for kinds, worded in _REFUSALS:
        if isinstance(error, kinds):
            return worded
    _log.error("%s %s failed", request.method, request.raw_path, exc_info=error)
    return StorageError(500, "InternalError", "The server encountered an internal error. Please retry the request.")


def _refusal(parts: Parts, error: StorageError, number: str) -> Response:
    time = datetime.fromtimestamp(parts.clock.now() / SECOND_US, UTC)
    headers = [(b"Content-Type", b"application/xml"), (b"x-ms-error-code", error.code.encode())]
    if error.status == 401:
        headers.append((b"WWW-Authenticate", b"SharedKey"))
    return Response(error.status, headers, error_body(error, number, f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"))
