"""AWS Lambda's InvokeWithResponseStream: the response as events, while the function still works.

AWS Lambda API Reference, "InvokeWithResponseStream". What a function doesn't stream is one chunk, an error included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import TRACE_ID, Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_.errors import looping, throttled
from fogbank.clouds.aws.lambda_.finding import find_version
from fogbank.clouds.aws.lambda_.invoking.invocation import (
    PAYLOAD_BYTES_MAX,
    check_event,
    client_context,
    log_tail,
    payload,
)
from fogbank.clouds.aws.lambda_.names import LATEST, read_name
from fogbank.connectors.invoker import LoopError
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError
from fogbank.wire.aws.event_stream import BYTES, CONTENT_TYPE, JSON, write_event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.runtimes.streams.streamed import Streamed


class InvokeWithResponseStream(Input):
    """Input of InvokeWithResponseStream."""

    FunctionName: str
    InvocationType: str | None = None
    LogType: str | None = None
    ClientContext: str | None = None
    Payload: bytes | None = None
    Qualifier: str | None = None


@operation(InvokeWithResponseStream)
async def invoke_with_response_stream(lambda_: Lambda, call: Call, request: InvokeWithResponseStream) -> Reply:
    """Invoke a function and stream what it answers; its failure is told by the last event."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    function = await find_version(lambda_, name, lambda_.ids.jitter(0, 1))
    event = request.Payload or b"{}"
    check_event(event, PAYLOAD_BYTES_MAX)
    context = {**name.context, **client_context(request.ClientContext)}
    if call.trace:
        context[TRACE_ID] = call.trace
    if request.InvocationType == "DryRun":
        return {"StatusCode": 204}
    streamed = lambda_.invoker.stream(function, Invocation(call.request_id, event, context))
    try:
        await streamed.begun()
    except BusyError:
        raise throttled(reserved=function.config.concurrency_max is not None) from None
    except LoopError:
        raise looping() from None
    return {
        "StatusCode": 200,
        "ExecutedVersion": function.version or LATEST,
        "ResponseStreamContentType": CONTENT_TYPE,
        "EventStream": _Events(streamed, call.request_id, tail=request.LogType == "Tail"),
    }


class _Events:
    """The bytes of the events of one invocation."""

    def __init__(self, streamed: Streamed, request_id: str, *, tail: bool) -> None:
        self._streamed = streamed
        self._request_id = request_id
        self._tail = tail
        self._events = self._write()

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._events)

    async def aclose(self) -> None:
        """Let the function go on without us."""
        self._streamed.leave()
        await self._events.aclose()

    async def _write(self) -> AsyncGenerator[bytes]:
        async for part in self._streamed.parts():
            yield write_event("PayloadChunk", part, BYTES)
        outcome = await self._streamed.outcome()
        last: dict[str, str] = {}
        if outcome.ended is not Ended.OK:
            error = payload(self._request_id, outcome)
            if outcome.streamed is None:
                yield write_event("PayloadChunk", error, BYTES)
            last = {"ErrorCode": "Unhandled", "ErrorDetails": error.decode("utf-8", "replace")}
        if self._tail:
            last["LogResult"] = log_tail(outcome)
        yield write_event("InvokeComplete", msgspec.json.encode(last), JSON)


OPERATIONS: Final = (invoke_with_response_stream,)
