"""Queue Storage's operations by method and path ("Queue Storage REST API"); every other one is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.azure.queues import access, messages, queues
from fogbank.clouds.azure.storage import service_properties
from fogbank.clouds.azure.storage.answering import Form, answer, refuse_in_xml
from fogbank.clouds.azure.storage.authorizing import authorize
from fogbank.clouds.azure.storage.calls import QUEUE, read_call
from fogbank.clouds.azure.storage.errors import StorageError, invalid_value, unsupported
from fogbank.clouds.azure.storage.sas import Needs
from fogbank.engines.messaging.errors import (
    HandleInvalidError,
    LeaseNotHeldError,
    MessageGoneError,
    QueueNotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.wire.http import Request, Response


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


_FORM: Final = Form(b"Windows-Azure-Queue/1.0 Microsoft-HTTPAPI/2.0", _REFUSALS, refuse_in_xml)


async def handle(parts: Parts, request: Request, host: str) -> Response:
    """Answer a request."""
    return await answer(parts, request, _FORM, _run(parts, request, host))


async def _run(parts: Parts, request: Request, host: str) -> Response:
    call = read_call(request, host, QUEUE)
    operation = _operation(call)
    await authorize(parts, call, operation.needs, access.policies_of)
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
