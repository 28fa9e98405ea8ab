"""AWS Lambda's Invoke: synchronous, queued, or a dry run; and what a function's failure looks like."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import TRACE_ID, Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_.errors import invalid, looping, throttled
from fogbank.clouds.aws.lambda_.finding import find_version
from fogbank.clouds.aws.lambda_.names import LATEST, read_name
from fogbank.connectors.invoker import LoopError
from fogbank.engines.functions import invocations
from fogbank.engines.functions.model import QueuedInvocation
from fogbank.runtimes.lambda_runtime_api.report import describe_end
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.runtimes.model import Outcome

PAYLOAD_BYTES_MAX: Final = 6_291_556
# AWS Lambda Developer Guide, "Lambda quotas": 1 MB for asynchronous invocations.
ASYNC_PAYLOAD_BYTES_MAX: Final = 1_048_576
CONTEXT_BYTES_MAX: Final = 3_583
LOG_TAIL_BYTES: Final = 4_096
_RESPONSE_BYTES_MAX: Final = 6_291_556


class Invoke(Input):
    """Input of Invoke."""

    FunctionName: str
    InvocationType: str | None = None
    LogType: str | None = None
    ClientContext: str | None = None
    Payload: bytes | None = None
    Qualifier: str | None = None


@operation(Invoke)
async def invoke(lambda_: Lambda, call: Call, request: Invoke) -> Reply:
    """Invoke a function; what it reports or how it fails is a successful reply with FunctionError."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    function = await find_version(lambda_, name, lambda_.ids.jitter(0, 1))
    event = request.Payload or b"{}"
    kind = request.InvocationType or "RequestResponse"
    check_event(event, ASYNC_PAYLOAD_BYTES_MAX if kind == "Event" else PAYLOAD_BYTES_MAX)
    context = {**name.context, **client_context(request.ClientContext)}
    if call.trace:
        context[TRACE_ID] = call.trace
    if kind == "DryRun":
        return {"StatusCode": 204}
    if kind == "Event":
        queued = QueuedInvocation(
            call.request_id,
            function.scope,
            function.name,
            event,
            lambda_.clock.now(),
            context=context,
            qualifier=name.target,
        )
        await lambda_.store.run(invocations.enqueue, lambda_.ids.sequence(), queued)
        return {"StatusCode": 202}
    try:
        outcome = await lambda_.invoker.run(function, Invocation(call.request_id, event, context))
    except BusyError:
        raise throttled(reserved=function.config.concurrency_max is not None) from None
    except LoopError:
        raise looping() from None
    reply: dict[str, Any] = {
        "StatusCode": 200,
        "ExecutedVersion": function.version or LATEST,
        "Payload": payload(call.request_id, outcome),
    }
    if outcome.ended is not Ended.OK:
        reply["FunctionError"] = "Unhandled"
    if request.LogType == "Tail":
        reply["LogResult"] = log_tail(outcome)
    return reply


def payload(request_id: str, outcome: Outcome) -> bytes:
    """Return the body of the reply: the function's response, or the error as Lambda words it."""
    ended = outcome.ended
    if ended in (Ended.OK, Ended.ERROR, Ended.INIT_ERROR):
        return outcome.payload
    if ended is Ended.TOO_LARGE:
        message = f"Response payload size exceeded maximum allowed payload size ({_RESPONSE_BYTES_MAX} bytes)."
        return _error("Function.ResponseSizeTooLarge", message)
    if ended is Ended.LAUNCH:
        return _error("Runtime.LaunchError", f"RequestId: {request_id} Error: {outcome.payload.decode()}")
    kind = "Sandbox.Timedout" if ended is Ended.TIMEOUT else "Runtime.ExitError"
    return _error(kind, describe_end(request_id, outcome))


def _error(kind: str, message: str) -> bytes:
    return msgspec.json.encode({"errorType": kind, "errorMessage": message})


def check_event(event: bytes, limit: int) -> None:
    """Refuse what is too long for an event, or isn't JSON."""
    if len(event) > limit:
        raise AwsError(
            "RequestTooLargeException",
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
            413,
        )
    try:
        msgspec.json.decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AwsError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {error}",
        ) from None


def client_context(encoded: str | None) -> dict[str, str]:
    """Return the context header for the runtime, which gets the JSON that the caller encoded."""
    if not encoded:
        return {}
    if len(encoded) > CONTEXT_BYTES_MAX:
        raise invalid(f"The client context is longer than {CONTEXT_BYTES_MAX} bytes.")
    try:
        decoded = b64decode(encoded, validate=True)
        msgspec.json.decode(decoded)
    except (Base64Error, msgspec.DecodeError, ValueError):
        message = "Client context must be a valid Base64-encoded JSON object."
        raise AwsError("InvalidRequestContentException", message) from None
    return {"Lambda-Runtime-Client-Context": decoded.decode()}


def log_tail(outcome: Outcome) -> str:
    """Return the end of an invocation's log, in Base64."""
    text = "".join(line.text if line.text.endswith("\n") else line.text + "\n" for line in outcome.lines)
    return b64encode(text.encode()[-LOG_TAIL_BYTES:]).decode()


OPERATIONS: Final = (invoke,)
